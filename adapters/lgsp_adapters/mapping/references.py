"""What an expression refers to: the paths that begin with one of its variables, such as `request.diaChi.maXa`.

A path ends where the expression does more than name fields: of `request.nguoi[?chuHo].ten` it is `request.nguoi`, and all within it counts as used.
"""

from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from lgsp_adapters.text.normalization import nfc

Path = tuple[str, ...]

_INSIDE = (
    "subexpression",
    "index_expression",
    "pipe",
    "projection",
    "value_projection",
    "filter_projection",
    "flatten",
)
"""Nodes whose first part alone is evaluated on the variables, and the others on its value."""


def references(expression: str) -> set[Path]:
    """Collect the paths to which an expression refers, each with its variable first; none of what is no expression."""
    parsed = parse(expression)
    return set(_paths(parsed)) if parsed else set()


def parse(expression: str) -> Any:
    """Return the syntax tree of an expression, or None where it is none."""
    try:
        return jmespath.compile(nfc(expression)).parsed
    except JMESPathError:
        return None


def _paths(node: Any) -> Iterator[Path]:
    kind, children = node["type"], [child for child in node.get("children", ()) if isinstance(child, dict)]
    if kind == "field":
        yield (str(node["value"]),)
    elif kind == "subexpression" and children[0]["type"] == "field":
        names = [str(children[0]["value"])]
        for child in children[1:]:
            if child["type"] != "field":
                break
            names.append(str(child["value"]))
        yield tuple(names)
    elif kind not in ("expref", "slice"):
        for child in children[:1] if kind in _INSIDE else children:
            yield from _paths(child)
