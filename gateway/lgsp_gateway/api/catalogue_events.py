"""`/catalog/events`: changes of services as server-sent CloudEvents, so that clients notice a new version, a deprecation or a
suspension without asking again and again.
"""

import asyncio
import contextlib
import datetime
import time

import orjson
import uuid_utils
from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_gateway.api.catalogue import service_item
from lgsp_gateway.api.schemas import TEXT
from lgsp_gateway.http import streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.async_tasks import Stopped, run_until

KEEPALIVE_SECONDS = 5.0
MAX_PENDING_CHANGES = 1000
"""Changes that wait for a slow reader; further ones are left out for it."""

EVENTS = Route(
    "GET",
    "/catalog/events",
    "followCatalogue",
    "Follow changes of services that the caller may know of, as server-sent CloudEvents",
    "token",
    {200: ResponseSpec("An event for each change, until the client disconnects", {streaming.EVENT_STREAM: TEXT})},
    tag="catalogue",
)


class CatalogueEvents:
    """The route of the catalogue's changes.

    Args:
        stopping: set when the gateway stops; it ends the streams.
    """

    def __init__(self, callers: CallerAuthenticator, registry: RegistrySnapshot, stopping: asyncio.Event) -> None:
        self._callers = callers
        self._registry = registry
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, EVENTS, self._follow)

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        caller = await self._callers.identify(request)
        changed_services: asyncio.Queue[str] = asyncio.Queue(MAX_PENDING_CHANGES)

        def enqueue(kind: str, name: str) -> None:
            if kind == "Service" and not changed_services.full():
                changed_services.put_nowait(name)

        async with streaming.open_stream(request, streaming.EVENT_STREAM, caller.name) as answer:
            self._registry.on_change(enqueue)
            try:
                with contextlib.suppress(Stopped):
                    while not answer.head_only:
                        piece = await run_until(self._stopping.wait(), self._next_piece(caller, changed_services))
                        await answer.write(piece)
            finally:
                self._registry.remove_listener(enqueue)
        return answer.response

    async def _next_piece(self, caller: Principal, changed_services: asyncio.Queue[str]) -> bytes:
        """Return the next change that the caller may know of; after `KEEPALIVE_SECONDS` without one, a comment, so that neither the
        client nor a proxy takes the connection for dead.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KEEPALIVE_SECONDS):
                while True:
                    event = self._event(caller, await changed_services.get())
                    if event:
                        return b"event: service\ndata: " + orjson.dumps(event) + b"\n\n"
        return b": still here\n\n"

    def _event(self, caller: Principal, name: str) -> dict[str, object] | None:
        """Return the CloudEvent of a changed service, or None where the caller may not know of the service."""
        service, _, major = name.rpartition("-v")
        contract, now = self._registry.summary(service, int(major)), time.time()
        if contract is None or not self._registry.may_know(caller.system, service, int(major), now):
            return None
        return {
            "specversion": "1.0",
            "id": str(uuid_utils.uuid7()),
            "source": f"/catalog/services/{service}/v{major}",
            "type": "lgsp.service.changed",
            "time": datetime.datetime.fromtimestamp(now, datetime.UTC).isoformat(),
            "datacontenttype": "application/json",
            "data": service_item(contract, self._registry, caller.system, now),
        }
