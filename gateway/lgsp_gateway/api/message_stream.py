"""`GET /evidence/messages/stream`: what a search finds, followed as server-sent events, so that nothing is shown twice or missed.

First comes a page of the index, then what it lacks, in the order in which it was written, as soon as the index has it too: whatever is
shown can be opened. The id of an event is the number of the last batch that it takes into account. A client that comes back with it gets
what was written since; one that was away for too long gets a new page.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from aiohttp import web
from nats.aio.client import Client

from lgsp_gateway.api.evidence_search import FILTERS, filters_of, index_unavailable
from lgsp_gateway.api.evidence_stream import LAST_EVENT, MAX_NUMBER
from lgsp_gateway.api.known_names import refuse_unknown
from lgsp_gateway.api.message_scope import READ_MESSAGES, SIDE, MessageScope
from lgsp_gateway.api.schemas import TEXT
from lgsp_gateway.api.titles import titles_of_messages
from lgsp_gateway.evidence.read import batch_consumer
from lgsp_gateway.evidence.search.models import Page, Search
from lgsp_gateway.http import streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import integer_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.streaming import StreamedResponse
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal
from lgsp_runtime.async_tasks import Stopped, run_until

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

ROUND_SECONDS = 0.5
"""How often the index is asked how far it has come, where the stream is ahead of it."""
MAX_FOUND = 200
"""Entries of one event: of more that come within half a second nobody reads all, so the newest are sent, and how many were `skipped`."""
MAX_BATCHES_BEHIND = 2_000
"""Batches that a client that comes back may lack; one that lacks more gets a page."""

AFTER = integer_parameter(
    "after",
    "the id of the last event that was received, for clients that cannot send Last-Event-ID",
    0,
    MAX_NUMBER,
    None,
)

STREAM = Route(
    "GET",
    "/evidence/messages/stream",
    "followMessages",
    "Follow what a search finds, as server-sent events: first the newest, then what comes",
    "token",
    {
        200: ResponseSpec(
            "First an event `page`, whose `data` is an EntryPage; then events `found`, whose `data` has new `items`, the oldest first, their `titles`, and how many were `skipped`",
            {streaming.EVENT_STREAM: TEXT},
        )
    },
    right=READ_MESSAGES,
    parameters=(*FILTERS, AFTER, LAST_EVENT),
    problems=("not-granted", "index-unavailable"),
    tag="evidence",
)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who follows what.

    Args:
        asked: what the caller asks for; what it may see of that is decided anew for each batch.
    """

    scope: MessageScope
    side: str
    asked: Search


class MessageStreamRoutes:
    """The route that follows a search.

    Args:
        index: None where this gateway has no search index.
        connection: reads the stream of the evidence.
        stopping: set when the gateway stops; it ends the streams.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        index: "Index | None",
        connection: Client,
        registry: RegistrySnapshot,
        stopping: asyncio.Event,
    ) -> None:
        self._callers = callers
        self._index = index
        self._connection = connection
        self._registry = registry
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, STREAM, self._follow)

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        caller = await self._callers.identify(request)
        reader = _Reader(MessageScope.of(caller), SIDE.read_from(request), filters_of(request))
        received = LAST_EVENT.read_from(request)
        named = AFTER.read_from(request)
        after = named if received is None else received
        structlog.get_logger().info("evidence followed", by=str(caller), for_=sorted(reader.asked.exact))
        self._visible_part(reader)  # refuses here what it refuses, and not in the middle of a stream
        if self._index is None:
            raise index_unavailable()
        if reader.scope.sees_all:  # to others, whether a name is known says whether it exists at another agency
            await refuse_unknown(reader.asked.exact, self._registry, self._index)
        progress = await self._index.progress()
        if after is not None and not 0 <= progress - after <= MAX_BATCHES_BEHIND:
            after = None
        first = b""
        if after is None:
            page, after = await self._page(reader, self._index)
            titles = await titles_of_messages(self._registry, page.items)
            first = _event(
                "page", after, {"items": page.items, "cursor": page.cursor, "newer": page.newer, "titles": titles}
            )
        async with streaming.open_stream(request, streaming.EVENT_STREAM, caller.name, live_page=True) as answer:
            if not answer.head_only:
                await answer.write(first or b": nothing is new\n\n")
                with contextlib.suppress(Stopped, Refusal):  # the client comes back, and is told why
                    await run_until(self._stopping.wait(), self._send(answer, reader, self._index, after))
        return answer.response

    async def _page(self, reader: _Reader, index: "Index") -> tuple[Page, int]:
        search = self._visible_part(reader)
        if search is None:
            return Page([], "", "", []), await index.progress()
        page, last = await index.search_with_progress(search)
        return Page(list(map(reader.scope.visible, page.items)), page.cursor, page.newer, page.places), last

    async def _send(self, answer: StreamedResponse, reader: _Reader, index: "Index", after: int) -> None:
        async with aclosing(self._found(reader, index, after)) as events:
            async for last, items, skipped in events:
                titles = await titles_of_messages(self._registry, items)
                found = {"items": items, "skipped": skipped, "titles": titles}
                await answer.write(_event("found", last, found) if items else b"id: %d\n\n" % last)

    async def _found(
        self, reader: _Reader, index: "Index", after: int
    ) -> AsyncGenerator[tuple[int, list[Any], int], None]:
        """Yield what is found, up to each point to which the index has come: with the number of the last batch, and how many were left out.

        Raises:
            Refusal: `index-unavailable`.
        """
        from lgsp_gateway.evidence.search.live import found_in  # noqa: PLC0415 - with an index its library is there already

        indexed, items, skipped = after, list[Any](), 0
        # One batch at a time, since many pages may follow at once: 512 KB for each that is slow to read.
        async with aclosing(batch_consumer.read(self._connection, after, follow=True, at_once=1)) as batches:
            async for batch in batches:
                while batch.sequence > indexed:
                    indexed = await index.progress()
                    if batch.sequence > indexed:
                        await asyncio.sleep(ROUND_SECONDS)
                search = self._visible_part(reader)
                items += found_in(batch, search) if search else []
                skipped += max(len(items) - MAX_FOUND, 0)
                del items[:-MAX_FOUND]
                if batch.sequence == indexed:
                    yield batch.sequence, list(map(reader.scope.visible, items)), skipped
                    items, skipped = [], 0

    def _visible_part(self, reader: _Reader) -> Search | None:
        """Return the search for what a caller may see of what it asks for; None where that is nothing."""
        return reader.scope.restrict(reader.asked, reader.side, self._registry)


def _event(name: str, last: int, content: dict[str, Any]) -> bytes:
    return b"event: %b\nid: %d\ndata: %b\n\n" % (name.encode(), last, orjson.dumps(content))
