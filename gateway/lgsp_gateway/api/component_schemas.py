"""The components of the management API's description: the registry's documents, and what the gateway itself sends and accepts.

A test compares the answers of a gateway with these schemas.
"""

from lgsp_contracts.tooling.openapi import PROBLEM
from lgsp_gateway.api.registry_schemas import registry_schemas
from lgsp_gateway.api.schemas import (
    NEXT_CURSOR,
    NON_NEGATIVE_INTEGER,
    NUMBER,
    REASON,
    TEXT,
    TEXTS,
    Schema,
    list_schema,
    object_schema,
    ref,
)
from lgsp_gateway.evidence.search.models import STATISTICS, WINDOWS
from lgsp_gateway.sessions.sign_in import ID_TOKEN, TOKEN_EXCHANGE


def component_schemas() -> dict[str, Schema]:
    """Return all schemas of `components/schemas` in the OpenAPI document, by name."""
    return {
        **registry_schemas(),
        "Problem": PROBLEM,
        **_problem_code_schemas(),
        **_token_schemas(),
        **_principal_schemas(),
        **_catalogue_schemas(),
        **_evidence_schemas(),
        **_operations_schemas(),
        **_step_schemas(),
    }


def _problem_code_schemas() -> dict[str, Schema]:
    members = dict.fromkeys(("code", "type", "title", "when", "action", "help"), TEXT)
    return {
        "Index": object_schema({"title": TEXT, "links": {"type": "object", "additionalProperties": TEXT}}),
        "ProblemCode": object_schema({**members, "status": NON_NEGATIVE_INTEGER}),
        "ProblemCodes": list_schema(ref("ProblemCode")),
    }


def _token_schemas() -> dict[str, Schema]:
    return {
        "TokenRequest": object_schema(
            {"grant_type": {"enum": ["client_credentials", TOKEN_EXCHANGE]}},
            {
                "subject_token": {**TEXT, "description": "the ID token of a person, to exchange for a session"},
                "subject_token_type": {"const": ID_TOKEN},
                "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
                "client_assertion": {**TEXT, "description": "a JWT according to RFC 7523"},
                "client_id": TEXT,
                "client_secret": TEXT,
            },
        ),
        "Token": object_schema(
            {
                "access_token": TEXT,
                "token_type": {"enum": ["Bearer", "DPoP"]},
                "expires_in": {**NON_NEGATIVE_INTEGER, "description": "seconds"},
            },
            {"issued_token_type": {**TEXT, "description": "sent with a session (RFC 8693)"}},
        ),
        "TokenError": object_schema({"error": TEXT, "error_description": TEXT}),
        "RevocationRequest": object_schema({"token": TEXT}, {"token_type_hint": TEXT}),
        "Nothing": object_schema({}),
        "Keys": object_schema({"keys": {"type": "array", "items": object_schema({"kty": TEXT, "kid": TEXT})}}),
        "AuthorizationServer": object_schema({"issuer": TEXT, "token_endpoint": TEXT, "jwks_uri": TEXT}),
    }


def _principal_schemas() -> dict[str, Schema]:
    return {
        "SignInIssuerList": list_schema(
            object_schema({"issuer": TEXT, "client": TEXT, "scopes": TEXTS, "algorithms": TEXTS})
        ),
        "Principal": object_schema(
            {
                "principal": {**TEXT, "description": "the caller as histories and logs name it"},
                "agency": TEXT,
                "roles": TEXTS,
            },
            {
                "system": {**TEXT, "description": "the system that calls, or that a person acts through"},
                "person": {**TEXT, "description": "the id of the person who is signed in"},
            },
        ),
        "PersonLink": object_schema(
            {"account": {**TEXT, "description": "the code of the account, as `lgsp login` shows it"}},
            {
                "name": {**TEXT, "maxLength": 200, "description": "the name of the person; it can be deleted later"},
                "reason": REASON,
            },
            closed=True,
        ),
        "PersonStep": object_schema({}, {"reason": REASON}, closed=True),
        "PersonProfile": object_schema({}, {"account": TEXT, "name": TEXT}),
    }


def _catalogue_schemas() -> dict[str, Schema]:
    return {
        "OpenApi": object_schema({"openapi": TEXT, "info": {"type": "object"}, "paths": {"type": "object"}}),
        "JsonSchema": object_schema({"$schema": TEXT, "$id": TEXT, "title": TEXT}),
        "AsyncApi": object_schema({"asyncapi": TEXT, "info": {"type": "object"}}),
        "Catalogue": list_schema(ref("CatalogueService"), optional={"next": NEXT_CURSOR}),
        "CatalogueService": object_schema(
            {
                **dict.fromkeys(("service", "version", "provider"), TEXT),
                "title": ref("Text"),
                "notice": {
                    "type": "object",
                    "additionalProperties": TEXT,
                    "description": "the headers that announce a deprecation or suspension",
                },
                "operations": {"type": "array", "items": ref("CatalogueOperation")},
            }
        ),
        "CatalogueOperation": object_schema(
            {
                **dict.fromkeys(("operation", "path", "classification"), TEXT),
                "title": ref("Text"),
                "purposes": {**TEXTS, "description": "those that the caller has been granted"},
                "example": object_schema({"request": {}}),
            }
        ),
    }


def _evidence_schemas() -> dict[str, Schema]:
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
    digests = {"v": NON_NEGATIVE_INTEGER, "kind": TEXT, "requestDigest": TEXT, "answerDigest": TEXT}
    access_members = (
        *("message", "time", "agency", "system", "service", "operation", "purpose", "legalBasis", "outcome", "text"),
    )
    own_access = object_schema(
        {**dict.fromkeys(("date", "first", "last", "text"), TEXT), "looks": NON_NEGATIVE_INTEGER}
    )
    return {
        "Entry": object_schema({**entry, **digests}),
        "EntryFound": object_schema(entry),
        "EntryPage": list_schema(
            ref("EntryFound"), {"cursor": {**TEXT, "description": "the cursor of the next page; empty on the last"}}
        ),
        "LogList": list_schema(object_schema({"gateway": TEXT, "size": NON_NEGATIVE_INTEGER, "checkpoint": TEXT})),
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
        **_own_call_schemas(),
        "AccessLog": list_schema(
            object_schema(dict.fromkeys(access_members, TEXT)),
            {"cursor": TEXT, "own": {"type": "array", "items": own_access}},
        ),
    }


def _own_call_schemas() -> dict[str, Schema]:
    texts = dict.fromkeys(("message", "service", "version", "operation", "purpose", "grant", "outcome"), TEXT)
    moment = {**TEXT, "format": "date-time"}
    figures = {"status": NON_NEGATIVE_INTEGER, "providerMs": NUMBER, "totalMs": NUMBER}
    reason = {**TEXT, "description": "the title of the code in `outcome`, in the language of Accept-Language"}
    counts = dict.fromkeys(("major", "requests", "seconds", "used", "left"), NON_NEGATIVE_INTEGER)
    return {
        "OwnCalls": list_schema(
            object_schema({**texts, **figures, "time": moment}, {"reason": reason, "help": TEXT}),
            {"cursor": {**TEXT, "description": "the cursor of the next page; empty on the last"}},
        ),
        "OwnQuotas": list_schema(object_schema({"grant": TEXT, "service": TEXT, **counts, "resets": moment})),
    }


def _operations_schemas() -> dict[str, Schema]:
    route = dict.fromkeys(("consumer", "provider", "service", "operation"), TEXT)
    shares = {name: {**NUMBER, "minimum": 0, "maximum": 1} for name in ("refusedRate", "errorRate")}
    quantiles = {name: {**NUMBER, "description": "milliseconds"} for name in ("p50", "p95", "p99")}
    counts = dict.fromkeys(
        ("calls", "answered", "refused", "failed", "requestBytes", "answerBytes"), NON_NEGATIVE_INTEGER
    )
    return {
        "Flow": object_schema({**route, "calls": NON_NEGATIVE_INTEGER, "perSecond": NUMBER, **shares, **quantiles}),
        "Flows": list_schema(ref("Flow"), {"time": NUMBER, "window": {"enum": list(WINDOWS)}}),
        "AdapterList": list_schema(ref("Adapter"), {"time": NUMBER}),
        "Adapter": object_schema(
            {**dict.fromkeys(("id", "service", "version", "system", "started"), TEXT), "operations": {"type": "object"}}
        ),
        "CheckList": list_schema({"type": "object"}),
        "StatisticsRow": object_schema({name: counts.get(name, TEXT) for name in STATISTICS}),
        "Statistics": list_schema(ref("StatisticsRow")),
        "IdempotencyKey": object_schema(
            {
                "state": {
                    "enum": ["begun", "done", "settled", "repeatable"],
                    "description": "no result is known yet; the answer is stored; the call happened, its answer is not known; the operation only reads, and runs each time",
                },
                "message": {**TEXT, "description": "the id of the call that used the key first"},
                "operation": {**TEXT, "description": "the subject of the operation, such as svc.land.v1.register"},
                "at": {**TEXT, "format": "date-time"},
            }
        ),
        "Settlement": object_schema(
            {"outcome": {"enum": ["happened", "did-not-happen"]}, "reason": {**REASON, "minLength": 1}},
            {"answer": {"type": "object", "description": "the answer to the next call with this key"}},
            closed=True,
        ),
    }


def _step_schemas() -> dict[str, Schema]:
    day = {**TEXT, "format": "date"}
    return {"Step": object_schema({}, {"reason": REASON, "until": day, "since": day}, closed=True)}
