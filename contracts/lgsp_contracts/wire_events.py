"""Events on NATS (wire protocol 1.1), which an adapter publishes for its system.

Like every message it is one line of JSON, a line feed and the document: the attributes of CloudEvents 1.0 and the event's data. A gateway
checks it and replies (`lgsp_contracts.event_replies`).
"""

import orjson

from lgsp_contracts import cloudevents, strict_json, wire
from lgsp_contracts.cloudevents import EventContext, ReceivedEvent
from lgsp_contracts.names import EventName, Major, ServiceName
from lgsp_problems import Refusal

__all__ = ["EVENTS", "EventContext", "ReceivedEvent", "event_subject", "parse_event", "publish"]

EVENTS = "evt.*.*.*"
"""The subjects of all events."""


def event_subject(service: ServiceName, major: Major, event: EventName) -> str:
    """Name the NATS subject of an event."""
    return f"evt.{service}.v{major}.{event}"


def publish(context: EventContext, data: bytes) -> bytes:
    """Serialise the message that announces an event.

    Args:
        data: the document, as JSON.
    """
    fields = {"wire": wire.VERSION, "specversion": cloudevents.SPEC_VERSION, **context._asdict()}
    if not context.traceparent:
        del fields["traceparent"]
    return orjson.dumps(fields) + b"\n" + data


def parse_event(message: bytes) -> ReceivedEvent:
    """Parse a message that announces an event; its data is not validated against the contract.

    Raises:
        Refusal: `malformed`.
    """
    line, feed, data = message.partition(b"\n")
    attributes = strict_json.loads(line)
    if not feed or not isinstance(attributes, dict) or attributes.pop("wire", None) != wire.VERSION:
        raise Refusal(
            "malformed",
            vi="Thông điệp không phải là sự kiện theo giao thức wire 1.1; hãy gửi một dòng JSON có wire, specversion, id, source, type, time, rồi xuống dòng và dữ liệu.",
            en="The message is not an event of wire protocol 1.1; send one line of JSON with wire, specversion, id, source, type and time, a line feed, and the data.",
        )
    return ReceivedEvent(cloudevents.read_context(attributes, time_required=True), data)
