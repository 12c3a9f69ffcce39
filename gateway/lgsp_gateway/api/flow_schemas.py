"""The components of the management API's description that the flows use."""

from typing import Any

from lgsp_gateway.api.schemas import NON_NEGATIVE_INTEGER, NUMBER, TEXT, TEXTS, Schema, object_schema, ref
from lgsp_gateway.evidence.search.models import TRAFFIC_KINDS, WINDOWS
from lgsp_gateway.observability.flows.figures import STATES
from lgsp_gateway.observability.flows.question import AGENCY, OPERATION, SERVICE

_SECONDS: Schema = {**NON_NEGATIVE_INTEGER, "description": "seconds since 1970"}
_TITLE = {"vi": TEXT, "en": TEXT}


def flow_schemas() -> dict[str, Schema]:
    """Return the schemas, by name."""
    shares = {name: {**NUMBER, "minimum": 0, "maximum": 1} for name in ("refusedRate", "errorRate")}
    quantiles = {name: {**NUMBER, "description": "milliseconds"} for name in ("p50", "p95", "p99")}
    state = {
        "enum": list(STATES),
        "description": "failing from 5 % failed calls, refused from 50 % refused ones, slow where p95 is above one second",
    }
    figures = {"calls": NON_NEGATIVE_INTEGER, "perSecond": NUMBER, **shares, **quantiles, "state": state}
    return {
        "FlowFigures": object_schema(figures),
        "Flow": object_schema({**_ends(), **figures}),
        "FlowTitle": object_schema(_TITLE, {"agency": {**TEXT, "description": "of a system: the code of its agency"}}),
        "TrafficPoint": object_schema(
            {"began": _SECONDS, **dict.fromkeys(("calls", "refused", "failed"), NON_NEGATIVE_INTEGER)}
        ),
        "LatencyCell": object_schema(
            {
                "service": TEXT,
                "began": _SECONDS,
                **dict.fromkeys(("calls", "failed"), NON_NEGATIVE_INTEGER),
                "p95": {**NUMBER, "description": "milliseconds"},
            }
        ),
        "Flows": object_schema(_picture()),
        "FlowChanges": object_schema(
            {**_picture(), "removed": {**TEXTS, "description": "ids of flows that are listed no more"}}
        ),
    }


def _ends() -> dict[str, Schema]:
    agency = {**TEXT, "description": "the code of its agency; empty where the system is not registered any more"}
    return {
        "id": {**TEXT, "description": "the same as long as the flow is listed"},
        "consumerAgency": agency,
        "consumer": {**TEXT, "description": "empty for a published event, and where agencies are shown"},
        "service": TEXT,
        "operation": {**TEXT, "description": "or event; empty where services or agencies are shown"},
        "provider": TEXT,
        "providerAgency": agency,
        "kind": {"enum": list(TRAFFIC_KINDS)},
    }


def _picture() -> dict[str, Schema]:
    titles: dict[str, Any] = {"type": "object", "additionalProperties": ref("FlowTitle")}
    return {
        "time": {**NUMBER, "description": "when it was counted, in seconds since 1970"},
        "staleSince": {
            **TEXT,
            "description": "since when the index has taken in no new evidence (RFC 3339); empty where it is up to date",
        },
        "window": {"enum": list(WINDOWS)},
        "first": {**_SECONDS, "description": "the beginning of the oldest span of the window, in seconds since 1970"},
        "span": {**NON_NEGATIVE_INTEGER, "description": "the length of the spans of `series` and `latency` in seconds"},
        "group": {"enum": [OPERATION, SERVICE, AGENCY]},
        "total": ref("FlowFigures"),
        "kinds": {"type": "object", "additionalProperties": ref("FlowFigures")},
        "unwell": {**NON_NEGATIVE_INTEGER, "description": "how many flows are not healthy"},
        "leftOut": object_schema({"flows": NON_NEGATIVE_INTEGER, "calls": NON_NEGATIVE_INTEGER}),
        "items": {"type": "array", "items": ref("Flow")},
        **dict.fromkeys(("agencies", "systems", "services"), titles),
        "series": {"type": "array", "items": ref("TrafficPoint"), "description": "what passed in each span"},
        "latency": {
            "type": "array",
            "items": ref("LatencyCell"),
            "description": "of the services with the most calls, in each span",
        },
    }
