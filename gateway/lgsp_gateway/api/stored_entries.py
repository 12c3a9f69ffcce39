"""Reads found entries as they were written: the search index has only the members that are searched for and shown in lists."""

from typing import Any

import orjson
from nats.aio.client import Client

from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.evidence.search.models import Page


async def complete_items(connection: Client, page: Page) -> list[dict[str, Any]]:
    """Return the items of a page with all members of their entries, where the stream still has these."""
    batches: dict[int, list[bytes]] = {}
    for sequence, _ in page.places:
        if sequence not in batches:
            data = await entry_stream.batch(connection, sequence)
            batches[sequence] = data.split(b"\n") if data else []
    items = []
    for item, (sequence, line) in zip(page.items, page.places, strict=True):
        lines = batches[sequence]
        items.append({**item, **(orjson.loads(lines[line]) if line < len(lines) else {})})
    return items
