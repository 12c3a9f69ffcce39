"""The indexer: copies the evidence from its stream into the search index, for ever, from where the index ends.

It is a process of its own, so that filling an index slows no call.
"""

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Callable
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
from lgsp_runtime.background import Background
from lgsp_runtime.nats import connection as nats_connection
from lgsp_runtime.steady_clock import SteadyClock

MAX_BATCHES = 200
"""Batches that are indexed in one transaction, at most."""
WAIT_SECONDS = 1.0
PRUNE_SECONDS = 60.0
REPEAT_SECONDS = 60.0
"""How often the same failure is logged while it lasts."""
GATHER_SECONDS = 0.2
"""How long batches gather in the stream before they are indexed together: a transaction for every few entries took half a core at 230
entries a second (measured)."""
ADD_SECONDS = 300.0
"""How long one transaction may take: a database that stopped answering is given up then."""


async def serve(
    endpoint: nats_connection.NatsEndpoint,
    index: Index,
    archives: ArchiveStore | None,
    keep_days: int,
    process: running.Process,
) -> None:
    """Index until the process is stopped.

    Args:
        endpoint: of NATS.
        archives: to begin with what is no longer in the stream; None where there are none.
        keep_days: for how long messages stay in the index; 0 for ever.

    Raises:
        Refusal: `cannot-start`.
    """
    connection = await nats_connection.connect(endpoint, "indexer", background=process.background)
    process.background.run_forever(
        "index", partial(_copy_for_ever, connection, index, archives, keep_days), essential=True
    )
    process.ready("indexer")
    await process.stop.wait()
    await process.background.stop()
    await connection.close()
    await index.close()


async def fill(
    endpoint: nats_connection.NatsEndpoint,
    index: Index,
    archives: ArchiveStore | None,
    on_progress: Callable[[int, int], None],
) -> None:
    """Fill an index with all that the stream holds now, beside another index that serves meanwhile.

    Args:
        archives: to begin with what is no longer in the stream; None where there are none.
        on_progress: told every second of the last batch that is in the index, and of the one to reach.

    Raises:
        Refusal: `cannot-start`.
    """
    async with Background() as background:
        connection = await nats_connection.connect(endpoint, "index move", background=background)
        goal, reached = await entry_stream.last_sequence(connection), await index.progress()
        on_progress(reached, goal)  # the tables are there from now on
        background.run_forever("index", partial(_copy_for_ever, connection, index, archives, 0))
        while (reached := await index.progress()) < goal:
            on_progress(reached, goal)
            await asyncio.sleep(WAIT_SECONDS)
        on_progress(reached, goal)
        await background.stop()
        await connection.close()


async def _copy_for_ever(connection: Client, index: Index, archives: ArchiveStore | None, keep_days: int) -> None:
    last_reason, logged_at = "", 0.0
    while True:
        try:
            await _copy_archives(connection, index, archives)
            await _copy_stream(connection, index, keep_days)
        except (Refusal, NatsError, OSError, TimeoutError) as error:
            reason = error.detail.en if isinstance(error, Refusal) else type(error).__name__
            if reason != last_reason or time.monotonic() - logged_at > REPEAT_SECONDS:
                structlog.get_logger().warning("index waits", why=reason)
                last_reason, logged_at = reason, time.monotonic()
            await asyncio.sleep(WAIT_SECONDS)


async def _copy_archives(connection: Client, index: Index, archives: ArchiveStore | None) -> None:
    """Copy what the index lacks and archives hold.

    Archives hold what is no longer in the stream, but of each log up to another batch. So archives and stream are merged, in the order
    of the stream, until the archives end.
    """
    after = await index.progress()
    if archives is None or after >= await entry_stream.last_sequence(connection):
        return
    logs = {name.gateway for name in await asyncio.to_thread(archives.names)}
    indexed = {log: await index.size_of(log) for log in sorted(logs)}
    async for batches in _merge_with_stream(connection, archives, indexed, after):
        await _add_within_deadline(index, after, batches)
        after = batches[-1].sequence


async def _merge_with_stream(
    connection: Client, archives: ArchiveStore, indexed: dict[GatewayName, int], after: int
) -> AsyncIterator[list[Batch]]:
    parts = [archives.batches(log, size, after) for log, size in indexed.items()]
    archived = heapq.merge(*parts, key=lambda batch: batch.sequence)
    async with aclosing(batch_consumer.read(connection, after, follow=False)) as live:
        live_batch = await anext(live, None)
        while chunk := await asyncio.to_thread(list, islice(archived, MAX_BATCHES)):
            batches: list[Batch] = []
            for batch in chunk:
                while live_batch and live_batch.sequence < batch.sequence:
                    batches.append(live_batch)
                    live_batch = await anext(live, None)
                batches.append(batch)
            yield batches


async def _copy_stream(connection: Client, index: Index, keep_days: int) -> None:
    """Copy until something goes wrong. An ephemeral consumer suffices: the index knows how far it is."""
    after, pruned_at, clock = await index.progress(), 0.0, SteadyClock()
    async with batch_consumer.consume(connection, after) as consumer:
        while True:
            if time.monotonic() - pruned_at > PRUNE_SECONDS:
                await index.prune_flows(clock.now())
                if keep_days:
                    await index.prune_messages(clock.now() - keep_days * 86400)
                pruned_at = time.monotonic()
            batches = await consumer.fetch(MAX_BATCHES, WAIT_SECONDS)
            if batches:
                await _add_within_deadline(index, after, batches)
                after = batches[-1].sequence
            elif await index.progress() != after:  # the index was removed
                return
            if len(batches) < MAX_BATCHES:
                await asyncio.sleep(GATHER_SECONDS)


async def _add_within_deadline(index: Index, after: int, batches: list[Batch]) -> None:
    async with asyncio.timeout(ADD_SECONDS):
        await index.add(after, batches)
