"""Parameters and bodies of an OpenAPI operation: the one request document of the contract, and the HTTP request that is made of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.scaffolding.manifests import quoted_field
from lgsp_adapters.scaffolding.openapi import references
from lgsp_adapters.scaffolding.openapi.schemas import SchemaReader
from lgsp_adapters.scaffolding.openapi.shapes import (
    MISSING,
    Field,
    JsonText,
    Node,
    Record,
    Sequence,
    Value,
    named,
    request_mapping,
)
from lgsp_problems import Refusal

Document = dict[str, Any]

MAX_REFERENCES = 20
"""References that are followed from one to the next."""
_IGNORED_HEADERS = ("accept", "content-type")
_CREDENTIAL_HEADERS = (
    "authorization",
    "apikey",
    "api-key",
    "x-api-key",
    "token",
    "access-token",
    "x-access-token",
    "x-auth-token",
)
_PATH_PARAMETER = re.compile(r"\{([^{}]+)\}")


class NotDraftableError(AdapterError):
    """An operation sends or receives what no manifest describes; the text says what."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation."""

    name: str
    location: str
    required: bool
    node: Node
    style: str
    explode: bool


@dataclass(slots=True)
class RequestDraft:
    """The request of an operation."""

    record: Record
    manifest: Document
    credential_headers: list[str] = field(default_factory=list)
    """Headers that contain a credential: they belong to the connection and not to the request."""


def read_request(root: Document, path: str, path_item: Document, operation: Document) -> RequestDraft:
    """Draft the request of an operation.

    Raises:
        NotDraftableError: it needs a cookie, or a body that is neither JSON nor a form.
        Refusal: `invalid-document`.
    """
    reader = SchemaReader(root, "request")
    parameters = list(_parameters(root, path, path_item, operation, reader))
    credentials = [parameter.name for parameter in parameters if _is_credential(parameter)]
    sent = [parameter for parameter in parameters if not _is_credential(parameter)]
    fields = named((parameter.name, parameter.node, parameter.required) for parameter in sent)
    manifest: Document = {}
    in_path: dict[str, str] = {}
    for parameter, one in zip(sent, fields, strict=True):
        expression = f"request.{quoted_field(one.name)}"
        if parameter.location == "path":
            in_path[parameter.name] = _single_value(parameter.node, expression)
        elif parameter.location == "header":
            manifest.setdefault("headers", {})[parameter.name] = _single_value(parameter.node, expression)
        else:
            manifest.setdefault("query", {}).update(_query(parameter, expression))
    manifest = {"path": _PATH_PARAMETER.sub(lambda match: f"{{{in_path[match[1]]}}}", path), **manifest}
    body_fields = _add_body(root, operation, reader, manifest, [one.name for one in fields])
    return RequestDraft(Record((*fields, *body_fields)), manifest, credentials)


def _parameters(
    root: Document, path: str, path_item: Document, operation: Document, reader: SchemaReader
) -> Iterator[Parameter]:
    declared: dict[tuple[str, str], Document] = {}
    for reference in [*(path_item.get("parameters") or []), *(operation.get("parameters") or [])]:
        parameter = resolved(root, reference)
        declared[str(parameter.get("name", "")), str(parameter.get("in", ""))] = parameter
    for name in _PATH_PARAMETER.findall(path):
        declared.setdefault((name, "path"), {"schema": {"type": "string"}})
    for (name, location), parameter in declared.items():
        required = bool(parameter.get("required")) or location == "path"
        if location == "cookie" and required:
            raise NotDraftableError(f"it requires the cookie {name}")
        if location not in ("path", "query", "header") or (location == "header" and name.lower() in _IGNORED_HEADERS):
            continue
        if location == "path" and f"{{{name}}}" not in path:
            continue
        style = str(parameter.get("style") or "form")
        yield Parameter(
            name,
            location,
            required,
            _parameter_node(parameter, location, reader),
            style,
            bool(parameter.get("explode", style == "form")),
        )


def _parameter_node(parameter: Document, location: str, reader: SchemaReader) -> Node:
    content = parameter.get("content")
    if isinstance(content, dict) and content:
        return JsonText()
    source = parameter.get("schema", {"type": "string"})
    examples = parameter.get("examples")
    if "example" not in parameter and isinstance(examples, dict):
        parameter = {
            **parameter,
            **next((one for one in examples.values() if isinstance(one, dict) and "value" in one), {}),
        }
    described = parameter.get("example", parameter.get("value", MISSING))
    about: Document = {"description": parameter["description"]} if parameter.get("description") else {}
    if described is not MISSING:
        about["example"] = described
    node = reader.read({"allOf": [source], **about} if about else source)
    return _never_empty(node) if location == "path" and isinstance(node, Value) else node


def _never_empty(value: Value) -> Value:
    """Return the value without the empty string, which no segment of a path can be."""
    keywords = value.keywords
    if keywords.get("type") != "string" or {"enum", "format", "minLength"} & set(keywords):
        return value
    return replace(value, keywords={**keywords, "minLength": 1})


def _is_credential(parameter: Parameter) -> bool:
    return parameter.location == "header" and parameter.name.lower() in _CREDENTIAL_HEADERS


def _query(parameter: Parameter, expression: str) -> Document:
    node = parameter.node
    if isinstance(node, Sequence) and parameter.explode:
        return {parameter.name: expression}  # an array is sent as a parameter for each item
    if not isinstance(node, Record):
        return {parameter.name: _single_value(node, expression)}
    nested = parameter.style == "deepObject"
    return {
        f"{parameter.name}[{part.source}]" if nested else part.source: _single_value(
            part.node, f"{expression}.{quoted_field(part.name)}"
        )
        for part in node.fields
    }


def _single_value(node: Node, expression: str) -> str:
    """Write the expression for a value in a query, a header or a form, where lists are separated by commas and documents are JSON."""
    if isinstance(node, Sequence) and isinstance(node.item, Value):
        return f"{expression} && join(',', map(&text(@), {expression}))"
    return expression if isinstance(node, Value | JsonText) else f"json({expression})"


def _add_body(
    root: Document, operation: Document, reader: SchemaReader, manifest: Document, taken: list[str]
) -> tuple[Field, ...]:
    body = resolved(root, operation.get("requestBody") or {})
    content = body.get("content") or {}
    if not content:
        return ()
    key, media_type = _body_kind(content)
    if key == "raw":
        [one] = named([("body", Value({"type": "string"}), bool(body.get("required")))], taken)
        is_text = media_type.startswith("text/") or media_type.endswith("xml")
        encoding = {"encoding": "text"} if is_text else {}
        manifest["raw"] = {"content": f"request.{one.name}", "type": media_type, **encoding}
        return (one,)
    media = content[media_type] or {}
    node = reader.read(with_media_example(media))
    if not isinstance(node, Record):
        if key != "body":
            raise NotDraftableError("its form has no declared fields")
        [one] = named([("body", node, bool(body.get("required")))], taken)
        manifest["body"] = request_mapping(node, f"request.{one.name}")
        return (one,)
    fields = named(((part.source, part.node, part.required) for part in node.fields), taken)
    if key == "body":
        manifest["body"] = request_mapping(Record(fields), "request")
    else:
        parts = media.get("encoding") or {}
        manifest[key] = {part.source: _form_part(part, key, parts.get(part.source) or {}) for part in fields}
    return _with_examples(Record(fields, example=node.example))


def _body_kind(content: Document) -> tuple[str, str]:
    """Return the key of the manifest that sends a body, and its media type: JSON, where there is a choice."""
    for key, mark in (("body", "json"), ("form", "x-www-form-urlencoded"), ("multipart", "multipart/form-data")):
        for media_type in content:
            if mark in media_type or (key == "body" and media_type == "*/*"):
                return key, media_type
    media_type = str(next(iter(content)))
    if "*" in media_type or media_type.startswith("multipart/"):
        raise NotDraftableError(f"its body is {media_type}")
    return "raw", media_type


def _form_part(part: Field, key: str, encoding: Document) -> str | Document:
    expression = f"request.{quoted_field(part.name)}"
    if key != "multipart" or not (isinstance(part.node, Value) and part.node.is_file):
        return _single_value(part.node, expression)
    media_type = str(encoding.get("contentType", "")).partition(",")[0].strip()
    return {
        "content": expression,
        "filename": f"'{part.name}'",
        **({"type": media_type} if media_type and "*" not in media_type else {}),
    }


def _with_examples(record: Record) -> tuple[Field, ...]:
    """Give the fields of a body the values of its example."""
    described = record.example if isinstance(record.example, dict) else {}
    return tuple(
        replace(part, node=replace(part.node, example=described[part.source])) if part.source in described else part
        for part in record.fields
    )


def with_media_example(media: Document) -> Any:
    """Return the schema of a media type, with the example beside it."""
    source = media.get("schema", {})
    examples = media.get("examples")
    example = media.get("example", MISSING)
    if example is MISSING and isinstance(examples, dict):
        values = [one["value"] for one in examples.values() if isinstance(one, dict) and "value" in one]
        example = values[0] if values else MISSING
    return source if example is MISSING else {"allOf": [source], "example": example}


def resolved(root: Document, value: Any) -> Document:
    """Follow the references of a parameter, body or response; an empty object where it is none.

    Raises:
        Refusal: `invalid-document`, when a reference points to nothing or to itself.
    """
    for _ in range(MAX_REFERENCES):
        if not isinstance(value, dict):
            return {}
        if not isinstance(value.get("$ref"), str):
            return value
        value = references.resolve(root, value["$ref"])
    raise Refusal(
        "invalid-document",
        vi=f"Tài liệu OpenAPI có một vòng $ref qua {value['$ref']!r}; hãy sửa tài liệu.",
        en=f"The OpenAPI document has a cycle of $ref through {value['$ref']!r}; correct the document.",
    )
