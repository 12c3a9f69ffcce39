"""The rules of objects and their fields."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lgsp_contracts.compatibility.comparison import Comparison, Difference, Kind, Pair, Rule
from lgsp_contracts.compatibility.conjunction import Conjunction, Subschema, rules_of_field
from lgsp_contracts.compatibility.value_rules import at_limit, for_types

_OBJECT = frozenset({"object"})
_ANYTHING = Subschema({}, {})
_STRINGS = Subschema({"type": "string"}, {})


def _required(_: Comparison, pair: Pair) -> Iterable[Difference]:
    for name in sorted(set(pair.narrow.schema["required"]) - pair.wide.required):
        yield pair.difference(Kind.REQUIRED, "required", "properties", name)


def _fields(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    for name in dict.fromkeys((*pair.narrow.schema.get("properties", ()), *pair.wide.named_fields)):
        rules = list(rules_of_field(pair.narrow.schema, name))
        if not rules:
            continue
        field = pair.wide.field(name)
        for rule, path in rules if not field.is_impossible else ():
            if rule is False:
                yield pair.difference(Kind.FIELD_GONE, path[0], "properties", name)
            else:
                yield from comparison.differences(pair.inside(field, rule, *path))
    yield from _unnamed_fields(comparison, pair)


def _unnamed_fields(comparison: Comparison, pair: Pair) -> list[Difference]:
    """Compare the rules of unnamed fields: patterns, and `additionalProperties`."""
    narrow_rules: list[tuple[str | None, Any]] = list(pair.narrow.schema.get("patternProperties", {}).items())
    rest = pair.narrow.schema.get("additionalProperties", True)
    narrow_rules += [] if rest is True else [(None, rest)]
    if not narrow_rules:
        return []
    attempts = (
        [difference for target in narrow_rules for difference in _unnamed_fields_of(comparison, pair, part, *target)]
        for part in pair.wide.parts or [_ANYTHING]
    )
    first = next(attempts)
    return (
        [] if not first or not all(attempts) else first
    )  # all parts apply, so it is enough that one of them restricts the fields


def _unnamed_fields_of(
    comparison: Comparison, pair: Pair, part: Subschema, pattern: str | None, rule: Any
) -> Iterator[Difference]:
    """Compare the unnamed fields of one part with one pattern (None: `additionalProperties`) of the narrower schema."""
    patterns = part.schema.get("patternProperties", {})
    other_patterns = pair.narrow.schema.get("patternProperties", {}) if pattern is None else ()
    path = ("additionalProperties",) if pattern is None else ("patternProperties", pattern)
    for source, schema in (*patterns.items(), (None, part.schema.get("additionalProperties", True))):
        is_ruled_by_its_own_pattern = source in other_patterns or (pattern in patterns and source != pattern)
        fields = Conjunction([Subschema(schema, part.root)])
        if is_ruled_by_its_own_pattern or fields.is_impossible:
            continue
        if rule is False:
            yield pair.difference(Kind.OTHER_FIELDS, path[0], *path)
        else:
            yield from comparison.differences(pair.inside(fields, rule, *path))


def _property_names(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    rule = Subschema(pair.narrow.schema["propertyNames"], pair.narrow.root)
    if any(all(comparison.takes(rule, name) for name in names) for names in _closed_lists(pair.wide)):
        return ()
    names = Conjunction([_STRINGS, *pair.wide.everything_under("propertyNames")])
    return comparison.differences(pair.inside(names, rule.schema, "propertyNames"))


def _fewest_fields(wide: Conjunction) -> int:
    return max(int(wide.largest("minProperties")), len(wide.required))


def _most_fields(wide: Conjunction) -> float:
    limits = [float(len(names)) for names in _closed_lists(wide)]
    return min(
        [*limits, *(schema["maxProperties"] for schema, _ in wide.parts if "maxProperties" in schema)],
        default=float("inf"),
    )


def _closed_lists(wide: Conjunction) -> list[Mapping[str, Any]]:
    """Find the field lists of closed objects, which allow no other fields."""
    return [
        schema.get("properties", {})
        for schema, _ in wide.parts
        if schema.get("additionalProperties") is False and not schema.get("patternProperties")
    ]


def _dependent_required(_: Comparison, pair: Pair) -> Iterable[Difference]:
    for name, needed in pair.narrow.schema["dependentRequired"].items():
        already_required = {
            other for schema, _ in pair.wide.parts for other in schema.get("dependentRequired", {}).get(name, ())
        }
        if set(needed) - already_required - pair.wide.required - {name} and not pair.wide.field(name).is_impossible:
            yield pair.difference(Kind.UNKNOWN, "dependentRequired", "dependentRequired", name)


def _dependent_schemas(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    for name, rule in pair.narrow.schema["dependentSchemas"].items():
        if pair.wide.field(name).is_impossible:
            continue
        already_applied = [
            Subschema(schema["dependentSchemas"][name], root)
            for schema, root in pair.wide.parts
            if name in schema.get("dependentSchemas", {})
        ]
        with_field = pair.wide.and_also(Subschema({"required": [name]}, {}), *already_applied)
        below = pair.with_narrow(rule, "dependentSchemas", name)
        yield from comparison.differences(Pair(with_field, below.narrow, below.path, below.depth))


RULES: dict[str, Rule] = {
    keyword: for_types(_OBJECT, rule)
    for keyword, rule in {
        "required": _required,
        "propertyNames": _property_names,
        "dependentRequired": _dependent_required,
        "dependentSchemas": _dependent_schemas,
        "minProperties": at_limit("minProperties", Kind.LOWER, lambda wide, value: bool(_fewest_fields(wide) >= value)),
        "maxProperties": at_limit("maxProperties", Kind.UPPER, lambda wide, value: bool(_most_fields(wide) <= value)),
    }.items()
}
RULES |= dict.fromkeys(("properties", "patternProperties", "additionalProperties"), for_types(_OBJECT, _fields))
