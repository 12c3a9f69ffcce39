"""What of an answer a grant lets its holder see.

A grant lists the fields it may see, as JSON Pointers into the answer; everything else is removed. A list is an
allow-list, so a field that a later minor version adds stays hidden until somebody grants it. Arrays are looked through:
`/nguoiDaiDien/hoVaTen` shows that field of every element.

The numbers of what is left are the provider's own, digit for digit: a document that holds one which orjson would write otherwise
(`1.10`, `5.0`, `12345678901234567.89`, `-0`) is read by `json`, which hands over the digits as they stand.
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
        self.fields = listed = tuple(fields)
        self.shows_everything = "*" in listed
        self._tree: _Tree = {}
        for field in listed:
            if field != "*":
                self._add(pointers.split(field))
        self._shown = frozenset(name for name, below in self._tree.items() if below is None)

    def _add(self, path: tuple[str, ...]) -> None:
        node = self._tree
        for part in path[:-1]:
            child = node.setdefault(part, {})
            if child is None:  # the whole of it is visible already
                return
            node = child
        if path:
            node[path[-1]] = None

    def shows_all_of(self, document: Any) -> bool:
        """Tell whether nothing of a document is hidden, so that its bytes can be given as they are. May say no where yes is true."""
        return self.shows_everything or (isinstance(document, dict) and document.keys() <= self._shown)

    def apply(self, document: Any) -> Any:
        """Copy a document without what may not be seen."""
        return document if self.shows_everything else _visible(document, self._tree)

    def cut(self, body: bytes, document: Any = None) -> bytes:
        """Write a document without what may not be seen.

        Args:
            document: the same, parsed by orjson, where that was done.
        """
        if self.shows_everything:
            return body
        visible = self.apply(orjson.loads(body) if document is None else document)
        if b"-0" in body or _holds_float(visible):
            visible = self.apply(json.loads(body, parse_float=orjson.Fragment, parse_int=orjson.Fragment))
        return orjson.dumps(visible)


def _holds_float(value: Any) -> bool:
    """Is there a number that is not written as its digits alone?"""
    level = [value]
    while level:
        kinds = set(map(type, level))
        if float in kinds:
            return True
        if not kinds & {dict, list}:
            return False
        level = [
            child
            for one in level
            if isinstance(one, (dict, list))
            for child in (one.values() if isinstance(one, dict) else one)
        ]
    return False


def _visible(value: Any, tree: _Tree | None) -> Any:
    if tree is None:
        return value
    if isinstance(value, dict):
        return {
            key: _visible(value[key], below)
            for key, below in tree.items()
            if key in value and (below is None or isinstance(value[key], (dict, list)))
        }
    if isinstance(value, list):
        return [_visible(item, tree) for item in value if isinstance(item, (dict, list))]
    return None
