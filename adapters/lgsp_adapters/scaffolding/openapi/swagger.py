"""Swagger 2.0 as OpenAPI 3.0: older frameworks describe their services in it. Schemas stay where they are, so that references keep their meaning."""

from collections.abc import Iterator
from typing import Any

from lgsp_adapters.scaffolding.openapi.parameters import resolved

Document = dict[str, Any]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_OF_PARAMETERS = ("name", "in", "required", "description")
_FLOWS = {
    "application": "clientCredentials",
    "password": "password",
    "implicit": "implicit",
    "accessCode": "authorizationCode",
}
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


def upgrade(document: Document) -> Document:
    """Convert a document of Swagger 2.0 to OpenAPI 3.0.

    Raises:
        Refusal: `invalid-document`, when a reference points to nothing.
    """
    schemes = document.get("securityDefinitions") or {}
    components = {"securitySchemes": {name: _scheme(scheme) for name, scheme in schemes.items()}}
    paths = {path: _path_item(document, item) for path, item in (document.get("paths") or {}).items()}
    return {
        **document,
        "openapi": "3.0.3",
        "servers": list(_servers(document)),
        "components": components,
        "paths": paths,
    }


def _servers(document: Document) -> Iterator[Document]:
    host, base = document.get("host", ""), str(document.get("basePath") or "").rstrip("/")
    for scheme in document.get("schemes") or ["https"]:
        yield {"url": f"{scheme}://{host}{base}" if host else base or "/"}


def _path_item(root: Document, item: Any) -> Document:
    source = resolved(root, item)
    shared = source.get("parameters") or []
    operations = {method: _operation(root, source[method], shared) for method in _METHODS if source.get(method)}
    return {**{name: value for name, value in source.items() if name != "parameters"}, **operations}


def _operation(root: Document, operation: Document, shared: list[Any]) -> Document:
    declared = {}
    for reference in [*shared, *(operation.get("parameters") or [])]:
        parameter = resolved(root, reference)
        declared[parameter.get("name"), parameter.get("in")] = parameter
    parameters = list(declared.values())
    produces = operation.get("produces") or root.get("produces") or [_JSON]
    consumes = operation.get("consumes") or root.get("consumes") or [_JSON]
    converted: Document = {
        **operation,
        "parameters": [_parameter(one) for one in parameters if one.get("in") not in ("body", "formData")],
        "responses": {
            code: _response(resolved(root, response), produces)
            for code, response in (operation.get("responses") or {}).items()
        },
    }
    body = _body(parameters, consumes)
    return {**converted, "requestBody": body} if body else converted


def _parameter(parameter: Document) -> Document:
    schema = {name: value for name, value in parameter.items() if name not in (*_OF_PARAMETERS, "collectionFormat")}
    repeated = parameter.get("collectionFormat") == "multi"
    return {
        **{name: parameter[name] for name in _OF_PARAMETERS if name in parameter},
        "schema": schema,
        "explode": repeated,
    }


def _body(parameters: list[Document], consumes: list[str]) -> Document:
    for parameter in parameters:
        if parameter.get("in") == "body":
            content = {kind: {"schema": parameter.get("schema", {})} for kind in consumes}
            return {"required": parameter.get("required", False), "content": content}
    fields = [parameter for parameter in parameters if parameter.get("in") == "formData"]
    if not fields:
        return {}
    has_file = any(field.get("type") == "file" for field in fields)
    schema = {
        "type": "object",
        "required": [field["name"] for field in fields if field.get("required")],
        "properties": {field["name"]: _parameter(field)["schema"] for field in fields},
    }
    return {"required": True, "content": {"multipart/form-data" if has_file else _FORM: {"schema": schema}}}


def _response(response: Document, produces: list[str]) -> Document:
    if "schema" not in response:
        return response
    examples = response.get("examples") or {}
    content = {}
    for kind in produces:
        example = {"example": examples[kind]} if kind in examples else {}
        content[kind] = {"schema": response["schema"], **example}
    return {**response, "content": content}


def _scheme(scheme: Any) -> Any:
    if not isinstance(scheme, dict):
        return scheme
    if scheme.get("type") == "basic":
        return {"type": "http", "scheme": "basic"}
    if scheme.get("type") == "oauth2":
        flow = {key: scheme[key] for key in ("tokenUrl", "authorizationUrl", "scopes") if key in scheme}
        return {"type": "oauth2", "flows": {_FLOWS.get(str(scheme.get("flow")), "implicit"): flow}}
    return scheme
