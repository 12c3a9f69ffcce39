"""Checks an expression when its manifest is read: its functions, their literal arguments such as date patterns, and its variables."""

from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from lgsp_adapters.mapping.functions import MOST, NAMES, check_argument
from lgsp_adapters.mapping.name_suggestions import suggestion
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts.source_location import SourceLocation

_FILTER = "filter_projection"
_CHAINS = ("subexpression", "index_expression", "pipe", "projection", "value_projection", _FILTER, "flatten")
"""Nodes whose first part is evaluated where they are, and the others on its value; the third of a filter is its condition."""
_NOT_OF_ITEMS = frozenset({"connection", "request", "call", "now", "session", "answer", "row", "rows", "item"})
"""Variables that are meant where their names stand inside a filter; `status` and the like are common fields of items."""


def check_names(parsed: Any, location: SourceLocation, names: tuple[str, ...]) -> None:
    """Check the functions, their arguments and the variables of an expression.

    Args:
        parsed: its syntax tree.
        names: the variables that it may name.

    Raises:
        Refusal: `invalid-document`, for the first that does not exist or can never work.
    """
    _check_node(parsed, location, names, _Scope.VARIABLES)


class _Scope(Enum):
    """What a name at the beginning of a part of an expression is."""

    VARIABLES = auto()
    """A variable."""
    FIELD = auto()
    """A field of the value before it, behind a dot."""
    ITEM = auto()
    """A field of an item: in a filter, a multi-select behind a dot, a pipe or behind `&`. Variables have no value there."""


def _check_node(node: Any, location: SourceLocation, names: tuple[str, ...], scope: _Scope) -> None:
    kind, value = node["type"], node.get("value")
    if kind == "subexpression" and node["children"][0]["type"] == "not_expression":  # JMESPath reads !a.b as (!a).b
        raise location.refusal("hãy viết !(a.b) thay cho !a.b", "write !(a.b) for !a.b, which JMESPath reads as (!a).b")
    if kind == "function_expression":
        if value not in NAMES:
            similar = suggestion(str(value), NAMES)
            raise location.refusal(f"không có hàm {value}; {similar.vi}", f"there is no function {value}; {similar.en}")
        _check_arguments(value, node["children"], location)
    if kind == "field" and scope is _Scope.VARIABLES and value not in names:
        known = ", ".join(names)
        raise location.refusal(
            f"không có biến {value}; có: {known}", f"there is no variable {value}; the available ones are: {known}"
        )
    if kind == "field" and scope is _Scope.ITEM and value in names and value in _NOT_OF_ITEMS:
        raise location.refusal(
            f"biến {value} không có giá trị trong bộ lọc, phép chiếu hoặc sau dấu |, nơi tên là trường của phần tử; "
            f"hãy so sánh bằng all_equal(…) hoặc {{$each: …, $as: …}}; nếu {value} là trường của phần tử, hãy viết @.{value}",
            f"the variable {value} has no value inside a filter or projection or behind |, where names are fields of the item; "
            f"compare with all_equal(…) or {{$each: …, $as: …}}; if {value} is a field of the item, write @.{value}",
        )
    for number, child in enumerate(_children(node)):
        _check_node(child, location, names, _scope_of_child(kind, number, scope))


def _scope_of_child(kind: str, number: int, scope: _Scope) -> _Scope:
    if kind in _CHAINS and number == 0:
        return scope
    if kind in _CHAINS:
        is_condition = kind == "pipe" or (kind == _FILTER and number > 1)
        return _Scope.ITEM if is_condition else _Scope.FIELD
    return _Scope.VARIABLES if scope is _Scope.VARIABLES and kind != "expref" else _Scope.ITEM


def _check_arguments(name: str, arguments: list[Any], location: SourceLocation) -> None:
    """Refuse a function with too few or too many arguments, or with a literal one that it can never take."""
    least, most = NAMES[name], MOST.get(name, len(arguments))
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least}–{most}"
        raise location.refusal(f"hàm {name} cần {wanted} tham số", f"{name} takes {wanted} arguments")
    for number, argument in enumerate(arguments):
        if number and argument["type"] == "literal":
            try:
                check_argument(name, number, argument["value"])
            except MappingError as unmappable:
                raise location.refusal(f"hàm {name}: {unmappable}", f"{name}: {unmappable}") from unmappable


def _children(node: Any) -> Iterator[Any]:
    if node["type"] == "slice":
        return
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield child
