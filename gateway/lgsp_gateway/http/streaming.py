"""Answers that are sent piece by piece, for as long as somebody reads: exports and server-sent events.

Each holds a connection and some memory for minutes or days, so there are only so many, of one reader and in all. One that does not
read is cut off by its connection (`send_seconds`): what it was sent is in no way lost, since it says where it was when it comes
back. Nothing between holds a piece back.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from aiohttp import hdrs, web

from lgsp_gateway.http.routes import CALLER_AUTHENTICATOR
from lgsp_problems import Refusal

EVENT_STREAM = "text/event-stream"


class StreamLimiter:
    """Who reads such an answer now.

    Args:
        total: such answers at the same time. Each has at most 4 MB of evidence in memory, and 64 KB that its reader has not taken.
        each: of one system.
    """

    def __init__(self, total: int, each: int) -> None:
        self._total, self._each = total, each
        self._reading: list[tuple[web.Request, str]] = []

    @contextmanager
    def one(self, request: web.Request, reader: str) -> Iterator[None]:
        """Be one of them.

        Raises:
            Refusal: `too-many-streams`.
        """
        # Whoever has gone is noticed when the next piece is sent, which can take a while: it does not count any more.
        there = [name for one, name in self._reading if one.transport and not one.transport.is_closing()]
        if len(there) >= self._total or there.count(reader) >= self._each:
            raise Refusal(
                "too-many-streams",
                vi=f"Đang có quá nhiều luồng được đọc cùng lúc (tối đa {self._each} của một hệ thống, {self._total} tại một gateway); hãy đóng bớt rồi thử lại.",
                en=f"Too many streams are read at the same time (at most {self._each} of one system, {self._total} at one gateway); close one and try again.",
                retry_after=30,
            )
        self._reading.append((request, reader))
        try:
            yield
        finally:
            self._reading = [one for one in self._reading if one[0] is not request]


STREAM_LIMITER = web.AppKey("readers", StreamLimiter)


class AccessRevokedError(Exception):
    """Whoever reads was let in, and would not be now: a token was ended, its key removed, a role taken away."""


class StreamedResponse:
    """An answer whose head has been sent. Nothing more follows where the caller asked for the head alone."""

    def __init__(self, response: web.StreamResponse, may_read: Callable[[], bool], *, head_only: bool) -> None:
        self.response = response
        self._may_read = may_read
        self.head_only = head_only

    async def write(self, piece: bytes) -> None:
        """Send a piece, at the pace of whoever reads.

        Raises:
            ConnectionError: nobody reads any more, or not fast enough.
            AccessRevokedError: whoever reads may not any more.
        """
        if not self._may_read():
            raise AccessRevokedError
        await self.response.write(piece)


@asynccontextmanager
async def open_stream(
    request: web.Request, media: str, reader: str, headers: Mapping[str, str] | None = None
) -> AsyncIterator[StreamedResponse]:
    """Send an answer piece by piece. That its reader goes away ends it, and is no error. Where the reader may not read any more, the
    connection is closed, so that nobody takes what was sent for the whole.

    Args:
        reader: whose answers are counted together.

    Raises:
        Refusal: `too-many-streams`.
    """
    with request.app[STREAM_LIMITER].one(request, reader), contextlib.suppress(ConnectionError):
        response = web.StreamResponse(headers={"Content-Type": media, **unbuffered_headers(), **(headers or {})})
        await response.prepare(request)
        callers = request.app[CALLER_AUTHENTICATOR]
        try:
            yield StreamedResponse(
                response, partial(callers.is_still_valid, request), head_only=request.method == hdrs.METH_HEAD
            )
        except AccessRevokedError:
            if request.transport:
                request.transport.abort()


def unbuffered_headers() -> dict[str, str]:
    """Keep proxies from collecting (nginx: `X-Accel-Buffering`) and from keeping what passes."""
    return {hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"}
