"""Entries as they are read from the stream, ready for the tables."""

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
"""A place is the number of the batch, followed by so many bits for the line in it."""


@dataclass(slots=True)
class Entry:
    """One entry: where it stands, and what it says."""

    place: int
    gateway: str
    leaf_hash: bytes
    said: dict[str, Any]
    packed: dict[str, bytes | None]

    @property
    def ending(self) -> int:
        """Tell how the call ended: 2 answered, 4 refused for a reason of the caller, 5 failed."""
        return int(self.said["status"]) // 100

    @property
    def month(self) -> str:
        """Return the month of the entry, in Vietnam's time."""
        return month_of(self.said["time"])


def read(batches: Iterable[Batch]) -> list[Entry]:
    """Read the entries of batches. One that cannot be read keeps its place in the tree, and is said to be missing here."""
    found = []
    for batch in batches:
        for line, data in enumerate(batch.entries):
            place = batch.sequence << LINE_BITS | line
            said, packed = _said(data, place)
            found.append(Entry(place, batch.gateway, merkle.leaf_hash(data), said, packed))
    return found


def _said(data: bytes, place: int) -> tuple[dict[str, Any], dict[str, bytes | None]]:
    try:
        said: dict[str, Any] = orjson.loads(data)
        if not is_call(said):  # of a kind, or a version, that this index does not know: there is nothing to say of it
            return {}, {}
        said.setdefault("provider", "")  # not written before version 0.2
        packed = {name: packed_id(said[name]) for name in ("message", "trace", "subject", "onBehalfOf")}
        if any(not isinstance(said[name], str) for name in NAMED) or packed["message"] is None:
            raise ValueError("fields")
        said["time"], said["status"] = int(said["time"]), int(said["status"])
    except (orjson.JSONDecodeError, ValueError, KeyError, TypeError, AttributeError):
        structlog.get_logger().error("entry not indexed", batch=place >> LINE_BITS, line=place & (1 << LINE_BITS) - 1)
        return {}, {}
    return said, packed


def month_of(milliseconds: int) -> str:
    """Return the month of a time, such as 2026-11, in Vietnam's time."""
    return datetime.datetime.fromtimestamp(milliseconds / 1000, VIETNAM).strftime("%Y-%m")


def month_bounds(milliseconds: int) -> tuple[str, int, int]:
    """Return the month of a time, where it begins and where the next one does, in milliseconds."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, VIETNAM)
    begins = datetime.datetime(moment.year, moment.month, 1, tzinfo=VIETNAM)
    ends = (begins + datetime.timedelta(days=32)).replace(day=1)
    return f"{begins:%Y_%m}", int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)


def duration_class(milliseconds: float) -> int:
    """Durations that differ by less than a tenth fall together: eight classes for each doubling."""
    return round(8 * math.log2(max(milliseconds, 0.01) * 100))


def duration_of(class_: int) -> float:
    """Return the duration in the middle of a class, in milliseconds."""
    return float(2 ** (class_ / 8) / 100)
