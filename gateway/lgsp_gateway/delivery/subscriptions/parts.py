"""What the deliveries to all subscriptions share: what they look at, whom they tell, and the steps that each kind begins and may end with."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from lgsp_gateway.delivery.dead_letters.letter import DeadLetter
from lgsp_gateway.delivery.dead_letters.store import Burial
from lgsp_gateway.delivery.entries import Channel
from lgsp_gateway.delivery.files.access import Carrier
from lgsp_gateway.delivery.files.file_references import FileReferences
from lgsp_gateway.delivery.lanes.lane import Dead, Delivery, Done, Outcome, PauseLane
from lgsp_gateway.delivery.messages.state import Reason
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.space import storage_full
from lgsp_gateway.delivery.subscriptions.attempt_history import AttemptHistory, Key
from lgsp_gateway.delivery.subscriptions.authorization import AuthorizedEvent, authorize
from lgsp_gateway.delivery.subscriptions.damaged_events import DAMAGED, DamagedEvent, damaged_letter
from lgsp_gateway.delivery.subscriptions.evidence import AttemptOutcome, SubscriptionEvidence
from lgsp_gateway.delivery.subscriptions.filter import compiled
from lgsp_gateway.delivery.subscriptions.model import Subscription, SubscriptionId
from lgsp_gateway.delivery.subscriptions.observer import SubscriptionObserver
from lgsp_gateway.delivery.subscriptions.recent_events import RecentEvents
from lgsp_gateway.delivery.subscriptions.store import SubscriptionStore
from lgsp_gateway.delivery.subscriptions.subscribed_event import EventDelivery, StoredEvent, is_recipient, project
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal, StorageFull, StorageQuotaExceeded, Text

DELIVERY_SECONDS = 3 * 86_400.0
"""How long an event is tried, from its first attempt at a gateway."""
EXPIRY_MARGIN_SECONDS = 2 * 3600.0
"""How long before the stream removes it an undelivered event becomes a dead letter."""
BLOCKED_SECONDS = 600.0
"""How long a lane that no grant allows stands still by itself; a change of the registry ends the pause at once."""

FULL_SECONDS = 60.0
"""How long a lane stands still whose subscriber may store no more dead letters."""

NOT_IN_TIME = Reason(
    "not-delivered-in-time",
    Text(
        "Không giao được sự kiện trong thời hạn; hãy kiểm tra nơi nhận rồi giao lại.",
        "The event could not be delivered in time; check the receiver, then deliver it again.",
    ),
)


@dataclass(frozen=True, slots=True)
class DeliveryParts:
    """What deliveries share.

    Args:
        on_blocked: is told when a lane stands still since nothing allows its deliveries now.
        now: in seconds since 1970, and steady: an event does not become late because a clock jumps.
        recent: reads the events of the stream.
        bounds: what may be stored.
    """

    store: SubscriptionStore
    registry: RegistrySnapshot
    evidence: SubscriptionEvidence
    dead_letters: Burial
    observer: SubscriptionObserver
    files: FileReferences
    history: AttemptHistory
    on_blocked: Callable[[SubscriptionId], None]
    now: Callable[[], float]
    recent: RecentEvents
    bounds: StorageBounds

    async def prepare(self, subscription: SubscriptionId, delivery: Delivery) -> EventDelivery | Outcome:
        """Return what is to be delivered of a message in the lane of a subscription, or what the lane does with it instead."""
        now = time.time()
        current = self.store.get(subscription)
        if current is None or current.state != "active":  # its lane is about to end
            return PauseLane("not-active", BLOCKED_SECONDS)
        try:
            stored: StoredEvent | DamagedEvent = self.recent.read(delivery)
        except ValueError:  # damaged, or nothing that a gateway stored
            stored = DamagedEvent.of(delivery)
        try:
            authorized = authorize(current, stored.event, self.registry, now)
        except Refusal as refusal:
            self.on_blocked(subscription)
            return PauseLane(refusal.code, BLOCKED_SECONDS)
        if isinstance(stored, DamagedEvent):
            try:
                await self.bury_damaged(current, stored, current.delivery.kind, authorized.consumer.agency)
            except (StorageFull, StorageQuotaExceeded) as refusal:
                return PauseLane(refusal.code, FULL_SECONDS)
            return Dead(DAMAGED.code)
        return self.select(current, stored, authorized) or Done()

    def select(
        self, subscription: Subscription, stored: StoredEvent, authorized: AuthorizedEvent
    ) -> EventDelivery | None:
        """Return what is to be delivered of an event; None where it is for another agency, or the filter leaves it out."""
        if not is_recipient(stored, authorized):
            return None
        event = project(subscription, stored, authorized)
        left_out = subscription.filter and not compiled(subscription.filter).matches(event.document)
        if left_out and not stored.is_test:  # whoever sends a test is told what the filter says of it
            self.observer.filtered(subscription)
            return None
        return EventDelivery(subscription, stored, event, authorized)

    async def let_read_files(self, delivery: EventDelivery) -> None:
        """Let the subscriber read the files of an event, of those fields that its grant shows: before the event leaves.

        Raises:
            Refusal: `bus-unavailable`.
        """
        schema = delivery.authorized.event.data
        if schema.has_files:
            consumer, event = delivery.subscription.consumer, delivery.event
            subscription, until = (
                delivery.subscription,
                delivery.stored.published_at + delivery.authorized.event.retention,
            )
            carrier = Carrier(event.message, subscription.service, subscription.major, event.event, until)
            await self.files.bind(event.document, schema, carrier, [consumer])

    async def bury_damaged(
        self, subscription: Subscription, damaged: DamagedEvent, channel: Channel, agency: str
    ) -> None:
        """Make a dead letter of an event that nobody can read; to do it again, such as for another reader, changes nothing.

        Args:
            agency: of the subscriber.

        Raises:
            Refusal: `storage-full` or `storage-quota-exceeded`, where there is no room for letters; `evidence-unavailable` or `bus-unavailable`.
        """
        letter = damaged_letter(subscription, damaged, channel, self.now())
        if await self.dead_letters.knows(letter):
            return
        self._refuse_without_room(agency, 0)
        await self.evidence.write_decision(letter, self.registry, DAMAGED.code, "dead", "")
        await self.dead_letters.bury(letter, b"")
        self.observer.buried(subscription, DAMAGED.code)

    def _refuse_without_room(self, agency: str, size: int) -> None:
        """Refuse a letter that would take the room of the evidence, or whose agency has stored what it may."""
        if not self.bounds.space.can_settle():
            raise storage_full()
        self.bounds.refuse_if_over(agency, size)

    async def bury(self, delivery: EventDelivery, channel: Channel, reason: Reason, outcome: AttemptOutcome) -> Outcome:
        """Make an event a dead letter of its subscription; what is in it is what the grant shows now.

        A subscriber whose agency has stored what it may gets no further ones: its lane waits until some are dealt with, and what expires
        meanwhile is counted (`expired_events`). Nor does anybody where the letter would take the room of the evidence: a subscriber that refuses
        everything makes as many copies of each event as it has subscriptions.
        """
        try:
            self._refuse_without_room(delivery.authorized.consumer.agency, len(delivery.event.data))
        except (StorageFull, StorageQuotaExceeded) as refusal:
            return PauseLane(refusal.code, FULL_SECONDS)
        subscription, stored, event, _ = delivery
        key = key_of(delivery)
        letter = DeadLetter(
            kind="event",
            message=event.message,
            owner=subscription.consumer,
            service=subscription.service,
            major=subscription.major,
            name=event.event,
            envelope={
                "attributes": event.attributes,
                "channel": channel,
                "purpose": subscription.purpose,
                "subject": self.evidence.subject_of(delivery),
                "generation": subscription.generation,
                "replay": stored.replay,
            },
            reason=reason,
            attempts=tuple(self.history.begin(key, self.now()).latest),
            died=int(self.now() * 1000),
            subscription=subscription.id,
            round=stored.round,
        )
        await self.dead_letters.bury(letter, event.data)
        await self.evidence.write(delivery, channel, outcome)
        self.observer.buried(subscription, reason.code)
        self.history.forget(key)
        return Dead(reason.code)


def key_of(delivery: EventDelivery) -> Key:
    """Return the key of an event in the history of attempts."""
    return delivery.subscription.consumer_name, delivery.stored.position


def latest_delivery(delivery: EventDelivery, since: float) -> float:
    """Return until when an event is tried, in seconds since 1970.

    Args:
        since: when the first attempt was made.
    """
    expires = delivery.stored.published_at + delivery.authorized.event.retention - EXPIRY_MARGIN_SECONDS
    return min(since + DELIVERY_SECONDS, expires)
