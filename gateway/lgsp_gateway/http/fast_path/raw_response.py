"""The answer to a call, written to the connection in one piece.

Why not `web.Response`: it keeps its headers in a dictionary, prepares them by a dozen steps and signals and writes twice,
17 µs of the 40 µs that aiohttp takes for an empty POST (measured; docs/decisions/008). A call's headers are known in
advance, so here they are bytes from the start. aiohttp's connection needs of an answer no more than these three members.
"""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import hdrs, web

_KEEP = b"\r\n"
_CLOSE = b"Connection: close\r\n\r\n"


class WholeAnswer(web.StreamResponse):
    """An answer whose length is known.

    Args:
        head: status line and headers in ASCII, each with its line end, `Content-Length` among them.
        last: the connection ends with it.
    """

    def __init__(self, head: bytes, body: bytes, status: int = 200, *, last: bool = False) -> None:
        # The base class is there for its type: what its own __init__ makes is for headers that are still to be set.
        self._status = status
        self._parts = (head, body)
        self._last = last
        self._kept = False
        self._request: web.BaseRequest | None = None

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes, *, last: bool) -> "WholeAnswer":
        """An answer from its parts.

        Raises:
            ValueError: a header holds a line end.
        """
        block = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if block.count("\n") != len(headers) or block.count("\r") != len(headers):
            raise ValueError("a header holds a line end")
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Length: {len(body)}\r\n{block}"
        return cls(head.encode("latin-1"), body, status, last=last)

    @property
    def keep_alive(self) -> bool:
        """Does the connection stay open?"""
        return self._kept

    def written(self, *, keep: bool) -> bytes:
        """All of it. `keep`: whether the caller may send its next request on the same connection."""
        self._kept = keep and not self._last
        head, body = self._parts
        return b"%b%b%b" % (head, _KEEP if self._kept else _CLOSE, body)

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write all of it."""
        if request.transport is None:
            raise ConnectionResetError("the caller has gone")
        self._request = request
        written = self.written(keep=request.version >= (1, 1) and request.keep_alive)
        if request.method == hdrs.METH_HEAD:  # RFC 9110, section 9.3.2: the length of the body, and no body
            written = written[: len(written) - len(self._parts[1])]
        request.transport.write(written)

    async def write_eof(self, data: bytes = b"") -> None:
        """Wait where the caller reads slower than it asks."""
        if self._request is not None:
            await self._request.writer.drain()
