"""Reading the logs back: their entries in order, and their checkpoints.

A log begins in the archives and ends in the stream; a reader here does not notice where. Reading a whole log takes
time with its length, some 100,000 entries a second (measured).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from nats.aio.client import Client

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read import batch_consumer, checkpoint_stream, entry_stream
from lgsp_gateway.evidence.read.archive_name import ArchiveName
from lgsp_gateway.evidence.read.checkpoint_stream import CheckpointRecord, StoredCheckpoint
from lgsp_gateway.evidence.read.live_part import find_live_start, start_after
from lgsp_gateway.evidence.read.log_sources import ArchivedLogs, CosignatureReader
from lgsp_gateway.evidence.verify.cosignature import Cosignature
from lgsp_gateway.evidence.verify.log_part import PartStart
from lgsp_problems import Refusal


@dataclass(frozen=True, slots=True)
class LogState:
    """How far a log has come.

    Args:
        archived: how many of its entries are in the archives alone.
        last: its newest checkpoint; None where it has none.
    """

    gateway: GatewayName
    archived: int
    last: StoredCheckpoint | None


class LogReader:
    """Reads all logs of a bus.

    Args:
        cosignatures: reads what others have signed of the checkpoints of a log.
        archives: None where this process does not know where archives are.
    """

    def __init__(self, connection: Client, cosignatures: CosignatureReader, archives: ArchivedLogs | None) -> None:
        self._connection = connection
        self._cosignatures = cosignatures
        self._archives = archives

    @property
    def has_archives(self) -> bool:
        """Tell whether entries that are no longer in the stream can be read."""
        return self._archives is not None

    async def gateways(self) -> list[GatewayName]:
        """List the gateways that have written evidence, each of which has a log."""
        return sorted(
            {*await entry_stream.gateways(self._connection), *await checkpoint_stream.gateways(self._connection)}
        )

    async def last_checkpoint(self, gateway: GatewayName) -> CheckpointRecord | None:
        """Read the newest checkpoint of a log; None where it has none."""
        stored = await checkpoint_stream.last(self._connection, gateway)
        return stored.record if stored else None

    async def state(self, gateway: GatewayName) -> LogState:
        """Read how far a log has come, and how much of it is in the archives alone."""
        live, _ = await find_live_start(self._connection, gateway)
        return LogState(gateway, live.size, await checkpoint_stream.last(self._connection, gateway))

    async def cosignatures(self, gateway: GatewayName) -> list[Cosignature]:
        """Read the newest cosignature of each witness of a log, and its newest timestamp."""
        return await self._cosignatures(self._connection, gateway)

    async def find_part(self, gateway: GatewayName, begin: int, end: int) -> tuple[PartStart, list[str]]:
        """Find where a part of a log can begin, and the checkpoints over it.

        Args:
            begin: index of an entry; the part begins at the last checkpoint at or before it. With 0 it begins where the stream does:
                entries before that are in the archives.
            end: index after the last entry; only checkpoints up to there are returned.

        Returns:
            The start of the part, and the checkpoints (signed notes) over it, the oldest first.
        """
        start, number = await find_live_start(self._connection, gateway)
        before = await self._last_checkpoint_up_to(gateway, begin)
        if before and before.record.size > start.size:
            start, number = start_after(before.record), before.number
        last = await self._last_checkpoint_up_to(gateway, end)
        if last is None or last.record.size <= start.size:
            return start, []
        checkpoints = await checkpoint_stream.between(self._connection, gateway, number, last)
        return start, [stored.record.note for stored in checkpoints]

    async def entries(self, gateway: GatewayName, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        """Read the entries of a log from one index up to, but not with, another.

        Raises:
            Refusal: `archive-unavailable`, when some of them are in archives that this process does not know.
        """
        live, _ = await find_live_start(self._connection, gateway)
        position = begin
        if begin < live.size:
            if self._archives is None:
                raise _in_archives(gateway, begin)
            for name in await asyncio.to_thread(self._archives_between, gateway, begin, live.size):
                for entry in await asyncio.to_thread(self._archives.read, name, position, end):
                    yield entry
                position = name.end
        if position >= end:
            return
        before = await self._last_checkpoint_up_to(gateway, position)
        size_before, after = (before.record.size, before.record.sequence) if before else (0, 0)
        to_skip, remaining = position - max(size_before, live.size), end - position
        async with aclosing(batch_consumer.read(self._connection, after, follow=False, gateway=gateway)) as batches:
            async for batch in batches:
                for entry in batch.entries[to_skip:][:remaining]:
                    yield entry
                    remaining -= 1
                to_skip = max(0, to_skip - len(batch.entries))
                if remaining <= 0:
                    return

    async def _last_checkpoint_up_to(self, gateway: GatewayName, size: int) -> StoredCheckpoint | None:
        """Find the last checkpoint over no more than so many entries."""
        return await checkpoint_stream.newest_where(
            self._connection, gateway, lambda stored: stored.record.size <= size
        )

    def _archives_between(self, gateway: GatewayName, begin: int, end: int) -> list[ArchiveName]:
        """Choose the archives that hold a part of a log without a gap."""
        chosen, position = list[ArchiveName](), begin
        for name in self._archives.names(gateway) if self._archives else []:
            if name.first <= position < name.end:
                chosen.append(name)
                position = name.end
        if position < end:
            raise _in_archives(gateway, position)
        return chosen


def _in_archives(gateway: GatewayName, index: int) -> Refusal:
    return Refusal(
        "archive-unavailable",
        vi=f"Các mục từ {index} của {gateway} đã vào kho lưu trữ; hãy khởi động gateway với --archive chỉ tới kho đó.",
        en=f"The entries of {gateway} from {index} on are archived; start the gateway with --archive naming where.",
    )
