"""The structure of an OpenAPI document as far as drafts read it: what is something else is refused with its place.

Not the schema of the OpenAPI Initiative: documents in the field break it in places that drafts do not read.
"""

from typing import Any

from lgsp_contracts import documents
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _map(values: Any) -> dict[str, Any]:
    return {"type": ["object", "null"], "additionalProperties": values}


def _list(items: Any) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": items}


_TEXT = {"type": ["string", "null"]}
_SCHEMA = {"$ref": "#/$defs/schema"}
_MEDIA = {"$ref": "#/$defs/media"}
_PARAMETERS = _list({"$ref": "#/$defs/parameter"})
_SECURITY = _list({"type": "object", "additionalProperties": _list({"type": "string"})})
_OPERATION = {"$ref": "#/$defs/operation"}
_RESPONSE = {"$ref": "#/$defs/response"}
_BODY = {"$ref": "#/$defs/body"}
_TYPES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_METHODS = dict.fromkeys(("get", "put", "post", "delete", "patch"), _OPERATION)

_DEFINITIONS = {
    "schema": {
        "type": ["object", "boolean"],
        "properties": {
            "$ref": {"type": "string"},
            "type": _TYPES,
            "format": {"type": ["string", "null"]},
            "properties": _map(_SCHEMA),
            "required": {"anyOf": [_list({"type": "string"}), {"type": "boolean"}]},
            "items": _SCHEMA,
            **dict.fromkeys(("allOf", "oneOf", "anyOf"), _list(_SCHEMA)),
        },
    },
    "media": {**_object(schema=_SCHEMA, encoding=_map({"type": "object"})), "type": ["object", "null"]},
    "parameter": _object(
        **{"$ref": _TEXT}, name=_TEXT, **{"in": _TEXT}, schema=_SCHEMA, content=_map(_MEDIA), type=_TYPES, items=_SCHEMA
    ),
    "body": _object(**{"$ref": _TEXT}, content=_map(_MEDIA)),
    "response": _object(**{"$ref": _TEXT}, content=_map(_MEDIA), schema=_SCHEMA, examples={"type": ["object", "null"]}),
    "operation": {
        **_object(
            operationId=_TEXT,
            summary=_TEXT,
            parameters=_PARAMETERS,
            requestBody=_BODY,
            responses=_map(_RESPONSE),
            security=_SECURITY,
            **dict.fromkeys(("produces", "consumes"), _list({"type": "string"})),
        ),
        "type": ["object", "null"],
    },
    "scheme": _object(
        type=_TEXT,
        scheme=_TEXT,
        name=_TEXT,
        flows=_map(_object(tokenUrl=_TEXT)),
        openIdConnectUrl=_TEXT,
    ),
}
_DOCUMENT = _object(
    info=_object(),
    host=_TEXT,
    basePath=_TEXT,
    schemes=_list({"type": "string"}),
    servers=_list(_object(url=_TEXT, variables=_map(_object()))),
    security=_SECURITY,
    securityDefinitions=_map({"$ref": "#/$defs/scheme"}),
    definitions=_map(_SCHEMA),
    paths=_map({**_object(parameters=_PARAMETERS, **_METHODS), "type": ["object", "null"]}),
    components={
        **_object(
            schemas=_map(_SCHEMA),
            parameters=_map({"$ref": "#/$defs/parameter"}),
            requestBodies=_map(_BODY),
            responses=_map(_RESPONSE),
            securitySchemes=_map({"$ref": "#/$defs/scheme"}),
        ),
        "type": ["object", "null"],
    },
)
_STRUCTURE = Schema({**_DOCUMENT, "$defs": _DEFINITIONS}, "the structure of OpenAPI documents")


def check_structure(document: Any) -> None:
    """Check the parts of a document that drafts read.

    Raises:
        Refusal: `invalid-document`, with the place of each part that is something else.
    """
    documents.check_against(_STRUCTURE, document, SourceLocation("OpenAPI"))
