"""The keys of a manifest as the schemas of the connectors describe them, for `lgsp adapter explain` and the tables of the READMEs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ManifestKey:
    """One key of a manifest.

    Args:
        path: from the root, such as `operations.NAME.pages.next`; NAME stands for any name, `[]` for the items of an array.
        type: `string`, `integer`, `expression`, the values of an enumeration, …; empty where anything may stand.
        default: as JSON, or empty.
        example: as JSON, or empty.
    """

    path: str
    type: str
    required: bool
    description: str
    default: str = ""
    example: str = ""


def connectors() -> list[str]:
    """Return the names of the connectors that come with lgsp, sorted."""
    folder = files("lgsp_adapters.connectors")
    return sorted(each.name for each in folder.iterdir() if each.is_dir() and (each / "schema.json").is_file())


def keys(connector: str) -> Iterator[ManifestKey]:
    """Yield each key of a connector's manifests, in the order of its schema, a key before those within it."""
    yield from _keys(*root_schema(connector), "")


def root_schema(connector: str) -> tuple[Schema, Schema]:
    """Return the schema of a connector's manifests, with what all manifests share, and the definitions that it refers to."""
    schema = _read(files("lgsp_adapters.connectors") / connector / "schema.json")
    common = _read(files("lgsp_adapters") / "manifest.schema.json")
    properties = {name: {**common["properties"].get(name, {}), **part} for name, part in schema["properties"].items()}
    required = [*common["required"], *schema.get("required", ())]
    definitions = {**common["$defs"], **schema.get("$defs", {})}
    return {"properties": properties, "required": required, "variables": schema.get("variables", {})}, definitions


def _read(file: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def _keys(schema: Schema, definitions: Schema, path: str) -> Iterator[ManifestKey]:
    for name, part in schema.get("properties", {}).items():
        resolved = resolve(part, definitions)
        yield ManifestKey(
            path + name,
            _type(part, definitions),
            name in schema.get("required", ()),
            resolved.get("description", ""),
            json.dumps(resolved["default"], ensure_ascii=False) if "default" in resolved else "",
            json.dumps(resolved["examples"][0], ensure_ascii=False) if resolved.get("examples") else "",
        )
        yield from _keys_within(resolved, definitions, path + name)


def _keys_within(schema: Schema, definitions: Schema, path: str) -> Iterator[ManifestKey]:
    """Yield the keys inside a value: of an object, of the values of a map, of the items of an array."""
    yield from _keys(schema, definitions, f"{path}.")
    for inner, step in (("additionalProperties", ".NAME"), ("items", "[]")):
        if isinstance(schema.get(inner), dict):
            yield from _keys_within(resolve(schema[inner], definitions), definitions, path + step)
    for alternative in schema.get("anyOf", ()):
        for key in _keys_within(resolve(alternative, definitions), definitions, path):
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
    if name in ("expression", "mapping", "name"):
        return name
    if "enum" in resolved:
        return " or ".join(str(value) for value in resolved["enum"])
    if "anyOf" in resolved:
        kinds = [_type(each, definitions) for each in resolved["anyOf"]]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    kind = resolved.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
