"""Hands the events of a pull subscription to the subscriber's workers, whichever gateway they ask.

One gateway has the lane of a subscription, and with it the events that are to be handed out; the others pass the workers' requests on to
it over NATS. So several workers share a subscription without handing out an event twice, and the order of a key holds: what comes
behind an event is handed out once that one is acknowledged.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lgsp_gateway.delivery.entries import Channel
from lgsp_gateway.delivery.lanes.lane import Delivery, Done, Outcome, PauseLane, RetryAfter
from lgsp_gateway.delivery.subscriptions.authorization import authorize
from lgsp_gateway.delivery.subscriptions.evidence import AttemptOutcome
from lgsp_gateway.delivery.subscriptions.model import PullDelivery, Subscription, SubscriptionId
from lgsp_gateway.delivery.subscriptions.parts import NOT_IN_TIME, DeliveryParts, latest_delivery
from lgsp_gateway.delivery.subscriptions.pull_queue import HeldEvent, PullQueue
from lgsp_gateway.delivery.subscriptions.pull_tokens import PullTokens, Token
from lgsp_gateway.delivery.subscriptions.subscribed_event import EventDelivery, project
from lgsp_problems import Refusal

IDLE_SECONDS = 60.0
"""After which without a worker a gateway holds no events of a subscription any more."""
IDLE_PAUSE_SECONDS = 600.0
RECORD_SECONDS = 10.0
"""How long an acknowledgement waits to be in the evidence; later it counts all the same."""
MAX_ITEM_BYTES = 1_000_000
"""Bytes of the events in one answer, beyond the first: it passes from gateway to gateway in one message."""
CHANNEL: Channel = "pull"


class PulledEvent(NamedTuple):
    """An event in the hands of a worker.

    Args:
        token: acknowledges it, or gives it back.
        attempt: how often it was handed out, this time included.
        event: the CloudEvent in structured mode.
    """

    token: str
    attempt: int
    event: bytes


class GivenBack(NamedTuple):
    """A token that a worker gives back, and after how many seconds another one may have the event."""

    token: Token
    seconds: float


@dataclass(frozen=True, slots=True)
class PullQueues:
    """The queues of the subscriptions whose lanes this gateway has, or had.

    Args:
        is_served: whether this gateway has the lane of a subscription now.
        clock: in seconds, steady.
    """

    parts: DeliveryParts
    is_served: Callable[[Subscription], bool]
    tokens: PullTokens
    clock: Callable[[], float] = time.monotonic
    _queues: dict[SubscriptionId, PullQueue] = field(default_factory=dict)

    def of(self, subscription: SubscriptionId) -> PullQueue:
        """Return the queue of a subscription: a new one once it is replayed."""
        queue, current = self._queues.get(subscription), self.parts.store.get(subscription)
        generation = current.generation if current else 0
        if queue is None or queue.generation != generation:
            replaced, queue = queue, PullQueue(subscription, self.clock, generation)
            self._queues[subscription] = queue
            if replaced is not None:
                queue.asked_at = replaced.asked_at
                replaced.end_all()
        return queue

    def forget(self, subscription: SubscriptionId) -> None:
        """Forget the queue of a subscription that was deleted."""
        self._queues.pop(subscription, None)

    def is_idle(self, subscription: SubscriptionId) -> bool:
        """Tell whether no worker has asked for a while."""
        return self.clock() - self.of(subscription).asked_at > IDLE_SECONDS

    async def let_go(self) -> None:
        """Let go of events that nobody asks for, and of those whose lane another gateway has, or is to have."""
        for name, queue in self._queues.items():
            subscription = self.parts.store.get(name)
            if subscription is None or not self.is_served(subscription):
                queue.end_all()
            elif self.is_idle(name):
                queue.end_idle()

    async def stop(self) -> None:
        """Let go of all events, so that another gateway has them at once."""
        for queue in self._queues.values():
            queue.end_all()

    async def take(
        self, subscription: Subscription, limit: int, seconds: float, may_receive: Callable[[], bool]
    ) -> list[PulledEvent]:
        """Hand out events, at most `limit`, as soon as there are any.

        Args:
            seconds: how long to wait for the first.
            may_receive: whether the worker is still there, and may still have them.

        Raises:
            Refusal: what `authorize` says; `evidence-unavailable`.
        """
        queue, until = self.of(subscription.id), self.clock() + seconds
        while True:
            queue.note_worker()
            pulled = await self._hand_out(subscription, queue, limit) if may_receive() else []
            remaining = until - self.clock()
            if pulled or remaining <= 0:
                return pulled
            await queue.wait_for_events(remaining)

    async def _hand_out(self, subscription: Subscription, queue: PullQueue, limit: int) -> list[PulledEvent]:
        assert isinstance(subscription.delivery, PullDelivery)
        pulled: list[PulledEvent] = []
        written, size = [], 0
        for held in queue.free():
            if len(pulled) == limit:
                break
            authorized = authorize(subscription, held.stored.event, self.parts.registry, time.time())
            event = project(subscription, held.stored, authorized)
            structured = event.structured
            size += len(structured)
            if pulled and size > MAX_ITEM_BYTES:
                break
            token = queue.hand_out(held, subscription.delivery.visibility)
            pulled.append(PulledEvent(self.tokens.encode(token), held.handed_out, structured))
            delivery = EventDelivery(subscription, held.stored, event, authorized)
            outcome = AttemptOutcome(held.handed_out, "delivered", "delivering")
            written.append(self.parts.let_read_files(delivery))
            written.append(self.parts.evidence.write(delivery, CHANNEL, outcome))
            self.parts.observer.attempted(subscription, "delivered")
        await asyncio.gather(*written)  # before the data leaves
        return pulled

    async def settle(
        self, subscription: SubscriptionId, acknowledged: Sequence[Token], given_back: Sequence[GivenBack]
    ) -> None:
        """Take what workers say of events that they have; returns when the acknowledgements are in the evidence."""
        queue = self.of(subscription)
        queue.note_worker()
        for token, seconds in given_back:
            queue.give_back(token, seconds)
        settled = queue.acknowledge(acknowledged)
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                await asyncio.gather(*(held.recorded.wait() for held in settled))
        except TimeoutError:
            return


class PullHandler:
    """Handles the lane of a pull subscription: holds each event until a worker has acknowledged it; see `LaneHandler`."""

    def __init__(self, subscription: SubscriptionId, queues: PullQueues) -> None:
        self._subscription = subscription
        self._queues = queues

    async def __call__(self, delivery: Delivery) -> Outcome:
        """Hold an event for the workers."""
        outcome = await self._hold_event(delivery)
        queue = self._queues.of(self._subscription)
        queue.lane_paused = isinstance(outcome, PauseLane)
        return outcome

    async def _hold_event(self, delivery: Delivery) -> Outcome:
        if self._queues.is_idle(self._subscription):
            return PauseLane("no-worker", IDLE_PAUSE_SECONDS)
        prepared = await self._queues.parts.prepare(self._subscription, delivery)
        if not isinstance(prepared, EventDelivery):
            return prepared
        queue = self._queues.of(self._subscription)
        if queue.lane_paused:  # the lane tries one event after a pause, and it must not wait for the end of that one
            return RetryAfter(0.0, "resumed")
        held = queue.hold(prepared.stored)
        try:
            return await self._wait(prepared, held)
        finally:
            queue.release(held)

    async def _wait(self, delivery: EventDelivery, held: HeldEvent) -> Outcome:
        parts, now = self._queues.parts, self._queues.parts.now()
        try:
            async with asyncio.timeout(max(0.0, latest_delivery(delivery, now) - now)):
                settlement = await held.settled
        except TimeoutError:
            outcome = AttemptOutcome(0, NOT_IN_TIME.code, "dead", 504)
            return await parts.bury(delivery, CHANNEL, NOT_IN_TIME, outcome)
        if settlement == "idle":
            return PauseLane("no-worker", IDLE_PAUSE_SECONDS)
        try:
            await parts.evidence.write(delivery, CHANNEL, AttemptOutcome(held.handed_out, "delivered", "delivered"))
        except Refusal:  # it is written later; the acknowledgement counts now
            return Done()
        finally:
            held.recorded.set()
        return Done()
