"""Events on NATS (wire protocol 1.1), which an adapter publishes for its system.

Reserved: subject and format are fixed here and in `docs/protocol/wire-1.md`, so that adapters can be written; no gateway permits publishing
yet. Like every message it is one line of JSON, a line feed and the document: the attributes of CloudEvents 1.0 and the event's data.
"""

import re
from typing import Any, NamedTuple

import orjson

from lgsp_contracts import wire
from lgsp_contracts.names import EventName, Major, ServiceName
from lgsp_problems import Refusal

SPEC_VERSION = "1.0"
"""Of CloudEvents."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def event_subject(service: ServiceName, major: Major, event: EventName) -> str:
    """Name the NATS subject of an event."""
    return f"evt.{service}.v{major}.{event}"


class EventContext(NamedTuple):
    """The attributes of an event, as CloudEvents names them.

    Args:
        id: the same each time this event is published; unique together with the source.
        source: the system that publishes it: `/systems/{system}`.
        type: as in the contract.
        time: when it happened, by RFC 3339.
        traceparent: W3C trace context; may be empty.
    """

    id: str
    source: str
    type: str
    time: str
    traceparent: str = ""


def publish(context: EventContext, data: bytes) -> bytes:
    """Serialise the message that announces an event.

    Args:
        data: the document, as JSON.
    """
    fields = {"wire": wire.VERSION, "specversion": SPEC_VERSION, **context._asdict()}
    if not context.traceparent:
        del fields["traceparent"]
    return orjson.dumps(fields) + b"\n" + data


def parse_event(message: bytes) -> tuple[EventContext, bytes]:
    """Parse a message that announces an event; its data is not validated against the contract.

    Raises:
        Refusal: `malformed`.
    """
    line, feed, data = message.partition(b"\n")
    try:
        fields: Any = orjson.loads(line)
        context = EventContext(*(fields.get(name, "") for name in EventContext._fields))
        is_event = fields["wire"] == wire.VERSION and fields["specversion"] == SPEC_VERSION
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_an_event() from error
    is_complete = all(isinstance(text, str) for text in context) and all(context[:4])
    if not (feed and is_event and is_complete and _TIME.fullmatch(context.time)):
        raise _not_an_event()
    return context, data


def _not_an_event() -> Refusal:
    return Refusal(
        "malformed",
        vi="Thông điệp không phải là sự kiện theo giao thức wire 1.1; hãy gửi một dòng JSON có wire, specversion, id, source, type, time, rồi xuống dòng và dữ liệu.",
        en="The message is not an event of wire protocol 1.1; send one line of JSON with wire, specversion, id, source, type and time, a line feed, and the data.",
    )
