"""`Lgsp-Index-Stale-Since`: tells clients that a response comes from a search index that is not being updated, and since when."""

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web
from nats.aio.client import Client

from lgsp_problems import Refusal

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.freshness import IndexLag
    from lgsp_gateway.evidence.search.store import Index

HEADER = "Lgsp-Index-Stale-Since"
INDEXED_PATHS = ("/evidence/messages", "/me/access-log", "/ops/flows", "/ops/flows/stream", "/ops/statistics")


def freshness_of(connection: Client, index: "Index | None") -> "Callable[[], Awaitable[IndexLag | None]] | None":
    """Return what measures how far an index lags; None without an index."""
    if index is None:
        return None
    from lgsp_gateway.evidence.search.freshness import measure_lag  # noqa: PLC0415 - the database's library takes 0.2 s to load

    return partial(measure_lag, connection, index)


def add_header(app: web.Application, connection: Client, index: "Index | None") -> None:
    """Add the header to successful responses of `INDEXED_PATHS` while the index makes no progress; do nothing without an index."""
    measure = freshness_of(connection, index)
    if measure is None:
        return

    async def add_to_response(request: web.Request, response: web.StreamResponse) -> None:
        if request.path not in INDEXED_PATHS or response.status >= 400:
            return
        with contextlib.suppress(Refusal):
            lag = await measure()
            if lag and lag.is_stale:
                response.headers[HEADER] = lag.since_text

    app.on_response_prepare.append(add_to_response)
