"""The indexer: copies the evidence from its stream into the search index, for ever, from wherever the index ends."""

import asyncio

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from lgsp_gateway.evidence import stream
from lgsp_gateway.evidence.index import Index
from lgsp_problems import Refusal
from lgsp_process import nats_connection, running

BATCH = 200
"""Groups that go in together at most."""
WAIT_SECONDS = 1.0


async def serve(door: nats_connection.Door, index: Index, stop: asyncio.Event) -> None:
    """Index until told to stop.

    Raises:
        Refusal: `cannot-start`.
    """
    connection = await nats_connection.connect(door, "indexer")
    copying = asyncio.create_task(_copy_for_ever(connection, index))
    running.ready("indexer")
    await stop.wait()
    copying.cancel()
    await asyncio.gather(copying, return_exceptions=True)
    await connection.close()
    index.close()


async def _copy_for_ever(connection: Client, index: Index) -> None:
    while True:
        try:
            await _copy(connection, index)
        except (Refusal, NatsError, OSError, TimeoutError, NotFoundError) as error:
            why = error.detail.en if isinstance(error, Refusal) else type(error).__name__
            structlog.get_logger().warning("index waits", why=why)
            await asyncio.sleep(WAIT_SECONDS)


async def _copy(connection: Client, index: Index) -> None:
    """Copy until something goes wrong. A consumer that forgets itself suffices: the index knows where it is."""
    after = await asyncio.to_thread(index.progress)
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=60,
    )
    puller = await connection.jetstream().pull_subscribe(stream.subject_of("*"), stream=stream.STREAM, config=config)
    try:
        while True:
            try:
                messages = await puller.fetch(BATCH, timeout=WAIT_SECONDS)
            except TimeoutError:
                if await asyncio.to_thread(index.progress) < after:  # somebody removed the index
                    return
                continue
            groups = [(message.metadata.sequence.stream, message.data) for message in messages]
            if await asyncio.to_thread(index.progress) != after:
                return
            await asyncio.to_thread(index.add, groups)
            after = groups[-1][0]
    finally:
        await puller.unsubscribe()
