"""A schema as the rows of a table: the fields of a document, their values, and whether they are required."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_contracts import references
from lgsp_contracts.formats import FORMAT_WORDS
from lgsp_problems import Text

MAX_DEPTH = 8
"""Levels that are listed, since a schema may refer to itself."""

_KINDS = {
    "string": Text("chuỗi", "text"),
    "integer": Text("số nguyên", "whole number"),
    "number": Text("số", "number"),
    "boolean": Text("đúng/sai", "true or false"),
    "object": Text("đối tượng", "object"),
    "array": Text("danh sách", "list"),
    "null": Text("null", "null"),
}
_LIMITS = {
    "minLength": Text("ít nhất {} ký tự", "at least {} characters"),
    "maxLength": Text("tối đa {} ký tự", "at most {} characters"),
    "minimum": Text("từ {}", "from {}"),
    "exclusiveMinimum": Text("lớn hơn {}", "more than {}"),
    "maximum": Text("đến {}", "up to {}"),
    "exclusiveMaximum": Text("nhỏ hơn {}", "less than {}"),
    "multipleOf": Text("bội số của {}", "a multiple of {}"),
    "minItems": Text("ít nhất {} mục", "at least {} items"),
    "maxItems": Text("tối đa {} mục", "at most {} items"),
    "pattern": Text("theo mẫu {}", "matching the pattern {}"),
}
_ALTERNATIVES = {
    "anyOf": Text("Bắt buộc có ít nhất một trong", "At least one of these is required"),
    "oneOf": Text("Bắt buộc có đúng một trong", "Exactly one of these is required"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One row. `path` is in the form that people read: `chuSuDung[].hoVaTen`."""

    path: str
    required: bool
    kind: Text
    meaning: str


def fields(schema: Mapping[str, Any]) -> list[Field]:
    """List the fields of an object's schema, each parent before its children."""
    return list(_fields_under(schema, schema, "", 0))


def alternatives(schema: Mapping[str, Any]) -> list[Text]:
    """Return sentences on which fields are required in place of each other (`anyOf` and `oneOf` of `required`)."""
    return list(_alternatives_under(schema, schema, "", 0))


def _alternatives_under(root: Mapping[str, Any], schema: Mapping[str, Any], path: str, depth: int) -> Iterator[Text]:
    if depth == MAX_DEPTH:
        return
    prefix = f"{path}." if path else ""
    for keyword, rule in _ALTERNATIVES.items():
        required = [_resolve(root, choice).get("required", ()) for choice in schema.get(keyword, ())]
        if required and all(required):
            groups = [[f"{prefix}{name}" for name in names] for names in required]
            vi, en = ("; ".join(joint.join(names) for names in groups) for joint in (" và ", " and "))
            yield Text(f"{rule.vi}: {vi}.", f"{rule.en}: {en}.")
    for part in schema.get("allOf", ()):
        yield from _alternatives_under(root, _resolve(root, part), path, depth + 1)
    for name, part in schema.get("properties", {}).items():
        inner, below, level = _resolve(root, part), f"{prefix}{name}", depth + 1
        while "items" in inner and level < MAX_DEPTH:
            below, inner, level = f"{below}[]", _resolve(root, inner["items"]), level + 1
        yield from _alternatives_under(root, inner, below, level)


def _fields_under(root: Mapping[str, Any], schema: Mapping[str, Any], path: str, depth: int) -> Iterator[Field]:
    if depth == MAX_DEPTH:
        return
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        yield from _field(root, part, f"{path}.{name}" if path else name, name in required, depth)
    for choices in ("anyOf", "oneOf", "allOf"):
        for choice in schema.get(choices, ()):
            yield from _fields_under(root, _resolve(root, choice), path, depth + 1)


def _field(root: Mapping[str, Any], part: Any, path: str, required: bool, depth: int) -> Iterator[Field]:
    schema = _resolve(root, part)
    yield Field(path, required, _describe_values(root, schema), str(schema.get("description", "")))
    while "items" in schema and depth < MAX_DEPTH:
        path, schema, depth = f"{path}[]", _resolve(root, schema["items"]), depth + 1
    yield from _fields_under(root, schema, path, depth + 1)


def _resolve(root: Mapping[str, Any], part: Any) -> Mapping[str, Any]:
    for _ in range(MAX_DEPTH):
        if not isinstance(part, Mapping):
            return {}
        if "$ref" not in part:
            return part
        target = references.resolve(part["$ref"], root)
        known = target if isinstance(target, Mapping) else {}
        part = {**known, **{key: value for key, value in part.items() if key != "$ref"}}
    return {}


def _describe_values(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Text:
    if "enum" in schema or "const" in schema:
        values = " · ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
        return Text(f"một trong: {values}", f"one of: {values}")
    types = schema.get("type", "object" if "properties" in schema else "string")
    types = [types] if isinstance(types, str) else types
    phrases = [_KINDS[kind] for kind in types]
    if "format" in schema and schema["format"] in FORMAT_WORDS:
        phrases = [FORMAT_WORDS[schema["format"]], *phrases[1:]]
    for name, template in _LIMITS.items():
        if name in schema:
            phrases.append(Text(template.vi.format(schema[name]), template.en.format(schema[name])))
    if "items" in schema and (item_schema := _resolve(root, schema["items"])) and "properties" not in item_schema:
        items = _describe_values(root, item_schema)
        phrases.append(Text(f"gồm {items.vi}", f"items: {items.en}"))
    return Text(", ".join(part.vi for part in phrases), ", ".join(part.en for part in phrases))
