"""`/evidence/entries`: what was written down, for auditors, as it is written (server-sent events).

Each event is one entry; its id is the number of its group, so a client that comes back with `Last-Event-ID` misses none
(those of the last group it saw may come again).
"""

import asyncio
import contextlib
from contextlib import aclosing

from aiohttp import web
from nats.aio.client import Client

from lgsp_gateway.api.schemas import TEXT
from lgsp_gateway.evidence.read import batch_consumer, entry_stream
from lgsp_gateway.http import streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import boolean_parameter, integer_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.streaming import StreamedResponse
from lgsp_runtime.background import Stopped, run_until

AUDITOR = "auditor"
LAST_NUMBER = 2**53 - 1
"""Of groups and entries: what every JSON parser reads exactly."""

AFTER = integer_parameter("after", "the number of the group after which to begin", 0, LAST_NUMBER, None)
LAST = integer_parameter("last", "how many groups back to begin, where nothing else says", 0, LAST_NUMBER, 10)
FOLLOW = boolean_parameter("follow", "whether to wait for what comes, for ever")
LAST_EVENT = integer_parameter(
    "Last-Event-ID", "the id of the last event that was seen", 0, LAST_NUMBER, None, location="header"
)

ENTRIES = Route(
    "GET",
    "/evidence/entries",
    "followEntries",
    "Read entries of the evidence as they are written, as server-sent events",
    "token",
    {
        200: ResponseSpec(
            "An event for each entry: `data` is an Entry, `id` the number of its group", {streaming.EVENT_STREAM: TEXT}
        )
    },
    roles=(AUDITOR,),
    parameters=(AFTER, LAST, FOLLOW, LAST_EVENT),
    tag="evidence",
)


class EvidenceStreamRoutes:
    """The door for auditors."""

    def __init__(self, callers: CallerAuthenticator, connection: Client, stopping: asyncio.Event) -> None:
        self._callers = callers
        self._connection = connection
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the path."""
        add_route(app, ENTRIES, self._entries)

    async def _entries(self, request: web.Request) -> web.StreamResponse:
        auditor = await self._callers.identify(request)
        after = await self._after(request)
        follow = FOLLOW.read_from(request)
        async with streaming.open_stream(request, streaming.EVENT_STREAM, auditor.name) as answer:
            if not answer.head_only:
                with contextlib.suppress(Stopped):
                    await run_until(self._stopping.wait(), self._copy(answer, after, follow=follow))
        return answer.response

    async def _after(self, request: web.Request) -> int:
        """The group after which to begin: what the client names, or what leaves the newest `last` groups."""
        last_seen, after, last = LAST_EVENT.read_from(request), AFTER.read_from(request), LAST.read_from(request)
        named = after if last_seen is None else last_seen
        if named is not None:
            return named
        return max(0, await entry_stream.last_sequence(self._connection) - last)

    async def _copy(self, answer: StreamedResponse, after: int, *, follow: bool) -> None:
        async with aclosing(batch_consumer.read(self._connection, after, follow=follow)) as groups:
            async for group in groups:
                for line in group.entries:
                    await answer.write(b"id: %d\ndata: %b\n\n" % (group.sequence, line))
