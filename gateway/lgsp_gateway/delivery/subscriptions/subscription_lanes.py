"""Keeps a lane for each subscription that events are pushed to or pulled from, in step with the store and the registry.

Every gateway does the same for each subscription; which of them serves a lane is the engine's to decide. The lane of a subscription that is
paused or has ended keeps its place in the stream, and its handler delivers nothing.
"""

import time
from collections.abc import Callable, Mapping

from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.lanes.lane import LaneConfig, LaneHandler
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.subscriptions.attempts import Attempter
from lgsp_gateway.delivery.subscriptions.authorization import DECIDING_KINDS, refusal_of_any
from lgsp_gateway.delivery.subscriptions.model import Subscription, SubscriptionId
from lgsp_gateway.delivery.subscriptions.parts import DeliveryParts
from lgsp_gateway.delivery.subscriptions.pull import PullHandler, PullQueues
from lgsp_gateway.delivery.subscriptions.push import PushHandler
from lgsp_gateway.delivery.subscriptions.reader import event_filters
from lgsp_runtime.background import Background

PUSH_WINDOW = 32
UNDER_WAY_PER_ATTEMPT = 4
"""Events of a lane that are under way for each that may be sent at a time. The evidence of a delivery takes longer than the delivery itself
where the receiver is near: with one of each, an endpoint was idle most of the time (measured: 18 ms of 28)."""
PULL_WINDOW = 64
"""Events of one subscription in the memory of a gateway, and so the most that its workers have at a time."""
PUSH_SECONDS = 90.0 * UNDER_WAY_PER_ATTEMPT
"""Attempts end by themselves long before; those that wait for their turn wait for a few of them."""
PULL_SECONDS = 400 * 86_400.0
"""A handler of a pull subscription waits for workers for as long as the stream keeps the event."""


class SubscriptionLanes:
    """The lanes of all subscriptions at one gateway.

    Args:
        concurrency: how many events of a subscription may be sent at the same time.
    """

    def __init__(
        self,
        lanes: Lanes,
        attempters: Mapping[str, Attempter],
        concurrency: Callable[[Subscription], int],
        background: Background,
    ) -> None:
        self._lanes = lanes
        self._attempters = attempters
        self._concurrency = concurrency
        self._background = background
        self._known: dict[SubscriptionId, Subscription] = {}
        self._blocked: set[SubscriptionId] = set()

    def start(self, parts: DeliveryParts, queues: PullQueues) -> None:
        """Serve the lanes of all subscriptions, and follow what changes."""
        self._parts, self._queues = parts, queues
        for subscription in parts.store:
            self._update(subscription.id)
        parts.store.on_change(self._update)
        parts.registry.on_change(self._on_registry_change)

    def mark_blocked(self, subscription: SubscriptionId) -> None:
        """Note that a lane stands still since nothing allows its deliveries; it goes on when the registry does."""
        self._blocked.add(subscription)

    def _update(self, changed: SubscriptionId) -> None:
        before, now = self._known.pop(changed, None), self._parts.store.get(changed)
        if now is None:
            self._queues.forget(changed)
        else:
            self._known[changed] = now
        if before is not None:
            self._end_lane(before, now)
        if now is not None and _needs_lane(now):
            self._lanes.serve(self._config(now), self._handler(now))
            if before is not None and now.state == "active":  # what its lane waited for may be past
                self._lanes.resume(now.consumer_name)

    def _end_lane(self, before: Subscription, now: Subscription | None) -> None:
        """End the lane that a subscription had, and forget its place in the stream, where it has another one or none now."""
        if _needs_lane(before) and (now is None or now.consumer_name != before.consumer_name):
            ending = self._lanes.stop_serving(before.consumer_name, delete=True)
            self._background.run_once("end of a lane", ending)

    def _config(self, subscription: Subscription) -> LaneConfig:
        is_pull = subscription.delivery.kind == "pull"
        concurrency = PULL_WINDOW if is_pull else UNDER_WAY_PER_ATTEMPT * self._concurrency(subscription)
        return LaneConfig(
            name=subscription.consumer_name,
            stream=streams.EVENTS,
            filters=tuple(event_filters(subscription)),
            ordering_key=self._parts.recent.ordering_key,
            concurrency=concurrency,
            window=PULL_WINDOW if is_pull else max(PUSH_WINDOW, 2 * concurrency),
            attempt_seconds=PULL_SECONDS if is_pull else PUSH_SECONDS,
            start_after=subscription.start - 1,
        )

    def _handler(self, subscription: Subscription) -> LaneHandler:
        if subscription.delivery.kind == "pull":
            return PullHandler(subscription.id, self._queues)
        attempter = self._attempters[subscription.delivery.kind]
        return PushHandler(subscription.id, self._parts, attempter, self._concurrency(subscription))

    def _on_registry_change(self, kind: str, _: str) -> None:
        """End the pauses of lanes that are allowed to deliver again."""
        if kind not in DECIDING_KINDS:
            return
        for blocked in tuple(self._blocked):
            subscription = self._parts.store.get(blocked)
            if subscription is None or not refusal_of_any(subscription, self._parts.registry, time.time()):
                self._blocked.discard(blocked)
            if subscription is not None and blocked not in self._blocked:
                self._lanes.resume(subscription.consumer_name)


def _needs_lane(subscription: Subscription) -> bool:
    return subscription.delivery.kind != "sse"
