"""`Lgsp-Index-Stale-Since`: whatever is answered from the search index says so when that stands still, and since when."""

import contextlib
from typing import TYPE_CHECKING

from aiohttp import web
from nats.aio.client import Client

from lgsp_problems import Refusal

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

HEADER = "Lgsp-Index-Stale-Since"
FROM_INDEX = ("/evidence/messages", "/me/access-log", "/ops/flows", "/ops/statistics")


def add_header(app: web.Application, connection: Client, index: "Index | None") -> None:
    """Have the answers of these paths say it."""
    if index is None:
        return
    from lgsp_gateway.evidence.search.freshness import measure_lag  # noqa: PLC0415 - a database's library takes 0.2 s to load

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        if request.path not in FROM_INDEX or response.status >= 400:
            return
        with contextlib.suppress(Refusal):
            lag = await measure_lag(connection, index)
            if lag and lag.is_stale:
                response.headers[HEADER] = lag.since_text

    app.on_response_prepare.append(prepare)
