"""Pulls batches of evidence from their stream, at the pace of the reader.

With a pull consumer, batches wait at the server until they are requested, so a reader that stops costs no memory here. A push
consumer sends on: 500 readers that did not read took a gigabyte of a gateway's memory and made NATS end its connection (measured).
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
from lgsp_runtime.nats import pulling

FETCH_BATCHES = 8
"""Batches that a reader gets at once: at most 4 MB."""
FETCH_SECONDS = 5.0
PAUSE_SECONDS = 0.5
MAX_TRIES = 3
"""How often what did not arrive is requested again, without anything that did."""
INACTIVE_SECONDS = 60
"""After which the server deletes a consumer that nobody uses, should this process end without deleting it."""


class BatchesLostError(NatsError):
    """Raised when a batch that was requested did not arrive. Whoever reads begins anew after the last batch that it has."""


class BatchConsumer:
    """A pull consumer on the stream of the evidence, which ends with its context (`consume`).

    Args:
        pending: how many batches there were to read when it was created.
    """

    def __init__(self, subscription: JetStreamContext.PullSubscription, pending: int) -> None:
        self._subscription = subscription
        self._delivered = 0
        self.pending = pending

    async def fetch(self, limit: int = FETCH_BATCHES, seconds: float = FETCH_SECONDS) -> list[Batch]:
        """Pull the next batches, in order and without a gap; none where none has come in time.

        Args:
            limit: batches at most.
            seconds: how long to wait for the first.

        Raises:
            BatchesLostError: the next one did not arrive, and a later one did.
            nats.errors.Error: the consumer no longer exists, or NATS cannot be reached.
        """
        try:
            messages = await pulling.fetch(self._subscription, limit, seconds)
        except TimeoutError:
            messages = []
        if not messages:  # a fetch that gets only the server's status messages ends like one that gets nothing
            await self._subscription.consumer_info()
        numbered = enumerate(messages, self._delivered + 1)
        without_gap = [message for _, message in takewhile(lambda pair: _delivery_number(pair[1]) == pair[0], numbered)]
        self._delivered += len(without_gap)
        if messages and not without_gap:
            raise BatchesLostError
        return [_batch_from_message(message) for message in without_gap]


@asynccontextmanager
async def consume(connection: Client, after: int, gateway: GatewayName | None = None) -> AsyncIterator[BatchConsumer]:
    """Create a consumer for as long as the context lasts.

    Args:
        after: only batches with a higher number.
        gateway: only batches that it wrote; None for those of all.

    Raises:
        nats.errors.Error: NATS cannot be reached, or refuses.
    """
    name = connection.new_inbox().rpartition(".")[2]
    config = ConsumerConfig(
        name=name,
        filter_subject=entry_stream.filter_of(gateway),
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=INACTIVE_SECONDS,
        mem_storage=True,
    )
    jetstream = connection.jetstream()
    try:
        info = await jetstream.add_consumer(entry_stream.STREAM, config)
        subscription = await jetstream.pull_subscribe_bind(name, entry_stream.STREAM)
        try:
            yield BatchConsumer(subscription, info.num_pending or 0)
        finally:
            with contextlib.suppress(NatsError, OSError):
                await subscription.unsubscribe()
    finally:
        # An error here would replace the one that ended the reading. It may be there although the answer that it was made did not come.
        with contextlib.suppress(NatsError, OSError):
            await jetstream.delete_consumer(entry_stream.STREAM, name)


async def read(
    connection: Client,
    after: int,
    *,
    follow: bool,
    gateway: GatewayName | None = None,
    at_once: int = FETCH_BATCHES,
) -> AsyncGenerator[Batch, None]:
    """Read batches of entries, in their order.

    Args:
        after: only batches with a higher number.
        gateway: only batches that it wrote; None for those of all.
        follow: wait for new batches for ever, also while servers are away; otherwise end with the newest.
        at_once: how many are pulled at once, and held in memory until they are read.

    Raises:
        nats.errors.Error: the rest did not arrive, and what was read so far is not all.
    """
    tries = 0
    while True:
        try:
            async with consume(connection, after, gateway) as consumer:
                remaining = consumer.pending
                while follow or remaining > 0:
                    batches = await consumer.fetch(at_once if follow else min(at_once, remaining))
                    for batch in batches:
                        after, remaining, tries = batch.sequence, remaining - 1, 0
                        yield batch
                    if not (batches or follow):
                        await _refuse_missing(connection, after, gateway)
                        return
            return
        except (NatsError, OSError) as error:
            tries += 1
            if not follow and (tries == MAX_TRIES or not isinstance(error, BatchesLostError)):
                raise
            await asyncio.sleep(PAUSE_SECONDS)


async def _refuse_missing(connection: Client, after: int, gateway: GatewayName | None) -> None:
    """Raise when batches that were pending are still in the stream: they were lost on the way, and not archived and deleted."""
    last = await (entry_stream.last_of(connection, gateway) if gateway else entry_stream.last_sequence(connection))
    if last > after and await entry_stream.first_after(connection, after, gateway):
        raise BatchesLostError


def _delivery_number(message: Msg) -> int:
    """Return which message of its consumer it is: they are counted from 1, without a gap."""
    return int(message.metadata.sequence.consumer)


def _batch_from_message(message: Msg) -> Batch:
    return Batch(
        message.metadata.sequence.stream, GatewayName(message.subject.removeprefix(entry_stream.SUBJECTS)), message.data
    )
