"""A provider that answers one constant, whatever it is asked: what a bus is measured with."""

from lgsp_adapters.adapter import Adapter, Call, Document

_ANSWER: Document = {"ketQua": "KHOP", "doTinCay": 1.0}
_LARGE: Document = {"noiDung": "x" * 64 * 1024}


class Constant(Adapter):
    """Answers the service `bench`."""

    async def verify(self, request: Document, call: Call) -> Document:
        """The constant."""
        return _ANSWER

    async def copy(self, request: Document, call: Call) -> Document:
        """A document of 64 KiB."""
        return _LARGE
