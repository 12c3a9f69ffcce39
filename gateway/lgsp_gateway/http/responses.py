"""Plain JSON answers, as every door but the calls' own writes them."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from aiohttp import web

from lgsp_runtime.pacing import Pace

BYTES_AT_A_TURN = 32 * 1024
"""Bytes of a list that are written before others have a turn."""


def json_response(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer; not to be stored by anybody on the way, unless the headers say otherwise."""
    return web.Response(
        body=orjson.dumps(content),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def encoded_json_response(content: bytes) -> web.Response:
    """Answer with a JSON document that is written already."""
    return web.Response(body=content, content_type="application/json", headers={"Cache-Control": "no-store"})


async def list_response(found: Iterable[Any], last: str = "") -> web.Response:
    """A page of a list, each item of which is made and written in its turn.

    Args:
        last: the name of the last item, where another page follows.
    """
    parts, pace = [], Pace(BYTES_AT_A_TURN)
    for item in found:
        parts.append(orjson.dumps(item))
        await pace.spend(len(parts[-1]))
    following = b',"next":' + orjson.dumps(base64.urlsafe_b64encode(last.encode()).decode()) if last else b""
    return encoded_json_response(b'{"items":[' + b",".join(parts) + b"]" + following + b"}")
