"""Decodes entries of the stream for the tables: an entry that cannot be read is left out of searches, never out of the tree."""

import datetime
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from lgsp_contracts.entry import is_call
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search.query import packed_id
from lgsp_gateway.evidence.search.schema import NAMED
from lgsp_gateway.evidence.verify import merkle

LINE_BITS = 16
"""A position is one integer: the number of the batch, followed by so many bits for the line in it."""


@dataclass(slots=True)
class Entry:
    """One entry.

    Args:
        position: in the stream: its batch and line (`LINE_BITS`).
        leaf_hash: of the entry as it was written.
        fields: of a call, by name; empty where the entry cannot be searched for.
        packed_ids: its identifiers as bytes; None where it has none.
    """

    position: int
    gateway: str
    leaf_hash: bytes
    fields: dict[str, Any]
    packed_ids: dict[str, bytes | None]

    @property
    def ending(self) -> int:
        """Return how the call ended: 2 answered, 4 refused for a reason of the caller, 5 failed."""
        return int(self.fields["status"]) // 100

    @property
    def month(self) -> str:
        """Return the month of the entry, in Vietnam's time."""
        return month_of(self.fields["time"])


def decode_entries(batches: Iterable[Batch]) -> list[Entry]:
    """Decode the entries of batches, in order. One that cannot be read has no fields, and is logged."""
    entries = []
    for batch in batches:
        for line, data in enumerate(batch.entries):
            position = batch.sequence << LINE_BITS | line
            fields, packed_ids = _decode_call(data, position)
            entries.append(Entry(position, batch.gateway, merkle.leaf_hash(data), fields, packed_ids))
    return entries


def _decode_call(data: bytes, position: int) -> tuple[dict[str, Any], dict[str, bytes | None]]:
    try:
        fields: dict[str, Any] = orjson.loads(data)
        if not is_call(fields):  # of a kind, or a version, that this index does not know
            return {}, {}
        fields.setdefault("provider", "")  # not written before version 0.2
        packed_ids = {name: packed_id(fields[name]) for name in ("message", "trace", "subject", "onBehalfOf")}
        if any(not isinstance(fields[name], str) for name in NAMED) or packed_ids["message"] is None:
            raise ValueError("fields")
        fields["time"], fields["status"] = int(fields["time"]), int(fields["status"])
    except (orjson.JSONDecodeError, ValueError, KeyError, TypeError, AttributeError):
        structlog.get_logger().error(
            "entry not indexed", batch=position >> LINE_BITS, line=position & (1 << LINE_BITS) - 1
        )
        return {}, {}
    return fields, packed_ids


def month_of(milliseconds: int) -> str:
    """Return the month of a time (milliseconds since 1970), such as `2026-11`, in Vietnam's time."""
    return datetime.datetime.fromtimestamp(milliseconds / 1000, VIETNAM).strftime("%Y-%m")


def month_bounds(milliseconds: int) -> tuple[str, int, int]:
    """Return the month of a time, such as `2026_11`, when it begins and when the next one does; all times in milliseconds since 1970."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, VIETNAM)
    begins = datetime.datetime(moment.year, moment.month, 1, tzinfo=VIETNAM)
    ends = (begins + datetime.timedelta(days=32)).replace(day=1)
    return f"{begins:%Y_%m}", int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)


def duration_class(milliseconds: float) -> int:
    """Return the class of a duration in milliseconds: eight classes for each doubling, each less than a tenth wide."""
    return round(8 * math.log2(max(milliseconds, 0.01) * 100))


def duration_of(class_: int) -> float:
    """Return the duration in the middle of a class, in milliseconds."""
    return float(2 ** (class_ / 8) / 100)
