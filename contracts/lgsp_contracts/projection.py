"""The fields of a response that a grant shows.

A grant lists the visible fields as JSON Pointers into the response; everything else is removed. It is an allow-list, so a
field that a later minor version adds stays hidden until it is granted. Pointers skip arrays: `/nguoiDaiDien/hoVaTen` shows
that field of every element.

Numbers keep the provider's own digits: a document with one that orjson would write differently (`1.10`, `5.0`,
`12345678901234567.89`, `-0`) is parsed by `json`, which keeps the digits as text.
"""

import json
from collections.abc import Iterable
from typing import Any

import orjson

from lgsp_contracts import pointers

_Tree = dict[str, Any]


class Projection:
    """The visible part of a document.

    Args:
        fields: JSON Pointers without array indices; `"*"` among them shows everything.

    Raises:
        ValueError: a field is not a JSON Pointer.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        self.fields = pointers_listed = tuple(fields)
        self.shows_everything = "*" in pointers_listed
        self._tree: _Tree = {}
        for field in pointers_listed:
            if field != "*":
                self._add(pointers.split(field))
        self._fully_visible = frozenset(name for name, subtree in self._tree.items() if subtree is None)

    def _add(self, path: tuple[str, ...]) -> None:
        node = self._tree
        for part in path[:-1]:
            child = node.setdefault(part, {})
            if child is None:  # an ancestor is visible already
                return
            node = child
        if path:
            node[path[-1]] = None

    def shows_all_of(self, document: Any) -> bool:
        """Tell whether no field of a document is hidden, so that its bytes can be returned unchanged. May be False although none is."""
        return self.shows_everything or (isinstance(document, dict) and document.keys() <= self._fully_visible)

    def apply(self, document: Any) -> Any:
        """Copy a document without its hidden fields."""
        return document if self.shows_everything else _visible(document, self._tree)

    def cut(self, body: bytes, document: Any = None) -> bytes:
        """Serialise a document without its hidden fields.

        Args:
            body: the document as JSON.
            document: the same, where orjson has parsed it already.
        """
        if self.shows_everything:
            return body
        return self._serialized(body, self.apply(orjson.loads(body) if document is None else document))

    def cut_both(self, body: bytes, document: Any) -> tuple[bytes, Any]:
        """Return a document without its hidden fields, as `cut` and as `apply` do."""
        visible = self.apply(document)
        return (body if self.shows_everything else self._serialized(body, visible)), visible

    def _serialized(self, body: bytes, visible: Any) -> bytes:
        if b"-0" in body or _contains_float(visible):
            visible = self.apply(json.loads(body, parse_float=orjson.Fragment, parse_int=orjson.Fragment))
        return orjson.dumps(visible)


def _contains_float(value: Any) -> bool:
    """Tell whether a document contains a float."""
    level = [value]
    while level:
        kinds = set(map(type, level))
        if float in kinds:
            return True
        if not kinds & {dict, list}:
            return False
        level = [
            child
            for container in level
            if isinstance(container, (dict, list))
            for child in (container.values() if isinstance(container, dict) else container)
        ]
    return False


def _visible(value: Any, tree: _Tree | None) -> Any:
    if tree is None:
        return value
    if isinstance(value, dict):
        return {
            key: _visible(value[key], subtree)
            for key, subtree in tree.items()
            if key in value and (subtree is None or isinstance(value[key], (dict, list)))
        }
    if isinstance(value, list):
        return [_visible(item, tree) for item in value if isinstance(item, (dict, list))]
    return None
