"""Drafts a contract and a manifest from the WSDL of a service."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from lgsp_adapters.connectors.soap import facets, wsdl
from lgsp_adapters.connectors.soap.shapes import Shape
from lgsp_adapters.scaffolding.drafts import CLASSIFICATION_COMMENT, IDEMPOTENT_COMMENT, Comments, Draft, variable
from lgsp_adapters.scaffolding.manifests import quoted_field
from lgsp_adapters.scaffolding.wsdl_security import WsdlSecurity, read_security
from lgsp_contracts.samples import samples
from lgsp_contracts.schemas import Schema
from lgsp_contracts.tooling import drafts
from lgsp_problems import Refusal

Document = dict[str, Any]
Spelling = Callable[[str], str]
Simple = Mapping[str, facets.Facets]
"""The facets of the simple types of a description."""

MAX_TEXT = 4000
MAX_ITEMS = 1000
NUMBER = "sodinhdanh"
"""A field of this name, in whatever spelling, holds a personal identification number."""

_TYPES: dict[str, Document] = {
    "string": {"type": "string", "maxLength": MAX_TEXT},
    "date": {"type": "string", "format": "date"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
}


def from_wsdl(
    port: wsdl.Port, file_name: str, port_name: str, service: str, provider: str, *, basic: bool = False
) -> Draft:
    """Draft a contract with an operation for each one of a port, and the manifest that calls them.

    Args:
        file_name: the name of the WSDL beside the manifest.
        port_name: the port that the manifest names; "" for the first one.
        basic: the server of the WSDL asks for HTTP Basic, so that the service does too.

    Raises:
        Refusal: `invalid-document`, when no operation of it answers with a document.
    """
    operations = {
        name: operation for name, operation in port.operations.items() if operation.response.fields
    }  # one-way operations have no response to map
    if not operations:
        raise Refusal(
            "invalid-document",
            vi=f"{file_name}: không thao tác nào trả lời bằng một tài liệu; hãy viết hợp đồng bằng tay.",
            en=f"{file_name}: no operation answers with a document; write the contract by hand.",
        )
    simple = facets.collect(port.texts)
    security = read_security(port.texts, port.name)
    pairs = {drafts.kebab(name): _operation(operation, simple) for name, operation in operations.items()}
    connection: Document = {"url": {"env": variable(service, "url")}}
    settings: Document = {
        "wsdl": file_name,
        **({"port": port_name} if port_name else {}),
        **({"path": port.path} if port.path.startswith("/") else {}),
    }
    head: Document = {"service": service, "major": 1, "system": provider, "kind": "soap", "connection": connection}
    if security.username_token or security.basic or basic:
        connection["user"] = {"env": variable(service, "user")}
        connection["password"] = {"env": variable(service, "password")}
    if security.basic or basic:
        head["authentication"] = {"basic": {"user": "connection.user", "password": "connection.password"}}
    if security.username_token:
        credentials = {"user": "connection.user", "password": "connection.password"}
        settings["username-token"] = {**credentials, "digest": security.digest}
    header = Shape(
        "object", {name: one for operation in operations.values() for name, one in operation.header.fields.items()}
    )
    if header.fields:
        settings["header"] = _header_values(header, connection, service)
    contract = drafts.contract(service, provider, {name: pair[0] for name, pair in pairs.items()})
    return Draft(
        contract,
        {**head, "soap": settings, "operations": {name: pair[1] for name, pair in pairs.items()}},
        {
            ("classification",): CLASSIFICATION_COMMENT,
            **{("operations", name, "idempotent"): IDEMPOTENT_COMMENT for name in pairs},
        },
        {**_comments(security), **_string_comments(operations)},
        environment={value["env"]: "" for value in connection.values()} | {variable(service, "url"): port.origin},
    )


def _header_values(shape: Shape, connection: Document, service: str) -> Document:
    """Map the elements of the SOAP header: they say who calls, so their values are secrets of the connection."""
    values: Document = {}
    for name, one in shape.fields.items():
        if one.shape.kind == "object":
            values[name] = _header_values(one.shape, connection, service)
        elif one.required or not name.startswith("@"):
            key = drafts.camel(name)
            connection.setdefault(key, {"env": variable(service, drafts.kebab(key))})
            values[name] = f"connection.{key}"
    return values


def _comments(security: WsdlSecurity) -> Comments:
    if not security.not_possible:
        return {}
    names = ", ".join(security.not_possible)
    return {("soap",): f"The policy of the WSDL requires {names}, which the connector cannot do; ask for another port."}


def _string_comments(operations: Mapping[str, wsdl.PortOperation]) -> Comments:
    """Point to answers that are one string: many ASMX services return a document in it."""
    return {
        ("operations", drafts.kebab(name), "answer"): (
            f"If {field} contains a document, take its fields, and give them to the contract:\n"
            f'  hoTen: parse_xml(answer.{quoted_field(field)}).HoTen      # an attribute: parse_xml(…)."@id"\n'
            f"  hoTen: parse_json(answer.{quoted_field(field)}).HoTen"
        )
        for name, operation in operations.items()
        if (field := _single_string(operation.response))
    }


def _single_string(shape: Shape) -> str:
    """Return the name of the only field where an answer is one string, otherwise ""."""
    fields = list(shape.fields.items())
    return fields[0][0] if len(fields) == 1 and fields[0][1].shape.kind == "string" else ""


def _operation(port_operation: wsdl.PortOperation, simple: Simple) -> tuple[Document, Document]:
    """Draft an operation; of a wrapped response (`<XResponse><XResult>…`) the document inside is the answer."""
    response_shape, root, optional = port_operation.response, "answer", False
    if len(response_shape.fields) == 1:
        [(name, wrapped)] = response_shape.fields.items()
        if wrapped.shape.kind == "object" and not wrapped.many:
            response_shape, root, optional = wrapped.shape, f"answer.{quoted_field(name)}", not wrapped.required
    request = _schema(port_operation.request, simple)
    response = _schema(response_shape, simple)
    if field := _single_string(response_shape):
        response["properties"][drafts.camel(field)].pop("maxLength", None)  # it may contain a document
    operation = drafts.operation(port_operation.name, request, response, idempotent=False)
    subject = next((name for name, part in request["properties"].items() if part.get("format") == "so-dinh-danh"), "")
    if subject:
        operation["subject"] = f"/{subject}"
    manifest: Document = {
        "operation": port_operation.name,
        "fields": _request_fields(port_operation.request, "request"),
    }
    if optional:
        operation["errors"] = {
            "not-on-record": {"status": 404, "title": {"vi": "Không có dữ liệu", "en": "Nothing is on record"}}
        }
        manifest["errors"] = [{"when": f"!({root})", "is": "not-on-record"}]
    return operation, {**manifest, "answer": _answer_fields(response_shape, root)}


def _schema(shape: Shape, simple: Simple) -> Document:
    if shape.kind != "object":
        return _value(shape, facets.keywords(simple.get(shape.type_name, {}), shape.kind))
    properties = {}
    for name, field in shape.fields.items():
        part = _schema(field.shape, simple)
        if part.get("type") == "string" and re.sub(r"[^a-z]", "", name.lower()) == NUMBER:
            part = {"type": "string", "format": "so-dinh-danh"}
        properties[drafts.camel(name)] = {"type": "array", "maxItems": MAX_ITEMS, "items": part} if field.many else part
    required = [drafts.camel(name) for name, field in shape.fields.items() if field.required and not field.many]
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def _value(shape: Shape, limits: Document) -> Document:
    base = _TYPES[shape.kind]
    if "enum" in limits:
        return {"type": base["type"], **limits}
    limited = {**base, **limits}
    without_pattern = {name: value for name, value in limited.items() if name != "pattern"}
    return next((schema for schema in (limited, without_pattern) if _can_be_met(schema)), dict(base))


def _can_be_met(schema: Document) -> bool:
    """Tell whether the bus runs the schema's pattern and can generate an example of it."""
    try:
        return any(True for _ in samples(Schema(schema, "value"), 3))
    except (Refusal, re.error):
        return False


def _request_fields(shape: Shape, root: str) -> Document:
    """Map the fields of the contract to those of the WSDL."""
    return _map_fields(shape, root, drafts.camel, lambda name: name)


def _answer_fields(shape: Shape, root: str) -> Document:
    """Map the fields of the WSDL to those of the contract."""
    return _map_fields(shape, root, quoted_field, drafts.camel)


def _map_fields(shape: Shape, root: str, read: Spelling, write: Spelling) -> Document:
    fields: Document = {}
    for name, field in shape.fields.items():
        value = f"{root}.{read(name)}"
        if field.shape.kind != "object":
            fields[write(name)] = value
        elif field.many:
            fields[write(name)] = {"$each": value, "$as": _map_fields(field.shape, "item", read, write)}
        else:
            fields[write(name)] = _map_fields(field.shape, value, read, write)
    return fields
