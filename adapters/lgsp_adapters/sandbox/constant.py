"""A provider that answers one constant, whatever it is asked: what a bus is measured with."""

from lgsp_adapters.adapter import Adapter, Call, Document

_ANSWER: Document = {"ketQua": "KHOP", "doTinCay": 1.0}


class Constant(Adapter):
    """Answers the service `bench`."""

    async def verify(self, request: Document, call: Call) -> Document:
        """The constant."""
        return _ANSWER
