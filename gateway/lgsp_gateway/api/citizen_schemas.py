"""Schemas of citizens' access logs, sessions and requests, for the description of the management API."""

from lgsp_gateway.api.schemas import NON_NEGATIVE_INTEGER, TEXT, TIME, Schema, list_schema, object_schema, ref
from lgsp_gateway.citizens.requests import KINDS, MAX_ANSWER, MAX_TEXT

_ENTRY_TEXTS = (
    *("message", "time", "agency", "agencyTitle", "system", "service", "serviceTitle", "operation", "operationTitle"),
    *("event", "purpose", "purposeTitle", "legalBasis", "reference", "outcome", "text"),
)


def citizen_schemas() -> dict[str, Schema]:
    """Return the components by name."""
    day = {**TEXT, "format": "date"}
    titles = {"type": "object", "additionalProperties": TEXT, "description": "what people call it, by language"}
    issuer = object_schema({"issuer": TEXT, "title": titles})
    answer = object_schema({"text": TEXT, "at": TIME})
    common: dict[str, Schema] = {
        "number": TEXT,
        "kind": {"enum": list(KINDS), "description": "the citizen objects to a read, or asks about it"},
        "state": {"enum": ["waiting", "answered"]},
        "asked": TIME,
        "due": {**day, "description": "the last day to answer on, in Vietnam"},
        "daysLeft": {"type": "integer", "description": "until that day; negative where it is over"},
        "firstReplyDue": {
            **day,
            "description": "the last day, in Vietnam, to tell the citizen that the request was received and how it is dealt with",
        },
        "firstReplyDaysLeft": {"type": "integer", "description": "until that day; negative where it is over"},
        "waitsForFirstReply": {"type": "boolean", "description": "whether the citizen has heard nothing yet"},
        "agency": TEXT,
        "agencyTitle": TEXT,
        "entry": {**ref("AccessLogEntry"), "description": "of the access log, that it is about"},
    }
    damaged = object_schema(
        {name: common[name] for name in ("number", "state", "due", "daysLeft", "agency", "agencyTitle")}
        | {"asked": {**day, "description": "the day on which it was sent, in Vietnam"}}
    )
    unreadable = {
        "damaged": {"type": "array", "items": ref("DamagedRequest"), "description": "those that cannot be read"}
    }
    own_access = object_schema(
        {**dict.fromkeys(("date", "first", "last", "text"), TEXT), "looks": NON_NEGATIVE_INTEGER}
    )
    return {
        "AccessLogEntry": object_schema(
            {**dict.fromkeys(_ENTRY_TEXTS, TEXT), "received": {"type": "boolean"}}, {"systemTitle": TEXT}
        ),
        "AccessLog": list_schema(
            ref("AccessLogEntry"), {"cursor": TEXT, "own": {"type": "array", "items": own_access}}
        ),
        "CitizenSession": object_schema(
            {
                "signedIn": {"type": "boolean"},
                "province": {
                    **TEXT,
                    "description": "what the Instance document calls the bus; empty where it says nothing",
                },
                "issuers": {"type": "array", "items": issuer, "description": "that citizens sign in with"},
            },
            {
                "expires": TIME,
                "numberEnd": {
                    **TEXT,
                    "description": "the last three characters of the number of whoever is signed in",
                },
                "failure": {**TEXT, "description": "why the last sign-in of this browser did not succeed; read once"},
            },
        ),
        "NewAccessRequest": object_schema(
            {
                "message": {**TEXT, "description": "of an entry of the access log"},
                "agency": {**TEXT, "description": "of that entry"},
                "kind": {"enum": list(KINDS)},
                "text": {**TEXT, "minLength": 1, "maxLength": MAX_TEXT},
            },
            closed=True,
        ),
        "AccessRequest": object_schema({**common, "text": TEXT}, {"answer": answer, "firstReply": answer}),
        "DamagedRequest": damaged,
        "AccessRequestList": list_schema(ref("AccessRequest"), unreadable),
        "CitizenRequestSummary": object_schema(common),
        "CitizenRequestList": list_schema(
            ref("CitizenRequestSummary"),
            {
                **unreadable,
                "more": {"type": "boolean", "description": "whether there are answered ones beside those returned"},
            },
        ),
        "CitizenRequest": object_schema(
            {**common, "text": TEXT, "mayAnswer": {"type": "boolean"}},
            dict.fromkeys(("answer", "firstReply"), object_schema({"text": TEXT, "at": TIME, "by": TEXT})),
        ),
        "NewAnswer": object_schema({"text": {**TEXT, "minLength": 1, "maxLength": MAX_ANSWER}}, closed=True),
    }
