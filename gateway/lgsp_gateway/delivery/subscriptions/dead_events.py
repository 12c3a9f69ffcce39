"""What people do with events that became dead letters of a subscription: look at them, deliver them again, give them up.

A letter holds what the grant showed when the event died. Whoever looks sees what the grant shows now of that.
"""

import time
from dataclasses import dataclass, replace

import orjson

from lgsp_contracts.names import EventName
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.dead_letters.letter import DeadLetter, Decider
from lgsp_gateway.delivery.dead_letters.store import Handling
from lgsp_gateway.delivery.storage.batch import TTL
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage
from lgsp_gateway.delivery.subscriptions.authorization import authorize
from lgsp_gateway.delivery.subscriptions.model import SubscriptionId
from lgsp_gateway.delivery.subscriptions.parts import DeliveryParts
from lgsp_gateway.delivery.subscriptions.subscribed_event import (
    EVENT_HEADER,
    REPLAY_HEADER,
    ROUND_HEADER,
    SUBJECT_HEADER,
)
from lgsp_problems import NotFound, Refusal

AGAIN_SECONDS = 7 * 86_400
"""How long an event is kept that is delivered again."""


@dataclass(frozen=True, slots=True)
class _LetterSubscriber:
    """Whom a letter was for; its subscription may be gone."""

    consumer: str
    service: str
    major: int
    purpose: str


class DeadEvents:
    """Deals with the dead letters of subscriptions.

    Args:
        events: writes to `LGSP_EVENTS`.
        quotas: count retries, as they count calls.
        bounds: what may be stored: an event that is delivered again is stored again.
    """

    def __init__(self, parts: DeliveryParts, events: GroupCommit, quotas: Quotas, bounds: StorageBounds) -> None:
        self._quotas = quotas
        self._bounds = bounds
        self._parts = parts
        self._events = events

    def handling(self) -> Handling:
        """Return what happens to a letter when somebody deals with it."""
        return Handling(self._redeliver, self._end, self._read)

    async def _redeliver(self, letter: DeadLetter, payload: bytes, by: Decider) -> None:
        subscription = self._parts.store.get(SubscriptionId(letter.subscription))
        if subscription is None:
            raise NotFound(
                vi="Đăng ký nhận của sự kiện này không còn; hãy tạo lại đăng ký, hoặc bỏ sự kiện này.",
                en="The subscription of this event is gone; make it again, or give the event up.",
            )
        if subscription.state == "ended":
            raise Refusal(
                "step-not-allowed",
                vi="Đăng ký nhận của sự kiện này đã kết thúc; hãy tiếp tục (resume) đăng ký trước.",
                en="The subscription of this event has ended; resume the subscription first.",
            )
        agency = await self._admit(letter, payload, by)
        headers = {
            TTL: f"{AGAIN_SECONDS}s",
            EVENT_HEADER: letter.name,
            ROUND_HEADER: str(letter.round + 1),
            REPLAY_HEADER: str(letter.envelope.get("replay", 0)),
            **({SUBJECT_HEADER: letter.envelope["subject"]} if letter.envelope["subject"] else {}),
        }
        stored = orjson.dumps(letter.envelope["attributes"]) + b"\n" + payload
        subject = streams.event_again_subject(letter.subscription)
        await self._parts.evidence.write_decision(letter, self._parts.registry, "retried", "delivering", by.name)
        repeated = await self._events.publish(NewMessage(subject, stored, headers, f"again.{letter.id}.{letter.round}"))
        if not repeated.duplicate:
            self._bounds.stored.add(agency, len(payload), self._parts.now() + AGAIN_SECONDS)

    async def _admit(self, letter: DeadLetter, payload: bytes, by: Decider) -> str:
        """Check that an event may be delivered again, count that, and return the agency of its subscriber.

        Raises:
            Refusal: what `authorize` says, `quota-exceeded`, `storage-quota-exceeded`, `storage-full` or `bus-unavailable`.
        """
        now = self._parts.now()
        allowed = authorize(_subscriber_of(letter), EventName(letter.name), self._parts.registry, now)
        self._bounds.admit(allowed.consumer.agency, len(payload))
        if by.for_owner:
            await self._quotas.take(allowed.grant, time.time())
        else:
            await self._quotas.take_for_operator(allowed.grant, time.time())
        return allowed.consumer.agency

    async def _end(self, letter: DeadLetter, by: str) -> None:
        await self._parts.evidence.write_decision(
            self._completed(letter), self._parts.registry, "given-up", "given-up", by
        )

    def _completed(self, letter: DeadLetter) -> DeadLetter:
        """Return a letter with what its subscription says of it, where the letter itself is damaged."""
        if letter.envelope:
            return letter
        found = self._parts.store.get(SubscriptionId(letter.subscription))
        envelope = {
            "channel": found.delivery.kind if found else "",
            "purpose": found.purpose if found else "",
            "subject": "",
        }
        known = replace(letter, envelope=envelope)
        return replace(known, service=found.service, major=found.major) if found else known

    async def _read(self, letter: DeadLetter, payload: bytes, by: str) -> bytes:
        allowed = authorize(_subscriber_of(letter), EventName(letter.name), self._parts.registry, self._parts.now())
        await self._parts.evidence.write_decision(letter, self._parts.registry, "payload-read", "dead", by)
        return allowed.projection.cut(payload)


def _subscriber_of(letter: DeadLetter) -> _LetterSubscriber:
    return _LetterSubscriber(letter.owner, letter.service, letter.major, letter.envelope["purpose"])
