"""Reads the events of a subscription from the stream, at the pace of whoever reads: the source of server-sent events.

A reader keeps its own position, so nothing is stored for it and any gateway can go on where another one stopped. Events wait at the
server until they are asked for: a slow reader costs a few of them in memory.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy

from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.lanes.lane import Delivery
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnknownKeyError, UnreadablePayloadError
from lgsp_gateway.delivery.subscriptions.damaged_events import DamagedEvent
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.delivery.subscriptions.subscribed_event import StoredEvent
from lgsp_problems import Refusal
from lgsp_runtime.nats import pulling

FETCH = 8
"""Events that a reader gets at once."""
FETCH_SECONDS = 5.0
PAUSE_SECONDS = 0.5
KEY_SECONDS = 5.0
"""After which an event is read again whose key is missing."""
INACTIVE_SECONDS = 30
_PAGE = 256
"""Consumers that JetStream tells of in one answer."""


def event_filters(subscription: Subscription) -> list[str]:
    """Return the subjects of the events of a subscription, and of those that are delivered to it again."""
    named = [streams.event_subject(subscription.service, subscription.major, event) for event in subscription.events]
    return [*named, streams.event_again_subject(subscription.id)]


async def consumers(connection: Client) -> list[ConsumerInfo]:
    """Return what the server says of all consumers of `LGSP_EVENTS`, in few requests.

    Raises:
        nats.errors.Error, OSError: it cannot be asked.
    """
    found: list[ConsumerInfo] = []
    jetstream = connection.jetstream()
    while True:
        page = await jetstream.consumers_info(streams.EVENTS, offset=len(found))
        found += page
        if len(page) < _PAGE:
            return found


async def refuse_position_to_come(connection: Client, position: int) -> None:
    """Refuse a position that no event has yet: its reader would pass over all events before it that are still to come.

    While the server cannot be asked, any position is taken.

    Raises:
        Refusal: `malformed`.
    """
    try:
        last = int((await connection.jetstream().stream_info(streams.EVENTS)).state.last_seq)
    except (NatsError, OSError) as error:
        structlog.get_logger().debug("position not compared", error=type(error).__name__)
        return
    if position > last:
        raise Refusal(
            "malformed",
            vi="Chưa có sự kiện nào ở vị trí nêu trong Last-Event-ID; hãy gửi vị trí của sự kiện nhận sau cùng, hoặc bỏ đi để nhận từ đầu của đăng ký.",
            en="No event has the position in Last-Event-ID yet; send that of the last event you received, or none, to begin where the subscription does.",
        )


async def read(
    connection: Client, cipher: PayloadCipher, subscription: Subscription, after: int
) -> AsyncGenerator[StoredEvent | DamagedEvent | None, None]:
    """Read events in their order, for ever, also while servers are away.

    Args:
        after: only events at a higher position.

    Yields:
        An event, which may be damaged; None where none has come for some seconds.
    """
    while True:
        try:
            async with consumer_of(connection.jetstream(), _config(connection, subscription, after)) as consumer:
                number = 0
                while True:
                    messages = await _fetch(consumer)
                    for message in messages:
                        number += 1
                        if message.metadata.sequence.consumer != number:  # one was lost with a connection
                            raise NatsError("an event was lost on its way")
                        stored = _stored(message, cipher)
                        after = int(message.metadata.sequence.stream)
                        yield stored
                    if not messages:
                        yield None
        except (NatsError, OSError) as error:
            structlog.get_logger().debug("reading events again", error=type(error).__name__)
            yield None
            await asyncio.sleep(PAUSE_SECONDS)
        except UnknownKeyError as error:  # to go on behind it would lose it
            structlog.get_logger().error("the key of an event is missing", position=after, error=str(error))
            yield None
            await asyncio.sleep(KEY_SECONDS)


@asynccontextmanager
async def consumer_of(
    jetstream: JetStreamContext, config: ConsumerConfig
) -> AsyncIterator[JetStreamContext.PullSubscription]:
    """Make a consumer of `LGSP_EVENTS`, and delete it in the end.

    Args:
        config: with a name of its own.

    Raises:
        nats.errors.Error, OSError: it could not be made.
    """
    name = str(config.name)
    await jetstream.add_consumer(streams.EVENTS, config)
    pulled = await jetstream.pull_subscribe_bind(name, streams.EVENTS)
    try:
        yield pulled
    finally:
        with contextlib.suppress(NatsError, OSError):  # its error would replace the one that ended the reading
            await pulled.unsubscribe()
            await jetstream.delete_consumer(streams.EVENTS, name)


async def _fetch(consumer: JetStreamContext.PullSubscription) -> list[Msg]:
    try:
        messages = await pulling.fetch(consumer, FETCH, FETCH_SECONDS)
    except TimeoutError:
        messages = []
    if not messages:  # is the consumer there still?
        await consumer.consumer_info()
    return list(messages)


def _config(connection: Client, subscription: Subscription, after: int) -> ConsumerConfig:
    return ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        filter_subjects=event_filters(subscription),
        ack_policy=AckPolicy.NONE,
        inactive_threshold=INACTIVE_SECONDS,
        mem_storage=True,
        name=f"read-{subscription.id}-{connection.new_inbox().rpartition('.')[2]}",
    )


def _stored(message: Msg, cipher: PayloadCipher) -> StoredEvent | DamagedEvent:
    """Read an event.

    Raises:
        UnknownKeyError: its key is not there.
    """
    metadata = message.metadata
    try:
        payload, is_damaged = cipher.decrypt(message.subject, message.data), False
    except UnknownKeyError:
        raise
    except UnreadablePayloadError as error:
        structlog.get_logger().error("event cannot be decrypted", position=metadata.sequence.stream, error=str(error))
        payload, is_damaged = b"", True
    delivery = Delivery(
        stream=streams.EVENTS,
        subject=message.subject,
        sequence=int(metadata.sequence.stream),
        payload=payload,
        headers=dict(message.headers or {}),
        published_at=metadata.timestamp.timestamp(),
        num_delivered=1,
        attempt=1,
        is_damaged=is_damaged,
    )
    try:
        return StoredEvent.of(delivery)
    except ValueError:  # damaged, or nothing that a gateway stored
        return DamagedEvent.of(delivery)
