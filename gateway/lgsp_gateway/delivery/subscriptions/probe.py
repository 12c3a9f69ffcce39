"""Tries a subscription with a test event: the example of the contract, as the grant shows it, through the filter, to where events go.

Its data says nothing of anybody, so its evidence names no person and no publisher; the entry of its delivery says `test-…`. A webhook or an operation
answers at once, and the owner is told what. For workers and readers the event joins those that wait, and is gone after an hour.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

from lgsp_contracts.names import EventName
from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.messages.state import Reason
from lgsp_gateway.delivery.probe_limiter import ProbeLimiter
from lgsp_gateway.delivery.storage.batch import TTL
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage
from lgsp_gateway.delivery.subscriptions.attempts import Attempter, Delivered, Ended, Failed, NotSent, Rejected
from lgsp_gateway.delivery.subscriptions.authorization import authorize
from lgsp_gateway.delivery.subscriptions.evidence import AttemptOutcome
from lgsp_gateway.delivery.subscriptions.example_event import marked_example
from lgsp_gateway.delivery.subscriptions.filter import compiled
from lgsp_gateway.delivery.subscriptions.model import AdapterDelivery, Subscription
from lgsp_gateway.delivery.subscriptions.parts import DeliveryParts
from lgsp_gateway.delivery.subscriptions.subscribed_event import EVENT_HEADER, EventDelivery, StoredEvent, project
from lgsp_problems import Refusal

KEPT = "3600s"
"""How long a test event waits for a worker or a reader."""

FilterResult = Literal["none", "matched", "left-out"]


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What became of a test event.

    Args:
        message: its id in the evidence.
        filter: what the filter of the subscription says of it; `none` where there is none. It is sent in any case.
        outcome: `delivered`, `queued` for workers and readers, or why it was not delivered.
        status: of HTTP; 0 where nothing was answered.
        detail: what to do about it, where it failed.
    """

    message: str
    event: EventName
    filter: FilterResult
    outcome: str
    status: int = 0
    ms: float = 0.0
    detail: Reason | None = None


class SubscriptionProbe:
    """Sends test events.

    Args:
        attempters: by the kind of delivery.
        events: writes to `LGSP_EVENTS`.
    """

    def __init__(self, parts: DeliveryParts, attempters: Mapping[str, Attempter], events: GroupCommit) -> None:
        self._parts = parts
        self._attempters = attempters
        self._events = events
        self._limiter = ProbeLimiter()

    async def send(self, subscription: Subscription, name: str) -> ProbeResult:
        """Send a test event.

        Args:
            name: of the event; "" for the first one that is subscribed to.

        Raises:
            Refusal: `malformed`, `step-not-allowed`, what `authorize` says, `quota-exceeded`, `evidence-unavailable` or `bus-unavailable`.
        """
        _check(subscription, name)
        event = EventName(name) if name else subscription.events[0]
        authorized = authorize(subscription, event, self._parts.registry, time.time())
        self._limiter.take(subscription.id)
        stored = marked_example(authorized)
        delivery = EventDelivery(subscription, stored, project(subscription, stored, authorized), authorized)
        filtered = _filtered(subscription, delivery)
        attempter = self._attempters.get(subscription.delivery.kind)
        if attempter is None:
            await self._enqueue(subscription, stored)
            return ProbeResult(stored.message, event, filtered, "queued")
        return await self._attempt(attempter, delivery, filtered)

    async def _attempt(self, attempter: Attempter, delivery: EventDelivery, filtered: FilterResult) -> ProbeResult:
        subscription, stored, event, authorized = delivery
        result = await attempter.attempt(subscription, event, authorized)
        if isinstance(result, NotSent):
            return ProbeResult(stored.message, event.event, filtered, result.reason)
        detail = result.reason if isinstance(result, Failed | Rejected) else None
        detail = result.why if isinstance(result, Ended) else detail
        code = detail.code if detail else "delivered"
        state: Literal["delivered", "dead"] = "delivered" if isinstance(result, Delivered) else "dead"
        outcome = AttemptOutcome(1, code, state, result.status, result.ms)
        await self._parts.evidence.write(delivery, attempter.channel, outcome)
        return ProbeResult(stored.message, event.event, filtered, code, result.status, result.ms, detail)

    async def _enqueue(self, subscription: Subscription, stored: StoredEvent) -> None:
        """Let a test event wait as an event that goes to one subscription again does."""
        payload = orjson.dumps(stored.attributes) + b"\n" + stored.data
        subject = streams.event_again_subject(subscription.id)
        await self._events.publish(NewMessage(subject, payload, {TTL: KEPT, EVENT_HEADER: stored.event}))


def _filtered(subscription: Subscription, delivery: EventDelivery) -> FilterResult:
    if not subscription.filter:
        return "none"
    return "matched" if compiled(subscription.filter).matches(delivery.event.document) else "left-out"


def _check(subscription: Subscription, name: str) -> None:
    if name and name not in subscription.events:
        raise Refusal(
            "malformed",
            vi=f"Đăng ký này không nhận sự kiện đó; hãy chọn một trong: {', '.join(subscription.events)}.",
            en=f"The subscription does not receive that event; choose one of {', '.join(subscription.events)}.",
        )
    if subscription.state != "active":
        raise Refusal(
            "step-not-allowed",
            vi="Đăng ký nhận này đang tạm dừng hoặc đã kết thúc; hãy tiếp tục (resume) trước khi thử.",
            en="This subscription is paused or has ended; resume it before you test it.",
        )
    if isinstance(subscription.delivery, AdapterDelivery) and subscription.delivery.content == "data":
        raise Refusal(
            "step-not-allowed",
            vi='Thao tác này chỉ nhận dữ liệu nên không phân biệt được sự kiện thử với sự kiện thật; hãy dùng "content": "cloudevent", hoặc gọi thử thao tác trên hệ thống thử nghiệm.',
            en='The operation gets the data alone, so it would take a test for a real event; use "content": "cloudevent", or try the operation on a test system.',
        )
