"""Server-sent events of what a gateway finds out in rounds: the document first as it is now, then after each round."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import orjson
from aiohttp import web

from lgsp_gateway.http import streaming
from lgsp_runtime.async_tasks import Stopped, run_until

Document = Callable[[], Awaitable[dict[str, Any]]]


def is_asked_for(request: web.Request) -> bool:
    """Tell whether the client of a request wants server-sent events."""
    return streaming.EVENT_STREAM in request.headers.get("Accept", "")


async def stream_rounds(
    request: web.Request,
    reader: str,
    document: Document,
    next_round: Callable[[], Coroutine[Any, Any, None]],
    stopping: asyncio.Event,
) -> web.StreamResponse:
    """Answer a request with a document after each round, until the client leaves or the gateway stops.

    Args:
        reader: the name of the caller, whose streams are counted together.
        next_round: returns at the end of a round.
        stopping: set when the gateway stops.

    Raises:
        Refusal: `too-many-streams`, and what `document` raises at first.
    """
    first = await document()
    async with streaming.open_stream(request, streaming.EVENT_STREAM, reader, live_page=True) as answer:
        if not answer.head_only:
            await answer.write(_event(first))
            with contextlib.suppress(Stopped):
                while True:
                    await run_until(stopping.wait(), next_round())
                    await answer.write(_event(await document()))
    return answer.response


def _event(document: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(document)
