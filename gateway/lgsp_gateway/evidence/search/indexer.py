"""The indexer: copies the evidence from its stream into the search index, for ever, from wherever the index ends."""

import asyncio
import heapq
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from itertools import islice

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.archive.store import ArchiveStore
from lgsp_gateway.evidence.read import batch_consumer, entry_stream
from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search.store import Index
from lgsp_problems import Refusal
from lgsp_runtime import process as running
from lgsp_runtime.nats import connection as nats_connection
from lgsp_runtime.steady_clock import SteadyClock

BATCH = 200
"""Batches that go in together at most."""
WAIT_SECONDS = 1.0
FORGET_SECONDS = 60.0
REPEAT_SECONDS = 60.0
"""How often the same trouble is logged while it lasts."""
GATHER_SECONDS = 0.2
"""How long batches gather in the stream before they go in together: a transaction for each trickle took half a core at 230
entries a second (measured)."""
ADD_SECONDS = 300.0
"""How long bringing in a batch may take: a database that is gone without a word is given up then."""


async def serve(
    door: nats_connection.NatsEndpoint,
    index: Index,
    archives: ArchiveStore | None,
    keep_days: int,
    process: running.Process,
) -> None:
    """Index until told to stop.

    Args:
        archives: where archives lie, to begin with what is in the stream no more.
        keep_days: for how long messages can be found; 0 for ever.

    Raises:
        Refusal: `cannot-start`.
    """
    connection = await nats_connection.connect(door, "indexer", background=process.background)
    process.background.run_forever(
        "index", partial(_copy_for_ever, connection, index, archives, keep_days), essential=True
    )
    process.ready("indexer")
    await process.stop.wait()
    await process.background.stop()
    await connection.close()
    await index.close()


async def _copy_for_ever(connection: Client, index: Index, archives: ArchiveStore | None, keep_days: int) -> None:
    said, said_at = "", 0.0
    while True:
        try:
            await _copy_archived(connection, index, archives)
            await _copy(connection, index, keep_days)
        except (Refusal, NatsError, OSError, TimeoutError) as error:
            why = error.detail.en if isinstance(error, Refusal) else type(error).__name__
            if why != said or time.monotonic() - said_at > REPEAT_SECONDS:
                structlog.get_logger().warning("index waits", why=why)
                said, said_at = why, time.monotonic()
            await asyncio.sleep(WAIT_SECONDS)


async def _copy_archived(connection: Client, index: Index, archives: ArchiveStore | None) -> None:
    """Copy what the index lacks and archives hold.

    Of one log the archives hold what the stream does not any more, but not of all logs up to the same place: so both are read
    side by side, in the order of the stream, until the archives end.
    """
    after = await index.progress()
    if archives is None or after >= await entry_stream.last_sequence(connection):
        return
    logs = {name.gateway for name in await asyncio.to_thread(archives.names)}
    indexed = {log: await index.size_of(log) for log in sorted(logs)}
    async for batches in _side_by_side(connection, archives, indexed, after):
        await _add(index, after, batches)
        after = batches[-1].sequence


async def _side_by_side(
    connection: Client, archives: ArchiveStore, indexed: dict[GatewayName, int], after: int
) -> AsyncIterator[list[Batch]]:
    parts = [archives.batches(log, size, after) for log, size in indexed.items()]
    archived = heapq.merge(*parts, key=lambda batch: batch.sequence)
    async with aclosing(batch_consumer.read(connection, after, follow=False)) as live:
        beside = await anext(live, None)
        while some := await asyncio.to_thread(list, islice(archived, BATCH)):
            batches: list[Batch] = []
            for batch in some:
                while beside and beside.sequence < batch.sequence:
                    batches.append(beside)
                    beside = await anext(live, None)
                batches.append(batch)
            yield batches


async def _copy(connection: Client, index: Index, keep_days: int) -> None:
    """Copy until something goes wrong. A consumer that forgets itself suffices: the index knows where it is."""
    after, forgot, clock = await index.progress(), 0.0, SteadyClock()
    async with batch_consumer.consume(connection, after) as consumer:
        while True:
            if time.monotonic() - forgot > FORGET_SECONDS:
                await index.forget_old_flows(clock.now())
                if keep_days:
                    await index.forget_messages(clock.now() - keep_days * 86400)
                forgot = time.monotonic()
            batches = await consumer.fetch(BATCH, WAIT_SECONDS)
            if batches:
                await _add(index, after, batches)
                after = batches[-1].sequence
            elif await index.progress() != after:  # somebody removed the index
                return
            if len(batches) < BATCH:
                await asyncio.sleep(GATHER_SECONDS)


async def _add(index: Index, after: int, batches: list[Batch]) -> None:
    async with asyncio.timeout(ADD_SECONDS):
        await index.add(after, batches)
