"""The answer to a call, written to the connection in one piece.

Why not `web.Response`: it keeps its headers in a dictionary, prepares them by a dozen steps and signals and writes twice,
17 µs of the 40 µs that aiohttp takes for an empty POST (measured; docs/decisions/008). A call's headers are known in
advance, so here they are bytes from the start. aiohttp's connection still does all the rest: it parses, times out, drains and
keeps alive, and needs of an answer no more than these three members.
"""

from aiohttp import web

_CLOSE = b"Connection: close\r\n\r\n"
_KEEP = b"\r\n"


class WholeAnswer(web.StreamResponse):
    """An answer whose length is known.

    Args:
        head: status line and headers in ASCII, each with its line end, `Content-Length` among them.
    """

    def __init__(self, head: bytes, body: bytes) -> None:
        # The base class is there for its type: what its own __init__ makes is for headers that are still to be set.
        self._parts = (head, body)
        self._kept = False
        self._request: web.BaseRequest | None = None

    @property
    def keep_alive(self) -> bool:
        """Does the connection stay open?"""
        return self._kept

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write all of it."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the caller has gone")
        self._request = request
        self._kept = request.version >= (1, 1) and request.keep_alive
        head, body = self._parts
        transport.write(b"%b%b%b" % (head, _KEEP if self._kept else _CLOSE, body))

    async def write_eof(self, data: bytes = b"") -> None:
        """Wait where the caller reads slower than it asks."""
        if self._request is not None:
            await self._request.writer.drain()
