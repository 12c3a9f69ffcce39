"""Tells which entries of a batch a search finds, in the order in which they were written.

A page of the index is ordered by the time at which calls began, so one that ends late belongs between those that were shown already:
who follows the evidence by the index alone misses it. The stream has an order in which nothing comes between.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search.decode import decode_fields
from lgsp_gateway.evidence.search.models import Search
from lgsp_gateway.evidence.search.query import ITEM_FIELDS, packed_id
from lgsp_gateway.evidence.search.schema import LINE_BITS

_AMOUNTS = {"minDuration": "totalMs", "minSize": "answerSize"}


def found_in(batch: Batch, search: Search) -> list[dict[str, Any]]:
    """Return the entries of a batch that a search finds, as a page of the index has them, the oldest first."""
    items = []
    for line, data in enumerate(batch.entries):
        fields, packed_ids = decode_fields(data, batch.sequence << LINE_BITS | line)
        if fields and _is_found(fields, packed_ids, search):
            items.append({name: fields[name] for name in ITEM_FIELDS if fields[name] is not None})
    return items


def _is_found(fields: Mapping[str, Any], packed_ids: Mapping[str, bytes | None], search: Search) -> bool:
    for name, value in search.exact.items():
        if name in packed_ids:
            if packed_ids[name] is None or packed_ids[name] != packed_id(value):
                return False
        elif fields[name] != value:
            return False
    return (
        (search.providers is None or fields["provider"] in search.providers)
        and (not search.failed or fields["status"] >= HTTPStatus.MULTIPLE_CHOICES)
        and all(fields[_AMOUNTS[name]] >= least for name, least in search.least.items())
        and (search.since is None or fields["time"] >= search.since)
        and (search.until is None or fields["time"] < search.until)
    )
