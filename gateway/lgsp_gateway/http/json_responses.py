"""JSON responses of the management API. Calls have their own (`faces.rest`), which cost less."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from aiohttp import web

from lgsp_runtime.pacing import Pace

BYTES_PER_TURN = 32 * 1024
"""Bytes of a list that are encoded before the event loop serves other requests."""


def json_response(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response with a JSON document that caches must not store, unless `headers` say otherwise.

    Args:
        content: what orjson can encode.
    """
    return web.Response(
        body=orjson.dumps(content),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def encoded_json_response(content: bytes) -> web.Response:
    """Return a response with a JSON document that is encoded already, and that caches must not store."""
    return web.Response(body=content, content_type="application/json", headers={"Cache-Control": "no-store"})


async def list_response(items: Iterable[Any], last: str = "", further: Mapping[str, Any] | None = None) -> web.Response:
    """Return a response with a page of a list: `items`, and `next`, the cursor of the page after it, where there is one.

    The items are produced and encoded a few at a time, so that a long page does not block the event loop.

    Args:
        last: the name of the last item, where another page follows; "" on the last page.
        further: members beside the items.
    """
    parts, pace = [], Pace(BYTES_PER_TURN)
    for item in items:
        parts.append(orjson.dumps(item))
        await pace.spend(len(parts[-1]))
    next_page = b',"next":' + orjson.dumps(base64.urlsafe_b64encode(last.encode()).decode()) if last else b""
    beside = b"".join(b",%b:%b" % (orjson.dumps(name), orjson.dumps(value)) for name, value in (further or {}).items())
    return encoded_json_response(b'{"items":[' + b",".join(parts) + b"]" + next_page + beside + b"}")
