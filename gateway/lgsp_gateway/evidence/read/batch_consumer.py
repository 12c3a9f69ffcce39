"""Pulls batches of evidence from their stream, as many as whoever reads can take.

What is pulled waits at the server until it is asked for, so a reader that stops costs nothing but its place. A push consumer sends
on: 500 readers that did not read took a gigabyte of a gateway's memory and made NATS end its connection.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from itertools import takewhile

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.evidence.read.entry_stream import Batch

MOST = 8
"""Batches that a reader is handed at once: at most 4 MB."""
WAIT_SECONDS = 5.0
PAUSE_SECONDS = 0.5
TRIES = 3
"""How often what did not arrive is asked for again, without anything that did."""
FORGET_SECONDS = 60
"""After which the server forgets a consumer that nobody asks, should it not be told that it is done with."""


class BatchesLostError(NatsError):
    """Some of what was pulled did not arrive: whoever reads begins anew after the last batch that it has."""


class BatchConsumer:
    """What is left to read of a stream, from some place on.

    Args:
        pending: how many batches there were to read when it was made.
    """

    def __init__(self, puller: JetStreamContext.PullSubscription, pending: int) -> None:
        self._puller = puller
        self._delivered = 0
        self.pending = pending

    async def fetch(self, most: int = MOST, seconds: float = WAIT_SECONDS) -> list[Batch]:
        """Pull the next batches; none where none has come in time.

        Raises:
            BatchesLostError: one did not arrive, and nothing did after it.
            nats.errors.Error: the consumer is gone, or NATS is.
        """
        try:
            messages = await self._puller.fetch(most, timeout=seconds)
        except TimeoutError:
            messages = []
        if not messages:  # a fetch that only meets the server's status messages ends like one that meets nothing
            await self._puller.consumer_info()
        numbered = enumerate(messages, self._delivered + 1)
        whole = [message for _, message in takewhile(lambda pair: _number(pair[1]) == pair[0], numbered)]
        self._delivered += len(whole)
        if messages and not whole:
            raise BatchesLostError
        return [_batch(message) for message in whole]


@asynccontextmanager
async def consume(connection: Client, after: int, gateway: GatewayName | None = None) -> AsyncIterator[BatchConsumer]:
    """Read the batches with a higher number than one, of one gateway or of all.

    Raises:
        nats.errors.Error: NATS cannot be asked.
    """
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=FORGET_SECONDS,
        mem_storage=True,
    )
    jetstream = connection.jetstream()
    puller = await jetstream.pull_subscribe(entry_stream.filter_of(gateway), stream=entry_stream.STREAM, config=config)
    name = ""
    try:
        told = await puller.consumer_info()
        name = told.name
        yield BatchConsumer(puller, told.num_pending or 0)
    finally:
        # or its error would take the place of what ended the reading
        with contextlib.suppress(NatsError, OSError):
            await puller.unsubscribe()
            await jetstream.delete_consumer(entry_stream.STREAM, name)


async def read(
    connection: Client, after: int, *, follow: bool, gateway: GatewayName | None = None
) -> AsyncGenerator[Batch, None]:
    """Read batches of entries, in their order.

    Args:
        after: only batches with a higher number.
        gateway: only batches that it wrote; None for those of all.
        follow: wait for what comes, for ever, whatever becomes of the servers; otherwise end with the newest.

    Raises:
        nats.errors.Error: the rest did not come. Whoever reads never takes a part for the whole.
    """
    lost = 0
    while True:
        try:
            async with consume(connection, after, gateway) as consumer:
                left = consumer.pending
                while follow or left > 0:
                    batches = await consumer.fetch(MOST if follow else min(MOST, left))
                    for batch in batches:
                        after, left, lost = batch.sequence, left - 1, 0
                        yield batch
                    if not (batches or follow):
                        await _refuse_missing(connection, after, gateway)
                        return
            return
        except (NatsError, OSError) as error:
            lost += 1
            if not follow and (lost == TRIES or not isinstance(error, BatchesLostError)):
                raise
            await asyncio.sleep(PAUSE_SECONDS)


async def _refuse_missing(connection: Client, after: int, gateway: GatewayName | None) -> None:
    """What was pending and does not come has been archived and deleted, or is still there and did not come."""
    last = await (entry_stream.last_of(connection, gateway) if gateway else entry_stream.last_sequence(connection))
    if last > after and await entry_stream.first_after(connection, after, gateway):
        raise BatchesLostError


def _number(message: Msg) -> int:
    """Which message of its consumer it is: they are counted from 1, without a gap."""
    return int(message.metadata.sequence.consumer)


def _batch(message: Msg) -> Batch:
    return Batch(
        message.metadata.sequence.stream, GatewayName(message.subject.removeprefix(entry_stream.SUBJECTS)), message.data
    )
