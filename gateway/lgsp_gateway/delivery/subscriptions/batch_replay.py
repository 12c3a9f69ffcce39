"""Delivers selected events of a subscription again: those between two positions that a filter is true for.

A replay as a whole begins the lane of a subscription anew. A batch puts copies of single events behind what waits already, for one subscription
alone, as a retried dead letter is: only what the stream still keeps, only what the grant shows today, for no longer than the original is kept.
One request reads a bounded number of events and says where the next one goes on, so nothing has to be remembered, and nobody else waits.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from lgsp_contracts.names import EventName
from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.storage.batch import TTL
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage
from lgsp_gateway.delivery.stored_messages import StoredMessage, StoredMessages
from lgsp_gateway.delivery.subscriptions.authorization import AuthorizedEvent, authorize
from lgsp_gateway.delivery.subscriptions.damaged_events import DamagedEvent
from lgsp_gateway.delivery.subscriptions.filter import Filter
from lgsp_gateway.delivery.subscriptions.filter_checks import check_fields
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.delivery.subscriptions.parts import DeliveryParts
from lgsp_gateway.delivery.subscriptions.subscribed_event import (
    EVENT_HEADER,
    REPLAY_HEADER,
    SUBJECT_HEADER,
    EventDelivery,
    StoredEvent,
    stored_event,
)
from lgsp_problems import StorageFull, StorageQuotaExceeded

MAX_READ = 2_000
"""Events that one request reads."""
BATCH = 64


@dataclass(frozen=True, slots=True)
class ReplayedBatch:
    """What a batch replay came to.

    Args:
        replayed: events that are delivered again.
        read: events that were looked at.
        end: the position of the last event that was asked for.
        next: the position from which to go on; 0 where it is done.
    """

    replayed: int
    read: int
    end: int
    next: int


class BatchReplay:
    """Replays selected events, one request at a time in one gateway.

    Args:
        stored: reads `LGSP_EVENTS`.
        events: writes to it.
        bounds: what may be stored: an event that is delivered again is stored again.
    """

    def __init__(
        self, parts: DeliveryParts, stored: StoredMessages, events: GroupCommit, bounds: StorageBounds
    ) -> None:
        self._bounds = bounds
        self._parts = parts
        self._stored = stored
        self._events = events
        self._turn = asyncio.Lock()

    async def run(
        self, subscription: Subscription, start: int, end: int, names: Sequence[EventName], filter_: Filter | None
    ) -> ReplayedBatch:
        """Deliver the events from `start` to `end` again that have one of these names and that the filter is true for.

        Raises:
            Refusal: what `authorize` says of one of the names; `malformed`, where the filter does not fit; `storage-quota-exceeded`, `storage-full` or
                `bus-unavailable`.
        """
        allowed = {name: authorize(subscription, name, self._parts.registry, time.time()) for name in names}
        if filter_:
            for name, authorized in allowed.items():
                check_fields(filter_, name, authorized.event.data.document, authorized.projection)
        async with self._turn:
            return await self._run(subscription, start, end, allowed, filter_)

    async def _run(
        self,
        subscription: Subscription,
        start: int,
        end: int,
        allowed: Mapping[EventName, AuthorizedEvent],
        filter_: Filter | None,
    ) -> ReplayedBatch:
        subject = streams.event_subject(subscription.service, subscription.major, EventName("*"))
        agency = self._parts.registry.systems[subscription.consumer].agency
        position, replayed, read, now = start - 1, 0, 0, int(time.time() * 1000)
        while read < MAX_READ and position < end:
            messages = await self._stored.following(subject, position, BATCH)
            inside = [one for one in messages if one.sequence <= end]
            wanted = []
            for one in inside:
                await asyncio.sleep(0)  # a costly filter lets others have their turn
                if one.is_damaged:
                    await self._tell_of_damaged(subscription, one, allowed, now)
                if copy := self._copy(subscription, one, allowed, filter_, now):
                    wanted.append((one.expires, copy))
            try:
                await self._publish(agency, wanted)
            except (StorageQuotaExceeded, StorageFull):
                if not replayed:
                    raise
                return ReplayedBatch(replayed, read, end, position + 1)
            replayed, read = replayed + len(wanted), read + len(inside)
            if not messages or len(inside) < len(
                messages
            ):  # fewer than asked for say nothing: large ones come a few at a time
                return ReplayedBatch(replayed, read, end, 0)
            position = inside[-1].sequence
        return ReplayedBatch(replayed, read, end, position + 1 if position < end else 0)

    async def _tell_of_damaged(
        self, subscription: Subscription, message: StoredMessage, allowed: Mapping[EventName, AuthorizedEvent], now: int
    ) -> None:
        """Make a dead letter of an event that was asked for and cannot be read."""
        damaged = DamagedEvent.of(message)._replace(replay=now)
        authorized = allowed.get(damaged.event)
        if authorized is not None:
            kind = subscription.delivery.kind
            await self._parts.bury_damaged(subscription, damaged, kind, authorized.consumer.agency)

    async def _publish(self, agency: str, copies: Sequence[tuple[float, NewMessage]]) -> None:
        """Store copies with the times at which they expire, and count them as stored by the subscriber's agency."""
        self._bounds.admit(agency, sum(len(copy.payload) for _, copy in copies))
        await asyncio.gather(*(self._events.publish(copy) for _, copy in copies))
        for expires, copy in copies:
            self._bounds.stored.add(agency, len(copy.payload), expires)

    def _copy(
        self,
        subscription: Subscription,
        message: StoredMessage,
        allowed: Mapping[EventName, AuthorizedEvent],
        filter_: Filter | None,
        now: int,
    ) -> NewMessage | None:
        """Return what delivers an event again; None where it is not wanted, or is about to expire."""
        seconds = int(message.expires - now / 1000)
        try:
            stored = stored_event(message)
        except ValueError:  # nothing that a gateway stored
            return None
        authorized = allowed.get(stored.event)
        delivery = self._parts.select(subscription, stored, authorized) if authorized and seconds > 0 else None
        if delivery is None or (filter_ and not filter_.matches(delivery.event.document)):
            return None
        return self._message(delivery, stored, seconds, now)

    def _message(self, delivery: EventDelivery, stored: StoredEvent, seconds: int, now: int) -> NewMessage:
        subject, subscription = self._parts.evidence.subject_of(delivery), delivery.subscription
        headers = {
            TTL: f"{seconds}s",
            EVENT_HEADER: stored.event,
            REPLAY_HEADER: str(now),
            **({SUBJECT_HEADER: subject} if subject else {}),
        }
        payload = orjson.dumps(stored.attributes) + b"\n" + delivery.event.data
        again = streams.event_again_subject(subscription.id)
        return NewMessage(again, payload, headers, f"replay.{subscription.id}.{stored.position}.{now}")
