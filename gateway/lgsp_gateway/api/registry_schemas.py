"""Schemas of the registry's documents, for the description of the management API.

They are taken from `registry.schema.json` and `contract.schema.json`, by which the registry validates documents, so that the
description cannot say anything else.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from lgsp_gateway.api.schemas import (
    NEXT_CURSOR,
    NON_NEGATIVE_INTEGER,
    TEXT,
    Schema,
    list_schema,
    object_schema,
    ref,
)
from lgsp_gateway.registry.documents import API_VERSION, KINDS
from lgsp_gateway.registry.drift import STATES

_SPECS = ("instance", "agency", "purpose", "person", "system", "service", "grant")
"""Definitions of `registry.schema.json` that are the spec of a kind of document."""

_CONTRACT_KEYWORDS = ("type", "required", "additionalProperties", "properties")


def registry_schemas() -> dict[str, Schema]:
    """Return the components of the registry by name: for each kind the document, its list, its history, and what they refer to."""
    registry, contract = _read_schema("registry"), _read_schema("contract")
    registry_names = {
        name: f"{name.capitalize()}Spec" if name in _SPECS else name[0].upper() + name[1:] for name in registry["$defs"]
    }
    contract_names = {name: "Contract" + name.capitalize() for name in contract["$defs"]}
    components = {registry_names[name]: _rebase(schema, registry_names) for name, schema in registry["$defs"].items()}
    components |= {contract_names[name]: _rebase(schema, contract_names) for name, schema in contract["$defs"].items()}
    contract_itself = {keyword: contract[keyword] for keyword in _CONTRACT_KEYWORDS if keyword in contract}
    components["Contract"] = _rebase(contract_itself, contract_names)
    components["ServiceSpec"]["properties"]["contract"] = ref("Contract")
    for kind in KINDS:
        components[kind] = _document_schema(kind)
        components[f"{kind}List"] = list_schema(ref(kind), optional={"next": NEXT_CURSOR})
        components[f"{kind}History"] = list_schema(ref(f"{kind}Version"))
        components[f"{kind}Version"] = _document_schema(kind, deletable=True)
    purpose = object_schema({"code": TEXT, "title": ref("Text"), "legalBasis": TEXT})
    components["Applied"] = {
        **object_schema({"set": TEXT, "revision": NON_NEGATIVE_INTEGER, "sha256": TEXT}),
        "description": "how the document was last applied from files: which set of them, and the revision and digest that it had",
    }
    standing = {
        "kind": {"enum": list(KINDS)},
        "name": TEXT,
        "state": {"enum": list(STATES)},
        "revision": NON_NEGATIVE_INTEGER,
        "updatedAt": {**NON_NEGATIVE_INTEGER, "description": "milliseconds since 1970"},
        "updatedBy": TEXT,
        "reason": TEXT,
    }
    since = {"set": TEXT, "appliedRevision": NON_NEGATIVE_INTEGER}
    components["Drift"] = list_schema(object_schema(standing, since), optional={"next": NEXT_CURSOR})
    components["Purposes"] = list_schema(purpose)
    return components


def _document_schema(kind: str, *, deletable: bool = False) -> Schema:
    """Return the schema of a document of a kind; with `deletable`, of a version in its history, whose spec may be null."""
    name = {"Agency": {**TEXT, "format": "ma-dinh-danh-dien-tu"}, "Person": ref("PersonId")}.get(kind, ref("Name"))
    spec = ref(f"{kind}Spec")
    return object_schema(
        {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": kind},
            "metadata": object_schema(
                {"name": name},
                {
                    "revision": {**NON_NEGATIVE_INTEGER, "readOnly": True},
                    "updatedAt": {**NON_NEGATIVE_INTEGER, "readOnly": True, "description": "milliseconds since 1970"},
                    "updatedBy": {**TEXT, "readOnly": True},
                    "reason": {**TEXT, "readOnly": True},
                    "applied": {**ref("Applied"), "readOnly": True},
                },
            ),
            "spec": {"anyOf": [spec, {"type": "null"}], "description": "null where the document was deleted"}
            if deletable
            else spec,
        },
        {"status": {"type": "object", "readOnly": True, "description": "the state that the registry derives from it"}},
    )


def _read_schema(name: str) -> Schema:
    schema: Schema = json.loads(files("lgsp_contracts").joinpath(f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema


def _rebase(schema: Any, names: Mapping[str, str]) -> Any:
    """Return a schema whose references into `$defs` refer to components, by the names given."""
    if isinstance(schema, list):
        return [_rebase(item, names) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    rebased = {key: _rebase(value, names) for key, value in schema.items()}
    if isinstance(rebased.get("$ref"), str):
        rebased["$ref"] = ref(names[rebased["$ref"].removeprefix("#/$defs/")])["$ref"]
    return rebased
