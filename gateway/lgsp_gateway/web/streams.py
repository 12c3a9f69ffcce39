"""Answers that are sent piece by piece, for as long as somebody reads: exports and server-sent events.

Each holds a connection and some memory for minutes or days, so there are only so many, of one reader and in all. One that does not
read is cut off: what it was sent is in no way lost, since it says where it was when it comes back. Nothing between holds a piece
back.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from aiohttp import hdrs, web

from lgsp_problems import Refusal

EVENTS = "text/event-stream"
MOST = 64
"""Answers at the same time at one gateway. Each has at most 4 MB of evidence in hand, and 64 KB that its reader has not taken."""
MOST_OF_ONE = 8
"""Of one system: a dashboard has three."""
UNREAD_SECONDS = 30.0
"""After which a reader that takes nothing is cut off."""


class ReaderTooSlowError(ConnectionError):
    """A reader took nothing for too long and was cut off."""


class Readers:
    """Who reads such an answer now."""

    def __init__(self) -> None:
        self._readers: Counter[str] = Counter()

    @contextmanager
    def one(self, reader: str) -> Iterator[None]:
        """Be one of them.

        Raises:
            Refusal: `too-many-streams`.
        """
        if self._readers[reader] >= MOST_OF_ONE or self._readers.total() >= MOST:
            raise Refusal(
                "too-many-streams",
                vi=f"Đang có quá nhiều luồng được đọc cùng lúc (tối đa {MOST_OF_ONE} của một hệ thống, {MOST} tại một gateway); hãy đóng bớt rồi thử lại.",
                en=f"Too many streams are read at the same time (at most {MOST_OF_ONE} of one system, {MOST} at one gateway); close one and try again.",
                retry_after=30,
            )
        self._readers[reader] += 1
        try:
            yield
        finally:
            self._readers[reader] -= 1
            if not self._readers[reader]:
                del self._readers[reader]


READERS = web.AppKey("readers", Readers)


class Pieces:
    """An answer whose head has been sent. Nothing more follows where the caller asked for the head alone."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self._request = request
        self.response = response
        self.head_alone = request.method == hdrs.METH_HEAD

    async def write(self, piece: bytes) -> None:
        """Send a piece, at the pace of whoever reads.

        Raises:
            ReaderTooSlowError: nothing was read for `UNREAD_SECONDS`; the connection is closed.
        """
        try:
            async with asyncio.timeout(UNREAD_SECONDS):
                await self.response.write(piece)
        except TimeoutError as error:
            if self._request.transport:
                self._request.transport.abort()
            raise ReaderTooSlowError from error


@asynccontextmanager
async def sent(
    request: web.Request, media: str, reader: str, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Pieces]:
    """Send an answer piece by piece. That its reader goes away ends it, and is no error.

    Args:
        reader: whose answers are counted together.

    Raises:
        Refusal: `too-many-streams`.
    """
    with request.app[READERS].one(reader), contextlib.suppress(ConnectionError):
        response = web.StreamResponse(headers={"Content-Type": media, **unbuffered(), **(headers or {})})
        await response.prepare(request)
        yield Pieces(request, response)


def unbuffered() -> dict[str, str]:
    """Keep proxies from collecting (nginx: `X-Accel-Buffering`) and from keeping what passes."""
    return {hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"}
