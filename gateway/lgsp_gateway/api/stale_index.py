"""`Lgsp-Index-Stale-Since`: tells clients that a response comes from a search index that is not being updated, and since when."""

import contextlib
from typing import TYPE_CHECKING

from aiohttp import web
from nats.aio.client import Client

from lgsp_problems import Refusal

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

HEADER = "Lgsp-Index-Stale-Since"
INDEXED_PATHS = ("/evidence/messages", "/me/access-log", "/ops/flows", "/ops/statistics")


def add_header(app: web.Application, connection: Client, index: "Index | None") -> None:
    """Add the header to successful responses of `INDEXED_PATHS` while the index makes no progress; do nothing without an index."""
    if index is None:
        return
    from lgsp_gateway.evidence.search.freshness import measure_lag  # noqa: PLC0415 - the database's library takes 0.2 s to load

    async def add_to_response(request: web.Request, response: web.StreamResponse) -> None:
        if request.path not in INDEXED_PATHS or response.status >= 400:
            return
        with contextlib.suppress(Refusal):
            lag = await measure_lag(connection, index)
            if lag and lag.is_stale:
                response.headers[HEADER] = lag.since_text

    app.on_response_prepare.append(add_to_response)
