"""Decodes entries of the stream for the tables: an entry that cannot be read is left out of searches, never out of the tree."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import structlog

from lgsp_contracts.entry import Kind, known_kind, schema
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search.query import packed_id
from lgsp_gateway.evidence.search.schema import ADDED, LINE_BITS, NAMED
from lgsp_gateway.evidence.verify import merkle


@dataclass(slots=True)
class Entry:
    """One entry.

    Args:
        position: in the stream: its batch and line (`LINE_BITS`).
        leaf_hash: of the entry as it was written.
        fields: by name, the same for entries of each kind; empty where the entry cannot be searched for.
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
    def operation_or_event(self) -> str:
        """Return the name of what was called, delivered or published."""
        return str(self.fields["operation"] or self.fields["event"])

    @property
    def is_in_flows(self) -> bool:
        """Tell whether it counts as traffic: a call, a published event, or an attempt at a delivery."""
        return not self.is_trial and (self.fields["kind"] in ("call", "event") or bool(self.fields["attempt"] > 0))

    @property
    def is_trial(self) -> bool:
        """Tell whether a person only tried the operation, at a sandbox."""
        return bool(self.fields.get("trial"))

    @property
    def is_in_statistics(self) -> bool:
        """Tell whether it counts in the figures of a month: a call, or a delivery that has ended, whatever attempts it took."""
        kind, state = str(self.fields["kind"]), str(self.fields["state"])
        return (kind == "call" and not self.is_trial) or (kind == "delivery" and state != "delivering")

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
            fields, packed_ids = decode_fields(data, position)
            entries.append(Entry(position, batch.gateway, merkle.leaf_hash(data), fields, packed_ids))
    return entries


_ID_FIELDS = ("message", "trace", "subject", "onBehalfOf", "file")
_ABSENT: dict[str, Any] = {
    **dict.fromkeys((*NAMED, *_ID_FIELDS, "reference"), ""),
    **dict.fromkeys(("requestSize", "answerSize", "providerMs", "attempt"), 0),
    "kind": "call",
}
"""Fields that an entry of another kind, or of an earlier version, does not have."""
_FIELDS_OF_CALLS = frozenset(
    (
        *("message", "time", "gateway", "consumer", "agency", "service", "version", "operation", "purpose", "grant"),
        *("subject", "onBehalfOf", "outcome", "status", "trace", "requestSize", "answerSize", "providerMs", "totalMs"),
    )
)
"""Those of all versions; `provider` was not written before version 0.2."""


def decode_fields(data: bytes, position: int) -> tuple[dict[str, Any], dict[str, bytes | None]]:
    """Decode one entry: its fields and its identifiers as bytes, both empty where it cannot be searched for, which is logged.

    Args:
        position: in the stream, for the log.
    """
    try:
        entry: dict[str, Any] = orjson.loads(data)
        kind = known_kind(entry)
        if kind is None:  # of a kind, or a version, that this index does not know
            return {}, {}
        if not _required_fields(kind) <= entry.keys():
            raise ValueError("fields")
        fields = _ABSENT | entry
        if kind == "file":
            size = "answerSize" if fields["action"] == "read" else "requestSize"
            fields |= {"state": fields["action"], size: fields["size"]}
        fields.setdefault("totalMs", fields["providerMs"])
        fields |= {name: _duration(entry.get(name), fields["providerMs"]) for name in ADDED}
        packed_ids = {name: packed_id(fields[name]) for name in _ID_FIELDS}
        if any(not isinstance(fields[name], str) for name in (*NAMED, "reference")) or packed_ids["message"] is None:
            raise ValueError("fields")
        fields["time"], fields["status"] = int(fields["time"]), int(fields["status"])
    except (orjson.JSONDecodeError, ValueError, KeyError, TypeError, AttributeError):
        structlog.get_logger().error(
            "entry not indexed", batch=position >> LINE_BITS, line=position & (1 << LINE_BITS) - 1
        )
        return {}, {}
    return fields, packed_ids


def _duration(claimed: Any, provider: float) -> float | None:
    """Return how long an adapter says that something took; None where it does not say, or it cannot be true."""
    if isinstance(claimed, bool) or not isinstance(claimed, int | float):
        return None
    return float(claimed) if 0 <= claimed <= provider else None


@cache
def _required_fields(kind: Kind) -> frozenset[str]:
    return _FIELDS_OF_CALLS if kind == "call" else frozenset(schema(kind)["required"])


def month_of(milliseconds: int) -> str:
    """Return the month of a time (milliseconds since 1970), such as `2026-11`, in Vietnam's time."""
    return datetime.datetime.fromtimestamp(milliseconds / 1000, VIETNAM).strftime("%Y-%m")


def month_bounds(milliseconds: int) -> tuple[str, int, int]:
    """Return the month of a time, such as `2026_11`, when it begins and when the next one does; all times in milliseconds since 1970."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, VIETNAM)
    begins = datetime.datetime(moment.year, moment.month, 1, tzinfo=VIETNAM)
    ends = (begins + datetime.timedelta(days=32)).replace(day=1)
    return f"{begins:%Y_%m}", int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)
