"""Plain JSON answers, as every door but the calls' own writes them."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web


def document(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer; not to be stored by anybody on the way, unless the headers say otherwise."""
    return web.Response(
        body=orjson.dumps(content),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
