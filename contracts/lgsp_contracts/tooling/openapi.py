"""A contract as OpenAPI 3.1, whose schemas are JSON Schema 2020-12 as the contract's are."""

from typing import Any

from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.http_binding import HttpBinding
from lgsp_contracts.tooling.component_schemas import component_schemas
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
        "code": {"type": "string"},
        "help": {"type": "string", "description": "the path of the page that explains the code"},
    },
}
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
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": f"{url.rstrip('/')}/oauth2/token", "scopes": {}}},
                }
            },
            "schemas": {"Problem": PROBLEM, **component_schemas(contract, projected=True)},
        },
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
                "content": {
                    "application/json": {
                        "schema": {"$ref": f"#/components/schemas/{operation.name}.response"},
                        "example": operation.example.response,
                    }
                },
            },
            **{
                status: {"description": "; ".join(codes), "content": problem}
                for status, codes in sorted(errors.items())
            },
        },
    }
