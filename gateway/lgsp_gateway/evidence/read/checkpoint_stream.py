"""The stream of signed checkpoints: each with the compact range that it takes to go on from it, found without reading them all.

A gateway that is never idle signs 86,400 a day. What is looked for among them (the last before a time, or before an index of the log)
holds for all before some checkpoint and for none after it, so a binary search of some twenty look-ups finds it among millions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from nats.aio.client import Client
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_runtime.nats import streams

STREAM = "LGSP_CHECKPOINTS"
SUBJECTS = "checkpoints."
MAX_CHECKPOINTS = 5_000
"""Checkpoints that are returned for a part of a log, evenly spread: the last covers all, the others narrow down where something broke."""


def subject_of(gateway: GatewayName) -> str:
    """Return the subject on which a gateway writes its checkpoints."""
    return f"{SUBJECTS}{gateway}"


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """A checkpoint as it is stored.

    Args:
        note: the signed checkpoint.
        size: entries that it covers.
        compact_range: of the tree over those, the largest subtree first.
        sequence: the number, in the stream of the evidence, of the last batch that it covers.
    """

    note: str
    size: int
    compact_range: tuple[bytes, ...]
    sequence: int

    def data(self) -> bytes:
        """Return the record as JSON."""
        compact_range = [root.hex() for root in self.compact_range]
        return orjson.dumps({"note": self.note, "size": self.size, "edge": compact_range, "sequence": self.sequence})

    @classmethod
    def parse(cls, data: bytes) -> "CheckpointRecord":
        """Read a record from JSON, as `data` writes it."""
        fields: dict[str, Any] = orjson.loads(data)
        compact_range = tuple(map(bytes.fromhex, fields["edge"]))
        return cls(fields["note"], fields["size"], compact_range, fields["sequence"])


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint in its stream.

    Args:
        number: its own, in the stream of checkpoints.
        time: when it was written, in seconds since 1970.
    """

    record: CheckpointRecord
    number: int
    time: float


async def ensure(connection: Client, replicas: int) -> None:
    """Create the stream of checkpoints, or check that the one that exists is configured as it must be.

    Raises:
        Refusal: `cannot-start`.
    """
    config = StreamConfig(
        name=STREAM,
        description="Signed checkpoints of the gateways' evidence",
        subjects=[SUBJECTS + "*"],
        num_replicas=replicas,
        deny_delete=True,
    )
    await streams.ensure(connection, config)


async def gateways(connection: Client) -> list[GatewayName]:
    """List the gateways whose logs have a checkpoint, also where all their entries are archived."""
    subjects = await streams.subjects(connection, STREAM, SUBJECTS + "*")
    return [names.gateway_name(subject.removeprefix(SUBJECTS)) for subject in subjects]


async def last(connection: Client, gateway: GatewayName) -> StoredCheckpoint | None:
    """Read the newest checkpoint of a log; None where it has none."""
    try:
        return _parse_stored(await connection.jetstream().get_last_msg(STREAM, subject_of(gateway)))
    except NotFoundError:
        return None


async def from_number(connection: Client, gateway: GatewayName, number: int) -> StoredCheckpoint | None:
    """Read the first checkpoint of a log that has this number or a higher one; None where there is none."""
    try:
        return _parse_stored(await connection.jetstream().get_msg(STREAM, number, subject_of(gateway), next=True))
    except NotFoundError:
        return None


async def newest_where(
    connection: Client, gateway: GatewayName, holds: Callable[[StoredCheckpoint], bool]
) -> StoredCheckpoint | None:
    """Find the newest checkpoint of a log for which a condition holds, by binary search; None where it holds for none.

    Args:
        holds: where it is true of a checkpoint, it is true of all before it.
    """
    oldest, newest = await from_number(connection, gateway, 1), await last(connection, gateway)
    if oldest is None or newest is None or not holds(oldest):
        return None
    if holds(newest):
        return newest
    last_match, end = oldest, newest.number
    while end - last_match.number > 1:
        middle = (last_match.number + end) // 2
        candidate = await from_number(connection, gateway, middle)
        if candidate is not None and candidate.number < end and holds(candidate):
            last_match = candidate
        else:
            end = middle
    return last_match


async def between(
    connection: Client, gateway: GatewayName, after: int, end: StoredCheckpoint, limit: int = MAX_CHECKPOINTS
) -> list[StoredCheckpoint]:
    """Read checkpoints of a log with a higher number than `after`, up to `end`, which is the last of them.

    Args:
        limit: about how many at most; of more than that, some are left out evenly.
    """
    checkpoints: list[StoredCheckpoint] = []
    step, number = max(1, (end.number - after) // limit), after + 1
    while number < end.number:
        checkpoint = await from_number(connection, gateway, number)
        if checkpoint is None or checkpoint.number >= end.number:
            break
        checkpoints.append(checkpoint)
        number = max(checkpoint.number + 1, number + step)
    return [*checkpoints, end] if end.number > after else []


def _parse_stored(message: Any) -> StoredCheckpoint:
    time = message.time.timestamp() if message.time else 0.0
    return StoredCheckpoint(CheckpointRecord.parse(message.data or b"{}"), int(message.seq or 0), time)
