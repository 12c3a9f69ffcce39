"""An event as it is stored in `LGSP_EVENTS`: one line of JSON with its attributes, a line feed, and its data as it was published."""

import hashlib
from typing import Any, NamedTuple

import orjson

from lgsp_contracts import cloudevents
from lgsp_contracts.cloudevents import EventContext

MESSAGE = "lgspmessage"
"""The attribute with the id (UUIDv7) that all evidence about an event shares."""
ORDERING_KEY = "orderingkey"
"""The attribute with the pseudonym of the value by which events are ordered. It is for the bus alone."""


class EventRecord(NamedTuple):
    """One event.

    Args:
        context: its time and trace are filled in.
        message: its id on the bus.
        ordering_key: a pseudonym; "" where it waits for no other.
    """

    context: EventContext
    message: str
    ordering_key: str
    data: bytes

    def to_bytes(self) -> bytes:
        """Serialise it."""
        attributes: dict[str, Any] = {
            "specversion": cloudevents.SPEC_VERSION,
            **self.context._asdict(),
            "datacontenttype": cloudevents.JSON,
            MESSAGE: self.message,
        }
        if self.ordering_key:
            attributes[ORDERING_KEY] = self.ordering_key
        return orjson.dumps(attributes) + b"\n" + self.data

    @classmethod
    def from_bytes(cls, stored: bytes) -> "EventRecord":
        """Read what `to_bytes` made.

        Raises:
            KeyError, ValueError: it is no event.
        """
        line, _, data = stored.partition(b"\n")
        attributes = orjson.loads(line)
        context = EventContext(*(attributes[name] for name in EventContext._fields))
        return cls(context, attributes[MESSAGE], attributes.get(ORDERING_KEY, ""), data)

    def is_repeated_by(self, other: "EventRecord") -> bool:
        """Tell whether another one, with the same source and id, says the same."""
        return self.data == other.data and self.context.type == other.context.type


def message_id(context: EventContext) -> str:
    """Return the `Nats-Msg-Id` of an event: the same each time it is published."""
    parts = (context.source.encode(), context.id.encode())
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).hexdigest()
