"""Delivers the events of a subscription to its endpoint or operation: the handler of its lane.

Each delivery asks the registry anew. Where no grant allows it now, the lane stands still and goes on when one does; what is of no use to
the subscriber (its filter says so) is passed over; what is refused for good, or cannot be delivered in time, becomes a dead letter with
the projected data alone.
"""

import asyncio
import random
from typing import NamedTuple

import structlog

from lgsp_gateway.delivery.lanes import back_off
from lgsp_gateway.delivery.lanes.lane import Delivery, Done, Outcome, PauseLane, RetryAfter
from lgsp_gateway.delivery.messages.state import Attempt, Reason
from lgsp_gateway.delivery.subscriptions.attempt_history import Attempts
from lgsp_gateway.delivery.subscriptions.attempts import (
    Attempter,
    AttemptResult,
    Delivered,
    Ended,
    Failed,
    NotSent,
    Rejected,
)
from lgsp_gateway.delivery.subscriptions.evidence import AttemptOutcome
from lgsp_gateway.delivery.subscriptions.model import SubscriptionId
from lgsp_gateway.delivery.subscriptions.parts import (
    BLOCKED_SECONDS,
    NOT_IN_TIME,
    DeliveryParts,
    key_of,
    latest_delivery,
)
from lgsp_gateway.delivery.subscriptions.subscribed_event import EventDelivery
from lgsp_problems import Refusal, RevisionConflict

EARLY_SECONDS = 1.0
"""How much earlier than it is due an event may be tried: the lane counts its pause from a little later."""
UNAVAILABLE_SECONDS = 5.0
"""How long a lane waits where the files of an event cannot be bound."""


class _Attempted(NamedTuple):
    """An attempt whose outcome is to be made durable.

    Args:
        attempts: those so far, this one included.
    """

    delivery: EventDelivery
    result: Delivered | Failed | Rejected | Ended
    attempts: Attempts


class PushHandler:
    """Handles the lane of one subscription; see `LaneHandler`.

    Args:
        concurrency: attempts at the same time. The lane may run more: those wait for their turn, or until their evidence is on disk.
    """

    def __init__(
        self, subscription: SubscriptionId, parts: DeliveryParts, attempter: Attempter, concurrency: int
    ) -> None:
        self._subscription = subscription
        self._parts = parts
        self._attempter = attempter
        self._turns = asyncio.Semaphore(concurrency)

    async def __call__(self, delivery: Delivery) -> Outcome:
        """Try to deliver an event."""
        async with self._turns:  # what may be delivered is decided when it is its turn
            prepared = await self._parts.prepare(self._subscription, delivery)
            if isinstance(prepared, EventDelivery):
                attempted = await self._attempt(prepared, is_new=delivery.num_delivered == 1)
            else:
                attempted = prepared
        return await self._settle(*attempted) if isinstance(attempted, _Attempted) else attempted

    async def _attempt(self, delivery: EventDelivery, *, is_new: bool) -> _Attempted | Outcome:
        """Try to deliver an event.

        Args:
            is_new: no gateway was given it before.
        """
        key = key_of(delivery)
        if not is_new:
            try:
                await self._parts.history.recall(key)
            except Refusal as refusal:
                return PauseLane(refusal.code, UNAVAILABLE_SECONDS)
        began = self._parts.now()
        attempts = self._parts.history.begin(key, began)
        if began > latest_delivery(delivery, attempts.since):
            return await self._bury(delivery, NOT_IN_TIME, AttemptOutcome(0, NOT_IN_TIME.code, "dead", 504))
        if attempts.due - began > EARLY_SECONDS:  # another gateway has made the last attempt
            return RetryAfter(attempts.due - began, "not-due")
        subscription, _, event, authorized = delivery
        try:
            await self._parts.let_read_files(delivery)
        except Refusal as refusal:
            return PauseLane(refusal.code, UNAVAILABLE_SECONDS)
        result = await self._attempter.attempt(subscription, event, authorized)
        if isinstance(result, NotSent):
            return PauseLane(result.reason, result.seconds)
        code = _code_of(result)
        self._parts.history.record(key, Attempt(int(began * 1000), self._parts.evidence.gateway, code))
        self._parts.observer.attempted(subscription, code)
        return _Attempted(delivery, result, attempts)

    async def _settle(
        self, delivery: EventDelivery, result: Delivered | Failed | Rejected | Ended, attempts: Attempts
    ) -> Outcome:
        """Make the outcome of an attempt durable; see `_Attempted`."""
        code, status, ms, count = _code_of(result), result.status, result.ms, attempts.count
        if isinstance(result, Delivered):
            await self._write(delivery, AttemptOutcome(count, code, "delivered", status, ms, result.answer))
            self._parts.history.forget(key_of(delivery))
            return Done()
        if isinstance(result, Rejected):
            return await self._bury(delivery, result.reason, AttemptOutcome(count, code, "dead", status, ms))
        if isinstance(result, Ended):
            await self._write(delivery, AttemptOutcome(count, code, "delivering", status, ms))
            await self._end(result.why)
            return PauseLane(code, BLOCKED_SECONDS)
        seconds = max(result.retry_after or 0.0, back_off.delay(count, random.random))
        if self._parts.now() + seconds > latest_delivery(delivery, attempts.since):
            return await self._bury(delivery, result.reason, AttemptOutcome(count, code, "dead", status, ms))
        await asyncio.gather(
            self._write(delivery, AttemptOutcome(count, code, "delivering", status, ms)),
            self._parts.history.keep(key_of(delivery), self._parts.now() + seconds),
        )
        return RetryAfter(seconds, code)

    async def _write(self, delivery: EventDelivery, outcome: AttemptOutcome) -> None:
        await self._parts.evidence.write(delivery, self._attempter.channel, outcome)

    async def _bury(self, delivery: EventDelivery, reason: Reason, outcome: AttemptOutcome) -> Outcome:
        return await self._parts.bury(delivery, self._attempter.channel, reason, outcome)

    async def _end(self, why: Reason) -> None:
        """End the subscription, since its endpoint wants no more."""
        current = self._parts.store.get(self._subscription)
        if current is None or current.state == "ended":
            return
        try:
            await self._parts.store.write(current.ended_by_receiver(self._parts.now()))
        except RevisionConflict:  # changed meanwhile: the next event asks again
            structlog.get_logger().info("subscription changed while it ended", subscription=current.id)


def _code_of(result: AttemptResult) -> str:
    if isinstance(result, (Failed, Rejected)):
        return result.reason.code
    return result.why.code if isinstance(result, Ended) else "delivered"
