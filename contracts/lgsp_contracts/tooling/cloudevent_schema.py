"""The JSON Schema of an event of a contract as a CloudEvent in structured mode, for descriptions."""

from typing import Any

from lgsp_contracts import cloudevents
from lgsp_contracts.cloudevents import MAX_ATTRIBUTE
from lgsp_contracts.event import Event


def cloud_event_schema(event: Event, data: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an event.

    Args:
        data: the schema of its data, or a reference to it.
    """
    text = {"type": "string", "minLength": 1, "maxLength": MAX_ATTRIBUTE}
    return {
        "type": "object",
        "description": "CloudEvents 1.0",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": cloudevents.SPEC_VERSION},
            "id": {**text, "description": "The same each time the event is published"},
            "source": {**text, "description": "`/systems/` and the name of the system that publishes it"},
            "type": {"const": event.type},
            "time": {"type": "string", "format": "date-time", "description": "When it happened"},
            "datacontenttype": {"const": cloudevents.JSON},
            "traceparent": {"type": "string", "description": "W3C trace context"},
            "data": data,
        },
    }
