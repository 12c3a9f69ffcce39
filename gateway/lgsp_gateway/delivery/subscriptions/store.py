"""The subscriptions of the bus, in memory in every gateway and on disk in the bucket `LGSP_SUBSCRIPTIONS`."""

from collections.abc import Callable, Iterator

import structlog
from nats.aio.client import Client

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.decisions import Decision
from lgsp_gateway.delivery.deletions import Deletion, RecentDeletions
from lgsp_gateway.delivery.replicated_bucket import BucketEntry, ReplicatedBucket
from lgsp_gateway.delivery.subscriptions.model import Subscription, SubscriptionId
from lgsp_runtime.background import Background
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.request_reply import NatsRequestReply

BUCKET = "LGSP_SUBSCRIPTIONS"

Listener = Callable[[SubscriptionId], None]


class SubscriptionStore:
    """Holds all subscriptions; writes are conditional on the revision that they were made from."""

    def __init__(self, bus: NatsRequestReply) -> None:
        self._bucket = ReplicatedBucket(BUCKET, bus, self._apply)
        self._subscriptions: dict[SubscriptionId, Subscription] = {}
        self._listeners: list[Listener] = []
        self.deletions = RecentDeletions()

    async def start(self, connection: Client, replicas: int, background: Background) -> None:
        """Read the subscriptions, and follow them from now on.

        Raises:
            Refusal: `cannot-start` or `bus-unavailable`.
        """
        await self._bucket.start(connection, replicas, background)

    def get(self, subscription: SubscriptionId) -> Subscription | None:
        """Return a subscription; None where there is none."""
        return self._subscriptions.get(subscription)

    def of(self, consumer: SystemName) -> list[Subscription]:
        """Return the subscriptions of a system, oldest first."""
        return [one for one in self if one.consumer == consumer]

    def __iter__(self) -> Iterator[Subscription]:
        """Iterate over all subscriptions, oldest first (their ids are UUIDv7)."""
        return iter(sorted(self._subscriptions.values(), key=lambda one: one.id))

    def on_change(self, listener: Listener) -> None:
        """Tell a listener the id of each subscription that is written or deleted from now on."""
        self._listeners.append(listener)

    async def write(self, subscription: Subscription) -> Subscription:
        """Store a subscription over the revision that it was made from; return it with its new one.

        Raises:
            RevisionConflict: somebody else changed it first.
            Refusal: `bus-unavailable`.
        """
        revision = await self._bucket.put(subscription.id, subscription.serialized(), subscription.revision)
        return subscription.changed(revision=revision)

    async def delete(self, subscription: Subscription, decision: Decision) -> None:
        """Delete a subscription; see `write`."""
        deletion = Deletion.of(
            subscription.id, subscription.name, subscription.consumer, decision, subscription.history
        )
        await self._bucket.delete(subscription.id, subscription.revision, deletion.serialize())

    def _apply(self, entry: BucketEntry) -> None:
        subscription = SubscriptionId(entry.key)
        self._subscriptions.pop(subscription, None)
        if entry.value is None:
            self.deletions.put(entry.key, entry.note)
        else:
            try:
                self._subscriptions[subscription] = Subscription.parse(entry.value, entry.revision)
            except (KeyError, TypeError, ValueError) as error:  # of a later version of the bus: it is not in force
                structlog.get_logger().error("subscription not in force", subscription=entry.key, frames=frames(error))
        for listener in tuple(self._listeners):
            listener(subscription)
