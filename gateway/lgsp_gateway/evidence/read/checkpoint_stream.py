"""The stream of signed checkpoints: each with what it takes to go on from it, found without reading them all.

A gateway that is never idle signs 86,400 a day. What is looked for among them (the last before a time, before a place in the log)
holds for all before some checkpoint and for none after it, so some twenty look-ups find it among millions.
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
MOST = 5_000
"""Checkpoints of a part of a log that are handed over, evenly spread: the last covers all, the others say where something broke."""


def subject_of(gateway: GatewayName) -> str:
    """Name the subject on which a gateway writes its checkpoints."""
    return f"{SUBJECTS}{gateway}"


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """A checkpoint as it is kept: `note` is what is signed, `sequence` the last batch of the evidence that it covers."""

    note: str
    size: int
    compact_range: tuple[bytes, ...]
    sequence: int

    def data(self) -> bytes:
        """Write the record as JSON."""
        compact_range = [one.hex() for one in self.compact_range]
        return orjson.dumps({"note": self.note, "size": self.size, "edge": compact_range, "sequence": self.sequence})

    @classmethod
    def parse(cls, data: bytes) -> "CheckpointRecord":
        """Read it."""
        found: dict[str, Any] = orjson.loads(data)
        return cls(found["note"], found["size"], tuple(map(bytes.fromhex, found["edge"])), found["sequence"])


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint with its own number in the stream, and the time it was written, in seconds since 1970."""

    record: CheckpointRecord
    number: int
    time: float


async def ensure(connection: Client, replicas: int) -> None:
    """Make the stream, or check that it is as it must be.

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
    """List the gateways whose logs are under a checkpoint, also where all they hold is archived."""
    found = await streams.subjects(connection, STREAM, SUBJECTS + "*")
    return [names.gateway_name(subject.removeprefix(SUBJECTS)) for subject in found]


async def last(connection: Client, gateway: GatewayName) -> StoredCheckpoint | None:
    """Read the newest checkpoint of a log."""
    try:
        return _stored(await connection.jetstream().get_last_msg(STREAM, subject_of(gateway)))
    except NotFoundError:
        return None


async def from_number(connection: Client, gateway: GatewayName, number: int) -> StoredCheckpoint | None:
    """Read the first checkpoint of a log that has this number or a higher one."""
    try:
        return _stored(await connection.jetstream().get_msg(STREAM, number, subject_of(gateway), next=True))
    except NotFoundError:
        return None


async def newest_where(
    connection: Client, gateway: GatewayName, holds: Callable[[StoredCheckpoint], bool]
) -> StoredCheckpoint | None:
    """Find the newest checkpoint for which something holds that holds for all before it."""
    oldest, newest = await from_number(connection, gateway, 1), await last(connection, gateway)
    if oldest is None or newest is None or not holds(oldest):
        return None
    if holds(newest):
        return newest
    found, end = oldest, newest.number
    while end - found.number > 1:
        middle = (found.number + end) // 2
        one = await from_number(connection, gateway, middle)
        if one is not None and one.number < end and holds(one):
            found = one
        else:
            end = middle
    return found


async def between(
    connection: Client, gateway: GatewayName, after: int, end: StoredCheckpoint, most: int = MOST
) -> list[StoredCheckpoint]:
    """Read the checkpoints of a log with a higher number than one, up to another, which is the last of them."""
    found: list[StoredCheckpoint] = []
    step, number = max(1, (end.number - after) // most), after + 1
    while number < end.number:
        one = await from_number(connection, gateway, number)
        if one is None or one.number >= end.number:
            break
        found.append(one)
        number = max(one.number + 1, number + step)
    return [*found, end] if end.number > after else []


def _stored(message: Any) -> StoredCheckpoint:
    written = message.time.timestamp() if message.time else 0.0
    return StoredCheckpoint(CheckpointRecord.parse(message.data or b"{}"), int(message.seq or 0), written)
