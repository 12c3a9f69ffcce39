"""Reading the logs back: their entries in order, their checkpoints, and proofs made from them.

A log begins in the archives and ends in the stream; whoever reads it here does not notice where. Reading a whole log takes
time with its length, some 100,000 entries a second; a proof of one message does not, where there is an index.
"""

import asyncio
import base64
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import orjson
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError

from lgsp_contracts.names import GatewayName, MessageId
from lgsp_gateway.evidence.read import batch_consumer, checkpoint_stream, entry_stream
from lgsp_gateway.evidence.read.archive_name import ArchiveName
from lgsp_gateway.evidence.read.checkpoint_stream import CheckpointRecord, StoredCheckpoint
from lgsp_gateway.evidence.read.log_position import LogPosition
from lgsp_gateway.evidence.verify import merkle
from lgsp_gateway.evidence.verify.checkpoint import unverified_size
from lgsp_gateway.evidence.verify.cosignature import Cosignature
from lgsp_gateway.evidence.verify.inclusion_proof import proof_document
from lgsp_gateway.evidence.verify.log_part import LOG_BEGINNING, PartStart
from lgsp_problems import Refusal

CLOCK_SECONDS = 60.0
"""How far the clocks of gateways and of NATS may be apart."""
LOOK_SECONDS = 1.0
"""How long a new checkpoint is waited for before the logs are looked at anyway."""


class ArchivedLogs(Protocol):
    """What is read of the archives of logs.

    Raises:
        Refusal: `archive-unavailable`, in each method.
    """

    def names(self, gateway: GatewayName | None = None) -> list[ArchiveName]:
        """List the archives of one log or of all, in order."""

    def read(self, name: ArchiveName, begin: int, end: int) -> list[bytes]:
        """Read the entries of an archive that stand from one place of the log up to another."""


class IndexedLogs(Protocol):
    """What is looked up in an index of the logs.

    Raises:
        Refusal: `index-unavailable`, in each method.
    """

    async def place_of(self, message: str) -> LogPosition | None:
        """Find where the entry of a message stands; the last one, where its answer was withheld."""

    async def size_of(self, gateway: GatewayName) -> int:
        """Count the entries of a log that are indexed."""

    async def inclusion(self, gateway: GatewayName, size: int, leaf: int) -> list[bytes]:
        """Find the path from a leaf to the root of the first `size` entries of a log."""

    async def consistency(self, gateway: GatewayName, old: int, new: int) -> list[bytes]:
        """Find the path that shows that a log of `new` entries begins with the one of `old`."""


class Cosignatures(Protocol):
    """Finds the newest cosignature of each who cosigns a log, and the newest timestamp."""

    async def __call__(self, connection: Client, gateway: GatewayName, /) -> list[Cosignature]:
        """Read them from their stream."""


class Logs:
    """All logs of a bus.

    Args:
        cosignatures: reads what others say of the checkpoints of a log.
        archives: None where this process does not know where archives lie.
        index: where it has got to, a proof takes a few look-ups; otherwise the log is read.
    """

    def __init__(
        self,
        connection: Client,
        cosignatures: Cosignatures,
        archives: ArchivedLogs | None,
        index: IndexedLogs | None,
    ) -> None:
        self._connection = connection
        self._cosignatures = cosignatures
        self._archives = archives
        self._index = index

    async def names(self) -> list[GatewayName]:
        """List the gateways that have written evidence."""
        return sorted(
            {*await entry_stream.gateways(self._connection), *await checkpoint_stream.gateways(self._connection)}
        )

    async def last(self, gateway: GatewayName) -> CheckpointRecord | None:
        """Read the newest checkpoint of a log."""
        found = await checkpoint_stream.last(self._connection, gateway)
        return found.record if found else None

    async def cosignatures(self, gateway: GatewayName) -> list[Cosignature]:
        """Read the newest cosignature of each witness of a log, and its newest timestamp."""
        return await self._cosignatures(self._connection, gateway)

    async def part(self, gateway: GatewayName, begin: int, end: int) -> tuple[PartStart, list[str]]:
        """Find where a part of a log can begin, and checkpoints over it: the last at or before `begin`, those up to `end`.

        Without a begin it begins where the stream does. Entries before that are in the archives.
        """
        start, number = await live_from(self._connection, gateway)
        before = await self._at(gateway, begin)
        if before and before.record.size > start.size:
            start, number = _start(before.record), before.number
        last = await self._at(gateway, end)
        if last is None or last.record.size <= start.size:
            return start, []
        found = await checkpoint_stream.between(self._connection, gateway, number, last)
        return start, [one.record.note for one in found]

    async def _at(self, gateway: GatewayName, size: int) -> StoredCheckpoint | None:
        """The last checkpoint over no more than so many entries."""
        return await checkpoint_stream.newest_where(self._connection, gateway, lambda one: one.record.size <= size)

    async def entries(self, gateway: GatewayName, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        """Read the entries of a log from one place up to another.

        Raises:
            Refusal: `archive-unavailable`, when some of them are in archives that this process does not know.
        """
        live, _ = await live_from(self._connection, gateway)
        at = begin
        if begin < live.size:
            if self._archives is None:
                raise _in_archives(gateway, begin)
            for name in await asyncio.to_thread(self._archived, gateway, begin, live.size):
                for entry in await asyncio.to_thread(self._archives.read, name, at, end):
                    yield entry
                at = name.end
        if at >= end:
            return
        before = await self._at(gateway, at)
        known, after = (before.record.size, before.record.sequence) if before else (0, 0)
        skipped, left = at - max(known, live.size), end - at
        async with aclosing(batch_consumer.read(self._connection, after, follow=False, gateway=gateway)) as batches:
            async for batch in batches:
                for entry in batch.entries[skipped:][:left]:
                    yield entry
                    left -= 1
                skipped = max(0, skipped - len(batch.entries))
                if left <= 0:
                    return

    async def proof_of(self, message: MessageId, seconds: float = 0) -> dict[str, Any]:
        """Make the proof of the entry of a message; of the last one, where an answer was withheld.

        Args:
            seconds: how long to wait for the checkpoint that covers a message which passed just now.

        Raises:
            Refusal: `not-found`.
        """
        found = await self._looked_up(message)
        passed = _passed_at(message)
        if found is None and seconds and abs(time.time() - passed) < CLOCK_SECONDS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    found = await self._awaited_proof(message, passed)
        found = found or await self._read_for(message)
        if found is None:
            raise Refusal(
                "not-found",
                vi="Không có mục nào của thông điệp này dưới một điểm kiểm; hãy kiểm tra mã, và nếu vừa gọi, hãy thêm wait=20.",
                en="No entry of this message is covered by a checkpoint; check the id, and add wait=20 if it passed just now.",
                retry_after=1,
            )
        return found

    async def _awaited_proof(self, message: MessageId, passed: float) -> dict[str, Any] | None:
        """Wait for the checkpoint that covers a message; None once all that was on disk when it was asked for is covered.

        Args:
            passed: when it passed, in seconds since 1970.
        """
        written = {gateway: await entry_stream.last_of(self._connection, gateway) for gateway in await self.names()}
        checkpoints = await self._connection.subscribe(checkpoint_stream.SUBJECTS + "*")
        try:
            await self._connection.flush()
            while True:
                covered = await self._cover(written)
                found = await self._looked_up(message) or await self._read_since(passed - CLOCK_SECONDS, message)
                if found or covered:
                    return found
                with contextlib.suppress(NatsTimeoutError):
                    await checkpoints.next_msg(timeout=LOOK_SECONDS)
        finally:
            await checkpoints.unsubscribe()

    async def _cover(self, written: Mapping[GatewayName, int]) -> bool:
        """Do the checkpoints cover the batches up to these numbers?"""
        newest = [(await self.last(gateway), number) for gateway, number in written.items() if number]
        return all(kept is not None and kept.sequence >= number for kept, number in newest)

    async def consistency(self, gateway: GatewayName, old: int, new: int) -> list[str]:
        """Find the path that shows that a log of `new` entries begins with the log of `old`, in base64.

        Raises:
            Refusal: `malformed`, when the log was never that long.
        """
        kept = await self.last(gateway)
        size = kept.size if kept else 0
        if not 0 < old <= new <= size:
            raise Refusal(
                "malformed",
                vi=f"from và to phải thỏa 0 < from ≤ to ≤ {size}, là số mục của nhật ký này.",
                en=f"from and to must keep 0 < from ≤ to ≤ {size}, the number of entries of this log.",
            )
        if self._index and await self._indexed(gateway) >= new:
            path = await self._index.consistency(gateway, old, new)
        else:
            leaves = [merkle.leaf_hash(entry) async for entry in self.entries(gateway, 0, new)]
            path = await asyncio.to_thread(merkle.consistency_proof, merkle.subtree_hash_from(leaves), new, old)
        return [base64.b64encode(step).decode() for step in path]

    def _archived(self, gateway: GatewayName, begin: int, end: int) -> list[ArchiveName]:
        """The archives that hold a part of a log between them."""
        names = self._archives.names(gateway) if self._archives else []
        found, at = list[ArchiveName](), begin
        for name in names:
            if name.first <= at < name.end:
                found.append(name)
                at = name.end
        if at < end:
            raise _in_archives(gateway, at)
        return found

    async def _indexed(self, gateway: GatewayName) -> int:
        """How much of a log is in the index."""
        try:
            return await self._index.size_of(gateway) if self._index else 0
        except Refusal:
            return 0

    async def _looked_up(self, message: MessageId) -> dict[str, Any] | None:
        """The proof with the help of the index; None where it does not help, or is not true to the log."""
        if self._index is None:
            return None
        try:
            place = await self._index.place_of(message)
            kept = await self.last(place.gateway) if place else None
            if place is None or kept is None or not place.leaf < kept.size <= await self._indexed(place.gateway):
                return None
            entry = await self._entry(place)
            path = await self._index.inclusion(place.gateway, kept.size, place.leaf)
            if entry is None or not _proves(entry, place.leaf, path, kept):
                return None
            sealed = [
                (cosignature, await self._index.inclusion(place.gateway, size, place.leaf))
                for cosignature, size in await self._cosignatures_over(place.gateway, place.leaf, kept.size)
            ]
        except Refusal:
            return None
        return proof_document(entry, place.leaf, path, kept.note, sealed)

    async def _cosignatures_over(self, gateway: GatewayName, leaf: int, size: int) -> list[tuple[Cosignature, int]]:
        """Read the newest cosignatures of checkpoints that cover an entry, with the sizes of those."""
        sealed = [
            (cosignature, unverified_size(cosignature.note))
            for cosignature in await self._cosignatures(self._connection, gateway)
        ]
        return [(cosignature, covered) for cosignature, covered in sealed if leaf < covered <= size]

    async def _entry(self, place: LogPosition) -> bytes | None:
        batch = await entry_stream.batch(self._connection, place.sequence)
        if batch is not None:
            lines = batch.split(b"\n")
            return lines[place.line] if place.line < len(lines) else None
        return await anext(self.entries(place.gateway, place.leaf, place.leaf + 1), None)

    async def _read_for(self, message: MessageId) -> dict[str, Any] | None:
        """The proof from reading the logs, first what is still in the stream."""
        for gateway in await self.names():
            kept = await self.last(gateway)
            if kept is None:
                continue
            start, _ = await self.part(gateway, 0, 0)
            found = await self._read_from(gateway, start, kept, message)
            if found is None and start.size and self._archives:
                found = await self._read_from(gateway, LOG_BEGINNING, kept, message)
            if found:
                return found
        return None

    async def _read_since(self, moment: float, message: MessageId) -> dict[str, Any] | None:
        """The proof from reading what the logs hold since a time, in seconds since 1970."""
        for gateway in await self.names():
            kept = await self.last(gateway)
            if kept is None:
                continue
            start, _ = await live_from(self._connection, gateway)
            before = await checkpoint_stream.newest_where(self._connection, gateway, lambda one: one.time < moment)
            if before and before.record.size > start.size:
                start = _start(before.record)
            if found := await self._read_from(gateway, start, kept, message):
                return found
        return None

    async def _read_from(
        self, gateway: GatewayName, start: PartStart, kept: CheckpointRecord, message: MessageId
    ) -> dict[str, Any] | None:
        mark = f'"message":{orjson.dumps(message).decode()}'.encode()
        found = [entry async for entry in self.entries(gateway, start.size, kept.size)]
        place = next((n for n in range(len(found) - 1, -1, -1) if mark in found[n]), None)
        if place is None:
            return None
        node = merkle.subtree_hash_from([merkle.leaf_hash(entry) for entry in found], start.size, start.compact_range)
        leaf = start.size + place
        path = await asyncio.to_thread(merkle.inclusion_proof, node, kept.size, leaf)
        over = await self._cosignatures_over(gateway, leaf, kept.size)
        # Of a checkpoint that lies before the part, only the compact range is known.
        sealed = [
            (cosignature, merkle.inclusion_proof(node, size, leaf)) for cosignature, size in over if size > start.size
        ]
        return proof_document(found[place], leaf, path, kept.note, sealed)


def _in_archives(gateway: GatewayName, at: int) -> Refusal:
    return Refusal(
        "archive-unavailable",
        vi=f"Các mục từ {at} của {gateway} đã vào kho lưu trữ; hãy khởi động gateway với --archive chỉ tới kho đó.",
        en=f"The entries of {gateway} from {at} on are archived; start the gateway with --archive naming where.",
    )


async def live_from(connection: Client, gateway: GatewayName) -> tuple[PartStart, int]:
    """Find where the part of a log begins that is still in the stream, and the number of the checkpoint there (0: at the beginning).

    Archived is what lies under a checkpoint that covers nothing which is still in the stream.
    """
    first = await entry_stream.first_of(connection, gateway)
    before = await checkpoint_stream.newest_where(
        connection, gateway, lambda one: not first or one.record.sequence < first
    )
    return (_start(before.record), before.number) if before else (LOG_BEGINNING, 0)


def _passed_at(message: MessageId) -> float:
    """When a message passed, in seconds since 1970, as its id says (UUID version 7)."""
    return (uuid.UUID(message).int >> 80) / 1000


def _start(kept: CheckpointRecord) -> PartStart:
    return PartStart(kept.size, kept.compact_range, kept.note)


def _proves(entry: bytes, leaf: int, path: Sequence[bytes], kept: CheckpointRecord) -> bool:
    root = merkle.Tree(kept.size, kept.compact_range).root()
    return merkle.verify_inclusion(root, kept.size, leaf, merkle.leaf_hash(entry), path)
