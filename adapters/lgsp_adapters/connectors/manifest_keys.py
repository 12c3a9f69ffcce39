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
    schema = _read(files("lgsp_adapters.connectors") / connector / "schema.json")
    common = _read(files("lgsp_adapters") / "manifest.schema.json")
    definitions = {**common["$defs"], **schema.get("$defs", {})}
    properties = {name: {**common["properties"].get(name, {}), **part} for name, part in schema["properties"].items()}
    root = {"properties": properties, "required": [*common["required"], *schema.get("required", ())]}
    yield from _keys(root, definitions, "")


def _read(file: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def _keys(schema: Schema, definitions: Schema, path: str) -> Iterator[ManifestKey]:
    for name, part in schema.get("properties", {}).items():
        resolved = _resolve(part, definitions)
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
            yield from _keys_within(_resolve(schema[inner], definitions), definitions, path + step)
    for alternative in schema.get("anyOf", ()):
        for key in _keys_within(_resolve(alternative, definitions), definitions, path):
            yield replace(key, required=False)  # of one alternative among several


def _definition(schema: Schema) -> str:
    """Return the name of the definition that a schema refers to, or an empty text."""
    return str(schema.get("$ref", "")).removeprefix("#/$defs/")


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    name = _definition(schema)
    return {**definitions[name], **schema} if name else schema


def _type(schema: Schema, definitions: Schema) -> str:
    name = _definition(schema)
    resolved = _resolve(schema, definitions)
    if name in ("expression", "name"):
        return name
    if "enum" in resolved:
        return " or ".join(str(value) for value in resolved["enum"])
    if "anyOf" in resolved:
        kinds = [_type(each, definitions) for each in resolved["anyOf"]]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    kind = resolved.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
