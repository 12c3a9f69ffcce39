"""Checks an expression when its manifest is read: its functions, their literal arguments such as date patterns, and its variables."""

from collections.abc import Iterator
from typing import Any

from lgsp_adapters.mapping.functions import MOST, NAMES, check_argument
from lgsp_adapters.mapping.name_suggestions import suggestion
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts.source_location import SourceLocation


def check_names(parsed: Any, location: SourceLocation, names: tuple[str, ...]) -> None:
    """Check the functions, their arguments and the variables of an expression.

    Args:
        parsed: its syntax tree.
        names: the variables that it may name.

    Raises:
        Refusal: `invalid-document`, for the first that does not exist or can never work.
    """
    _check_node(parsed, location, names, top=True)


def _check_node(node: Any, location: SourceLocation, names: tuple[str, ...], *, top: bool) -> None:
    kind, value = node["type"], node.get("value")
    if kind == "subexpression" and node["children"][0]["type"] == "not_expression":  # JMESPath reads !a.b as (!a).b
        raise location.refusal("hãy viết !(a.b) thay cho !a.b", "write !(a.b) for !a.b, which JMESPath reads as (!a).b")
    if kind == "function_expression":
        if value not in NAMES:
            similar = suggestion(str(value), NAMES)
            raise location.refusal(f"không có hàm {value}; {similar.vi}", f"there is no function {value}; {similar.en}")
        _check_arguments(value, node["children"], location)
    if top and kind == "field" and value not in names:
        known = ", ".join(names)
        raise location.refusal(
            f"không có biến {value}; có: {known}", f"there is no variable {value}; the available ones are: {known}"
        )
    for number, child in enumerate(_children(node)):
        # Behind a dot or inside a projection the names are those of the data.
        inside = kind in (
            "subexpression",
            "index_expression",
            "pipe",
            "projection",
            "value_projection",
            "filter_projection",
            "flatten",
        )
        _check_node(child, location, names, top=top and not (inside and number > 0))


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
    if node["type"] in ("expref", "slice"):
        return
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield child
