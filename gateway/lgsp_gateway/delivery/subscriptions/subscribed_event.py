"""An event as one subscription receives it: projected by today's grant, under an id that stays the same in each attempt."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Self

import orjson

from lgsp_contracts import cloudevents
from lgsp_contracts.digest_ids import uuid_of
from lgsp_contracts.entry import SALT_BYTES
from lgsp_contracts.names import EventName
from lgsp_contracts.projection import Projection
from lgsp_gateway.delivery.events.event_record import MESSAGE, ORDERING_KEY
from lgsp_gateway.delivery.lanes.lane import Delivery
from lgsp_gateway.delivery.storage.last_message import StoredMessage
from lgsp_gateway.delivery.streams import EVENTS
from lgsp_gateway.delivery.subscriptions.authorization import AuthorizedEvent
from lgsp_gateway.delivery.subscriptions.model import Subscription, SubscriptionId

SALT_ATTRIBUTE = "lgspsalt"
"""The CloudEvents attribute with the salt (hex) of the digest of `data` in the evidence of this delivery."""
EVENT_HEADER = "Lgsp-Event"
"""Names the event of a message that stands under another subject than its own, since it goes to one subscription again."""
ROUND_HEADER = "Lgsp-Round"
"""How often an event was a dead letter of its subscription before."""
SUBJECT_HEADER = "Lgsp-Subject"
"""The pseudonym of the person whom an event is about that goes to a subscription again: what is left of its data may not say."""
REPLAY_HEADER = "Lgsp-Replay"
"""When a batch replay put an event there, in milliseconds since 1970."""
TEST_ATTRIBUTE = "lgsptest"
"""The CloudEvents attribute of a test event: its data is the example of the contract and says nothing of anybody. No publisher can set it."""
MAX_PROJECTIONS = 32
"""Visible parts of one event that are kept."""
_INTERNAL = ("wire", ORDERING_KEY)
"""Attributes that are for the bus alone: the ordering key is a value of the data, which a grant may hide."""


@dataclass(eq=False)
class StoredEvent:
    """An event as `LGSP_EVENTS` has it: nothing of it is hidden yet. Subscriptions share it, so nobody changes it.

    Args:
        position: its sequence in the stream.
        event: its name in the contract.
        attributes: of CloudEvents.
        published_at: in seconds since 1970.
        round: how often it was a dead letter before.
        subject: a pseudonym, where its data does not tell whom it is about; else empty.
        again: it stands in the stream for one subscription, which it was delivered to before; its data is what that one saw.
        replay: when a batch replay put it there, in milliseconds since 1970; 0 where none did.
    """

    position: int
    event: EventName
    attributes: dict[str, Any]
    data: bytes
    published_at: float
    round: int = 0
    subject: str = ""
    again: bool = False
    replay: int = 0
    _visible: dict[tuple[str, ...], "VisiblePart"] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Read a message of the stream.

        Raises:
            ValueError: it is no event.
        """
        line, feed, data = delivery.payload.partition(b"\n")
        attributes = orjson.loads(line)
        if not (feed and isinstance(attributes, dict)):
            raise ValueError("not an event")
        headers = delivery.headers
        return cls(
            delivery.sequence,
            EventName(headers.get(EVENT_HEADER) or delivery.subject.rpartition(".")[2]),
            attributes,
            data,
            delivery.published_at,
            int(headers.get(ROUND_HEADER, 0)),
            headers.get(SUBJECT_HEADER, ""),
            EVENT_HEADER in headers,
            int(headers.get(REPLAY_HEADER, 0)),
        )

    @property
    def message(self) -> str:
        """Return the id that all evidence about it shares."""
        return str(self.attributes.get(MESSAGE, ""))

    @property
    def is_test(self) -> bool:
        """Tell whether it is a test event."""
        return bool(self.attributes.get(TEST_ATTRIBUTE))

    @property
    def traceparent(self) -> str:
        """Return the trace that it belongs to; may be empty."""
        return str(self.attributes.get("traceparent", ""))

    @cached_property
    def document(self) -> Any:
        """Return the data, parsed."""
        return orjson.loads(self.data)

    @property
    def ordering_key(self) -> str:
        """Return what keeps it in order with others; "" where it waits for none."""
        return str(self.attributes.get(ORDERING_KEY, ""))

    def visible(self, projection: Projection) -> "VisiblePart":
        """Return what a projection shows of it: made once for all subscriptions whose grants show the same fields."""
        part = self._visible.get(projection.fields)
        if part is None:
            part = self._project(projection)
            if len(self._visible) < MAX_PROJECTIONS:
                self._visible[projection.fields] = part
        return part

    def _project(self, projection: Projection) -> "VisiblePart":
        attributes = {name: value for name, value in self.attributes.items() if name not in _INTERNAL}
        if not projection.shows_everything:
            attributes.pop("subject", None)  # of CloudEvents: what a publisher writes there may be in a hidden field
        return VisiblePart(attributes, *projection.cut_both(self.data, self.document))


class VisiblePart(NamedTuple):
    """What a grant shows of an event. Subscriptions share it, so nobody changes it.

    Args:
        attributes: of CloudEvents.
        data: as JSON.
        document: the same, parsed.
    """

    attributes: Mapping[str, Any]
    data: bytes
    document: Any


class SubscribedEvent(NamedTuple):
    """One event on its way to one subscription.

    Args:
        id: of the delivery (`delivery_id`): the `webhook-id`, and an adapter's `call.key`; the same in each attempt and each replay,
            another one for each subscription.
        message: the id (UUIDv7) that all evidence about the event shares.
        position: its sequence in `LGSP_EVENTS`, by which a reader resumes.
        event: its name in the contract.
        attributes: of CloudEvents: `specversion`, `id`, `source`, `type`, `time`, and what else the publisher set.
        data: what the grant shows of its data, as JSON.
        document: the same, parsed.
        salt: of the digest of `data` in the evidence of this attempt.
    """

    id: str
    message: str
    position: int
    event: EventName
    attributes: Mapping[str, Any]
    data: bytes
    document: Any
    salt: bytes

    @property
    def structured(self) -> bytes:
        """Return the CloudEvent in structured mode (`application/cloudevents+json`)."""
        return cloudevents.structured({**self.attributes, SALT_ATTRIBUTE: self.salt.hex()}, self.data)


class EventDelivery(NamedTuple):
    """An event that is about to be delivered to a subscription, whole and projected, and what allows it."""

    subscription: Subscription
    stored: StoredEvent
    event: SubscribedEvent
    authorized: AuthorizedEvent


def stored_event(message: StoredMessage) -> StoredEvent:
    """Read a message of the stream that was read by itself.

    Raises:
        ValueError: it is no event.
    """
    return StoredEvent.of(
        Delivery(EVENTS, message.subject, message.sequence, message.payload, message.headers, message.at, 1, 1)
    )


def is_recipient(stored: StoredEvent, authorized: AuthorizedEvent) -> bool:
    """Tell whether an event is for the consumer's agency. Of one that comes again that was decided on its whole data, which is gone."""
    return stored.again or authorized.may_see(stored.document)


def project(subscription: Subscription, stored: StoredEvent, authorized: AuthorizedEvent) -> SubscribedEvent:
    """Return what a subscription may see of an event."""
    visible = stored.visible(authorized.projection)
    source, event_id = str(visible.attributes.get("source", "")), str(visible.attributes.get("id", ""))
    return SubscribedEvent(
        id=delivery_id(subscription.id, source, event_id),
        message=stored.message,
        position=stored.position,
        event=stored.event,
        attributes=visible.attributes,
        data=visible.data,
        document=visible.document,
        salt=secrets.token_bytes(SALT_BYTES),
    )


def delivery_id(subscription: SubscriptionId, source: str, event_id: str) -> str:
    """Return the id under which an event (its CloudEvents source and id) goes to a subscription: a UUID (version 8, RFC 9562)."""
    return uuid_of(hashlib.sha256(_framed(subscription) + _framed(source) + _framed(event_id)).digest())


def _framed(text: str) -> bytes:
    part = text.encode()
    return len(part).to_bytes(8, "big") + part
