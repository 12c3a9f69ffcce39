"""Building blocks of the JSON Schemas that describe requests and responses of the management API."""

from collections.abc import Mapping
from typing import Any

JSON = "application/json"

Schema = dict[str, Any]
"""A JSON Schema (2020-12), as OpenAPI 3.1 has it."""

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
TIME: Schema = {**TEXT, "format": "date-time"}
NON_NEGATIVE_INTEGER: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
REASON: Schema = {**TEXT, "maxLength": 500}
NEXT_CURSOR: Schema = {**TEXT, "description": "the cursor of the next page"}


def ref(name: str) -> Schema:
    """Return a reference to a component of the API's description, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_of(name: str) -> dict[str, Schema]:
    """Return the media type `application/json` whose content is a component of the API's description, by its name."""
    return {JSON: ref(name)}


def object_schema(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, *, closed: bool = False
) -> Schema:
    """Return the schema of an object, from the schemas of its members by name.

    Args:
        closed: whether other members are forbidden.
    """
    schema: Schema = {
        "type": "object",
        "required": sorted(required),
        "properties": {**required, **(optional or {})},
    }
    return {**schema, "additionalProperties": False} if closed else schema


def list_schema(
    item: Schema, required: Mapping[str, Schema] | None = None, optional: Mapping[str, Schema] | None = None
) -> Schema:
    """Return the schema of an object with an array `items`, as lists are sent, and of its further members by name."""
    return object_schema({"items": {"type": "array", "items": item}, **(required or {})}, optional)
