"""The keys of a kind of document as its schema describes them, for the reference and for the commands that explain."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Schema = Mapping[str, Any]
_NAMED_TYPES = ("expression", "mapping", "name", "pointer")
"""Definitions that are known by their name; the type of any other is that of its keywords."""


@dataclass(frozen=True, slots=True)
class SchemaKey:
    """One key of a document.

    Args:
        path: from the root, such as `operations.NAME.timeout`; NAME stands for any name, `[]` for the items of an array.
        type: `string`, `integer`, `name`, the values of an enumeration, …; empty where anything may stand.
        default: as JSON, or empty.
        example: as JSON, or empty.
    """

    path: str
    type: str
    required: bool
    description: str
    default: str = ""
    example: str = ""


def keys(schema: Schema, definitions: Schema, path: str = "") -> Iterator[SchemaKey]:
    """Yield each key within a value, in the order of its schema, a key before those within it.

    Args:
        schema: of an object, an array or a map.
        definitions: what its references refer to.
        path: of the value, empty for the root.
    """
    prefix = f"{path}." if path else ""
    for name, part in schema.get("properties", {}).items():
        resolved = resolve(part, definitions)
        yield SchemaKey(
            prefix + name,
            _type(part, definitions),
            name in schema.get("required", ()),
            resolved.get("description", ""),
            json.dumps(resolved["default"], ensure_ascii=False) if "default" in resolved else "",
            json.dumps(resolved["examples"][0], ensure_ascii=False) if resolved.get("examples") else "",
        )
        yield from keys(resolved, definitions, prefix + name)
    for inner, step in (("additionalProperties", ".NAME"), ("items", "[]")):
        if isinstance(schema.get(inner), Mapping):
            yield from keys(resolve(schema[inner], definitions), definitions, path + step)
    for alternative in schema.get("anyOf", ()):
        for key in keys(resolve(alternative, definitions), definitions, path):
            yield replace(key, required=False)  # of one alternative among several


def definition_name(schema: Schema) -> str:
    """Return the name of the definition that a schema refers to, or an empty string."""
    return str(schema.get("$ref", "")).removeprefix("#/$defs/")


def resolve(schema: Schema, definitions: Schema) -> Schema:
    """Return a schema with what its `$ref` refers to; its own keywords take precedence."""
    name = definition_name(schema)
    return {**definitions[name], **schema} if name else schema


def _type(schema: Schema, definitions: Schema) -> str:
    name = definition_name(schema)
    resolved = resolve(schema, definitions)
    if name in _NAMED_TYPES:
        return name
    kinds: list[Any]
    if "enum" in resolved or "const" in resolved:
        kinds = resolved.get("enum", [resolved.get("const")])
    elif "anyOf" in resolved and "type" not in resolved:
        kinds = [_type(each, definitions) for each in resolved["anyOf"]]
    else:
        kind = resolved.get("format", resolved.get("type", ""))
        kinds = kind if isinstance(kind, list) else [kind]
    return " or ".join(dict.fromkeys(str(kind) for kind in kinds if kind != ""))
