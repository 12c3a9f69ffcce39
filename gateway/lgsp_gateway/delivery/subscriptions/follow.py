"""The events of a subscription as one reader follows them: authorized, filtered, projected and recorded as they pass."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from nats.aio.client import Client

from lgsp_gateway.delivery.entries import Channel
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.subscriptions import reader
from lgsp_gateway.delivery.subscriptions.authorization import authorize, authorize_all
from lgsp_gateway.delivery.subscriptions.damaged_events import DamagedEvent
from lgsp_gateway.delivery.subscriptions.evidence import AttemptOutcome
from lgsp_gateway.delivery.subscriptions.model import Subscription, SubscriptionId
from lgsp_gateway.delivery.subscriptions.parts import DeliveryParts
from lgsp_gateway.delivery.subscriptions.subscribed_event import StoredEvent, SubscribedEvent

CHANNEL: Channel = "sse"
_LINE_ENDS_AS_SPACES = bytes.maketrans(b"\r\n", b"  ")
"""In JSON as a publisher wrote it, line ends stand between its parts alone; in server-sent events they would end the data."""


class SubscriptionChanged(Exception):  # noqa: N818 - it is how a stream ends, and nothing has gone wrong
    """The subscription was paused, ended, replayed or deleted, or was changed: a reader begins anew."""


async def follow(
    parts: DeliveryParts, connection: Client, cipher: PayloadCipher, subscription: SubscriptionId, after: int
) -> AsyncGenerator[SubscribedEvent | None, None]:
    """Follow the events of a subscription.

    Args:
        after: only events at a higher position.

    Yields:
        An event, once its delivery is in the evidence; None every few seconds where there is none.

    Raises:
        SubscriptionChanged: the subscription is not what it was when the reader began.
        Refusal: what `authorize` says; `evidence-unavailable`; where an event is damaged, what `bury_damaged` says.
    """
    began_with = parts.store.get(subscription)
    if began_with is None:
        raise SubscriptionChanged
    async with aclosing(reader.read(connection, cipher, began_with, after)) as events:
        async for stored in events:
            current = parts.store.get(subscription)
            if current is None or current.revision != began_with.revision:
                raise SubscriptionChanged
            if stored is None:
                authorize_all(current, parts.registry, time.time())
                yield None
                continue
            if isinstance(stored, DamagedEvent):
                agency = authorize(current, stored.event, parts.registry, time.time()).consumer.agency
                await parts.bury_damaged(current, stored, CHANNEL, agency)
                continue
            event = await _delivered(parts, current, stored)
            if event is not None:
                yield event


async def _delivered(parts: DeliveryParts, subscription: Subscription, stored: StoredEvent) -> SubscribedEvent | None:
    authorized = authorize(subscription, stored.event, parts.registry, time.time())
    selected = parts.select(subscription, stored, authorized)
    if selected is None:
        await asyncio.sleep(0)  # a filter that lets nothing through lets others have their turn
        return None
    data = selected.event.data.translate(_LINE_ENDS_AS_SPACES)  # before its digest is in the evidence
    event = selected.event._replace(data=data)
    delivery = selected._replace(event=event)
    await parts.let_read_files(delivery)
    await parts.evidence.write(delivery, CHANNEL, AttemptOutcome(1, "delivered", "delivered"))
    parts.observer.attempted(subscription, "delivered")
    return event
