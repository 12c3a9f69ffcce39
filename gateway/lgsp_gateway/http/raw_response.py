"""A response that is built as bytes, for calls.

Why not `web.Response` for every call: it keeps its headers in a dictionary, prepares them by a dozen steps and signals and writes
twice, 17 µs of the 40 µs that aiohttp takes for an empty POST (measured; docs/decisions/008). A call's headers are known in advance.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web
from multidict import CIMultiDict

_END_OF_HEAD = b"\r\n"
_CLOSE_AND_END_OF_HEAD = b"Connection: close\r\n\r\n"
_STATUS_LINES = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}


class RawResponse(NamedTuple):
    """A response to send on a connection, all of it at once.

    Args:
        status: a code of the IANA registry.
        header_lines: in Latin-1, each with its CRLF; with `Content-Length`, without `Connection`.
        close: whether the connection is closed after it.
    """

    status: int
    header_lines: bytes
    body: bytes
    close: bool = False

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes, *, close: bool) -> "RawResponse":
        """Make a response of a status, headers (name to value) and a body.

        Raises:
            ValueError: a header holds a line end.
        """
        block = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if block.count("\n") != len(headers) or block.count("\r") != len(headers):
            raise ValueError("a header holds a line end")
        return cls(status, f"Content-Length: {len(body)}\r\n{block}".encode("latin-1"), body, close)

    def encode(self, *, keep_alive: bool) -> bytes:
        """Return the response as HTTP/1.1. `keep_alive`: whether the caller may send its next request on the same connection."""
        return b"%b%b%b%b" % (
            _STATUS_LINES[self.status],
            self.header_lines,
            _END_OF_HEAD if keep_alive else _CLOSE_AND_END_OF_HEAD,
            self.body,
        )

    def to_aiohttp(self) -> web.Response:
        """Make the same response for aiohttp to send."""
        lines = self.header_lines.decode("latin-1").split("\r\n")[:-1]
        headers = CIMultiDict([(name, value) for name, _, value in (line.partition(": ") for line in lines)])
        response = web.Response(status=self.status, headers=headers, body=self.body)
        if self.close:
            response.force_close()
        return response
