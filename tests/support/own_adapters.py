"""Adapters of the kind `python` as an integrator may write them, right and wrong."""

from typing import Any

from lgsp_adapters.adapter import Adapter, Call, Document


class WithoutMethod(Adapter):
    """Does not answer `read`."""


class NotAsync(Adapter):
    """Answers at once, which nobody can wait for."""

    def read(self, request: Document, call: Call) -> Document:
        """The answer."""
        return {"ketQua": "KHOP"}


class WithoutCall(Adapter):
    """Takes the request alone."""

    async def read(self, request: Document) -> Document:
        """The answer."""
        return {"ketQua": "KHOP"}


class Breaks(Adapter):
    """Is wrong about the request."""

    async def read(self, request: dict[str, Any], call: Call) -> Document:
        """The answer."""
        return {"ketQua": request["khongCo"]}


class BreaksEverywhere(Breaks):
    """Is wrong about every request."""

    def method(self, operation: str) -> Any:
        """The method that answers any operation."""
        return self.read
