"""The rules of keywords that combine schemas: references, alternatives, negation, conditions."""

from collections.abc import Callable, Iterable

from lgsp_contracts.compatibility.comparison import Comparison, Difference, Kind, Pair, Rule
from lgsp_contracts.compatibility.conjunction import Conjunction, Subschema
from lgsp_contracts.references import resolve

MAX_DISJOINT_NESTING = 8
"""Levels of fields that are searched for a difference between two alternatives."""

_TYPES = {
    name: Subschema({"type": name}, {})
    for name in ("null", "boolean", "string", "integer", "number", "array", "object")
}


def _reference(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    return comparison.differences(pair.with_narrow(resolve(pair.narrow.schema["$ref"], pair.narrow.root)))


def _all_of(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    for index, rule in enumerate(pair.narrow.schema["allOf"]):
        yield from comparison.differences(pair.with_narrow(rule, "allOf", str(index)))


def _any_of(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    branches = _branches(pair.narrow, "anyOf")

    def are_taken(documents: Conjunction) -> bool:
        return any(comparison.includes(documents, branch, pair.depth) for branch in branches)

    if not _holds_by_type(pair.wide, are_taken):
        yield pair.difference(Kind.UNKNOWN, "anyOf")


def _one_of(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    branches = _branches(pair.narrow, "oneOf")

    def are_taken_once(documents: Conjunction) -> bool:
        return any(
            comparison.includes(documents, branch, pair.depth)
            and all(
                _are_disjoint(comparison, documents, Conjunction([other])) for other in branches if other is not branch
            )
            for branch in branches
        )

    wide_alternatives = [_branches(part, "oneOf") for part in pair.wide.parts if "oneOf" in part.schema]
    if any(_are_equivalent(comparison, alternatives, branches, pair.depth) for alternatives in wide_alternatives):
        return
    if not _holds_by_type(pair.wide, are_taken_once):
        yield pair.difference(Kind.UNKNOWN, "oneOf")


def _not(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    excluded = Conjunction([Subschema(pair.narrow.schema["not"], pair.narrow.root)])
    already_excluded = pair.wide.everything_under("not")
    is_kept = _are_disjoint(comparison, pair.wide, excluded) or any(
        comparison.includes(excluded, schema, pair.depth) for schema in already_excluded
    )
    if not is_kept:
        yield pair.difference(Kind.UNKNOWN, "not")


def _condition(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    schema = pair.narrow.schema
    condition = Subschema(schema["if"], pair.narrow.root)
    if_true, if_false = [condition], [Subschema({"not": condition.schema}, condition.root)]
    for part in pair.wide.parts:
        if "if" not in part.schema:
            continue
        wide_condition = Subschema(part.schema["if"], part.root)
        if "then" in part.schema and comparison.includes(Conjunction([condition]), wide_condition, pair.depth):
            if_true.append(Subschema(part.schema["then"], part.root))
        if "else" in part.schema and comparison.includes(Conjunction([wide_condition]), condition, pair.depth):
            if_false.append(Subschema(part.schema["else"], part.root))
    for keyword, conditions in (("then", if_true), ("else", if_false)):
        if keyword in schema:
            below = pair.with_narrow(schema[keyword], keyword)
            documents = pair.wide.and_also(*conditions)
            yield from comparison.differences(Pair(documents, below.narrow, below.path, below.depth))


def _branches(schema: Subschema, keyword: str) -> list[Subschema]:
    return [Subschema(branch, schema.root) for branch in schema.schema[keyword]]


def _holds_by_type(documents: Conjunction, holds: Callable[[Conjunction], bool]) -> bool:
    """Tell whether a property holds for all documents together, or for those of each type."""
    if holds(documents):
        return True
    names = {"number" if name == "fraction" else name for name in documents.types}
    names -= {"integer"} if "number" in names else set()
    return len(names) > 1 and all(holds(documents.and_also(_TYPES[name])) for name in sorted(names))


def _are_equivalent(comparison: Comparison, some: list[Subschema], others: list[Subschema], depth: int) -> bool:
    """Tell whether two lists of alternatives accept the same documents, pairwise in their order."""
    return len(some) == len(others) and all(
        comparison.includes(Conjunction([first]), second, depth)
        and comparison.includes(Conjunction([second]), first, depth)
        for first, second in zip(some, others, strict=True)
    )


def _are_disjoint(comparison: Comparison, some: Conjunction, others: Conjunction, nesting: int = 0) -> bool:
    """Tell whether certainly no document is in both sets."""
    types = some.types & others.types
    if some.is_impossible or others.is_impossible or not types:
        return True
    for values, parts in ((some.values, others.parts), (others.values, some.parts)):
        if values is not None:
            return not any(all(comparison.takes(part, value) for part in parts) for value in values)
    if types != {"object"} or nesting == MAX_DISJOINT_NESTING:
        return False
    return any(
        _are_disjoint(comparison, some.field(name), others.field(name), nesting + 1)
        for name in some.required | others.required
    )


RULES: dict[str, Rule] = {
    "$ref": _reference,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _condition,
}
