"""Schemas of webhook endpoints, for the description of the management API."""

from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_gateway.api.schemas import (
    NEXT_CURSOR,
    NON_NEGATIVE_INTEGER,
    NUMBER,
    REASON,
    TEXT,
    TIME,
    Schema,
    list_schema,
    object_schema,
    ref,
)
from lgsp_gateway.delivery.webhooks.administration import DEFAULT_OVERLAP_HOURS, MAX_OVERLAP_HOURS
from lgsp_gateway.delivery.webhooks.egress_urls import MAX_LENGTH
from lgsp_gateway.delivery.webhooks.endpoint import (
    DEFAULT_CONCURRENCY,
    DEFAULT_RATE,
    MAX_CONCURRENCY,
    MAX_RATE,
)
from lgsp_gateway.delivery.webhooks.send_result import FailureReason

_NAME: Schema = {**TEXT, "maxLength": MAX_NAME, "pattern": NAME_PATTERN}
_LIMITS: dict[str, Schema] = {
    "concurrency": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_CONCURRENCY,
        "default": DEFAULT_CONCURRENCY,
        "description": "requests that may be under way at the same time",
    },
    "rate": {
        **NUMBER,
        "minimum": 0.1,
        "maximum": MAX_RATE,
        "default": DEFAULT_RATE,
        "description": "requests that may begin in a second",
    },
}
_URL: Schema = {
    **TEXT,
    "maxLength": MAX_LENGTH,
    "description": "by https, at a public address; the operator may list further networks",
}
_DECISION: Schema = {**ref("Decision"), "description": "who paused or resumed it last"}
_OUTCOME: Schema = {
    "enum": ["delivered", "gone", "url-not-allowed", *(reason.value for reason in FailureReason)],
    "description": "`delivered`, or why not",
}


def endpoint_schemas() -> dict[str, Schema]:
    """Return the schemas by name."""
    endpoint = {
        "id": TEXT,
        "name": _NAME,
        "system": _NAME,
        "url": _URL,
        **_LIMITS,
        "state": {"enum": ["active", "paused"]},
        "failing": {"type": "boolean", "description": "whether the breaker of the answering gateway is open"},
        "createdAt": TIME,
        "secrets": {"type": "array", "items": ref("EndpointSecret")},
    }
    secret = {**TEXT, "description": "the new secret, `whsec_…`; it is shown this once"}
    attempt = {"message": {**TEXT, "description": "the `webhook-id`"}, "outcome": _OUTCOME}
    event = object_schema(
        {
            "name": {**TEXT, "description": "`service/event`; of an event of the bus itself its CloudEvents `type`"},
            "source": {**TEXT, "description": "the CloudEvents `source`"},
            "id": {**TEXT, "description": "the CloudEvents `id`; of a callback the id of the message"},
        }
    )
    result = {
        "status": {"type": "integer"},
        "ms": {**NUMBER, "description": "how long it took, in milliseconds"},
        "retryAfter": {**NON_NEGATIVE_INTEGER, "description": "seconds that the endpoint asked to wait"},
    }
    return {
        "Endpoint": object_schema(endpoint, {"decision": _DECISION}),
        "EndpointWithSecret": object_schema({**endpoint, "secret": secret}, {"decision": _DECISION}),
        "Decision": object_schema(
            {
                "by": {**TEXT, "description": "a system, or a person by an opaque id; empty for a receiver"},
                "role": {
                    "enum": ["owner", "operator", "receiver"],
                    "description": "`receiver`: the endpoint answered 410",
                },
                "at": TIME,
            },
            {"reason": REASON},
        ),
        "ChangeHistory": list_schema(
            object_schema(
                {
                    "step": {**TEXT, "description": "what was done, such as `created`, `changed`, `paused`, `deleted`"},
                    "by": {**TEXT, "description": "a system, or a person by an opaque id; empty for a receiver"},
                    "role": {"enum": ["owner", "operator", "receiver"]},
                    "at": TIME,
                },
                {
                    "reason": REASON,
                    "details": {"type": "object", "description": "what is so since the change; no secret"},
                },
            )
        ),
        "DeletionList": list_schema(
            object_schema(
                {
                    "kind": {"enum": ["endpoint", "subscription"]},
                    **dict.fromkeys(("id", "name"), TEXT),
                    "system": _NAME,
                    "decision": ref("Decision"),
                }
            )
        ),
        "EndpointList": list_schema(ref("Endpoint"), optional={"next": NEXT_CURSOR}),
        "EndpointSecret": object_schema({"id": TEXT, "createdAt": TIME}, {"expiresAt": TIME}),
        "NewEndpoint": object_schema(
            {"name": _NAME, "url": _URL},
            {
                "system": {
                    **_NAME,
                    "description": "the system that receives; the calling system where it is left out, and needed of a person",
                },
                **_LIMITS,
            },
            closed=True,
        ),
        "EndpointChange": object_schema({}, {"url": _URL, **_LIMITS}, closed=True),
        "SecretRotation": object_schema(
            {},
            {
                "overlapHours": {
                    **NUMBER,
                    "minimum": 0,
                    "maximum": MAX_OVERLAP_HOURS,
                    "default": DEFAULT_OVERLAP_HOURS,
                    "description": "for how long the former secrets sign beside the new one",
                }
            },
            closed=True,
        ),
        "EndpointPause": object_schema({}, {"reason": REASON}, closed=True),
        "EndpointTest": object_schema(attempt, {**result, "detail": TEXT}),
        "EndpointAttempts": list_schema(
            object_schema({**attempt, "at": TIME, "gateway": TEXT}, {**result, "event": event})
        ),
    }
