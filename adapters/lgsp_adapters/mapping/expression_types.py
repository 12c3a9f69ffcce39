"""The type of an expression's value, as far as its text tells it: what a literal is and what a function returns.

So a mapping that makes a string of what the contract calls a number is found before any call. Null is never named: any expression may have
no value, and its field is then left out.
"""

from collections.abc import Collection
from functools import cache
from typing import Any

from lgsp_adapters.mapping import function_reference
from lgsp_adapters.mapping.references import parse

Types = frozenset[str]
"""Types of JSON Schema; in place of `string` also `date` and `instant`, the strings that functions of dates return."""

STRINGS = ("string", "date", "instant")

_BUILT_IN = {
    **dict.fromkeys(("contains", "ends_with", "starts_with"), "boolean"),
    **dict.fromkeys(("abs", "avg", "sum", "to_number"), "number"),
    **dict.fromkeys(("ceil", "floor", "length"), "integer"),
    **dict.fromkeys(("join", "to_string", "type"), "string"),
    **dict.fromkeys(("keys", "map", "sort", "sort_by", "to_array", "values"), "array"),
    "merge": "object",
}
"""What JMESPath's own functions return; the others return what they are given."""

_FALSE = "false"
"""The value that `a && b` has where `a` does not hold."""


_BY_NODE = {
    **dict.fromkeys(("comparator", "not_expression"), frozenset({"boolean", _FALSE})),
    **dict.fromkeys(
        ("multi_select_list", "projection", "filter_projection", "value_projection", "flatten"), frozenset({"array"})
    ),
    "multi_select_dict": frozenset({"object"}),
}


def types_of(expression: str, of_strings: Collection[str] = ()) -> Types | None:
    """Return the types that an expression's value may have, or None where its text does not tell, or is no expression.

    Args:
        of_strings: variables that are objects of strings, such as the row of a CSV file.
    """
    parsed = parse(expression)
    if parsed and _is_field_of(parsed, of_strings):
        return frozenset({"string"})
    types = _types(parsed) if parsed else None
    return None if types is None else frozenset("boolean" if kind == _FALSE else kind for kind in types)


def literal_of(expression: str) -> tuple[Any] | None:
    """Return the value of an expression that is one literal, in a tuple; None for any other expression."""
    node = parse(expression)
    return (node["value"],) if node and node["type"] == "literal" else None


def type_of_value(value: Any) -> Types:
    """Return the types of a value: a whole number is an integer; null has none."""
    if value is None:
        return frozenset()
    names = {bool: "boolean", str: "string", int: "integer", list: "array", dict: "object"}
    return frozenset({names.get(type(value), "number")})


def _is_field_of(node: Any, variables: Collection[str]) -> bool:
    """Tell whether an expression is a field of one of these variables: `row.So`."""
    children = node.get("children", [])
    return (
        node["type"] == "subexpression"
        and [child["type"] for child in children] == ["field", "field"]
        and children[0]["value"] in variables
    )


def _types(node: Any) -> Types | None:
    kind, children = node["type"], node.get("children", [])
    if kind == "literal":
        return type_of_value(node["value"])
    if kind == "function_expression":
        returned = _returns().get(node["value"], "any")
        return None if returned == "any" else frozenset({returned})
    if kind in ("subexpression", "pipe"):
        return _types(children[-1])
    if kind in ("or_expression", "and_expression"):
        return _of_condition(kind, _types(children[0]), _types(children[1]))
    return _BY_NODE.get(kind)


def _of_condition(kind: str, left: Types | None, right: Types | None) -> Types | None:
    if left is None or right is None:
        return None
    if kind == "or_expression":
        return (left - {_FALSE}) | right
    empty = left & {_FALSE, "string", "array", "object", "date", "instant"}  # what JMESPath takes for false
    return empty | right


@cache
def _returns() -> dict[str, str]:
    return {**_BUILT_IN, **{name: function.returns for name, function in function_reference.load().items()}}
