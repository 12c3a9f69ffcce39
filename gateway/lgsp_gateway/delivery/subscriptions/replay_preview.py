"""Counts the events that a replay would deliver again, before anybody asks for it: JetStream counts, and nothing is read."""

from typing import NamedTuple

import uuid_utils
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_runtime.nats.request_reply import bus_unavailable

INACTIVE_SECONDS = 30


class ReplayPreview(NamedTuple):
    """What a replay would deliver again.

    Args:
        events: how many, before the filter of the subscription.
        start, end: the positions between which they lie.
    """

    events: int
    start: int
    end: int


async def count_events(connection: Client, subscription: Subscription, start: int, end: int) -> int:
    """Return how many events of a subscription lie between two positions, both counted. Its filter is not applied.

    Raises:
        Refusal: `bus-unavailable`.
    """
    try:
        from_start, behind_end = [
            await _count_from(connection, subscription, position) for position in (start, end + 1)
        ]
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
    return max(0, from_start - behind_end)


async def _count_from(connection: Client, subscription: Subscription, position: int) -> int:
    jetstream = connection.jetstream()
    named = [streams.event_subject(subscription.service, subscription.major, event) for event in subscription.events]
    config = ConsumerConfig(
        name=f"count-{uuid_utils.uuid7()}",
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=max(1, position),
        filter_subjects=named,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=INACTIVE_SECONDS,
        mem_storage=True,
    )
    made = await jetstream.add_consumer(streams.EVENTS, config)
    await jetstream.delete_consumer(streams.EVENTS, str(config.name))
    return made.num_pending or 0
