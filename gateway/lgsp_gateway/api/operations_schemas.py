"""Schemas of what operators watch and decide: adapters, checks, alerts, statistics and idempotency keys."""

from lgsp_gateway.api.schemas import (
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
from lgsp_gateway.api.titles import TITLES
from lgsp_gateway.evidence.search.models import STATISTICS
from lgsp_gateway.observability.expirations.expiration import KINDS


def operations_schemas() -> dict[str, Schema]:
    """Return the components by name."""
    counts = dict.fromkeys(
        ("calls", "answered", "refused", "failed", "requestBytes", "answerBytes"), NON_NEGATIVE_INTEGER
    )
    return {
        "AdapterList": list_schema(ref("Adapter"), {"time": NUMBER, **TITLES}),
        **_adapter_schemas(),
        "Check": object_schema(
            {
                "check": TEXT,
                "ok": {"type": "boolean"},
                "detail": {
                    "anyOf": [object_schema({"vi": TEXT, "en": TEXT}), {"type": "null"}],
                    "description": "what is wrong and what to do",
                },
                "since": {**NUMBER, "description": "since when it fails or passes, as far as this gateway knows"},
            }
        ),
        "CheckList": list_schema(ref("Check"), {"time": NUMBER, "gateway": TEXT}),
        "Expiration": object_schema(
            {
                "kind": {"enum": list(KINDS)},
                "name": {**TEXT, "description": "of the thing among those of its kind"},
                "end": {**NUMBER, "description": "when it ends, in seconds since 1970"},
                "days": {"type": "integer", "description": "whole days that are left; negative after the end"},
                "detail": object_schema({"vi": TEXT, "en": TEXT}),
            },
            {
                "level": {
                    "enum": ["notice", "warning", "critical"],
                    "description": "from 30, 7 and 1 days before the end on",
                }
            },
        ),
        "ExpirationList": list_schema(ref("Expiration"), {"time": NUMBER}),
        "Alert": object_schema(
            {
                **dict.fromkeys(("name", "severity", "since", "summary"), TEXT),
                "action": {**TEXT, "description": "what to do"},
                "labels": {"type": "object", "additionalProperties": TEXT},
            }
        ),
        "AlertList": list_schema(
            ref("Alert"),
            {"configured": {"type": "boolean", "description": "whether the gateway knows an Alertmanager"}},
            {"problem": {**object_schema({"vi": TEXT, "en": TEXT}), "description": "why it is not known what fires"}},
        ),
        "StatisticsRow": object_schema({name: counts.get(name, TEXT) for name in STATISTICS}),
        "Statistics": list_schema(ref("StatisticsRow"), TITLES),
        "IdempotencyKey": object_schema(
            {
                "state": {
                    "enum": ["begun", "done", "settled", "repeatable"],
                    "description": "no result is known yet; the answer is stored; the call happened, its answer is not known; the operation only reads, and runs each time",
                },
                "message": {**TEXT, "description": "the id of the call that used the key first"},
                "operation": {**TEXT, "description": "the subject of the operation, such as svc.land.v1.register"},
                "at": TIME,
            }
        ),
        "Settlement": object_schema(
            {"outcome": {"enum": ["happened", "did-not-happen"]}, "reason": {**REASON, "minLength": 1}},
            {"answer": {"type": "object", "description": "the answer to the next call with this key"}},
            closed=True,
        ),
    }


def _adapter_schemas() -> dict[str, Schema]:
    described = {
        "connector": {**TEXT, "description": "the kind of system that it speaks to"},
        "host": {**TEXT, "description": "the machine, as it calls itself"},
        "drained": {"type": "boolean", "description": "whether it reports that it takes no calls"},
        "concurrency": {**NON_NEGATIVE_INTEGER, "description": "how many calls it answers at the same time"},
        "working": {**NON_NEGATIVE_INTEGER, "description": "calls that it answers now"},
        "waiting": {**NON_NEGATIVE_INTEGER, "description": "calls that wait for others to end"},
        "circuit": object_schema({"open": {"type": "boolean"}, "since": NUMBER}),
    }
    expirations = {
        "type": "array",
        "items": object_schema({"kind": {"enum": list(KINDS)}, "name": TEXT, "end": NUMBER}),
        "description": "what ends of its certificates, that of the provider, and its passwords",
    }
    used = dict.fromkeys(("running", "lastSecond", "today"), NON_NEGATIVE_INTEGER)
    limits = dict.fromkeys(("per-second", "concurrent", "per-day"), NON_NEGATIVE_INTEGER)
    limit = {
        **object_schema({"name": TEXT, **limits}, {"used": object_schema(used)}),
        "description": "the limit that its provider sets (0: none), and what all instances have used of it",
    }
    return {
        "Adapter": object_schema(
            {
                **dict.fromkeys(("id", "service", "version", "system", "started", "wire", "agency"), TEXT),
                "state": {"enum": ["serving", "draining", "drained", "resuming"]},
                "drainable": {"type": "boolean", "description": "whether it listens to drain and resume (wire 1.2)"},
                "operations": {"type": "object", "additionalProperties": ref("AdapterOperation")},
            },
            {
                "events": {
                    "type": "object",
                    "additionalProperties": ref("AdapterWatch"),
                    "description": "what is watched for each event",
                },
                "instance": object_schema(described, {"providerLimit": limit, "expirations": expirations}),
                "decisions": {
                    "type": "array",
                    "items": object_schema(
                        {
                            "drained": {"type": "boolean"},
                            "by": TEXT,
                            "role": {"enum": ["owner", "operator"]},
                            "at": TIME,
                        },
                        {"reason": REASON},
                    ),
                    "description": "who drained and resumed it, when and why, the newest first",
                },
            },
        ),
        "AdapterOperation": _adapter_operation(),
        "AdapterWatch": object_schema(
            {
                "state": {"enum": ["starting", "watching", "standby", "failing"]},
                "reason": {**TEXT, "description": "why it fails"},
                **dict.fromkeys(("published", "changed", "held"), NON_NEGATIVE_INTEGER),
                **dict.fromkeys(("lastEvent", "lastRead", "nextLook"), NUMBER),
                "faults": {"type": "array", "items": object_schema({"event": TEXT, "fault": TEXT})},
            }
        ),
        "AdapterDecision": object_schema(
            {}, {"reason": {**REASON, "description": "why; needed of an operator"}}, closed=True
        ),
    }


def _adapter_operation() -> Schema:
    upstream = object_schema(
        {
            "up": {"type": "boolean", "description": "whether the last call was answered"},
            "answered": NON_NEGATIVE_INTEGER,
            "failed": {"type": "object", "additionalProperties": NON_NEGATIVE_INTEGER},
            "failedInARow": NON_NEGATIVE_INTEGER,
            **dict.fromkeys(("lastAnswer", "lastFailure"), NUMBER),
            "lastReason": TEXT,
            "lastNote": {**TEXT, "description": "where and why, without a value of a call"},
        },
        {name: {**NUMBER, "description": "of the last 500 answers"} for name in ("p50Ms", "p95Ms")},
    )
    data = object_schema(
        {
            "file": {**TEXT, "description": "the file that it answers from"},
            "since": NUMBER,
            "current": {"type": "boolean", "description": "whether no newer file waits"},
            "about": {**TEXT, "description": "the newer file that it does not use"},
            "why": TEXT,
        },
        {
            "withoutKey": {**NON_NEGATIVE_INTEGER, "description": "rows that are never found"},
            "report": {"type": "array", "items": TEXT, "description": "the first faults of that file, without values"},
        },
    )
    return object_schema(
        {"requests": NON_NEGATIVE_INTEGER, "averageMs": NUMBER},
        {
            "upstream": upstream,
            "data": data,
            "setAside": object_schema({"count": NON_NEGATIVE_INTEGER, "since": NUMBER, "reason": TEXT}),
            "tasks": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "background tasks that fail, with their errors",
            },
        },
    )
