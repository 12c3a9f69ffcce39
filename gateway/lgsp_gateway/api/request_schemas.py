"""Schemas of what waits for decisions, and of deputies, for the description of the management API."""

from lgsp_gateway.api.grant_parties import party_schemas
from lgsp_gateway.api.schemas import NEXT_CURSOR, TEXT, TEXTS, Schema, list_schema, object_schema, ref
from lgsp_gateway.notifications.choices import EMAIL_PATTERN, KINDS, MAX_EMAIL, MAX_URL


def request_schemas() -> dict[str, Schema]:
    """Return the components by name."""
    day = {**TEXT, "format": "date"}
    state = {"enum": ["awaiting-consent", "planned", "in-force", "ended", "void"]}
    approval = object_schema(
        {"by": TEXT, "as": {"enum": ["provider", "operator", "installer"]}, "onBehalfOf": TEXTS},
    )
    members = {
        "steps": {**TEXTS, "description": "that the caller may take now"},
        "personal": {
            "type": "boolean",
            "description": "whether a grant shows personal data, so that two have to approve it",
        },
        "approvals": {"type": "array", "items": approval},
        "missing": {"enum": ["", "provider", "operator"], "description": "whose approval personal data still needs"},
    }
    optional = {
        "obstacle": {**TEXT, "description": "why the caller may not approve it"},
        "onBehalfOf": {**TEXT, "description": "the absent approver in whose place the caller decides"},
    }
    parties = {**ref("GrantParties"), "description": "whom a grant concerns"}
    shown = object_schema({"fields": TEXTS, "example": {}, "visible": {}, "classification": TEXT}, {"title": {}})
    sections = {name: {"type": "object", "additionalProperties": shown} for name in ("operations", "events")}
    choices: dict[str, Schema] = {
        "kinds": {"type": "array", "items": {"enum": list(KINDS)}},
        "language": {"enum": ["vi", "en"]},
        "email": {**TEXT, "maxLength": MAX_EMAIL, "pattern": EMAIL_PATTERN},
        "webhook": {**TEXT, "maxLength": MAX_URL},
    }
    deputy = {"person": TEXT, "from": day, "until": day, "state": state}
    principal = {"name": TEXT, "title": ref("Text"), "agency": TEXT, "agencyTitle": ref("Text"), "roles": TEXTS}
    return {
        **party_schemas(),
        "PrincipalName": object_schema({"principal": TEXT}, principal),
        "PendingRequest": object_schema(
            {"kind": {"enum": ["Grant", "Person"]}, "document": {"anyOf": [ref("Grant"), ref("Person")]}, **members},
            {**optional, "parties": parties},
        ),
        "PendingRequests": list_schema(ref("PendingRequest"), optional={"next": NEXT_CURSOR}),
        "GrantReview": object_schema(
            {
                "kind": {"const": "Grant"},
                "document": ref("Grant"),
                **members,
                "parties": parties,
                "approvers": {
                    "type": "array",
                    "items": ref("ApproverGroup"),
                    "description": "who may approve it: somebody of each group for personal data, of one of them otherwise",
                },
                "shows": {
                    **object_schema({}, sections),
                    "description": "the contract's examples, whole and as the holder sees them",
                },
                "renewedBy": {**TEXT, "description": "the grant that succeeds it; empty for none"},
            },
            optional,
        ),
        "NotificationChoices": object_schema(
            {**choices, "mailServer": {"type": "boolean", "description": "whether the bus can send mail"}},
            {"secret": {**TEXT, "description": "signs the webhooks (Standard Webhooks); shown once"}},
        ),
        "NewNotificationChoices": object_schema({}, choices, closed=True),
        "NotificationTest": object_schema({"faults": {"type": "object", "additionalProperties": TEXT}}),
        "OwnDeputy": object_schema(
            {"standsInFor": {"type": "array", "items": object_schema({**deputy, "agency": TEXT})}},
            {"deputy": object_schema(deputy)},
        ),
    }
