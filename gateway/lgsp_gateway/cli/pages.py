"""Lists of the management API, read page by page."""

from typing import Any

import orjson

from lgsp_gateway.cli.bus_client import BusClient

MAX_PAGE = 200
"""Items that the gateway gives at once."""


def read_pages(client: BusClient, path: str, query: dict[str, str], limit: int | None = None) -> list[dict[str, Any]]:
    """Read a list page by page.

    Args:
        query: its parameters; those that are empty are left out.
        limit: of items; None for all.

    Raises:
        Refusal: what the gateway refused with; `bus-not-found`.
    """
    items: list[dict[str, Any]] = []
    sent = {name: value for name, value in query.items() if value}
    while limit is None or len(items) < limit:
        page_size = {} if limit is None else {"limit": str(min(limit - len(items), MAX_PAGE))}
        page = orjson.loads(client.get(path, {**sent, **page_size}))
        items += page["items"]
        if not page.get("next"):
            break
        sent["after"] = page["next"]
    return items
