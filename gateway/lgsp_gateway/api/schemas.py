"""The documents that the management API takes and gives, as schemas of its OpenAPI description.

What the registry keeps is held against `registry.schema.json` and `contract.schema.json`; here they are taken from those files, so
that there is one truth. What the gateway writes itself is described here, and a test holds its answers against it.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from lgsp_contracts.tooling.openapi import PROBLEM
from lgsp_gateway.evidence.search.models import STATISTICS, WINDOWS
from lgsp_gateway.registry.documents import API_VERSION, KINDS
from lgsp_gateway.sessions.sign_in import ID_TOKEN, TOKEN_EXCHANGE

JSON = "application/json"

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
WHOLE: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}


def ref(name: str) -> Schema:
    """A reference to a schema among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_of(name: str) -> dict[str, Schema]:
    """The media type of a JSON document that is among the components."""
    return {JSON: ref(name)}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these members."""
    return {"type": "object", "required": sorted(required), "properties": {**required, **(optional or {})}}


def rows(
    item: Schema, more: Mapping[str, Schema] | None = None, optional: Mapping[str, Schema] | None = None
) -> Schema:
    """An object whose `items` are a list."""
    return record({"items": {"type": "array", "items": item}, **(more or {})}, optional)


def schemas() -> dict[str, Schema]:
    """All components, by name."""
    return {**_kept(), **_written()}


def _kept() -> dict[str, Schema]:
    """Documents of the registry, by their own schemas."""
    registry, contract = _file("registry"), _file("contract")
    kinds = ("instance", "agency", "person", "system", "service", "grant")
    named = {name: name.capitalize() + "Spec" for name in kinds}
    names = {**{name: name[0].upper() + name[1:] for name in registry["$defs"]}, **named}
    contracts = {name: "Contract" + name.capitalize() for name in contract["$defs"]}
    found = {names[name]: _led(schema, names) for name, schema in registry["$defs"].items()}
    found |= {contracts[name]: _led(schema, contracts) for name, schema in contract["$defs"].items()}
    whole = {
        key: value
        for key, value in contract.items()
        if key in ("type", "required", "additionalProperties", "properties")
    }
    found["Contract"] = _led(whole, contracts)
    found["ServiceSpec"]["properties"]["contract"] = ref("Contract")
    for kind in KINDS:
        found[kind] = _document(kind)
        found[f"{kind}List"] = rows(
            ref(kind), optional={"next": {**TEXT, "description": "the cursor of the next page"}}
        )
        found[f"{kind}History"] = rows(ref(f"{kind}Version"))
        found[f"{kind}Version"] = _document(kind, deleted=True)
    return found


def _document(kind: str, *, deleted: bool = False) -> Schema:
    name = {"Agency": {**TEXT, "format": "ma-dinh-danh-dien-tu"}, "Person": ref("PersonId")}.get(kind, ref("Name"))
    spec = ref(f"{kind}Spec")
    return record(
        {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": kind},
            "metadata": record(
                {"name": name},
                {
                    "revision": {**WHOLE, "readOnly": True},
                    "updatedAt": {**WHOLE, "readOnly": True, "description": "milliseconds since 1970"},
                    "updatedBy": {**TEXT, "readOnly": True},
                    "reason": {**TEXT, "readOnly": True},
                },
            ),
            "spec": {"anyOf": [spec, {"type": "null"}], "description": "null: it was deleted"} if deleted else spec,
        },
        {"status": {"type": "object", "readOnly": True, "description": "what the registry has decided of it"}},
    )


def _written() -> dict[str, Schema]:
    """What the gateway says of itself."""
    shares = {name: {**NUMBER, "minimum": 0, "maximum": 1} for name in ("refusedRate", "errorRate")}
    quantiles = {name: {**NUMBER, "description": "milliseconds"} for name in ("p50", "p95", "p99")}
    who = dict.fromkeys(("consumer", "provider", "service", "operation"), TEXT)
    entry_texts = (
        *(
            "message",
            "gateway",
            "consumer",
            "agency",
            "provider",
            "service",
            "version",
            "operation",
            "purpose",
            "grant",
        ),
        *("subject", "onBehalfOf", "outcome", "trace"),
    )
    entry = {
        **dict.fromkeys(entry_texts, TEXT),
        "time": {**WHOLE, "description": "milliseconds since 1970"},
        "status": {"type": "integer"},
        "requestSize": WHOLE,
        "answerSize": WHOLE,
        "providerMs": NUMBER,
        "totalMs": NUMBER,
    }
    digests = {"v": WHOLE, "kind": TEXT, "requestDigest": TEXT, "answerDigest": TEXT}
    own = record({**dict.fromkeys(("date", "first", "last", "text"), TEXT), "looks": WHOLE})
    looked = record(
        dict.fromkeys(
            ("message", "time", "agency", "system", "service", "operation", "purpose", "legalBasis", "outcome", "text"),
            TEXT,
        )
    )
    hashes = {"type": "array", "items": {**TEXT, "contentEncoding": "base64"}}
    count = dict.fromkeys(("calls", "answered", "refused", "failed", "requestBytes", "answerBytes"), WHOLE)
    return {
        "Problem": problem(),
        "TokenRequest": _token_request(),
        "Token": record(
            {"access_token": TEXT, "token_type": {"enum": ["Bearer", "DPoP"]}, "expires_in": WHOLE},
            {"issued_token_type": {**TEXT, "description": "of a session (RFC 8693)"}},
        ),
        "TokenError": record({"error": TEXT, "error_description": TEXT}),
        "SignInIssuerList": rows(
            record({"issuer": TEXT, "client": TEXT, **dict.fromkeys(("scopes", "algorithms"), TEXTS)})
        ),
        "RevocationRequest": record({"token": TEXT}, {"token_type_hint": TEXT}),
        "Nothing": record({}),
        "Principal": record(
            {
                "principal": {**TEXT, "description": "as histories and logs name it"},
                "agency": TEXT,
                "roles": {"type": "array", "items": TEXT},
            },
            {
                "system": {**TEXT, "description": "the system that calls, or that a person acts through"},
                "person": {**TEXT, "description": "the id of the person who is signed in"},
            },
        ),
        "PersonLink": {
            **record(
                {"account": {**TEXT, "description": "the code of the account, as `lgsp login` shows it"}},
                {
                    "name": {**TEXT, "maxLength": 200, "description": "what the person is called; it can be forgotten"},
                    "reason": {**TEXT, "maxLength": 500},
                },
            ),
            "additionalProperties": False,
        },
        "PersonStep": {**record({}, {"reason": {**TEXT, "maxLength": 500}}), "additionalProperties": False},
        "PersonProfile": record({}, {"account": TEXT, "name": TEXT}),
        "Keys": record({"keys": {"type": "array", "items": record({"kty": TEXT, "kid": TEXT})}}),
        "AuthorizationServer": record({"issuer": TEXT, "token_endpoint": TEXT, "jwks_uri": TEXT}),
        "OpenApi": record({"openapi": TEXT, "info": {"type": "object"}, "paths": {"type": "object"}}),
        "AsyncApi": record({"asyncapi": TEXT, "info": {"type": "object"}}),
        "Catalogue": rows(
            ref("CatalogueService"), optional={"next": {**TEXT, "description": "the cursor of the next page"}}
        ),
        "CatalogueService": record(
            {
                **dict.fromkeys(("service", "version", "provider"), TEXT),
                "title": ref("Text"),
                "notice": {"type": "object", "additionalProperties": TEXT},
                "operations": {"type": "array", "items": ref("CatalogueOperation")},
            }
        ),
        "CatalogueOperation": record(
            {
                **dict.fromkeys(("operation", "path", "classification"), TEXT),
                "title": ref("Text"),
                "purposes": {"type": "array", "items": TEXT},
                "example": record({"request": {}}),
            }
        ),
        "Entry": record({**entry, **digests}),
        "EntryFound": record(entry),
        "EntryPage": rows(
            ref("EntryFound"), {"cursor": {**TEXT, "description": "of the next page; empty on the last"}}
        ),
        "LogList": rows(record({"gateway": TEXT, "size": WHOLE, "checkpoint": TEXT})),
        "Checkpoints": rows(TEXT, {"start": record({"size": WHOLE})}),
        "Consistency": record({"path": hashes}),
        "Proof": {"type": "object"},
        "Seal": record(
            {"checkpoint": {**TEXT, "maxLength": 20_000, "description": "the checkpoint with the line of the witness"}}
        ),
        "SealKept": record({"by": TEXT}),
        "SealList": rows({"type": "object"}),
        "AccessLog": rows(looked, {"cursor": TEXT, "own": {"type": "array", "items": own}}),
        "Flow": record({**who, "calls": WHOLE, "perSecond": NUMBER, **shares, **quantiles}),
        "Flows": rows(ref("Flow"), {"time": NUMBER, "window": {"enum": list(WINDOWS)}}),
        "AdapterList": rows(ref("Adapter"), {"time": NUMBER}),
        "Adapter": record(
            {**dict.fromkeys(("id", "service", "version", "system", "started"), TEXT), "operations": {"type": "object"}}
        ),
        "CheckList": rows({"type": "object"}),
        "StatisticsRow": record({name: count.get(name, TEXT) for name in STATISTICS}),
        "Statistics": rows(ref("StatisticsRow")),
        "IdempotencyKey": record(
            {
                "state": {
                    "enum": ["begun", "done", "settled"],
                    "description": "no result yet; its answer is kept; it happened, and its answer is not known",
                },
                "message": {**TEXT, "description": "the id of the call that took the key"},
                "operation": {**TEXT, "description": "the subject of the operation, such as svc.land.v1.register"},
                "at": {**TEXT, "format": "date-time"},
            }
        ),
        "Settlement": {
            **record(
                {
                    "outcome": {"enum": ["happened", "did-not-happen"]},
                    "reason": {**TEXT, "minLength": 1, "maxLength": 500},
                },
                {"answer": {"type": "object", "description": "what the next call under this key gets"}},
            ),
            "additionalProperties": False,
        },
        "Step": {
            **record(
                {},
                {
                    "reason": {**TEXT, "maxLength": 500},
                    "until": {**TEXT, "format": "date"},
                    "since": {**TEXT, "format": "date"},
                },
            ),
            "additionalProperties": False,
        },
    }


def _token_request() -> Schema:
    return record(
        {"grant_type": {"enum": ["client_credentials", TOKEN_EXCHANGE]}},
        {
            "subject_token": {**TEXT, "description": "the ID token of a person, to be exchanged for a session"},
            "subject_token_type": {"const": ID_TOKEN},
            "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
            "client_assertion": {**TEXT, "description": "a JWT as RFC 7523 has it"},
            "client_id": TEXT,
            "client_secret": TEXT,
        },
    )


def problem() -> Schema:
    """A problem document (RFC 9457), with the members that the bus adds."""
    error = record({"pointer": TEXT, "message": TEXT})
    members: Schema = PROBLEM["properties"]  # type: ignore[assignment]
    return {**PROBLEM, "properties": {**members, "errors": {"type": "array", "items": error}}}


def _file(kind: str) -> Schema:
    found: Schema = json.loads(files("lgsp_contracts").joinpath(f"{kind}.schema.json").read_text(encoding="utf-8"))
    return found


def _led(schema: Any, names: Mapping[str, str]) -> Any:
    """The schema, its references into `$defs` led to the components."""
    if isinstance(schema, list):
        return [_led(item, names) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {key: _led(value, names) for key, value in schema.items()}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = ref(names[found["$ref"].removeprefix("#/$defs/")])["$ref"]
    return found
