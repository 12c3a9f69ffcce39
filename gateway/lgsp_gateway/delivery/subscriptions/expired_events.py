"""Tells the owner of a subscription of events that expire before it has taken them.

Events of a subscription that is paused, that nothing allows, whose workers do not fetch or whose endpoint is away wait as long as their contract
keeps them. Then JetStream removes them without a word. So every few seconds this looks at what is about to expire behind what each subscription has
acknowledged, and counts it in one dead letter for each event name: from which position to which, how many. One letter, since there may
be millions; without payloads, since a copy would keep people's data for longer than the contract allows.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import structlog
import uuid_utils
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo

from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.dead_letters.letter import DeadLetter, Decider
from lgsp_gateway.delivery.dead_letters.store import DeadLetters, Handling, StoredLetter
from lgsp_gateway.delivery.messages.state import Reason
from lgsp_gateway.delivery.stored_messages import StoredMessage, StoredMessages
from lgsp_gateway.delivery.subscriptions.authorization import authorize
from lgsp_gateway.delivery.subscriptions.filter import compiled
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.delivery.subscriptions.parts import DeliveryParts
from lgsp_gateway.delivery.subscriptions.reader import consumers, event_filters
from lgsp_gateway.delivery.subscriptions.reading_shares import ReadingShares
from lgsp_gateway.delivery.subscriptions.subscribed_event import is_recipient, project, stored_event
from lgsp_problems import Refusal, RevisionConflict, Text

SWEEP_SECONDS = 10.0
MARGIN_SECONDS = 900.0
"""How long before it expires an event is counted: gateways may be away for so long without one being missed. One that is delivered after all in
this time is counted too."""
MAX_READ = 5_000
"""Events that a gateway reads each time, divided among the owners of subscriptions; the rest follows the next time."""
BATCH = 64

EXPIRED = Reason(
    "expired-undelivered",
    Text(
        "Sự kiện hết thời hạn lưu trước khi được nhận (đăng ký tạm dừng, hết quyền, hoặc nơi nhận không hoạt động); hãy đối chiếu lại với bên công bố.",
        "Events expired before they were taken (the subscription was paused or not allowed, or its receiver was away); reconcile with their publisher.",
    ),
)


class _Progress(NamedTuple):
    """Up to which position the events of a subject were read, and before when (seconds since 1970) no further one is to be counted."""

    read_until: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class _Span:
    """Events that expire: their number, the positions and times (seconds since 1970) of the first and the last.

    Args:
        read_until: the position up to which was read.
        next_expiry: when the first one behind it expires.
    """

    number: int = 0
    first: int = 0
    last: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    read_until: int = 0
    next_expiry: float = 0.0

    def add(self, message: StoredMessage) -> None:
        if not self.number:
            self.first, self.first_at = message.sequence, message.at
        self.number, self.last, self.last_at = self.number + 1, message.sequence, message.at


class ExpiredEvents:
    """Counts the events that expire undelivered, of the subscriptions whose lanes this gateway has.

    Args:
        is_served: whether this gateway has the lane of a subscription now.
    """

    def __init__(
        self,
        parts: DeliveryParts,
        letters: DeadLetters,
        connection: Client,
        events: StoredMessages,
        is_served: Callable[[Subscription], bool],
    ) -> None:
        self._parts = parts
        self._letters = letters
        self._connection = connection
        self._events = events
        self._is_served = is_served
        self._progress: dict[tuple[str, str], _Progress] = {}
        self._next = ""

    def handling(self) -> Handling:
        """Return what happens to a letter when somebody deals with it: it can be given up."""
        return Handling(_redeliver, self._end, _read)

    async def count(self) -> None:
        """Count what is about to expire. It goes on at the next call where it has read enough."""
        owing = [one for one in self._parts.store if _may_owe(one) and self._is_served(one)]
        owing.sort(key=lambda one: (one.id < self._next, one.id))
        infos = await self._consumers() if owing else {}
        kept = {one.consumer_name for one in owing}
        self._progress = {key: progress for key, progress in self._progress.items() if key[0] in kept}
        shares = ReadingShares(MAX_READ, (one.consumer for one in owing))
        for subscription in owing:
            if shares.are_used:
                self._next = subscription.id
                return
            share = shares.take(subscription.consumer)
            try:
                read = await self._count_of(subscription, infos.get(subscription.consumer_name), share)
                shares.spend(subscription.consumer, read)
            except (
                RevisionConflict
            ):  # another gateway has counted them, or somebody deals with the letter: the next call looks again
                continue
            except Refusal as refusal:
                structlog.get_logger().warning(
                    "expiring events not counted", subscription=subscription.id, code=refusal.code
                )
        self._next = ""

    async def _consumers(self) -> dict[str, ConsumerInfo]:
        try:
            return {str(one.name): one for one in await consumers(self._connection)}
        except (NatsError, OSError) as error:
            structlog.get_logger().warning("expiring events not counted", error=type(error).__name__)
            return {}

    async def _count_of(self, subscription: Subscription, info: ConsumerInfo | None, limit: int) -> int:
        """Count the expiring events of a subscription; return how many were read."""
        if info is None or not (info.num_pending or info.num_ack_pending):
            return 0
        acknowledged, read = int(info.ack_floor.stream_seq if info.ack_floor else 0), 0
        for subject in event_filters(subscription):
            read += await self._count_subject(subscription, subject, acknowledged, limit - read)
        return read

    async def _count_subject(self, subscription: Subscription, subject: str, acknowledged: int, limit: int) -> int:
        key = (subscription.consumer_name, subject)
        progress = self._progress.get(key, _Progress())
        if self._parts.now() < progress.not_before:
            return 0
        known = await self._letters.newest(_empty_letter(subscription, subject).subject)
        counted = known.letter.envelope["to"] if known else 0
        span = _Span(read_until=max(acknowledged, counted, progress.read_until))
        read = await self._read(subscription, subject, span, limit)
        if span.number:
            await self._tell(subscription, subject, span, known)
        self._progress[key] = _Progress(span.read_until, span.next_expiry - MARGIN_SECONDS)
        return read

    async def _read(self, subscription: Subscription, subject: str, span: _Span, limit: int) -> int:
        """Read what is about to expire, and return how much that was."""
        read, latest = 0, self._parts.now() + MARGIN_SECONDS
        while read < limit:
            messages = await self._events.following(subject, span.read_until, BATCH if read else 1)
            for message in messages:
                if message.expires > latest:
                    span.next_expiry = message.expires
                    return read
                read, span.read_until = read + 1, message.sequence
                await asyncio.sleep(0)  # a costly filter lets others have their turn
                if self._owes(subscription, message):
                    span.add(message)
            if not messages:
                return read
        return read

    def _owes(self, subscription: Subscription, message: StoredMessage) -> bool:
        """Tell whether a subscription would have received an event. Where nothing allows it now, or it is damaged,
        whatever it asked for counts."""
        try:
            stored = stored_event(message)
            authorized = authorize(subscription, stored.event, self._parts.registry, time.time())
        except ValueError:  # damaged: nobody can tell any more
            return True
        except Refusal:
            return True
        if stored.is_test or not is_recipient(stored, authorized):
            return False
        if not subscription.filter:
            return True
        return compiled(subscription.filter).matches(project(subscription, stored, authorized).document)

    async def _tell(self, subscription: Subscription, subject: str, span: _Span, known: StoredLetter | None) -> None:
        """Store what was counted in the letter that waits, or in a new one."""
        letter = _empty_letter(subscription, subject)
        if known is not None and not known.letter.resolution:
            letter = replace(letter, envelope=known.letter.envelope, round=known.letter.round)
            letter = _with_span(letter, span, self._parts.now())
            await self._letters.extend(known, letter)
        else:
            letter = replace(letter, round=known.letter.round + 1 if known else 0)
            letter = _with_span(letter, span, self._parts.now())
            await self._letters.bury(letter, b"")
        await self._parts.evidence.write_decision(letter, self._parts.registry, EXPIRED.code, "dead", "")
        self._parts.observer.expired(span.number)

    async def _end(self, letter: DeadLetter, by: str) -> None:
        await self._parts.evidence.write_decision(letter, self._parts.registry, "given-up", "given-up", by)


def _may_owe(subscription: Subscription) -> bool:
    """Tell whether the bus keeps the place of a subscription. A reader of server-sent events keeps its own; an ended one is owed nothing."""
    return subscription.state != "ended" and subscription.delivery.kind != "sse"


def _empty_letter(subscription: Subscription, subject: str) -> DeadLetter:
    """Return the letter of the expired events of a subject, without its span; it has the same id for as long as the subscription lasts."""
    is_again = subject == streams.event_again_subject(subscription.id)
    name = subject.rpartition(".")[2]
    return DeadLetter(
        kind="expired",
        message=f"expired-{'again' if is_again else name}",
        owner=subscription.consumer,
        service=subscription.service,
        major=subscription.major,
        name=subscription.events[0] if is_again else name,
        envelope={"channel": subscription.delivery.kind, "purpose": subscription.purpose, "subject": ""},
        reason=EXPIRED,
        attempts=(),
        died=0,
        subscription=subscription.id,
    )


def _with_span(letter: DeadLetter, span: _Span, now: float) -> DeadLetter:
    """Return a letter that tells of further events."""
    before = {"from": span.first, "fromAt": iso_time(span.first_at), "events": 0, **letter.envelope}
    message = str(uuid_utils.uuid7())  # of its evidence
    after = {"to": span.last, "toAt": iso_time(span.last_at), "events": before["events"] + span.number}
    return replace(letter, envelope={**before, **after, "message": message}, died=int(now * 1000))


async def _redeliver(letter: DeadLetter, payload: bytes, by: Decider) -> None:
    raise Refusal(
        "step-not-allowed",
        vi="Các sự kiện này không còn trên trục nên không giao lại được; hãy đối chiếu với bên công bố, rồi ngừng giao các sự kiện này (give-up).",
        en="These events are no longer on the bus, so they cannot be delivered; reconcile with their publisher, then give the letter up.",
    )


async def _read(letter: DeadLetter, payload: bytes, by: str) -> bytes:
    raise Refusal(
        "step-not-allowed",
        vi="Mục này chỉ đếm các sự kiện không giao được vì đã hết hạn, không giữ nội dung; hãy đối chiếu với bên công bố.",
        en="This dead letter counts events that expired and keeps no content; reconcile with their publisher.",
    )
