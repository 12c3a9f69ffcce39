"""The documents that are valid under several subschemas at once.

The wider side of a comparison is a conjunction: a field of it may be restricted by `properties`, by a `$ref` and by a part of `allOf`
together. The properties computed here may be too wide and are never too narrow, so that nothing is called compatible because a keyword
was ignored.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import jsonschema_rs

from lgsp_contracts.references import resolve

TYPES = frozenset({"null", "boolean", "string", "integer", "fraction", "array", "object"})
"""The types of JSON Schema, with `number` split into integers and fractions."""

_NUMBER = frozenset({"integer", "fraction"})


class Subschema(NamedTuple):
    """A schema inside a document, and the document that its references lead into."""

    schema: Any
    root: Any


class Bound(NamedTuple):
    """A limit of numbers: the value, and whether the value itself is excluded."""

    value: Any
    is_exclusive: bool


class Conjunction:
    """Subschemas that all apply to a document, with `$ref` and `allOf` resolved.

    Args:
        subschemas: all that apply.
        chosen: alternatives (by the identity of their list) of which one was chosen already.
    """

    def __init__(self, subschemas: Iterable[Subschema], chosen: frozenset[int] = frozenset()) -> None:
        self.parts: list[Subschema] = []
        self.is_impossible = False
        self.chosen = chosen
        self._flatten(list(subschemas))
        self.identity = (frozenset((id(schema), id(root)) for schema, root in self.parts), chosen)

    def _flatten(self, pending: list[Subschema]) -> None:
        seen: set[tuple[int, int]] = set()
        while pending:
            schema, root = pending.pop(0)
            if schema is False:
                self.is_impossible = True
            if not isinstance(schema, Mapping) or (id(schema), id(root)) in seen:
                continue
            seen.add((id(schema), id(root)))
            if schema.keys() - {"$ref", "allOf"}:
                self.parts.append(Subschema(schema, root))
            if isinstance(schema.get("$ref"), str):
                pending.append(Subschema(resolve(schema["$ref"], root), root))
            pending += [Subschema(part, root) for part in schema.get("allOf", ())]

    def and_also(self, *subschemas: Subschema) -> "Conjunction":
        """Add further subschemas that apply to the documents."""
        extended = Conjunction((*self.parts, *subschemas), self.chosen)
        extended.is_impossible |= self.is_impossible
        return extended

    def alternatives(self) -> list["Conjunction"]:
        """Split the first `anyOf` or `oneOf` that was not split yet: one conjunction per branch; empty where there is none."""
        for part in self.parts:
            for keyword in ("anyOf", "oneOf"):
                branches = part.schema.get(keyword)
                if branches and id(branches) not in self.chosen:
                    chosen = self.chosen | {id(branches)}
                    return [Conjunction((*self.parts, Subschema(branch, part.root)), chosen) for branch in branches]
        return []

    @cached_property
    def types(self) -> frozenset[str]:
        """Collect the types that a document may have."""
        types = TYPES
        for schema, _ in self.parts:
            types &= types_of(schema)
        if self._listed is not None:
            types &= frozenset(type_of(value) for value in self._listed)
        return types

    @cached_property
    def values(self) -> list[Any] | None:
        """List every value that a document may be; None where they are not finitely many."""
        if self._listed is not None:
            return [value for value in self._listed if type_of(value) in self.types]
        if self.types <= {"null", "boolean"}:
            return [*([None] if "null" in self.types else []), *([True, False] if "boolean" in self.types else [])]
        return None

    @cached_property
    def _listed(self) -> list[Any] | None:
        values_in_all: dict[Any, Any] | None = None
        for schema, _ in self.parts:
            for values in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
                if values is not None:
                    values_by_key = {comparable(value): value for value in values}
                    values_in_all = (
                        values_by_key
                        if values_in_all is None
                        else {key: values_in_all[key] for key in values_in_all if key in values_by_key}
                    )
        return None if values_in_all is None else list(values_in_all.values())

    @cached_property
    def required(self) -> frozenset[str]:
        """Collect the fields that an object certainly has."""
        return frozenset(name for schema, _ in self.parts for name in schema.get("required", ()))

    @cached_property
    def named_fields(self) -> list[str]:
        """List the fields that any part names."""
        return list(dict.fromkeys(name for schema, _ in self.parts for name in schema.get("properties", ())))

    def field(self, name: str) -> "Conjunction":
        """Collect the subschemas of a field's value."""
        return Conjunction(
            Subschema(schema, part.root) for part in self.parts for schema, _ in rules_of_field(part.schema, name)
        )

    def item(self, index: int) -> "Conjunction":
        """Collect the subschemas of an array's item."""
        return Conjunction(Subschema(rule_of_item(part.schema, index), part.root) for part in self.parts)

    def everything_under(self, keyword: str) -> list[Subschema]:
        """List the subschemas that the parts have under one keyword."""
        return [Subschema(schema[keyword], root) for schema, root in self.parts if keyword in schema]

    def smallest(self, keyword: str) -> Any:
        """Find the smallest value of a keyword that sets an upper limit, or None."""
        return min((schema[keyword] for schema, _ in self.parts if keyword in schema), default=None)

    def largest(self, keyword: str) -> Any:
        """Find the largest value of a keyword that sets a lower limit, 0 where no part has it."""
        return max((schema[keyword] for schema, _ in self.parts if keyword in schema), default=0)

    @cached_property
    def item_limit(self) -> int | None:
        """Find how many items an array has at most; None where that is unlimited."""
        limits = [
            limit
            for schema, _ in self.parts
            for limit in (
                schema.get("maxItems"),
                len(schema.get("prefixItems", ())) if schema.get("items") is False else None,
            )
            if limit is not None
        ]
        return min(limits, default=None)

    @cached_property
    def lower(self) -> Bound | None:
        """Find the lower limit of a number."""
        bounds = [
            Bound(schema[keyword], keyword == "exclusiveMinimum")
            for schema, _ in self.parts
            for keyword in ("minimum", "exclusiveMinimum")
            if keyword in schema
        ]
        if not bounds:
            return None
        bound = max(bounds)  # of two equal values the exclusive one
        if "fraction" in self.types:
            return bound
        integer = -(-bound.value // 1)
        return Bound(integer + 1 if bound.is_exclusive and integer == bound.value else integer, False)

    @cached_property
    def upper(self) -> Bound | None:
        """Find the upper limit of a number."""
        bounds = [
            Bound(schema[keyword], keyword == "exclusiveMaximum")
            for schema, _ in self.parts
            for keyword in ("maximum", "exclusiveMaximum")
            if keyword in schema
        ]
        if not bounds:
            return None
        bound = min(bounds, key=lambda candidate: (candidate.value, not candidate.is_exclusive))
        if "fraction" in self.types:
            return bound
        integer = bound.value // 1
        return Bound(integer - 1 if bound.is_exclusive and integer == bound.value else integer, False)


def rules_of_field(schema: Mapping[str, Any], name: str) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Find the subschemas that apply to the value of a field, each with its path."""
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    is_known = name in properties
    if is_known:
        yield properties[name], ("properties", name)
    for pattern, rule in patterns.items():
        if matches(pattern, name):
            is_known = True
            yield rule, ("patternProperties", pattern)
    if not is_known and "additionalProperties" in schema:
        yield schema["additionalProperties"], ("properties", name)


def rule_of_item(schema: Mapping[str, Any], index: int) -> Any:
    """Find the subschema that applies to an item of an array."""
    prefix = schema.get("prefixItems", ())
    return prefix[index] if index < len(prefix) else schema.get("items", True)


def types_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """Read the types of a schema, with `number` split as in `TYPES`."""
    if "type" not in schema:
        return TYPES
    declared = schema["type"]
    names = {declared} if isinstance(declared, str) else set(declared)
    return frozenset(names - {"number"}) | (_NUMBER if "number" in names else frozenset())


def type_of(value: Any) -> str:
    """Return the type of a value, as in `TYPES`."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case Mapping():
            return "object"
        case list() | tuple():
            return "array"
        case _:
            return "integer" if value % 1 == 0 else "fraction"


def comparable(value: Any) -> Any:
    """Convert a value so that two are equal where JSON Schema treats them as equal: 1 and 1.0 are, 1 and true are not."""
    kind = type_of(value)
    if kind == "object":
        return kind, frozenset((name, comparable(item)) for name, item in value.items())
    if kind == "array":
        return kind, tuple(map(comparable, value))
    return kind, value


@lru_cache(1024)
def _compiled(pattern: str) -> jsonschema_rs.Draft202012Validator:
    options = jsonschema_rs.RegexOptions()
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options, offline=True)


def matches(pattern: str, text: str) -> bool:
    """Ask the engine that validates calls whether a pattern matches."""
    return _compiled(pattern).is_valid(text)
