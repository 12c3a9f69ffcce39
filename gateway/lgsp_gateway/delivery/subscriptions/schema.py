"""The JSON Schema of a subscription, as its owner sends it: checks requests, and describes them in the OpenAPI."""

from typing import Any

from lgsp_contracts.names import NAME_PATTERN

MAX_FILTER = 500
"""Characters of a filter."""
MAX_EVENTS = 20
MAX_NAME = 120
MIN_VISIBILITY, MAX_VISIBILITY = 1, 3600

_NAME = {"type": "string", "pattern": NAME_PATTERN, "maxLength": 63}
_MAJOR = {"type": "integer", "minimum": 0, "maximum": 9999}

DELIVERY: dict[str, Any] = {
    "description": "How events are delivered.",
    "oneOf": [
        {
            "type": "object",
            "description": "Events are posted to an endpoint of yours, signed by Standard Webhooks.",
            "required": ["kind", "endpoint"],
            "additionalProperties": False,
            "properties": {
                "kind": {"const": "webhook"},
                "endpoint": {"type": "string", "format": "uuid", "description": "The id of one of your endpoints."},
            },
        },
        {
            "type": "object",
            "description": "Each event becomes a call of an operation that your system provides.",
            "required": ["kind", "service", "major", "operation"],
            "additionalProperties": False,
            "properties": {
                "kind": {"const": "adapter"},
                "service": _NAME,
                "major": _MAJOR,
                "operation": _NAME,
                "content": {
                    "enum": ["data", "cloudevent"],
                    "default": "data",
                    "description": "What the operation gets: the event's data, or the CloudEvent in structured mode.",
                },
            },
        },
        {
            "type": "object",
            "description": "Your workers fetch events and acknowledge them.",
            "required": ["kind"],
            "additionalProperties": False,
            "properties": {
                "kind": {"const": "pull"},
                "visibility": {
                    "type": "integer",
                    "minimum": MIN_VISIBILITY,
                    "maximum": MAX_VISIBILITY,
                    "default": 30,
                    "description": "Seconds for which a worker has an event to itself; after that another one gets it.",
                },
            },
        },
        {
            "type": "object",
            "description": "You follow the events as server-sent events and keep your position (`Last-Event-ID`).",
            "required": ["kind"],
            "additionalProperties": False,
            "properties": {"kind": {"const": "sse"}},
        },
    ],
}

_CHANGEABLE: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME, "pattern": r"^[^\x00-\x1f\x7f]*$"},
    "filter": {
        "type": "string",
        "maxLength": MAX_FILTER,
        "description": "A JMESPath expression over what the grant shows of an event's data; events for which it is false are left out.",
        "examples": ["tinh == '22' && soTien > `1000`"],
    },
    "delivery": DELIVERY,
}

CREATION: dict[str, Any] = {
    "type": "object",
    "required": ["name", "service", "major", "events", "delivery"],
    "additionalProperties": False,
    "properties": {
        **_CHANGEABLE,
        "system": {
            **_NAME,
            "description": "The system that receives; the calling system where it is left out, and needed of a person.",
        },
        "service": _NAME,
        "major": _MAJOR,
        "events": {"type": "array", "items": _NAME, "minItems": 1, "maxItems": MAX_EVENTS, "uniqueItems": True},
        "purpose": {"type": "string", "maxLength": 63, "description": "Why you receive them, as your grant names it."},
        "from": {
            "type": "string",
            "maxLength": 40,
            "description": "Where it begins: an ISO 8601 time within the retention of the events; now where it is left out.",
        },
    },
}
"""The body of `POST /subscriptions`."""

_POSITION: dict[str, Any] = {"type": ["string", "integer"], "maxLength": 40}

REPLAY: dict[str, Any] = {
    "type": "object",
    "required": ["from"],
    "additionalProperties": False,
    "properties": {
        "from": {
            **_POSITION,
            "description": "An ISO 8601 time within the retention of the events, the position of an event, or `now`.",
        },
        "to": {**_POSITION, "description": "Only events before this time, or up to this position."},
        "events": {
            "type": "array",
            "items": _NAME,
            "minItems": 1,
            "maxItems": MAX_EVENTS,
            "uniqueItems": True,
            "description": "Only these events of the subscription.",
        },
        "filter": {
            **_CHANGEABLE["filter"],
            "minLength": 1,
            "description": "Only events for which this JMESPath expression is true; it sees what the grant shows.",
        },
    },
}
"""The body of `POST /subscriptions/{id}/replay`. With `from` alone the subscription begins there anew; with more, single events come again."""

CHANGE: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": False,
    "properties": _CHANGEABLE,
}
"""The body of `PATCH /subscriptions/{id}` (RFC 7396): what is left out stays."""
