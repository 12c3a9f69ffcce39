"""`/livez`, `/readyz`, `/metrics`: health and metrics by the conventions of Kubernetes and Prometheus."""

from collections.abc import Callable, Iterable, Mapping

from aiohttp import web

from lgsp_gateway.api.schemas import TEXT
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.observability.metrics import Metrics

_PLAIN = {"text/plain": TEXT}
LIVE = Route(
    "GET",
    "/livez",
    "isAlive",
    "Check that the process is alive",
    "anybody",
    {200: ResponseSpec("The process is alive", _PLAIN)},
    tag="health",
)
READY = Route(
    "GET",
    "/readyz",
    "isReady",
    "Check that the gateway serves requests",
    "anybody",
    {
        200: ResponseSpec("The gateway is ready", _PLAIN),
        503: ResponseSpec("The gateway is not ready; one line for each check says why", _PLAIN),
    },
    tag="health",
)
METRICS = Route(
    "GET",
    "/metrics",
    "readMetrics",
    "Read the gateway's metrics in the Prometheus text format",
    "anybody",
    {200: ResponseSpec("The metrics", _PLAIN)},
    tag="health",
)


class HealthRoutes:
    """The routes for monitoring a gateway.

    Args:
        checks: returns what must hold for the gateway to be ready, by name, and whether it does.
        warnings: returns what is wrong although calls are served.
    """

    def __init__(
        self, metrics: Metrics, checks: Callable[[], Mapping[str, bool]], warnings: Callable[[], Iterable[str]]
    ) -> None:
        self._warnings = warnings
        self._metrics = metrics
        self._checks = checks

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIVE, self._live)
        add_route(app, READY, self._ready)
        add_route(app, METRICS, self._exposition)

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        checks = self._checks()
        lines = [f"[{'+' if holds else '-'}] {name} {'ok' if holds else 'failed'}" for name, holds in checks.items()]
        lines += [f"[!] {warning}; calls are served" for warning in self._warnings()]
        return web.Response(text="\n".join(lines) + "\n", status=200 if all(checks.values()) else 503)

    async def _exposition(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.exposition(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )
