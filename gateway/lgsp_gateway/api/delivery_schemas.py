"""The components of the management API's description that messages, dead letters and files use."""

from lgsp_gateway.api.schemas import (
    NEXT_CURSOR,
    NON_NEGATIVE_INTEGER,
    REASON,
    TEXT,
    TIME,
    Schema,
    list_schema,
    object_schema,
    ref,
)
from lgsp_gateway.api.titles import MESSAGE_TITLES
from lgsp_gateway.delivery.messages.state import STATES, UNREADABLE


def message_schemas() -> dict[str, Schema]:
    """Return the schemas, by name."""
    attempt = object_schema(
        {
            "at": TIME,
            "outcome": {**TEXT, "description": "`answered`, a problem code, or `running`"},
            "gateway": TEXT,
        }
    )
    attempts: Schema = {"type": "array", "items": attempt, "description": "the latest ones"}
    reason = object_schema({"code": {**TEXT, "description": "a problem code"}, "text": TEXT})
    return {
        "Message": object_schema(
            {
                **dict.fromkeys(("id", "system", "service", "version", "operation", "purpose", "trace"), TEXT),
                "state": {
                    "enum": [*STATES, UNREADABLE],
                    "description": "`unreadable`: what is stored of it is damaged; only its id and its system are known",
                },
                "priority": {"enum": ["high", "normal", "low"]},
                **dict.fromkeys(("acceptedAt", "deadline", "changedAt"), TIME),
                "attemptCount": NON_NEGATIVE_INTEGER,
                "attempts": attempts,
            },
            {
                "orderingKey": {**TEXT, "description": "for the system that sent it alone"},
                "decidedBy": {**TEXT, "description": "who cancelled it, gave it up or had it retried last"},
                "nextAttemptAt": TIME,
                "held": {
                    **object_schema({"code": TEXT, "until": TIME}),
                    "description": "why it waits with all messages of its system to its provider, such as `no-adapter`, and until when; it may not have been tried",
                },
                "reason": reason,
                "answer": object_schema({"href": TEXT, "status": NON_NEGATIVE_INTEGER, "expiresAt": TIME}),
            },
        ),
        "MessageList": list_schema(ref("Message"), {"titles": MESSAGE_TITLES}, optional={"next": NEXT_CURSOR}),
        "Answer": {"type": "object", "description": "a document of the contract"},
        "DeadLetter": object_schema(
            {
                **dict.fromkeys(("id", "message", "system", "service", "name"), TEXT),
                "kind": {
                    "enum": ["message", "event", "expired"],
                    "description": "`expired`: events that expired before their subscription took them, counted in one letter",
                },
                **dict.fromkeys(("major", "round", "size"), NON_NEGATIVE_INTEGER),
                "reason": reason,
                "diedAt": TIME,
                "attempts": attempts,
                "mayDecide": {
                    "type": "boolean",
                    "description": "whether the caller may have it delivered again, or give it up",
                },
            },
            {
                "subscription": TEXT,
                "span": {
                    **object_schema(
                        {
                            **dict.fromkeys(("from", "to", "events"), NON_NEGATIVE_INTEGER),
                            **dict.fromkeys(("fromAt", "toAt"), TIME),
                        }
                    ),
                    "description": "positions and times of the first and the last event that expired, and how many; of a damaged event, its own",
                },
                "resolution": {"enum": ["retried", "given-up"]},
                "resolvedAt": TIME,
                "resolvedBy": TEXT,
                "note": TEXT,
            },
        ),
        "DeadLetterList": list_schema(ref("DeadLetter"), {"titles": MESSAGE_TITLES}, optional={"next": NEXT_CURSOR}),
        "DeadLetterGivenUp": object_schema({"reason": REASON}, closed=True),
        "DeadLettersRetried": object_schema(
            {
                "retried": NON_NEGATIVE_INTEGER,
                "refused": {"type": "array", "items": object_schema({"id": TEXT, "code": TEXT, "text": TEXT})},
                "more": {"type": "boolean"},
            }
        ),
    }


def file_schemas() -> dict[str, Schema]:
    """Return the schemas, by name."""
    return {
        "File": object_schema(
            {
                "id": TEXT,
                "href": {**TEXT, "description": "what a document refers to the file by"},
                "owner": {**TEXT, "description": "the system that uploaded it"},
                "agency": TEXT,
                "name": TEXT,
                "mediaType": TEXT,
                "size": NON_NEGATIVE_INTEGER,
                "offset": {**NON_NEGATIVE_INTEGER, "description": "the bytes that are stored"},
                "state": {"enum": ["uploading", "scanning", "available", "quarantined", "expired"]},
                "bound": {"type": "boolean", "description": "whether a message or event refers to it"},
                "createdAt": TIME,
                "expiresAt": TIME,
            },
            {
                "sha256": {**TEXT, "description": "in hexadecimal digits"},
                "reason": {**TEXT, "description": "why it is quarantined"},
            },
        ),
        "FileList": list_schema(ref("File"), optional={"next": NEXT_CURSOR}),
    }
