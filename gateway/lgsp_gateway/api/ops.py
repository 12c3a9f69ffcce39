"""`/ops/storage`, `/ops/statistics`: storage and figures of the bus, for those who run it."""

import csv
import io
from typing import TYPE_CHECKING, Any

from aiohttp import web

from lgsp_auth.principal import OPERATOR
from lgsp_gateway.api.evidence_search import index_unavailable
from lgsp_gateway.api.evidence_stream import AUDITOR
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.api.titles import titles_of
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.evidence.search.models import STATISTICS
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.parameter_types import month_parameter
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

SINCE = month_parameter("since", "the first month")
UNTIL = month_parameter("until", "the last month")


def _route(path: str, name: str, summary: str, response: ResponseSpec, *parameters: Parameter[Any]) -> Route:
    problems = ("index-unavailable",) if path == "/ops/statistics" else ()
    return Route(
        *("GET", path, name, summary, "token", {200: response}),
        roles=(OPERATOR, AUDITOR),
        parameters=parameters,
        problems=problems,
        tag="operations",
    )


STORAGE = _route(
    "/ops/storage",
    "readStorage",
    "Read what each agency has stored and its storage quota, those that have used most of it first",
    ResponseSpec("The agencies", json_of("StorageUsageList")),
)
STATISTICS_ROUTE = _route(
    "/ops/statistics",
    "readStatistics",
    "Read the traffic by month, agency, service and purpose",
    ResponseSpec("A row for each combination", {**json_of("Statistics"), "text/csv": TEXT}),
    *(SINCE, UNTIL),
)


class OperationsRoutes:
    """The routes for operations.

    Args:
        registry: names the agencies.
        storage: what agencies have stored.
        index: None where this gateway has no search index.
    """

    def __init__(
        self,
        registry: RegistrySnapshot,
        storage: StorageBounds,
        index: "Index | None",
    ) -> None:
        self._registry = registry
        self._storage = storage
        self._index = index

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, STORAGE, self._read_storage)
        add_route(app, STATISTICS_ROUTE, self._read_statistics)

    async def _read_storage(self, _: web.Request) -> web.Response:
        usage = {agency: self._storage.usage_of(agency) for agency in sorted(self._registry.agencies)}
        usage |= {stored.agency: stored for stored in self._storage.usage()}
        items = sorted(usage.values(), key=lambda stored: -stored.share)
        return json_response({"items": [stored.document() for stored in items]})

    async def _read_statistics(self, request: web.Request) -> web.Response:
        since, until = SINCE.read_from(request), UNTIL.read_from(request)
        if self._index is None:
            raise index_unavailable()
        rows = await self._index.statistics(since, until)
        if "text/csv" not in request.headers.get("Accept", ""):
            return json_response({"items": rows, **await _titles(rows, self._registry)})
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="statistics.csv"'}
        return web.Response(body=_csv(rows), content_type="text/csv", charset="utf-8", headers=headers)


async def _titles(rows: list[dict[str, Any]], registry: RegistrySnapshot) -> dict[str, dict[str, Any]]:
    columns = ({row[column] for row in rows} for column in ("provider", "agency", "service"))
    return await titles_of(registry, *columns)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    """Return rows as CSV (RFC 4180), with the byte order mark by which spreadsheets recognise UTF-8."""
    text = io.StringIO()
    table = csv.DictWriter(text, STATISTICS)
    table.writeheader()
    table.writerows({name: _inert_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _inert_cell(value: str | int) -> str | int:
    """Return a value as a cell that no spreadsheet takes for a formula, whatever names the evidence may hold some day."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
