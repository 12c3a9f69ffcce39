"""`/evidence/entries`: the evidence for auditors as it is written, as server-sent events.

Each event is one entry; its id is the number of its batch, so a client that reconnects with `Last-Event-ID` misses none
(entries of the last batch that it received may be sent again).
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
from lgsp_runtime.async_tasks import Stopped, run_until

AUDITOR = "auditor"
MAX_NUMBER = 2**53 - 1
"""The largest number of a batch or an entry: every JSON parser reads it exactly."""

AFTER = integer_parameter("after", "the number of the batch after which to begin", 0, MAX_NUMBER, None)
LAST = integer_parameter(
    "last",
    "the number of newest batches to begin with, where neither after nor Last-Event-ID is sent",
    0,
    MAX_NUMBER,
    10,
)
FOLLOW = boolean_parameter("follow", "whether to keep the stream open and send new entries")
LAST_EVENT = integer_parameter(
    "Last-Event-ID", "the id of the last event that was received", 0, MAX_NUMBER, None, location="header"
)

ENTRIES = Route(
    "GET",
    "/evidence/entries",
    "followEntries",
    "Read entries of the evidence as they are written, as server-sent events",
    "token",
    {
        200: ResponseSpec(
            "An event for each entry: `data` is an Entry, `id` the number of its batch", {streaming.EVENT_STREAM: TEXT}
        )
    },
    roles=(AUDITOR,),
    parameters=(AFTER, LAST, FOLLOW, LAST_EVENT),
    tag="evidence",
)


class EvidenceStreamRoutes:
    """The route that streams the evidence.

    Args:
        stopping: set when the gateway stops; it ends the streams.
    """

    def __init__(self, callers: CallerAuthenticator, connection: Client, stopping: asyncio.Event) -> None:
        self._callers = callers
        self._connection = connection
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, ENTRIES, self._stream_entries)

    async def _stream_entries(self, request: web.Request) -> web.StreamResponse:
        auditor = await self._callers.identify(request)
        after = await self._start_after(request)
        follow = FOLLOW.read_from(request)
        async with streaming.open_stream(request, streaming.EVENT_STREAM, auditor.name) as answer:
            if not answer.head_only:
                with contextlib.suppress(Stopped):
                    await run_until(self._stopping.wait(), self._send_entries(answer, after, follow=follow))
        return answer.response

    async def _start_after(self, request: web.Request) -> int:
        """Return the number of the batch after which to begin: as the client asks, or so that the newest `last` batches are sent."""
        last_received, after, last = LAST_EVENT.read_from(request), AFTER.read_from(request), LAST.read_from(request)
        start = after if last_received is None else last_received
        if start is not None:
            return start
        return max(0, await entry_stream.last_sequence(self._connection) - last)

    async def _send_entries(self, answer: StreamedResponse, after: int, *, follow: bool) -> None:
        async with aclosing(batch_consumer.read(self._connection, after, follow=follow)) as batches:
            async for batch in batches:
                for line in batch.entries:
                    await answer.write(b"id: %d\ndata: %b\n\n" % (batch.sequence, line))
