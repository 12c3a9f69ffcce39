"""`/evidence/entries`: what was written down, for auditors, as it is written (server-sent events).

Each event is one entry; its id is the number of its group, so a client that comes back with `Last-Event-ID` misses none
(those of the last group it saw may come again).
"""

import asyncio
import contextlib
from contextlib import aclosing

from aiohttp import web
from nats.aio.client import Client

from lgsp_gateway.evidence import group_consumer, stream
from lgsp_gateway.web.callers import Callers
from lgsp_problems import Refusal
from lgsp_process.background import Stopped, until

AUDITOR = "auditor"


class Evidence:
    """The door for auditors."""

    def __init__(self, callers: Callers, connection: Client, stopping: asyncio.Event) -> None:
        self._callers = callers
        self._connection = connection
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the path."""
        app.router.add_get("/evidence/entries", self._entries)

    async def _entries(self, request: web.Request) -> web.StreamResponse:
        await self._callers.with_role(request, AUDITOR)
        after = await self._after(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        copying = self._copy(response, after, follow=request.query.get("follow") == "true")
        with contextlib.suppress(Stopped, ConnectionError):
            await until(self._stopping.wait(), copying)
        return response

    async def _after(self, request: web.Request) -> int:
        """The group after which to begin: what the client names, or what leaves the newest `last` groups."""
        try:
            named = request.headers.get("Last-Event-ID") or request.query.get("after")
            if named is not None:
                return max(0, int(named))
            last = int(request.query.get("last", 10))
        except ValueError:
            raise Refusal(
                "malformed",
                vi="after, last và Last-Event-ID phải là số nguyên.",
                en="after, last and Last-Event-ID must be integers; correct the request.",
            ) from None
        return max(0, await stream.last_sequence(self._connection) - max(0, last))

    async def _copy(self, response: web.StreamResponse, after: int, *, follow: bool) -> None:
        async with aclosing(group_consumer.read(self._connection, after, follow=follow)) as groups:
            async for group in groups:
                for line in group.entries:
                    await response.write(b"id: %d\ndata: %b\n\n" % (group.sequence, line))
