"""The schemas of a contract as components of an OpenAPI or AsyncAPI document.

Generators of clients make a class of each component, and many follow no reference into one. So each schema that a reference leads to
is lifted: it becomes a component of its own, and all references lead to components.

A description is wider than the contract in two ways, and never narrower (docs/decisions/035):

* Alternatives that only say which fields are required (`anyOf: [{required: [a]}, {required: [b]}]`) become words of the description,
  since generators take them for alternative types and lose the fields; so do alternative forms of a text or number.
* Of an answer no field is required where a grant may hide it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from lgsp_contracts.contract import Contract
from lgsp_contracts.references import resolve

BASE = "#/components/schemas/"

_SCHEMAS = (
    *("items", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "contains", "propertyNames"),
    *("not", "if", "then", "else"),
)
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas")
_BASIC = ("string", "integer", "number", "boolean")
_DEFINITIONS = ("$defs", "definitions")
_PRESENCE = (
    *("required", "dependentRequired", "minProperties", "contains", "minContains"),
    *("not", "if", "then", "else", "dependentSchemas"),
)
"""Keywords that a document may break as soon as fields are hidden in it."""


def component_schemas(contract: Contract, *, projected: bool) -> dict[str, Any]:
    """Return the schemas of each operation and event as components: `OPERATION.request`, `OPERATION.response` and `EVENT.data`, and for
    each schema that one of them refers to, `OPERATION.request.NAME`.

    Args:
        projected: describe answers and events as consumers see them, of which a grant may hide any field; otherwise as the provider gives them.
    """
    components: dict[str, Any] = {}
    for name, operation in contract.operations.items():
        _Lifted(operation.request.document, f"{name}.request", components).lift()
        _Lifted(operation.response.document, f"{name}.response", components, projected=projected).lift()
    for name, event in contract.events.items():
        _Lifted(event.data.document, f"{name}.data", components, projected=projected).lift()
    return components


class _Lifted:
    """One schema document, lifted into components."""

    def __init__(
        self, root: Mapping[str, Any], base: str, components: dict[str, Any], *, projected: bool = False
    ) -> None:
        self._root = root
        self._base = base
        self._components = components
        self._left_out = _DEFINITIONS + (_PRESENCE if projected else ())
        self._projected = projected
        self._names = {"#": base}

    def lift(self) -> None:
        self._components[self._base] = {}  # reserves the name, and its place before those of what it refers to
        self._components[self._base] = self._copy(self._root)

    def _copy(self, schema: Any) -> Any:
        if not isinstance(schema, Mapping):
            return schema
        kept = {key: value for key, value in schema.items() if key not in self._left_out}
        words = []
        for key in [key for key in ("anyOf", "oneOf") if key in kept]:
            choices = kept[key]
            if _only_presence(choices):
                del kept[key]
                words += [] if self._projected else [_describe_choices(key, choices)]
            elif basic := _common_type(choices):
                del kept[key]
                kept.setdefault("type", basic)
                words += _describe_forms(choices)
        if self._projected and "oneOf" in kept and "anyOf" not in kept:
            kept["anyOf"] = kept.pop("oneOf")  # without the required fields several alternatives may fit
        copied = {key: self._copy_member(key, value) for key, value in kept.items()}
        if words:
            copied["description"] = " ".join(
                [f"{kept['description']}." if kept.get("description") else "", *words]
            ).strip()
        return copied

    def _copy_member(self, key: str, value: Any) -> Any:
        if key == "$ref":
            return BASE + self._component(value)
        if key in _SCHEMAS:
            return self._copy(value)
        if key in _LISTS:
            return [self._copy(item) for item in value]
        if key in _MAPS:
            return {name: self._copy(part) for name, part in value.items()}
        return value

    def _component(self, reference: str) -> str:
        """Return the name of the component that a reference becomes."""
        if reference not in self._names:
            name = self._names[reference] = self._unused_name(reference)
            self._components[name] = {}
            self._components[name] = self._copy(resolve(reference, self._root))
        return self._names[reference]

    def _unused_name(self, reference: str) -> str:
        """Choose a name by the rules of OpenAPI: letters, digits, dots, hyphens and underscores."""
        last = re.sub(r"[^A-Za-z0-9_-]+", "-", unquote(reference).rpartition("/")[2]).strip("-") or "part"
        name, number = f"{self._base}.{last}", 2
        while name in self._components:
            name, number = f"{self._base}.{last}-{number}", number + 1
        return name


def _only_presence(choices: Sequence[Any]) -> bool:
    """Tell whether alternatives differ in the required fields alone."""
    return all(isinstance(choice, Mapping) and choice.keys() == {"required"} for choice in choices)


def _describe_choices(key: str, choices: Sequence[Mapping[str, Any]]) -> str:
    fields = " or ".join(" and ".join(map(str, choice["required"])) or "none" for choice in choices)
    return f"{'At least' if key == 'anyOf' else 'Exactly'} one is required: {fields}."


def _common_type(choices: Sequence[Any]) -> str:
    """Return the type that all alternatives have, where it is a text, a number or a truth value; "" otherwise."""
    types = {choice.get("type") if isinstance(choice, Mapping) else None for choice in choices}
    return next((basic for basic in _BASIC if types == {basic}), "")


def _describe_forms(choices: Sequence[Mapping[str, Any]]) -> list[str]:
    forms = [str(choice.get("format") or choice.get("pattern") or "") for choice in choices]
    return [f"Forms: {' or '.join(forms)}."] if all(forms) else []
