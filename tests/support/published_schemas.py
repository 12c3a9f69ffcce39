"""The JSON Schemas for editors, made from those that lgsp checks documents with: each self-contained, its references resolved."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts/lgsp_contracts"
ADAPTERS = ROOT / "adapters/lgsp_adapters"
FOLDER = ROOT / "docs/schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
REGISTRY_KINDS = ("Agency", "Purpose", "System", "Service", "Grant", "Person", "Instance")

Schema = dict[str, Any]


def published() -> dict[str, str]:
    """Make the content of each file in `docs/schemas`, by its name."""
    registry = _read(CONTRACTS / "registry.schema.json")
    contract = _read(CONTRACTS / "contract.schema.json")
    schemas = {
        "contract": contract,
        "manifest": manifest_schema(),
        "issuers": _read(CONTRACTS / "issuers.schema.json"),
        "registry": _with_contract(registry, contract),
        **{kind.lower(): _with_contract(_of_kind(registry, kind), contract) for kind in REGISTRY_KINDS},
    }
    return {f"{name}.json": _written(name, schema) for name, schema in schemas.items()}


def manifest_schema() -> Schema:
    """Make one schema of the shared keys, whose connector adds its own by `kind`."""
    shared = _read(ADAPTERS / "manifest.schema.json")
    definitions = dict(shared["$defs"])
    branches = []
    folders = sorted(file.parent for file in ADAPTERS.glob("connectors/*/schema.json"))
    for folder in folders:
        own = _read(folder / "schema.json")
        renamed = {name: f"{folder.name}-{name}" for name in own.pop("$defs", {})}
        definitions |= {
            renamed[name]: _with_references(part, renamed)
            for name, part in _read(folder / "schema.json").get("$defs", {}).items()
        }
        own = {key: part for key, part in own.items() if key not in ("$schema", "title", "variables")}
        condition = {"required": ["kind"], "properties": {"kind": {"const": folder.name}}}
        branches.append({"if": condition, "then": _with_references(own, renamed)})
    names = {"enum": [folder.name for folder in folders]}
    others = {"$ref": "#/$defs/name", "description": "A connector of another package."}
    kind = {**shared["properties"]["kind"], "anyOf": [names, others]}
    return {
        **shared,
        "title": "The manifest of an adapter",
        "properties": {**shared["properties"], "kind": kind},
        "allOf": branches,
        "$defs": _with_references(definitions, {}),
    }


def _of_kind(registry: Schema, kind: str) -> Schema:
    """Narrow the schema of registry documents to one kind."""
    [then] = [rule["then"] for rule in registry["allOf"] if rule["if"]["properties"]["kind"]["const"] == kind]
    properties = {**registry["properties"], "kind": {**registry["properties"]["kind"], "const": kind}}
    del properties["kind"]["enum"]
    properties["spec"] = {**then["properties"]["spec"], "description": f"What the {kind.lower()} is."}
    return {
        **{key: part for key, part in registry.items() if key != "allOf"},
        "title": f"A document of the registry: {kind}",
        "properties": properties,
        "allOf": [{"properties": {"metadata": then["properties"]["metadata"]}}],
    }


def _with_contract(registry: Schema, contract: Schema) -> Schema:
    """Put the schema of contracts where the schema of services asks for any object."""
    renamed = {name: f"contract-{name}" for name in contract["$defs"]}
    root = {key: part for key, part in contract.items() if key not in ("$schema", "$defs", "title")}
    definitions = {renamed[name]: _with_references(part, renamed) for name, part in contract["$defs"].items()}
    service = registry["$defs"]["service"]
    field = {**service["properties"]["contract"], "$ref": "#/$defs/contract"}
    service = {**service, "properties": {**service["properties"], "contract": field}}
    definitions["contract"] = _with_references(root, renamed)
    return _without_unused({**registry, "$defs": {**registry["$defs"], **definitions, "service": service}})


def _without_unused(schema: Schema) -> Schema:
    """Leave out the definitions that nothing refers to."""
    while True:
        text = json.dumps(schema)
        used = {name: part for name, part in schema["$defs"].items() if f'"#/$defs/{name}"' in text}
        if used == schema["$defs"]:
            return schema
        schema = {**schema, "$defs": used}


def _with_references(part: Any, renamed: dict[str, str]) -> Any:
    if isinstance(part, list):
        return [_with_references(item, renamed) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: f"#/$defs/{renamed.get(value.removeprefix('#/$defs/'), value.removeprefix('#/$defs/'))}"
        if key == "$ref" and isinstance(value, str)
        else _with_references(value, renamed)
        for key, value in part.items()
        if key != "variables" or not isinstance(value, str)  # says what expressions may use, to lgsp alone
    }


def _written(name: str, schema: Schema) -> str:
    head = {"$schema": DIALECT, "$id": f"urn:lgsp:schema:{name}"}
    return (
        json.dumps({**head, **{k: v for k, v in schema.items() if k not in head}}, ensure_ascii=False, indent=1) + "\n"
    )


def _read(path: Path) -> Schema:
    schema: Schema = json.loads(path.read_text(encoding="utf-8"))
    return schema
