"""A subscription: which events of a service a system receives, for which purpose, and how they are delivered.

The document is what its owner wrote and what is stored. What a subscription may see is not in it: each delivery looks at the grants of
that moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NewType, Self

import orjson

from lgsp_contracts.names import EventName, Major, OperationName, ServiceName, SystemName
from lgsp_gateway.delivery.change_history import Change, History, extended, parse_history, stored_history
from lgsp_gateway.delivery.decisions import Decision

SubscriptionId = NewType("SubscriptionId", str)
"""A UUIDv7."""

State = Literal["active", "paused", "ended"]
"""What its owner, an operator or its endpoint (410) decided; whether a grant allows deliveries now is not part of it."""

Content = Literal["data", "cloudevent"]
"""What an operation gets: the event's data alone, or the CloudEvent in structured mode."""


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """Events are posted to an endpoint of the subscriber.

    Args:
        endpoint: the id of one of the subscriber's own endpoints.
    """

    endpoint: str
    kind: Literal["webhook"] = "webhook"


@dataclass(frozen=True, slots=True)
class AdapterDelivery:
    """Each event becomes a call of an operation that the subscriber's own system provides."""

    service: ServiceName
    major: Major
    operation: OperationName
    content: Content = "data"
    kind: Literal["adapter"] = "adapter"


@dataclass(frozen=True, slots=True)
class PullDelivery:
    """Workers of the subscriber fetch events and acknowledge them.

    Args:
        visibility: seconds for which a worker has an event to itself; unacknowledged by then, another one gets it.
    """

    visibility: int = 30
    kind: Literal["pull"] = "pull"


@dataclass(frozen=True, slots=True)
class SseDelivery:
    """A reader follows the events as server-sent events and keeps its position itself (`Last-Event-ID`)."""

    kind: Literal["sse"] = "sse"


DeliveryMethod = WebhookDelivery | AdapterDelivery | PullDelivery | SseDelivery


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as it is stored.

    Args:
        name: as its owner calls it.
        consumer: the system that receives.
        filter: a JMESPath expression over the projected data; "" for every event.
        start: the position (sequence in `LGSP_EVENTS`) of the first event that it receives; events of before are not its own.
        generation: how often it was replayed; each generation reads the stream with a consumer of its own.
        decision: who paused, resumed or ended it; None where nobody did.
        created_at, changed_at: ISO 8601.
        revision: of the document in the store, its ETag; 0 of one that was not stored.
    """

    id: SubscriptionId
    name: str
    consumer: SystemName
    service: ServiceName
    major: Major
    events: tuple[EventName, ...]
    purpose: str
    delivery: DeliveryMethod
    filter: str
    state: State
    start: int
    created_at: str
    changed_at: str
    generation: int = 0
    decision: Decision | None = None
    history: History = ()
    revision: int = 0

    @property
    def consumer_name(self) -> str:
        """Return the name of its durable consumer of JetStream; another one for each replay."""
        return f"sub-{self.id}-{self.generation}"

    @property
    def stopped(self) -> Decision | None:
        """Return the decision that paused or ended it; None where it is active."""
        return None if self.state == "active" else self.decision

    def ended_by_receiver(self, now: float) -> Self:
        """Return it as it is once its endpoint wants no more.

        Args:
            now: in seconds since 1970.
        """
        decision = Decision("", "receiver", now, "410 Gone")
        return self.changed(state="ended", decision=decision).recorded(Change("ended", decision))

    def recorded(self, change: Change) -> Self:
        """Return a copy whose history tells of a change."""
        return self.changed(history=extended(self.history, change))

    def changed(self, **fields: Any) -> Self:
        """Return a copy with some fields changed."""
        return replace(self, **fields)

    def document(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        decision = {"decision": self.decision.document()} if self.decision else {}
        return {**self._members(), **decision}

    def _members(self) -> dict[str, Any]:
        delivery = {"kind": self.delivery.kind, **_fields_of(self.delivery)}
        return {
            "id": self.id,
            "name": self.name,
            "consumer": self.consumer,
            "service": self.service,
            "major": self.major,
            "events": list(self.events),
            "purpose": self.purpose,
            **({"filter": self.filter} if self.filter else {}),
            "delivery": delivery,
            "state": self.state,
            "start": self.start,
            "generation": self.generation,
            "createdAt": self.created_at,
            "changedAt": self.changed_at,
        }

    def serialized(self) -> bytes:
        """Return it as it is stored."""
        decision = {"decision": self.decision.stored()} if self.decision else {}
        return orjson.dumps({**self._members(), **decision, "history": stored_history(self.history)})

    @classmethod
    def parse(cls, stored: bytes, revision: int) -> "Subscription":
        """Read a subscription as it was stored.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        fields = orjson.loads(stored)
        return cls(
            id=SubscriptionId(fields["id"]),
            name=fields["name"],
            consumer=SystemName(fields["consumer"]),
            service=ServiceName(fields["service"]),
            major=Major(fields["major"]),
            events=tuple(map(EventName, fields["events"])),
            purpose=fields["purpose"],
            delivery=delivery_method(fields["delivery"]),
            filter=fields.get("filter", ""),
            state=fields["state"],
            start=fields["start"],
            created_at=fields["createdAt"],
            changed_at=fields["changedAt"],
            generation=fields.get("generation", 0),
            decision=Decision.parse(decision) if (decision := fields.get("decision")) else None,
            history=parse_history(fields.get("history", [])),
            revision=revision,
        )


def delivery_method(document: Mapping[str, Any]) -> DeliveryMethod:
    """Read how events are delivered, as the schema of subscriptions has it.

    Raises:
        KeyError, TypeError: it does not keep the schema.
    """
    fields = {name: value for name, value in document.items() if name != "kind"}
    return _METHODS[document["kind"]](**fields)


_METHODS: Mapping[str, type[DeliveryMethod]] = {
    "webhook": WebhookDelivery,
    "adapter": AdapterDelivery,
    "pull": PullDelivery,
    "sse": SseDelivery,
}


def _fields_of(method: DeliveryMethod) -> dict[str, Any]:
    return {name: getattr(method, name) for name in method.__dataclass_fields__ if name != "kind"}
