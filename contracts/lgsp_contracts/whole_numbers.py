"""Where a schema asks for integers: to JSON Schema `5.0` is one, to a path, a statement or a WSDL it is not.

What a caller or a database writes as `5.0` becomes `5` where the schema says integer, on the way in before any template sees it and
on the way out before it is written.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import orjson

from lgsp_contracts import exact_json, pointers

Document = Any
_BRANCHES = ("allOf", "anyOf", "oneOf")
_PARTS = ("then", "else", "if")


def reader(schema: Mapping[str, Any]) -> Callable[[bytes], Document]:
    """Make what reads the documents of a schema: numbers keep their digits, integers are integers.

    Where the schema lets no number be, that is orjson itself, so that most calls pay nothing.
    """
    if not _may_hold_numbers(schema):
        return orjson.loads
    whole = whole_numbers(schema)
    return lambda content: whole(exact_json.loads(content))


def writer(schema: Mapping[str, Any], write: Callable[[Document], bytes]) -> Callable[[Document], bytes]:
    """Make what writes the documents of a schema with its integers as such; where it has none, that is `write` itself."""
    whole = whole_numbers(schema)
    return write if whole is _same else lambda document: write(whole(document))


def whole_numbers(schema: Mapping[str, Any]) -> Callable[[Document], Document]:
    """Make what turns `5.0` into `5` wherever a schema asks for an integer; the document that is given stays as it is."""
    root = _Place()
    _Learning(schema).teach(root, schema)
    return root.whole if root.leads_to_integer(set()) else _same


class _Place:
    """What a schema says of one value: is it an integer, and what stands in it."""

    def __init__(self) -> None:
        self.integer = False
        self.fields: dict[str, _Place] = {}
        self.others: _Place | None = None
        self.items: _Place | None = None

    def leads_to_integer(self, seen: set[int]) -> bool:
        """Tell whether there is an integer here or below."""
        if id(self) in seen:
            return False
        seen.add(id(self))
        below = [*self.fields.values(), self.others, self.items]
        return self.integer or any(place.leads_to_integer(seen) for place in below if place)

    def whole(self, value: Document) -> Document:
        """Copy a value with its integers as such."""
        if isinstance(value, dict):
            return {
                name: place.whole(item) if (place := self.fields.get(name, self.others)) else item
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.items.whole(item) for item in value] if self.items else value
        if self.integer and isinstance(value, (Decimal, float)) and math.isfinite(value) and value == int(value):
            return int(value)
        return value


class _Learning:
    """Reads a schema into places. What it has read it remembers: a schema may hold itself, and name one part a thousand times."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._taught: set[tuple[int, int]] = set()
        self._places: dict[int, _Place] = {}

    def teach(self, place: _Place, schema: Any) -> None:
        """Add to a place what a schema says of it."""
        if not isinstance(schema, Mapping) or (id(place), id(schema)) in self._taught:
            return
        self._taught.add((id(place), id(schema)))
        types = schema.get("type", ())
        place.integer |= "integer" in types and "number" not in types
        for name, part in schema.get("properties", {}).items():
            place.fields[name] = self._below(place.fields.get(name), part)
        if isinstance(schema.get("additionalProperties"), Mapping):
            place.others = self._below(place.others, schema["additionalProperties"])
        if isinstance(schema.get("items"), Mapping):
            place.items = self._below(place.items, schema["items"])
        for part in _here(schema, self._root):
            self.teach(place, part)

    def _below(self, place: _Place | None, schema: Any) -> _Place:
        if place is None and isinstance(schema, Mapping):
            meant = _target(schema, self._root) if schema.keys() == {"$ref"} else schema
            place = self._places.setdefault(id(meant), _Place())
        place = place or _Place()
        self.teach(place, schema)
        return place


def _here(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas that speak of the same value."""
    if "$ref" in schema:
        yield _target(schema, root)
    for name in _BRANCHES:
        yield from schema.get(name, ())
    for name in _PARTS:
        yield schema.get(name)


def _target(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    try:
        return pointers.find(root, pointers.split(str(schema["$ref"])[1:]))
    except ValueError:  # an anchor: nothing is known of it, and its numbers stay as they are
        return None


def _may_hold_numbers(schema: Any) -> bool:
    """May a document of this schema hold a number anywhere? Says yes where it is not plainly no."""
    if not isinstance(schema, Mapping):
        return schema is not False
    kind = schema.get("type")
    if kind == "object" and schema.get("additionalProperties") is False and "patternProperties" not in schema:
        return any(map(_may_hold_numbers, schema.get("properties", {}).values()))
    if kind == "array" and "items" in schema and "prefixItems" not in schema:
        return _may_hold_numbers(schema["items"])
    return kind not in ("string", "boolean", "null")


def _same(document: Document) -> Document:
    return document
