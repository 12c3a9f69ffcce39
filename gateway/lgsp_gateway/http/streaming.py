"""Answers that are sent piece by piece, for as long as somebody reads: exports and server-sent events.

Each holds a connection and some memory for minutes or days, so there are only so many, of one reader and in all. One that does not
read is cut off by its connection (`send_seconds`): what it was sent is in no way lost, since it says where it was when it comes
back. Nothing between holds a piece back.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from aiohttp import hdrs, web

from lgsp_problems import Refusal

EVENTS = "text/event-stream"
MOST = 64
"""Answers at the same time at one gateway. Each has at most 4 MB of evidence in hand, and 64 KB that its reader has not taken."""
MOST_OF_ONE = 8
"""Of one system: a dashboard has three."""


class Readers:
    """Who reads such an answer now."""

    def __init__(self) -> None:
        self._reading: list[tuple[web.Request, str]] = []

    @contextmanager
    def one(self, request: web.Request, reader: str) -> Iterator[None]:
        """Be one of them.

        Raises:
            Refusal: `too-many-streams`.
        """
        # Whoever has gone is noticed when the next piece is sent, which can take a while: it does not count any more.
        there = [name for one, name in self._reading if one.transport and not one.transport.is_closing()]
        if len(there) >= MOST or there.count(reader) >= MOST_OF_ONE:
            raise Refusal(
                "too-many-streams",
                vi=f"Đang có quá nhiều luồng được đọc cùng lúc (tối đa {MOST_OF_ONE} của một hệ thống, {MOST} tại một gateway); hãy đóng bớt rồi thử lại.",
                en=f"Too many streams are read at the same time (at most {MOST_OF_ONE} of one system, {MOST} at one gateway); close one and try again.",
                retry_after=30,
            )
        self._reading.append((request, reader))
        try:
            yield
        finally:
            self._reading = [one for one in self._reading if one[0] is not request]


READERS = web.AppKey("readers", Readers)


class Pieces:
    """An answer whose head has been sent. Nothing more follows where the caller asked for the head alone."""

    def __init__(self, response: web.StreamResponse, *, head_alone: bool) -> None:
        self.response = response
        self.head_alone = head_alone

    async def write(self, piece: bytes) -> None:
        """Send a piece, at the pace of whoever reads.

        Raises:
            ConnectionError: nobody reads any more, or not fast enough.
        """
        await self.response.write(piece)


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
    with request.app[READERS].one(request, reader), contextlib.suppress(ConnectionError):
        response = web.StreamResponse(headers={"Content-Type": media, **unbuffered(), **(headers or {})})
        await response.prepare(request)
        yield Pieces(response, head_alone=request.method == hdrs.METH_HEAD)


def unbuffered() -> dict[str, str]:
    """Keep proxies from collecting (nginx: `X-Accel-Buffering`) and from keeping what passes."""
    return {hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"}
