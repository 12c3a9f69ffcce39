"""`/ops/flows`, `/ops/adapters`, `/ops/statistics`, `/ops/checks`: traffic and health of the bus, for those who run it."""

import asyncio
import contextlib
import csv
import io
import time
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from lgsp_gateway.api.evidence_search import index_unavailable
from lgsp_gateway.api.evidence_stream import AUDITOR
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.evidence.search.models import STATISTICS, WINDOWS
from lgsp_gateway.http import streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.parameter_types import choice_parameter, month_parameter
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.checks import Checks
from lgsp_problems import Refusal

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

OPERATOR = "operator"
FLOWS_INTERVAL_SECONDS = 2.0
"""Between two events of the flows as server-sent events."""

WINDOW = choice_parameter("window", "the period to count", tuple(WINDOWS), "1m")
SINCE = month_parameter("since", "the first month")
UNTIL = month_parameter("until", "the last month")


def _route(path: str, name: str, summary: str, response: ResponseSpec, *parameters: Parameter[Any]) -> Route:
    problems = ("index-unavailable",) if path in ("/ops/flows", "/ops/statistics") else ()
    return Route(
        *("GET", path, name, summary, "token", {200: response}),
        roles=(OPERATOR, AUDITOR),
        parameters=parameters,
        problems=problems,
        tag="operations",
    )


FLOWS = _route(
    "/ops/flows",
    "readFlows",
    "Read who calls what, how often, how successfully and how fast; as server-sent events, every two seconds",
    ResponseSpec("The flows; each event's `data` is a Flows", {**json_of("Flows"), streaming.EVENT_STREAM: TEXT}),
    WINDOW,
)
ADAPTERS = _route(
    "/ops/adapters",
    "listAdapters",
    "List the adapters on the bus",
    ResponseSpec("The adapters", json_of("AdapterList")),
)
STATISTICS_ROUTE = _route(
    "/ops/statistics",
    "readStatistics",
    "Read the traffic by month, agency, service and purpose",
    ResponseSpec("A row for each combination", {**json_of("Statistics"), "text/csv": TEXT}),
    *(SINCE, UNTIL),
)
CHECKS = _route(
    "/ops/checks",
    "readChecks",
    "Read the results of the health checks",
    ResponseSpec("The checks", json_of("CheckList")),
)


class OperationsRoutes:
    """The routes for operations.

    Args:
        index: None where this gateway has no search index.
        stopping: set when the gateway stops; it ends the streams.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        index: "Index | None",
        adapters: AdapterDiscovery,
        checks: Checks,
        stopping: asyncio.Event,
    ) -> None:
        self._callers = callers
        self._index = index
        self._adapters = adapters
        self._checks = checks
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, FLOWS, self._read_flows)
        add_route(app, ADAPTERS, self._list_adapters)
        add_route(app, STATISTICS_ROUTE, self._read_statistics)
        add_route(app, CHECKS, self._run_checks)

    async def _read_flows(self, request: web.Request) -> web.StreamResponse:
        caller = await self._callers.identify(request)
        window = WINDOW.read_from(request)
        if streaming.EVENT_STREAM not in request.headers.get("Accept", ""):
            return json_response(await self._flows_document(window))
        first = await self._flows_document(window)
        async with streaming.open_stream(request, streaming.EVENT_STREAM, caller.name) as answer:
            if not answer.head_only:
                with contextlib.suppress(Refusal):
                    await answer.write(b"data: %b\n\n" % orjson.dumps(first))
                    while not await self._stops_within(FLOWS_INTERVAL_SECONDS):
                        await answer.write(b"data: %b\n\n" % orjson.dumps(await self._flows_document(window)))
        return answer.response

    async def _flows_document(self, window: str) -> dict[str, Any]:
        if self._index is None:
            raise index_unavailable()
        now = time.time()
        items = [flow.document() for flow in await self._index.flows(window, now)]
        return {"time": round(now, 3), "window": window, "items": items}

    async def _stops_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    async def _list_adapters(self, _: web.Request) -> web.Response:
        await self._adapters.refresh()
        items = [instance.document() for instance in self._adapters.instances]
        return json_response({"time": round(self._adapters.updated_at, 3), "items": items})

    async def _run_checks(self, _: web.Request) -> web.Response:
        return json_response({"items": [result.document() for result in await self._checks.run()]})

    async def _read_statistics(self, request: web.Request) -> web.Response:
        since, until = SINCE.read_from(request), UNTIL.read_from(request)
        if self._index is None:
            raise index_unavailable()
        rows = await self._index.statistics(since, until)
        if "text/csv" not in request.headers.get("Accept", ""):
            return json_response({"items": rows})
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="statistics.csv"'}
        return web.Response(body=_csv(rows), content_type="text/csv", charset="utf-8", headers=headers)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    """Return rows as CSV (RFC 4180), with the byte order mark by which spreadsheets recognise UTF-8."""
    text = io.StringIO()
    table = csv.DictWriter(text, STATISTICS)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
