"""Which columns of a table a mapping names.

A heading that was renamed, or holds a space that nobody sees, leaves a field out of every answer without a word. So the columns that a
manifest names are read from its expressions and demanded of each file. What an expression does to a row is followed through its tree:
`row."Số"`, `rows[0].So`, `rows[?Loai == 'A'].So`, `{$each: rows, $as: item.So}`.
"""

from collections.abc import Mapping
from typing import Any

import jmespath

from lgsp_adapters.text.comparison import normalize_heading

Kinds = Mapping[str, str]
"""What each variable is: `row`, `rows`; others are of no interest."""

_CHAINS = ("subexpression", "pipe", "index_expression", "flatten")
"""Nodes that pass the value of each part to the next."""

_STANDING = ("current", "identity", "slice", "index")
_KEEPING = ("sort_by", "reverse", "several")
"""Functions that return the rows that they get."""

_PICKING = ("max_by", "min_by")
"""Functions that return one of the rows that they get."""


def named_columns(template: Any, kinds: Kinds) -> set[str]:
    """Collect the columns that a template names, normalized as headings are.

    Args:
        template: as it stands in a manifest; its expressions were checked already.
    """
    collector = _ColumnCollector()
    collector.template(template, kinds)
    return collector.columns


def uses_variable(template: Any, variable: str) -> bool:
    """Tell whether a template names a variable."""
    collector = _ColumnCollector()
    collector.template(template, {})
    return variable in collector.variables


class _ColumnCollector:
    def __init__(self) -> None:
        self.columns: set[str] = set()
        self.variables: set[str] = set()

    def template(self, document: Any, kinds: Kinds) -> str:
        if isinstance(document, str):
            return self._node(jmespath.compile(document).parsed, "scope", kinds)
        if isinstance(document, list):
            for item in document:
                self.template(item, kinds)
        elif isinstance(document, dict):
            each = next((name for name in ("$each", "$with") if name in document), None)
            if each is None:
                for value in document.values():
                    self.template(value, kinds)
            else:
                kind = self.template(document[each], kinds)
                inner = _item_kind(kind) if each == "$each" else kind
                self.template(document["$as"], {**kinds, "item": inner})
        return ""

    def _node(self, node: Any, current: str, kinds: Kinds) -> str:
        """Return the kind of an expression's value, given the kind of the current value."""
        kind, children = node["type"], node.get("children", [])
        if kind == "field":
            return self._field(str(node["value"]), current, kinds)
        if kind in _CHAINS:
            for child in children:
                current = self._node(child, current, kinds)
            return current
        if kind in ("projection", "filter_projection"):
            return self._projection(children, current, kinds)
        if kind == "function_expression":
            return self._function(node, current, kinds)
        if kind in _STANDING:
            return _item_kind(current) if kind == "index" else current
        child_kinds = [self._node(child, current, kinds) for child in children if isinstance(child, dict)]
        return (
            next((child_kind for child_kind in child_kinds if child_kind), "")
            if kind in ("or_expression", "and_expression")
            else ""
        )

    def _projection(self, children: Any, current: str, kinds: Kinds) -> str:
        item_kind = _item_kind(self._node(children[0], current, kinds))
        for condition in children[2:]:
            self._node(condition, item_kind, kinds)
        return "rows" if self._node(children[1], item_kind, kinds) == "row" else ""

    def _field(self, name: str, current: str, kinds: Kinds) -> str:
        if current == "row":
            self.columns.add(normalize_heading(name))
            return ""
        if current == "scope":
            self.variables.add(name)
            return kinds.get(name, "")
        return ""

    def _function(self, node: Any, current: str, kinds: Kinds) -> str:
        children = node["children"]
        argument_kinds = [self._node(child, current, kinds) for child in children if child["type"] != "expref"]
        rows = "rows" in argument_kinds
        for child in children:
            if child["type"] == "expref":
                self._node(child["children"][0], "row" if rows else "", kinds)
        if not rows and "row" not in argument_kinds:
            return ""
        return "rows" if node["value"] in _KEEPING else "row" if node["value"] in _PICKING else ""


def _item_kind(kind: str) -> str:
    return "row" if kind == "rows" else ""
