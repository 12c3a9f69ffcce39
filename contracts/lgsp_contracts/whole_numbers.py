"""Conversion of `5.0` to `5` where a schema asks for an integer.

To JSON Schema `5.0` is an integer; to a URL path, an SQL statement or a WSDL it is not. So numbers are converted in requests before a
template uses them, and in responses before they are written.
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
    """Return a parser for the documents of a schema: numbers keep their digits, integers are `int`.

    For a schema that allows no numbers it is orjson's own, which costs nothing extra.
    """
    if not _may_contain_numbers(schema):
        return orjson.loads
    convert = whole_numbers(schema)
    return lambda content: convert(exact_json.loads(content))


def writer(schema: Mapping[str, Any], write: Callable[[Document], bytes]) -> Callable[[Document], bytes]:
    """Return a serialiser that converts the integers of a schema's documents before `write`; `write` itself for a schema without integers."""
    convert = whole_numbers(schema)
    return write if convert is _unchanged else lambda document: write(convert(document))


def whole_numbers(schema: Mapping[str, Any]) -> Callable[[Document], Document]:
    """Return a function that copies a document with `5` for `5.0` wherever the schema asks for an integer."""
    root = _SchemaNode()
    _NodeBuilder(schema).add(root, schema)
    return root.convert if root.leads_to_integer(set()) else _unchanged


class _SchemaNode:
    """The part of a schema that applies to one value: whether it is an integer, and the nodes of its children."""

    def __init__(self) -> None:
        self.integer = False
        self.fields: dict[str, _SchemaNode] = {}
        self.others: _SchemaNode | None = None
        self.items: _SchemaNode | None = None

    def leads_to_integer(self, seen: set[int]) -> bool:
        """Tell whether this value or one inside it is an integer."""
        if id(self) in seen:
            return False
        seen.add(id(self))
        children = [*self.fields.values(), self.others, self.items]
        return self.integer or any(node.leads_to_integer(seen) for node in children if node)

    def convert(self, value: Document) -> Document:
        """Copy a value, with its integers converted."""
        if isinstance(value, dict):
            return {
                name: node.convert(item) if (node := self.fields.get(name, self.others)) else item
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.items.convert(item) for item in value] if self.items else value
        if self.integer and isinstance(value, (Decimal, float)) and math.isfinite(value) and value == int(value):
            return int(value)
        return value


class _NodeBuilder:
    """Builds the nodes of a schema. It remembers each part: a schema may contain itself, and refer to one part a thousand times."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._added: set[tuple[int, int]] = set()
        self._nodes: dict[int, _SchemaNode] = {}

    def add(self, node: _SchemaNode, schema: Any) -> None:
        """Add a schema to the node of a value that it applies to."""
        if not isinstance(schema, Mapping) or (id(node), id(schema)) in self._added:
            return
        self._added.add((id(node), id(schema)))
        types = schema.get("type", ())
        node.integer |= "integer" in types and "number" not in types
        for name, part in schema.get("properties", {}).items():
            node.fields[name] = self._child(node.fields.get(name), part)
        if isinstance(schema.get("additionalProperties"), Mapping):
            node.others = self._child(node.others, schema["additionalProperties"])
        if isinstance(schema.get("items"), Mapping):
            node.items = self._child(node.items, schema["items"])
        for part in _schemas_of_same_value(schema, self._root):
            self.add(node, part)

    def _child(self, node: _SchemaNode | None, schema: Any) -> _SchemaNode:
        if node is None and isinstance(schema, Mapping):
            target = _target(schema, self._root) if schema.keys() == {"$ref"} else schema
            node = self._nodes.setdefault(id(target), _SchemaNode())
        node = node or _SchemaNode()
        self.add(node, schema)
        return node


def _schemas_of_same_value(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the subschemas that apply to the same value."""
    if "$ref" in schema:
        yield _target(schema, root)
    for name in _BRANCHES:
        yield from schema.get(name, ())
    for name in _PARTS:
        yield schema.get(name)


def _target(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    try:
        return pointers.find(root, pointers.split(str(schema["$ref"])[1:]))
    except ValueError:  # an anchor is not resolved: its numbers are not converted
        return None


def _may_contain_numbers(schema: Any) -> bool:
    """Tell whether a document of this schema may contain a number; True where that is not certain."""
    if not isinstance(schema, Mapping):
        return schema is not False
    kind = schema.get("type")
    if kind == "object" and schema.get("additionalProperties") is False and "patternProperties" not in schema:
        return any(map(_may_contain_numbers, schema.get("properties", {}).values()))
    if kind == "array" and "items" in schema and "prefixItems" not in schema:
        return _may_contain_numbers(schema["items"])
    return kind not in ("string", "boolean", "null")


def _unchanged(document: Document) -> Document:
    return document
