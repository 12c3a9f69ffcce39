"""Drafts of contracts out of what a system says of itself: an OpenAPI document, or the columns of a table.

A draft keeps the rules, so that it can be mocked at once; what it cannot know it guesses and a person corrects: titles, the
classification (personal, until somebody says otherwise), errors, and examples, which are made from the schemas.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lgsp_contracts import pointers
from lgsp_contracts.formats import FORMAT_WORDS
from lgsp_contracts.samples import samples
from lgsp_contracts.schemas import Schema
from lgsp_problems import Refusal

Document = dict[str, Any]

_KEPT = (
    *("type", "enum", "const", "required", "description", "pattern", "minLength", "maxLength", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems"),
)
_METHODS = ("get", "post", "put", "patch", "delete")
MAX_DEPTH = 8
"""Levels of a schema that are followed; an OpenAPI document may refer to itself."""


def kebab(name: str) -> str:
    """Write an id as the bus does: `getPatientById` → `get-patient-by-id`."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", name)
    found = re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")
    return (found if found[:1].isalpha() else f"call-{found}")[:63].strip("-")


def camel(name: str) -> str:
    """Write a field as agencies do: `SO_DINH_DANH` → `soDinhDanh`."""
    first, *rest = [part for part in re.split(r"[^A-Za-z0-9]+", name) if part] or ["field"]
    lowered = first.lower() if first.isupper() else first[:1].lower() + first[1:]
    return lowered + "".join(part[:1].upper() + part[1:].lower() for part in rest)


def contract(service: str, provider: str, operations: Mapping[str, Document]) -> Document:
    """Put operations into the document of a contract."""
    title = {"vi": service, "en": service}
    head = {"service": service, "version": "1.0.0", "title": title, "provider": provider, "classification": "personal"}
    return {**head, "operations": dict(operations)}


def operation(title: str, request: Document, response: Document, *, idempotent: bool) -> Document:
    """Draft an operation, with an example that is made from its schemas.

    Raises:
        Refusal: `invalid-document`, when no example can be made.
    """
    text = {"vi": title, "en": title}
    example = {}
    for part, schema in (("request", request), ("response", response)):
        found = list(samples(Schema(schema, f"{title}, {part}"), 3))
        if not found:
            raise Refusal(
                "invalid-document",
                vi=f"{title}: không tạo được ví dụ cho {part}; hãy viết hợp đồng này bằng tay.",
                en=f"{title}: no example could be made of the {part}; write this contract by hand.",
            )
        example[part] = found[-1]
    return {
        "title": text,
        "timeout": "5s",
        "idempotent": idempotent,
        "request": request,
        "response": response,
        "example": example,
    }


def from_openapi(document: Any, service: str, provider: str) -> Document:
    """Draft a contract with an operation for each one of an OpenAPI 3 document that speaks JSON.

    Raises:
        Refusal: `invalid-document`, when it is none, or none of its operations speaks JSON.
    """
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise Refusal(
            "invalid-document",
            vi="Tệp không phải tài liệu OpenAPI 3; hãy chọn tệp có dòng openapi: 3.x.",
            en="The file is no OpenAPI 3 document; name one that says openapi: 3.x.",
        )
    found = dict(_operations(document))
    if not found:
        raise Refusal(
            "invalid-document",
            vi="Tài liệu không có thao tác nào trả lời bằng JSON.",
            en="The document has no operation that answers with JSON; write the contract by hand.",
        )
    return contract(service, provider, found)


def _operations(root: Document) -> Iterator[tuple[str, Document]]:
    for path, item in root.get("paths", {}).items():
        for method in _METHODS:
            told = item.get(method)
            if not told:
                continue
            answers = told.get("responses", {})
            answer: Any = next((answers[code] for code in ("200", "201", "default") if code in answers), {})
            response = _close(root, _json_schema_of(_resolve(root, answer)))
            if response.get("type") == "array":
                properties = {"items": {**response, "maxItems": response.get("maxItems", 1000)}}
                response = {
                    "type": "object",
                    "required": ["items"],
                    "additionalProperties": False,
                    "properties": properties,
                }
            if response.get("type") != "object":
                continue
            request = _request(root, [*item.get("parameters", []), *told.get("parameters", [])], told)
            name = kebab(told.get("operationId") or f"{method} {path}")
            yield name, operation(str(told.get("summary") or name), request, response, idempotent=method == "get")


def _request(root: Document, parameters: list[Any], told: Document) -> Document:
    """Parameters and body as one document: a service of the bus does not tell them apart."""
    body = _close(root, _json_schema_of(_resolve(root, told.get("requestBody", {}))))
    properties = dict(body.get("properties", {}))
    required = list(body.get("required", []))
    for parameter in (_resolve(root, parameter) for parameter in parameters):
        if parameter.get("in") not in ("path", "query"):
            continue
        properties[parameter["name"]] = _close(root, parameter.get("schema", {"type": "string"}))
        if parameter.get("required") or parameter["in"] == "path":
            required.append(parameter["name"])
    found: Document = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**found, "required": list(dict.fromkeys(required))} if required else found


def _json_schema_of(told: Document) -> Any:
    content = told.get("content", {})
    return next((value.get("schema", {}) for kind, value in content.items() if "json" in kind), {})


def _resolve(root: Document, value: Any) -> Any:
    for _ in range(MAX_DEPTH):
        if not isinstance(value, dict) or "$ref" not in value:
            return value if isinstance(value, dict) else {}
        value = pointers.find(root, pointers.split(value["$ref"].partition("#")[2]))
    return {}


def _close(root: Document, schema: Any, depth: int = 0) -> Document:
    """A schema of OpenAPI as the bus takes it: nothing left open, no references, formats that the bus knows."""
    told = _resolve(root, schema)
    for part in told.get("allOf", []):
        whole = _resolve(root, part)
        told = {
            **whole,
            **told,
            "properties": {**whole.get("properties", {}), **told.get("properties", {})},
            "required": [*whole.get("required", []), *told.get("required", [])],
        }
    found = {key: told[key] for key in _KEPT if key in told}
    if told.get("format") in FORMAT_WORDS:
        found["format"] = told["format"]
    if told.get("nullable") and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    if "properties" in told and depth < MAX_DEPTH:
        found["type"] = "object"
        found["properties"] = {name: _close(root, part, depth + 1) for name, part in told["properties"].items()}
        found["additionalProperties"] = False
        found["required"] = [name for name in dict.fromkeys(told.get("required", [])) if name in found["properties"]]
    if told.get("type") == "array" and depth < MAX_DEPTH:
        found["items"] = _close(root, told.get("items", {}), depth + 1)
    return found
