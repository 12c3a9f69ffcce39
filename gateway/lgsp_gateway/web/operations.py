"""`/ops/flows`, `/ops/adapters`, `/ops/statistics`, `/ops/checks`: what passes and how well, for those who run the bus."""

import asyncio
import contextlib
import csv
import io
import time
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from lgsp_gateway.index.asked import STATISTICS, WINDOWS
from lgsp_gateway.watching.adapters_seen import AdaptersSeen
from lgsp_gateway.watching.checks import Checks
from lgsp_gateway.web.answers import document
from lgsp_gateway.web.callers import Callers
from lgsp_gateway.web.evidence import AUDITOR
from lgsp_gateway.web.evidence_search import no_index
from lgsp_problems import Refusal

if TYPE_CHECKING:
    from lgsp_gateway.index.index import Index

OPERATOR = "operator"
LIVE_SECONDS = 2.0


class Operations:
    """The door for operations.

    Args:
        index: None where this gateway has none.
    """

    def __init__(
        self, callers: Callers, index: "Index | None", adapters: AdaptersSeen, checks: Checks, stopping: asyncio.Event
    ) -> None:
        self._callers = callers
        self._index = index
        self._adapters = adapters
        self._checks = checks
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the paths."""
        app.router.add_get("/ops/flows", self._flows)
        app.router.add_get("/ops/adapters", self._copies)
        app.router.add_get("/ops/statistics", self._statistics)
        app.router.add_get("/ops/checks", self._look)

    async def _flows(self, request: web.Request) -> web.StreamResponse:
        await self._callers.with_role(request, OPERATOR, AUDITOR)
        window = request.query.get("window", "1m")
        if window not in WINDOWS:
            known = ", ".join(WINDOWS)
            raise Refusal("malformed", vi=f"window phải là một trong: {known}.", en=f"window must be one of: {known}.")
        if "text/event-stream" not in request.headers.get("Accept", ""):
            return document(await self._read(window))
        first = await self._read(window)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError, Refusal):
            await response.write(b"data: %b\n\n" % orjson.dumps(first))
            while not await self._stops_within(LIVE_SECONDS):
                await response.write(b"data: %b\n\n" % orjson.dumps(await self._read(window)))
        return response

    async def _read(self, window: str) -> dict[str, Any]:
        if self._index is None:
            raise no_index()
        now = time.time()
        items = [flow.document() for flow in await self._index.flows(window, now)]
        return {"time": round(now, 3), "window": window, "items": items}

    async def _stops_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    async def _copies(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, OPERATOR, AUDITOR)
        await self._adapters.ask()
        copies = [copy.document() for copy in self._adapters.copies]
        return document({"time": round(self._adapters.seen_at, 3), "items": copies})

    async def _look(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, OPERATOR, AUDITOR)
        return document({"items": [found.document() for found in await self._checks.look()]})

    async def _statistics(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, OPERATOR, AUDITOR)
        if self._index is None:
            raise no_index()
        rows = await self._index.statistics(request.query.get("since", ""), request.query.get("until", ""))
        if "text/csv" not in request.headers.get("Accept", ""):
            return document({"items": rows})
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="statistics.csv"'}
        return web.Response(body=_csv(rows), content_type="text/csv", charset="utf-8", headers=headers)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    """RFC 4180, with the mark by which spreadsheets know UTF-8."""
    written = io.StringIO()
    table = csv.DictWriter(written, STATISTICS)
    table.writeheader()
    table.writerows(rows)
    return written.getvalue().encode("utf-8-sig")
