"""Events on NATS, of wire protocol 1.1: what an adapter publishes when its system announces something.

Reserved: the subject and the form are fixed here and in `docs/protocol/wire-1.md`, so that adapters can be written; no gateway gives the right to
publish yet. A message has the form of all others, one line of JSON, a line feed and the document: the attributes of CloudEvents 1.0 and the
event's data.
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
    """What is said of an event beside its data, in the words of CloudEvents.

    Args:
        id: the same each time this event is published; together with the source it names the event.
        source: where it comes from: `/systems/{system}`.
        type: as the contract has it.
        time: when it happened, by RFC 3339.
        traceparent: W3C trace context; may be empty.
    """

    id: str
    source: str
    type: str
    time: str
    traceparent: str = ""


def publish(context: EventContext, data: bytes) -> bytes:
    """Write the message that announces an event.

    Args:
        data: the document, as JSON.
    """
    fields = {"wire": wire.VERSION, "specversion": SPEC_VERSION, **context._asdict()}
    if not context.traceparent:
        del fields["traceparent"]
    return orjson.dumps(fields) + b"\n" + data


def parse_event(message: bytes) -> tuple[EventContext, bytes]:
    """Read a message that announces an event; its data is not held against the contract.

    Raises:
        Refusal: `malformed`.
    """
    line, feed, data = message.partition(b"\n")
    try:
        fields: Any = orjson.loads(line)
        context = EventContext(*(fields.get(name, "") for name in EventContext._fields))
        is_event = fields["wire"] == wire.VERSION and fields["specversion"] == SPEC_VERSION
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_event() from error
    is_whole = all(isinstance(text, str) for text in context) and all(context[:4])
    if not (feed and is_event and is_whole and _TIME.fullmatch(context.time)):
        raise _no_event()
    return context, data


def _no_event() -> Refusal:
    return Refusal(
        "malformed",
        vi="Thông điệp không phải sự kiện theo giao thức wire 1.1; hãy gửi một dòng JSON với wire, specversion, id, source, type, time, rồi xuống dòng và dữ liệu.",
        en="The message is no event of wire protocol 1.1; send one line of JSON with wire, specversion, id, source, type and time, a line feed, and the data.",
    )
