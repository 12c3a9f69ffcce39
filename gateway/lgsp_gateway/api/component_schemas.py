"""The components of the management API's description: the registry's documents, and what the gateway itself sends and accepts.

A test compares the answers of a gateway with these schemas.
"""

from lgsp_contracts.tooling.openapi import PROBLEM
from lgsp_gateway.api.account_schemas import account_schemas
from lgsp_gateway.api.citizen_schemas import citizen_schemas
from lgsp_gateway.api.delivery_schemas import file_schemas, message_schemas
from lgsp_gateway.api.endpoint_schemas import endpoint_schemas
from lgsp_gateway.api.evidence_schemas import evidence_schemas
from lgsp_gateway.api.flow_schemas import flow_schemas
from lgsp_gateway.api.form_schemas import form_schemas
from lgsp_gateway.api.operations_schemas import operations_schemas
from lgsp_gateway.api.registry_schemas import registry_schemas
from lgsp_gateway.api.request_schemas import request_schemas
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
from lgsp_gateway.api.subscription_schemas import subscription_schemas
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
        **evidence_schemas(),
        **_own_call_schemas(),
        **form_schemas(),
        **_event_schemas(),
        **operations_schemas(),
        **flow_schemas(),
        **_step_schemas(),
        **request_schemas(),
        **citizen_schemas(),
        **account_schemas(),
        **endpoint_schemas(),
        **message_schemas(),
        **file_schemas(),
        **subscription_schemas(),
    }


def _problem_code_schemas() -> dict[str, Schema]:
    members = dict.fromkeys(("code", "type", "title", "when", "action", "help"), TEXT)
    return {
        "Index": object_schema({"title": TEXT, "links": {"type": "object", "additionalProperties": TEXT}}),
        "ProblemCode": object_schema({**members, "status": NON_NEGATIVE_INTEGER}),
        "ProblemCodes": list_schema(ref("ProblemCode")),
    }


def _event_schemas() -> dict[str, Schema]:
    item = {"id": TEXT, "message": TEXT, "salt": TEXT, "repeated": {"type": "boolean"}}
    attributes = {"specversion": {"const": "1.0"}, "id": TEXT, "source": TEXT, "type": TEXT}
    optional = {"time": TIME, "datacontenttype": TEXT, "traceparent": TEXT}
    return {
        "CloudEvent": object_schema({**attributes, "data": {}}, {**optional, "tracestate": TEXT}, closed=True),
        "PublishedEvents": list_schema(object_schema(item)),
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
            object_schema(
                {"issuer": TEXT, "client": TEXT, "scopes": TEXTS, "algorithms": TEXTS},
                {"title": object_schema({"vi": TEXT, "en": TEXT})},
            ),
            optional={
                "localUsers": {
                    "type": "boolean",
                    "description": "whether people sign in as users of the bus itself too",
                }
            },
        ),
        "Principal": object_schema(
            {
                "principal": {**TEXT, "description": "the caller as histories and logs name it"},
                "agency": TEXT,
                "roles": TEXTS,
            },
            {
                "agencyTitle": object_schema({"vi": TEXT, "en": TEXT}),
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
                **dict.fromkeys(("service", "version", "provider", "classification"), TEXT),
                "title": ref("Text"),
                "description": {"anyOf": [ref("Text"), {"type": "null"}]},
                "agency": object_schema({"code": TEXT, "title": ref("Text")}),
                "notice": {
                    "type": "object",
                    "additionalProperties": TEXT,
                    "description": "the headers that announce a deprecation or suspension",
                },
                "operations": {"type": "array", "items": ref("CatalogueOperation")},
                "events": {"type": "array", "items": ref("CatalogueEvent")},
            }
        ),
        "ContractVersions": list_schema(ref("ContractVersion")),
        "ContractVersion": object_schema(
            {
                "version": TEXT,
                "since": {**NON_NEGATIVE_INTEGER, "description": "milliseconds since 1970"},
                "contract": ref("Contract"),
            }
        ),
        "Programs": list_schema(ref("Program")),
        "Program": object_schema(dict.fromkeys(("language", "title", "program"), TEXT)),
        "Trial": object_schema(
            {
                "answer": {"description": "the whole answer"},
                "visible": {"description": "the answer as the grant shows it"},
                "source": {"enum": ["contract", "sandbox"], "description": "who answered"},
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
        "CatalogueEvent": object_schema(
            {
                **dict.fromkeys(("event", "path", "classification"), TEXT),
                "title": ref("Text"),
                "purposes": {**TEXTS, "description": "those for which the caller may receive it"},
                "example": object_schema({"data": {}}),
            }
        ),
    }


def _own_call_schemas() -> dict[str, Schema]:
    texts = dict.fromkeys(("message", "service", "version", "operation", "purpose", "grant", "outcome"), TEXT)
    figures = {"status": NON_NEGATIVE_INTEGER, "providerMs": NUMBER, "totalMs": NUMBER}
    reason = {**TEXT, "description": "the title of the code in `outcome`, in the language of Accept-Language"}
    counts = dict.fromkeys(("major", "requests", "seconds", "used", "left"), NON_NEGATIVE_INTEGER)
    return {
        "OwnCalls": list_schema(
            object_schema({**texts, **figures, "time": TIME}, {"reason": reason, "help": TEXT}),
            {"cursor": {**TEXT, "description": "the cursor of the next page; empty on the last"}},
        ),
        "OwnQuotas": list_schema(
            object_schema({"grant": TEXT, "service": TEXT, **counts, "resets": TIME}), {"storage": ref("StorageUsage")}
        ),
        "StorageUsage": _storage_usage(),
        "StorageUsageList": list_schema(ref("StorageUsage")),
    }


def _storage_usage() -> Schema:
    described = {
        "usedBytes": "everything together",
        "messageBytes": "waiting messages, kept answers, and events for as long as they are retained",
        "deadLetterBytes": "dead letters",
        "fileBytes": "files, uploads with their full size",
    }
    of_nobody = "empty for dead letters of systems that are no longer registered"
    return object_schema(
        {
            "agency": {**TEXT, "description": f"the code of the agency; {of_nobody}"},
            **{name: {**NON_NEGATIVE_INTEGER, "description": text} for name, text in described.items()},
        },
        {
            "quotaBytes": {
                **NON_NEGATIVE_INTEGER,
                "description": "what the agency may store; absent where `agency` is empty",
            }
        },
    )


def _step_schemas() -> dict[str, Schema]:
    day = {**TEXT, "format": "date"}
    step = {"reason": REASON, "until": day, "since": day}
    return {
        "Step": object_schema({}, step, closed=True),
        "Renewal": object_schema({}, {"until": day, "reason": REASON}, closed=True),
    }
