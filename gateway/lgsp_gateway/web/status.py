"""`/livez`, `/readyz`, `/metrics`: the conventions of Kubernetes and Prometheus."""

from collections.abc import Callable, Mapping

from aiohttp import web

from lgsp_gateway.watching.metrics import Metrics


class Status:
    """The doors for whoever watches a gateway. `checks` gives what must be true for it to serve."""

    def __init__(self, metrics: Metrics, checks: Callable[[], Mapping[str, bool]]) -> None:
        self._metrics = metrics
        self._checks = checks

    def add_routes(self, app: web.Application) -> None:
        """Add the three paths."""
        app.router.add_get("/livez", self._live)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._exposition)

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        checks = self._checks()
        lines = [f"[{'+' if holds else '-'}] {name} {'ok' if holds else 'failed'}" for name, holds in checks.items()]
        return web.Response(text="\n".join(lines) + "\n", status=200 if all(checks.values()) else 503)

    async def _exposition(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.exposition(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )
