"""The rules of arrays."""

from collections.abc import Iterable

from lgsp_contracts.compatibility.comparison import Comparison, Difference, Kind, Pair, Rule
from lgsp_contracts.compatibility.conjunction import Conjunction, Subschema, rule_of_item
from lgsp_contracts.compatibility.value_rules import at_limit, for_types, is_at_most

_ARRAY = frozenset({"array"})


def _items(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    prefixes = [part.schema.get("prefixItems", ()) for part in (*pair.wide.parts, pair.narrow)]
    prefix_length = len(pair.narrow.schema.get("prefixItems", ()))
    for index in range(max(map(len, prefixes)) + 1):  # the last index represents all further items
        if is_at_most(pair.wide.item_limit, index):
            return
        path = ("prefixItems", str(index)) if index < prefix_length else ("items",)
        rule = rule_of_item(pair.narrow.schema, index)
        yield from comparison.differences(pair.inside(pair.wide.item(index), rule, *path))


def _unique_items(_: Comparison, pair: Pair) -> Iterable[Difference]:
    is_kept = (
        not pair.narrow.schema["uniqueItems"]
        or is_at_most(pair.wide.item_limit, 1)
        or any(schema.get("uniqueItems") for schema, _ in pair.wide.parts)
    )
    if not is_kept:
        yield pair.difference(Kind.RULE, "uniqueItems")


def _contains(comparison: Comparison, pair: Pair) -> Iterable[Difference]:
    required_schema = Subschema(pair.narrow.schema["contains"], pair.narrow.root)
    min_contains, max_contains = pair.narrow.schema.get("minContains", 1), pair.narrow.schema.get("maxContains")
    wide_contains = [
        (Subschema(schema["contains"], root), schema.get("minContains", 1), schema.get("maxContains"))
        for schema, root in pair.wide.parts
        if "contains" in schema
    ]
    if min_contains > 0 and not any(
        count >= min_contains and comparison.includes(Conjunction([counted_schema]), required_schema, pair.depth + 1)
        for counted_schema, count, _ in wide_contains
    ):
        yield pair.difference(Kind.UNKNOWN, "contains")
    if max_contains is None or is_at_most(pair.wide.item_limit, max_contains):
        return
    if not any(
        is_at_most(count, max_contains)
        and comparison.includes(Conjunction([required_schema]), counted_schema, pair.depth + 1)
        for counted_schema, _, count in wide_contains
    ):
        yield pair.difference(Kind.UNKNOWN, "maxContains")


RULES: dict[str, Rule] = {
    keyword: for_types(_ARRAY, rule)
    for keyword, rule in {
        "contains": _contains,
        "uniqueItems": _unique_items,
        "minItems": at_limit("minItems", Kind.LOWER, lambda wide, value: bool(wide.largest("minItems") >= value)),
        "maxItems": at_limit("maxItems", Kind.UPPER, lambda wide, value: is_at_most(wide.item_limit, value)),
    }.items()
}
RULES |= dict.fromkeys(("items", "prefixItems"), for_types(_ARRAY, _items))
