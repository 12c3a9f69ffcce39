"""The bound on the memory of large bodies: a few of them at a time in one gateway, each until its call is answered.

A body of 16 MiB is in memory some four times while its call lasts: as it was read, as it is sent, and in the buffers of two connections.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from lgsp_gateway.http.request_body import MAX_BODY, read_json
from lgsp_problems import QuotaExceeded

AT_ONCE = 4
WAIT_SECONDS = 10.0


class LargeBodies:
    """The large bodies of one gateway."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def place(self) -> AsyncIterator["Place"]:
        """Open what reads the body of one request; what it takes is given back at the end."""
        place = Place(self._places)
        try:
            yield place
        finally:
            place.leave()


class Place:
    """Reads the body of one request."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._taken = False

    async def read_json(self, request: web.Request, max_body: int) -> bytes:
        """Read the body of a request; one that may be large waits for its turn first.

        Raises:
            Refusal: as `request_body.read_json`; `quota-exceeded`, where its turn does not come in time.
        """
        length = request.content_length
        if max_body > MAX_BODY and (length is None or MAX_BODY < length <= max_body):
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._places.acquire()
            except TimeoutError as error:
                raise QuotaExceeded(
                    vi="Trục đang xử lý nhiều nội dung lớn cùng lúc; hãy thử lại sau ít giây.",
                    en="The bus is handling many large bodies at the same time; try again in a few seconds.",
                    retry_after=5,
                ) from error
            self._taken = True
        return await read_json(request, max_body)

    def leave(self) -> None:
        """Give the place back."""
        if self._taken:
            self._taken = False
            self._places.release()
