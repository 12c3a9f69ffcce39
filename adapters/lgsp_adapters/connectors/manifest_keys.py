"""The keys of a manifest as the schemas of the connectors describe them, for `lgsp adapter explain` and the tables of the READMEs."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from lgsp_adapters import connector_folders
from lgsp_contracts import schema_keys
from lgsp_contracts.schema_keys import Schema, SchemaKey


def connectors() -> list[str]:
    """Return the names of all connectors, also those of other packages, sorted."""
    return connector_folders.names()


def keys(connector: str) -> Iterator[SchemaKey]:
    """Yield each key of a connector's manifests, in the order of its schema, a key before those within it."""
    yield from schema_keys.keys(*root_schema(connector))


def root_schema(connector: str) -> tuple[Schema, Schema]:
    """Return the schema of a connector's manifests, with what all manifests share, and the definitions that it refers to."""
    schema = _read(connector_folders.folder(connector) / "schema.json")
    common = _read(files("lgsp_adapters") / "manifest.schema.json")
    properties = {name: {**common["properties"].get(name, {}), **part} for name, part in schema["properties"].items()}
    required = [*common["required"], *schema.get("required", ())]
    definitions = {**common["$defs"], **schema.get("$defs", {})}
    return {"properties": properties, "required": required, "variables": schema.get("variables", {})}, definitions


def _read(file: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document
