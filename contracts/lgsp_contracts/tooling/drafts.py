"""Drafts of contracts from the description of a system: an OpenAPI document, or the columns of a table.

A draft is a valid contract, so that it can be mocked at once. A person corrects what it can only guess: titles, the
classification (personal, until corrected), errors, and examples, which are generated from the schemas.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lgsp_contracts import pointers
from lgsp_contracts.field_names import unaccented
from lgsp_contracts.formats import FORMAT_WORDS
from lgsp_contracts.samples import samples
from lgsp_contracts.schemas import Schema
from lgsp_problems import Refusal

Document = dict[str, Any]

_COPIED_KEYWORDS = (
    *("type", "enum", "const", "required", "description", "pattern", "minLength", "maxLength", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems"),
)
_METHODS = ("get", "post", "put", "patch", "delete")
MAX_DEPTH = 8
"""Levels of a schema that are followed, since an OpenAPI document may refer to itself."""


def kebab(name: str) -> str:
    """Convert an id to the bus's form: `getPatientById` → `get-patient-by-id`."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", unaccented(name))
    hyphenated = re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")
    return (hyphenated if hyphenated[:1].isalpha() else f"call-{hyphenated}")[:63].strip("-")


def camel(name: str) -> str:
    """Convert the name of a column to that of a field: `SO_DINH_DANH` → `soDinhDanh`, `Họ và tên` → `hoVaTen`."""
    first, *rest = [part for part in re.split(r"[^A-Za-z0-9]+", unaccented(name)) if part] or ["field"]
    lowered = first.lower() if first.isupper() else first[:1].lower() + first[1:]
    return lowered + "".join(part[:1].upper() + part[1:].lower() for part in rest)


def contract(service: str, provider: str, operations: Mapping[str, Document]) -> Document:
    """Assemble the document of a contract from its operations."""
    title = {"vi": service, "en": service}
    head = {"service": service, "version": "1.0.0", "title": title, "provider": provider, "classification": "personal"}
    return {**head, "operations": dict(operations)}


def operation(title: str, request: Document, response: Document, *, idempotent: bool) -> Document:
    """Draft an operation, with an example generated from its schemas.

    Raises:
        Refusal: `invalid-document`, when no example can be generated.
    """
    text = {"vi": title, "en": title}
    example = {}
    for part, schema in (("request", request), ("response", response)):
        examples = list(samples(Schema(schema, f"{title}, {part}"), 3))
        if not examples:
            raise Refusal(
                "invalid-document",
                vi=f"{title}: không tạo được ví dụ cho {part}; hãy viết hợp đồng này bằng tay.",
                en=f"{title}: no example could be generated for the {part}; write this contract by hand.",
            )
        example[part] = examples[-1]
    return {
        "title": text,
        "timeout": "5s",
        "idempotent": idempotent,
        "request": request,
        "response": response,
        "example": example,
    }


def from_openapi(document: Any, service: str, provider: str) -> Document:
    """Draft a contract with an operation for each operation of an OpenAPI 3 document whose response is JSON.

    Raises:
        Refusal: `invalid-document`, when it is no OpenAPI 3 document, or no operation has a JSON response.
    """
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise Refusal(
            "invalid-document",
            vi="Tệp không phải tài liệu OpenAPI 3; hãy chọn tệp có dòng openapi: 3.x.",
            en="The file is not an OpenAPI 3 document; choose one with a line openapi: 3.x.",
        )
    operations = dict(_operations(document))
    if not operations:
        raise Refusal(
            "invalid-document",
            vi="Tài liệu không có thao tác nào trả lời bằng JSON; hãy viết hợp đồng bằng tay.",
            en="The document has no operation that answers with JSON; write the contract by hand.",
        )
    return contract(service, provider, operations)


def _operations(root: Document) -> Iterator[tuple[str, Document]]:
    for path, item in root.get("paths", {}).items():
        for method in _METHODS:
            openapi_operation = item.get(method)
            if not openapi_operation:
                continue
            responses = openapi_operation.get("responses", {})
            response_object: Any = next(
                (responses[code] for code in ("200", "201", "default") if code in responses), {}
            )
            response_schema = _close(root, _json_schema_of(_resolve(root, response_object)))
            if response_schema.get("type") == "array":
                properties = {"items": {**response_schema, "maxItems": response_schema.get("maxItems", 1000)}}
                response_schema = {
                    "type": "object",
                    "required": ["items"],
                    "additionalProperties": False,
                    "properties": properties,
                }
            if response_schema.get("type") != "object":
                continue
            request_schema = _request(
                root, [*item.get("parameters", []), *openapi_operation.get("parameters", [])], openapi_operation
            )
            name = kebab(openapi_operation.get("operationId") or f"{method} {path}")
            yield (
                name,
                operation(
                    str(openapi_operation.get("summary") or name),
                    request_schema,
                    response_schema,
                    idempotent=method == "get",
                ),
            )


def _request(root: Document, parameters: list[Any], openapi_operation: Document) -> Document:
    """Merge parameters and body into the schema of one document: a request on the bus is one document."""
    body = _close(root, _json_schema_of(_resolve(root, openapi_operation.get("requestBody", {}))))
    properties = dict(body.get("properties", {}))
    required = list(body.get("required", []))
    for parameter in (_resolve(root, parameter) for parameter in parameters):
        if parameter.get("in") not in ("path", "query"):
            continue
        properties[parameter["name"]] = _close(root, parameter.get("schema", {"type": "string"}))
        if parameter.get("required") or parameter["in"] == "path":
            required.append(parameter["name"])
    schema: Document = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": list(dict.fromkeys(required))} if required else schema


def _json_schema_of(body_or_response: Document) -> Any:
    content = body_or_response.get("content", {})
    return next((value.get("schema", {}) for kind, value in content.items() if "json" in kind), {})


def _resolve(root: Document, value: Any) -> Any:
    for _ in range(MAX_DEPTH):
        if not isinstance(value, dict) or "$ref" not in value:
            return value if isinstance(value, dict) else {}
        value = pointers.find(root, pointers.split(value["$ref"].partition("#")[2]))
    return {}


def _close(root: Document, schema: Any, depth: int = 0) -> Document:
    """Convert an OpenAPI schema to the bus's rules: closed objects, no references, only formats that the bus knows."""
    source = _resolve(root, schema)
    for part in source.get("allOf", []):
        base = _resolve(root, part)
        source = {
            **base,
            **source,
            "properties": {**base.get("properties", {}), **source.get("properties", {})},
            "required": [*base.get("required", []), *source.get("required", [])],
        }
    closed = {key: source[key] for key in _COPIED_KEYWORDS if key in source}
    if source.get("format") in FORMAT_WORDS:
        closed["format"] = source["format"]
    if source.get("nullable") and isinstance(closed.get("type"), str):
        closed["type"] = [closed["type"], "null"]
    if "properties" in source and depth < MAX_DEPTH:
        closed["type"] = "object"
        closed["properties"] = {name: _close(root, part, depth + 1) for name, part in source["properties"].items()}
        closed["additionalProperties"] = False
        closed["required"] = [
            name for name in dict.fromkeys(source.get("required", [])) if name in closed["properties"]
        ]
    if source.get("type") == "array" and depth < MAX_DEPTH:
        closed["items"] = _close(root, source.get("items", {}), depth + 1)
    return closed
