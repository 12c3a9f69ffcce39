"""A contract as OpenAPI 3.1, whose schemas are JSON Schema 2020-12 as the contract's are."""

from typing import Any

from lgsp_contracts.cloudevents import STRUCTURED
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.http_binding import HttpBinding
from lgsp_contracts.tooling.cloudevent_schema import cloud_event_schema
from lgsp_contracts.tooling.component_schemas import component_schemas
from lgsp_contracts.tooling.openapi_deferral import ACCEPTED_HEADERS, accepted_response, deferral_parameters
from lgsp_problems import CODES

PROBLEM = {
    "type": "object",
    "description": "RFC 9457; /problems lists the codes of the bus, the page of a service those of its contract",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "the message id"},
        "code": {"type": "string", "description": "what programs branch on; a later version may add codes"},
        "errors": {
            "type": "array",
            "description": "what is wrong in the document; `detail` says so in one sentence",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "where: a JSON Pointer (RFC 6901)"},
                    "message": {"type": "string", "description": "what"},
                },
            },
        },
        "help": {"type": "string", "description": "the path of the page that explains the code"},
    },
}
_TEXT_HEADERS = {
    "Lgsp-Message-Id": "The message id: store it with what came of the call. The evidence of the call is found by it",
    "Lgsp-Digest-Salt": "Store it with the request and the answer if you may have to prove what was exchanged",
    "Server-Timing": "How long the bus and the provider took, in milliseconds",
    "RateLimit": "What is left of the quota of the grant (draft-ietf-httpapi-ratelimit-headers)",
    "RateLimit-Policy": "The quota of the grant",
}
_WEBHOOK = (
    "Sent to the endpoint of a subscription, signed by Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`). "
    "Its data has only the fields that the grant shows. Any other answer, and none, leads to another attempt."
)
_ANY_ANSWER = ("Lgsp-Message-Id", "Lgsp-Digest-Salt", "Server-Timing")
_RETRY_STATUSES = ("429", "503")
COMMON = (
    *("malformed", "token-invalid", "not-granted", "purpose-not-granted"),
    *("contract-violation", "request-unfit", "quota-exceeded"),
    *("provider-failed", "provider-broke-contract", "no-adapter", "provider-timeout", "provider-limit-reached"),
)
"""The errors that the bus itself may return for any call of a service that its caller may know of."""


def openapi(contract: Contract, url: str) -> dict[str, Any]:
    """Write the OpenAPI document of a service, for a bus at this address."""
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": contract.title.en,
            "description": contract.title.vi,
            "version": contract.version,
            "x-provider": contract.provider,
        },
        "servers": [{"url": url.rstrip("/")}],
        "security": [{"token": []}],
        "paths": {
            f"/services/{contract.service}/v{contract.major}/{name}": {"post": _operation(operation)}
            for name, operation in contract.operations.items()
        },
        **({"webhooks": webhooks(contract)} if contract.events else {}),
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": f"{url.rstrip('/')}/oauth2/token", "scopes": {}}},
                }
            },
            "headers": {
                **{
                    name: {"description": text, "schema": {"type": "string"}}
                    for name, text in (_TEXT_HEADERS | ACCEPTED_HEADERS).items()
                },
                "Retry-After": {
                    "description": "Seconds after which the call may be sent again, where that is known",
                    "schema": {"type": "integer"},
                },
            },
            "schemas": {"Problem": _problem(contract), **component_schemas(contract, projected=True)},
        },
    }


def webhooks(contract: Contract) -> dict[str, Any]:
    """Describe the events of a contract as they come to a webhook endpoint of a subscriber."""
    return {
        name: {
            "post": {
                "operationId": f"receive-{name}",
                "tags": ["webhooks"],  # apart from the operations: generators of clients make one class of each tag
                "summary": event.title.en,
                "description": _WEBHOOK,
                "security": [],
                "requestBody": {
                    "required": True,
                    "content": {
                        STRUCTURED: {"schema": cloud_event_schema(event, {"$ref": f"#/components/schemas/{name}.data"})}
                    },
                },
                "responses": {
                    "2XX": {"description": "The event is yours; it is not sent again"},
                    "410": {"description": "The subscription ends"},
                },
            }
        }
        for name, event in contract.events.items()
    }


def _binding(http: HttpBinding) -> dict[str, Any]:
    """Describe the HTTP binding as an extension: `paths` lists only what the bus serves."""
    return {
        "description": "Declared by the contract. The bus does not serve it yet.",
        "method": http.method,
        "path": http.path,
        "request": list(http.request.media_types),
        "response": list(http.response.media_types),
    }


def _problem(contract: Contract) -> dict[str, Any]:
    """Describe problem documents with the codes that are known of a service.

    The list is open (`x-extensible-enum`): generators make a string of it, so that a client outlives a new code.
    """
    own = {code for operation in contract.operations.values() for code in operation.errors}
    codes = sorted({*own, *COMMON, "unknown-service"})
    members: dict[str, Any] = PROBLEM["properties"]  # type: ignore[assignment]
    return {**PROBLEM, "properties": {**members, "code": {**members["code"], "x-extensible-enum": codes}}}


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _operation(operation: Operation) -> dict[str, Any]:
    kinds = [*operation.errors.items(), *((code, CODES[code]) for code in (*COMMON, "unknown-service"))]
    errors: dict[str, list[str]] = {}
    for code, kind in kinds:
        errors.setdefault(str(kind.status), []).append(f"`{code}`: {kind.title.en}")
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": operation.name,
        "summary": operation.title.en,
        "description": operation.title.vi,
        "x-classification": operation.classification,
        **({"x-http-binding": _binding(operation.http)} if operation.http else {}),
        "parameters": [
            {
                "name": "Lgsp-Purpose",
                "in": "header",
                "required": operation.classification == "personal",
                "schema": {"type": "string"},
            },
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": operation.key_required,
                "schema": {"type": "string"},
            },
            *(deferral_parameters() if operation.asynchronous else ()),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{operation.name}.request"},
                    "example": operation.example.request,
                }
            },
        },
        "responses": {
            "200": {
                "description": "The answer, as far as the grant shows it",
                "headers": _headers(*_TEXT_HEADERS),
                "content": {
                    "application/json": {
                        "schema": {"$ref": f"#/components/schemas/{operation.name}.response"},
                        "example": operation.example.response,
                    }
                },
            },
            **(
                {"202": accepted_response(_headers(*_TEXT_HEADERS, *ACCEPTED_HEADERS))}
                if operation.asynchronous
                else {}
            ),
            **{
                status: {
                    "description": "; ".join(codes),
                    "headers": _headers(*_ANY_ANSWER, *(("Retry-After",) if status in _RETRY_STATUSES else ())),
                    "content": problem,
                }
                for status, codes in sorted(errors.items())
            },
        },
    }
