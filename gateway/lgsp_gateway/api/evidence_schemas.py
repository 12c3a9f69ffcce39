"""The schemas of what the API returns of the evidence: entries, logs, proofs, and the story of one message."""

from lgsp_gateway.api.schemas import (
    NON_NEGATIVE_INTEGER,
    NUMBER,
    TEXT,
    TEXTS,
    TIME,
    Schema,
    list_schema,
    object_schema,
    ref,
)
from lgsp_gateway.api.titles import MESSAGE_TITLES


def evidence_schemas() -> dict[str, Schema]:
    """Return the schemas by their names."""
    text_members = (
        *("message", "gateway", "consumer", "agency", "provider", "service", "version", "operation", "purpose"),
        *("grant", "subject", "onBehalfOf", "outcome", "trace"),
    )
    entry = {
        **dict.fromkeys(text_members, TEXT),
        "time": {**NON_NEGATIVE_INTEGER, "description": "milliseconds since 1970"},
        "status": {"type": "integer"},
        "requestSize": {**NON_NEGATIVE_INTEGER, "description": "bytes"},
        "answerSize": {**NON_NEGATIVE_INTEGER, "description": "bytes"},
        "providerMs": NUMBER,
        "totalMs": NUMBER,
    }
    claimed = {
        "adapterMs": {**NUMBER, "description": "of `providerMs`, what the adapter says that it took, with its system"},
        "upstreamMs": {**NUMBER, "description": "of `adapterMs`, what the adapter says that it waited for its system"},
    }
    digests = {"v": NON_NEGATIVE_INTEGER, "kind": TEXT, "requestDigest": TEXT, "answerDigest": TEXT}
    return {
        "Entry": object_schema(
            {**entry, **digests}, {**dict.fromkeys(("by", "through", "reference"), TEXT), **claimed}
        ),
        "EntryFound": object_schema(
            {
                **entry,
                **dict.fromkeys(("kind", "event", "to", "state", "file"), TEXT),
                "attempt": NON_NEGATIVE_INTEGER,
                "by": {**TEXT, "description": "the officer who asked by a form, or who decided, where somebody did"},
                "reference": {**TEXT, "description": "the number of the dossier that it was asked for; may be empty"},
            },
            {**digests, **claimed},
        ),
        "EntryPage": list_schema(
            ref("EntryFound"),
            {
                "cursor": {**TEXT, "description": "the cursor of the next page; empty on the last"},
                "newer": {
                    **TEXT,
                    "description": "the cursor of what is newer than this page; empty where nothing was found",
                },
                "titles": MESSAGE_TITLES,
            },
        ),
        **_message_story_schemas(),
        "LogList": _log_list_schema(),
        "Checkpoints": list_schema(TEXT, {"start": object_schema({"size": NON_NEGATIVE_INTEGER})}),
        "Consistency": object_schema(
            {"path": {"type": "array", "items": {**TEXT, "contentEncoding": "base64", "description": "a hash"}}}
        ),
        "Proof": {"type": "object"},
        "Seal": object_schema(
            {"checkpoint": {**TEXT, "maxLength": 20_000, "description": "the checkpoint with the line of the witness"}}
        ),
        "SealKept": object_schema({"by": {**TEXT, "description": "the name of the witness"}}),
        "SealList": list_schema({"type": "object"}),
    }


def _log_list_schema() -> Schema:
    seal = object_schema({"by": {**TEXT, "description": "a witness, or `timestamp`"}, "size": NON_NEGATIVE_INTEGER})
    log = object_schema(
        {
            "gateway": TEXT,
            "size": {**NON_NEGATIVE_INTEGER, "description": "entries under the newest checkpoint"},
            "checkpoint": TEXT,
            "archived": {**NON_NEGATIVE_INTEGER, "description": "entries that are in the archive alone"},
            "seals": {"type": "array", "items": seal, "description": "the newest cosignature of each witness"},
        },
        {"time": {**TIME, "description": "when the newest checkpoint was written"}},
    )
    index = object_schema(
        {"state": {"enum": ["current", "stale", "unavailable", "none"]}},
        {"batches": {**NON_NEGATIVE_INTEGER, "description": "group commits that it lacks"}, "since": TIME},
    )
    witnesses = {**TEXTS, "description": "the names of those whose cosignatures are accepted"}
    return list_schema(log, {"witnesses": witnesses, "index": {**index, "description": "the search index"}})


def _message_story_schemas() -> dict[str, Schema]:
    explanation = object_schema({"title": TEXT}, dict.fromkeys(("when", "action", "advice", "help"), TEXT))
    reader = {
        "enum": ["caller", "provider", "operator"],
        "description": "as what its reader sees it: `action` speaks to the caller, `advice` to another reader",
    }
    grant = {
        **dict.fromkeys(("name", "legalBasis"), TEXT),
        "purposes": TEXTS,
        "validUntil": TIME,
        "suspended": {"type": "boolean"},
    }
    entry = {"allOf": [ref("EntryFound"), object_schema({"explanation": explanation})]}
    return {
        "MessageStory": object_schema(
            {
                "message": TEXT,
                "reader": reader,
                "entries": {"type": "array", "items": entry, "description": "the oldest first"},
                "more": {"type": "boolean", "description": "whether there are older entries than those returned"},
                "titles": MESSAGE_TITLES,
                "grants": {
                    "type": "array",
                    "items": object_schema(grant),
                    "description": "those named in the entries, as they are now",
                },
                "deadLetters": {"type": "array", "items": ref("DeadLetter")},
            },
            {"delivery": {**ref("Message"), "description": "what became of an accepted message"}},
        )
    }
