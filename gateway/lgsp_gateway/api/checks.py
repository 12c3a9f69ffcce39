"""`/ops/checks` and `/ops/alerts`: what needs attention, since when, and what is to be done."""

import asyncio
import time
from typing import Any

from aiohttp import web

from lgsp_auth.principal import OPERATOR
from lgsp_gateway.api import round_stream
from lgsp_gateway.api.evidence_stream import AUDITOR
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.http import streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.observability.alertmanager import Alertmanager
from lgsp_gateway.observability.checks import CheckResult, Checks
from lgsp_gateway.observability.expirations.expirations import Expirations

_TAG = "operations"
_ROLES = (OPERATOR, AUDITOR)

CHECKS = Route(
    "GET",
    "/ops/checks",
    "readChecks",
    "Run the health checks, and read their results; as server-sent events, those of each round (ten seconds)",
    "token",
    {
        200: ResponseSpec(
            "The checks; each event's `data` is a CheckList", {**json_of("CheckList"), streaming.EVENT_STREAM: TEXT}
        )
    },
    roles=_ROLES,
    tag=_TAG,
)
EXPIRATIONS = Route(
    "GET",
    "/ops/expirations",
    "readExpirations",
    "Look what ends, the soonest first: certificates of gateways, NATS, adapters and providers, keys, grants, contracts, passwords",
    "token",
    {200: ResponseSpec("What ends", json_of("ExpirationList"))},
    roles=_ROLES,
    tag=_TAG,
)
ALERTS = Route(
    "GET",
    "/ops/alerts",
    "readAlerts",
    "Read the alerts that fire in the Alertmanager whose address is configured",
    "token",
    {200: ResponseSpec("The alerts", json_of("AlertList"))},
    roles=_ROLES,
    tag=_TAG,
)


class CheckRoutes:
    """The routes of the health of the bus.

    Args:
        gateway: the name of the gateway whose checks these are.
        stopping: set when the gateway stops; it ends the streams.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        gateway: str,
        checks: Checks,
        expirations: Expirations,
        alertmanager: Alertmanager,
        stopping: asyncio.Event,
    ) -> None:
        self._callers = callers
        self._gateway = gateway
        self._checks = checks
        self._expirations = expirations
        self._alertmanager = alertmanager
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, CHECKS, self._read_checks)
        add_route(app, EXPIRATIONS, self._read_expirations)
        add_route(app, ALERTS, self._read_alerts)

    async def _read_checks(self, request: web.Request) -> web.StreamResponse:
        caller = await self._callers.identify(request)
        if not round_stream.is_asked_for(request):
            return json_response(self._document(await self._checks.run()))
        return await round_stream.stream_rounds(
            request, caller.name, self._last_results, self._checks.next_round, self._stopping
        )

    async def _last_results(self) -> dict[str, Any]:
        return self._document(self._checks.results or await self._checks.run())

    def _document(self, results: list[CheckResult]) -> dict[str, Any]:
        items = [result.document() for result in results]
        return {"time": round(time.time(), 3), "gateway": self._gateway, "items": items}

    async def _read_expirations(self, _: web.Request) -> web.Response:
        items, now = await self._expirations.refresh(), time.time()
        return json_response({"time": round(now, 3), "items": self._expirations.document(items, now)})

    async def _read_alerts(self, _: web.Request) -> web.Response:
        firing = await self._alertmanager.firing()
        problem = {"problem": {"vi": firing.problem.vi, "en": firing.problem.en}} if firing.problem else {}
        items = [alert.document() for alert in firing.alerts]
        return json_response({"configured": self._alertmanager.is_configured, **problem, "items": items})
