"""The components of the API's description that describe subscriptions, and what its routes send and accept of them."""

from lgsp_gateway.api.schemas import (
    NEXT_CURSOR,
    NON_NEGATIVE_INTEGER,
    NUMBER,
    REASON,
    TEXT,
    TEXTS,
    TIME,
    Schema,
    list_schema,
    object_schema,
    ref,
)
from lgsp_gateway.delivery.subscriptions import schema

MAX_TOKENS = 500
"""Events that one request acknowledges or gives back."""
MAX_GIVE_BACK_SECONDS = 3600
MAX_TOKEN = 200

_TOKEN: Schema = {**TEXT, "maxLength": MAX_TOKEN}

ACKNOWLEDGEMENTS: Schema = object_schema(
    {},
    {
        "acknowledge": {
            "type": "array",
            "maxItems": MAX_TOKENS,
            "items": _TOKEN,
            "description": "tokens of events that are done",
        },
        "giveBack": {
            "type": "array",
            "maxItems": MAX_TOKENS,
            "description": "events that another worker may have",
            "items": object_schema(
                {"token": _TOKEN},
                {
                    "after": {
                        "type": "integer",
                        "minimum": 0,
                        "maximum": MAX_GIVE_BACK_SECONDS,
                        "default": 0,
                        "description": "seconds until then",
                    }
                },
                closed=True,
            ),
        },
    },
    closed=True,
)
"""The body of `POST /subscriptions/{id}/acknowledgements`."""


def subscription_schemas() -> dict[str, Schema]:
    """Return the schemas, by name."""
    return {
        "SubscriptionCreation": schema.CREATION,
        "SubscriptionChange": schema.CHANGE,
        "Subscription": object_schema(
            {
                **dict.fromkeys(("id", "name", "consumer", "service", "purpose", "createdAt", "changedAt"), TEXT),
                "major": NON_NEGATIVE_INTEGER,
                "events": TEXTS,
                "delivery": schema.DELIVERY,
                "state": {"enum": ["active", "paused", "ended"]},
                "start": {**NON_NEGATIVE_INTEGER, "description": "the position of the first event that it receives"},
                "generation": {**NON_NEGATIVE_INTEGER, "description": "how often it was replayed"},
            },
            {
                "filter": TEXT,
                "filtered": {
                    "type": "boolean",
                    "description": "for operators: it has a filter, which its owner alone sees",
                },
                "decision": {**ref("Decision"), "description": "who paused, resumed or ended it last"},
                "blocked": {
                    **object_schema({"code": TEXT, "vi": TEXT, "en": TEXT}),
                    "description": "why nothing is delivered now: the problem that a new subscription would get",
                },
                "waiting": {**TEXT, "description": "why its deliveries pause now, such as no-adapter or no-worker"},
                "nextAttemptAt": {**TIME, "description": "where its deliveries pause: when the next one is tried"},
                "replayed": {
                    **object_schema(
                        dict.fromkeys(("events", "read", "to"), NON_NEGATIVE_INTEGER), {"next": NON_NEGATIVE_INTEGER}
                    ),
                    "description": "after a replay of selected events: how many come again, how many were looked at, and `to` and `next`, the `from` with which to go on where that is not all",
                },
                "backlog": {
                    **object_schema(
                        {"waiting": NON_NEGATIVE_INTEGER, "underWay": NON_NEGATIVE_INTEGER}, {"oldestAt": TIME}
                    ),
                    "description": "events that wait, never tried or held back, events that are being delivered, and when the oldest of them was published",
                },
            },
        ),
        "SubscriptionList": list_schema(ref("Subscription"), optional={"next": NEXT_CURSOR}),
        "SubscriptionPause": object_schema({}, {"reason": REASON}, closed=True),
        "SubscriptionReplay": schema.REPLAY,
        "ReplayPreview": object_schema(
            {
                "events": {**NON_NEGATIVE_INTEGER, "description": "how many, before the filter of the subscription"},
                "from": {**NON_NEGATIVE_INTEGER, "description": "the position from which a replay would begin"},
                "to": {**NON_NEGATIVE_INTEGER, "description": "the last position that counts"},
            }
        ),
        "SubscriptionTest": object_schema({}, {"event": TEXT}, closed=True),
        "SubscriptionTested": object_schema(
            {
                "message": {**TEXT, "description": "its id in the evidence"},
                "event": TEXT,
                "filter": {
                    "enum": ["none", "matched", "left-out"],
                    "description": "what the filter of the subscription says of it; it is sent in any case",
                },
                "outcome": {
                    **TEXT,
                    "description": "`delivered`; `queued`, where workers or readers fetch it; or why it was not delivered",
                },
            },
            {"status": NON_NEGATIVE_INTEGER, "ms": NUMBER, "detail": TEXT},
        ),
        "PulledEvents": list_schema(
            object_schema(
                {
                    "token": {**TEXT, "description": "acknowledges the event, or gives it back"},
                    "attempt": {**NON_NEGATIVE_INTEGER, "description": "how often it was handed out"},
                    "event": {"type": "object", "description": "the CloudEvent"},
                }
            )
        ),
        "Acknowledgements": ACKNOWLEDGEMENTS,
        "AcknowledgementResult": object_schema(
            {
                "acknowledged": NON_NEGATIVE_INTEGER,
                "givenBack": NON_NEGATIVE_INTEGER,
                "unknown": {**TEXTS, "description": "what is no token of this subscription"},
            }
        ),
    }
