"""Streamed responses, sent piece by piece for as long as a client reads: exports and server-sent events.

Each holds a connection and some memory for minutes or days, so their number is limited, for each client and in all. Those by which
the pages of the console stay live hold little and are many, so they are counted apart: people with open pages keep no program from
its events. A client that does not read is disconnected (`send_seconds`) and loses nothing: it names the last piece that it received
when it comes back. Proxies are told to buffer nothing.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from aiohttp import hdrs, web

from lgsp_gateway.http.authentication import BY_COOKIE
from lgsp_gateway.http.routes import CALLER_AUTHENTICATOR
from lgsp_problems import Refusal

EVENT_STREAM = "text/event-stream"


class StreamLimiter:
    """The limit on streamed responses that are open at the same time.

    Args:
        total: in this gateway. Each holds at most 4 MB of evidence in memory, and 64 KB that its client has not read.
        each: of one reader.
        refusal: says that there are too many, of these limits.
    """

    def __init__(self, total: int, each: int, refusal: Callable[[int, int], Refusal]) -> None:
        self._total, self._each, self._refusal = total, each, refusal
        self._open: list[tuple[web.Request, str]] = []

    @contextmanager
    def slot(self, request: web.Request, reader: str) -> Iterator[None]:
        """Occupy one of the slots while the context is open.

        Args:
            reader: the name of the caller, whose streams are counted together.

        Raises:
            Refusal: `too-many-streams`.
        """
        # A client that has left is noticed only when the next piece is sent, which can take a while: it is not counted.
        readers = [name for one, name in self._open if one.transport and not one.transport.is_closing()]
        if len(readers) >= self._total or readers.count(reader) >= self._each:
            raise self._refusal(self._each, self._total)
        self._open.append((request, reader))
        try:
            yield
        finally:
            self._open = [one for one in self._open if one[0] is not request]


def too_many_streams(each: int, total: int) -> Refusal:
    """Return the refusal of one more export or event stream."""
    return Refusal(
        "too-many-streams",
        vi=f"Đang mở quá nhiều luồng cùng lúc (tối đa {each} cho một hệ thống, {total} tại một gateway); hãy đóng bớt rồi thử lại.",
        en=f"Too many streams are open at the same time (at most {each} for each system, {total} for each gateway); close one and try again.",
        retry_after=30,
    )


def too_many_pages(each: int, total: int) -> Refusal:
    """Return the refusal of one more stream to a page of the console."""
    return Refusal(
        "too-many-streams",
        vi=f"Đang mở quá nhiều trang của bảng điều hành cùng lúc (tối đa {each} cho một người, {total} tại một gateway); hãy đóng bớt trang rồi thử lại.",
        en=f"Too many pages of the console are open at the same time (at most {each} for each person, {total} for each gateway); close some and try again.",
        retry_after=30,
    )


STREAM_LIMITER = web.AppKey("readers", StreamLimiter)
PAGE_LIMITER = web.AppKey("pages", StreamLimiter)
"""Of the streams by which pages of the console stay live."""


class AccessRevokedError(Exception):
    """The reader of a stream has lost access since it began: its token was ended, its key removed, or its role taken away."""


class StreamedResponse:
    """A response whose head has been sent. With `head_only` (a HEAD request) no body follows."""

    def __init__(self, response: web.StreamResponse, may_read: Callable[[], bool], *, head_only: bool) -> None:
        self.response = response
        self._may_read = may_read
        self.head_only = head_only

    async def write(self, piece: bytes) -> None:
        """Send a piece of the body; wait while the client is slow to read.

        Raises:
            ConnectionError: the client has left, or reads too slowly.
            AccessRevokedError: the client has lost access.
        """
        if not self._may_read():
            raise AccessRevokedError
        await self.response.write(piece)


@asynccontextmanager
async def open_stream(
    request: web.Request,
    media: str,
    reader: str,
    headers: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    live_page: bool = False,
) -> AsyncIterator[StreamedResponse]:
    """Open a response that is sent piece by piece, and send its head.

    A client that leaves ends the stream without an error. Where the client loses access, the connection is aborted, so that it does
    not take the part that was sent for the whole.

    Args:
        media: the media type of the body.
        reader: the name of the caller, whose streams are counted together.
        headers: further headers of the response.
        status: of the response.
        live_page: whether pages of the console read it to stay live, and it holds no evidence that waits to be read. To a browser
            with a session it is then one of the streams of pages.

    Raises:
        Refusal: `too-many-streams`.
    """
    limiter = request.app[PAGE_LIMITER if live_page and request.get(BY_COOKIE) else STREAM_LIMITER]
    with limiter.slot(request, reader), contextlib.suppress(ConnectionError):
        response = web.StreamResponse(
            status=status, headers={"Content-Type": media, **unbuffered_headers(), **(headers or {})}
        )
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
    """Return the headers that keep proxies from buffering (nginx: `X-Accel-Buffering`) and from storing a response."""
    return {hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"}
