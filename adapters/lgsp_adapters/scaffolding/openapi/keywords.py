"""Keywords of values in OpenAPI as contracts write them: JSON Schema 2020-12, the bus's formats, and patterns that it runs."""

import re
from dataclasses import replace
from typing import Any

from lgsp_adapters.scaffolding.openapi.shapes import Node, Value
from lgsp_contracts.formats import STANDARD_FORMATS
from lgsp_contracts.portable_patterns import portable
from lgsp_contracts.samples import samples
from lgsp_contracts.schemas import Schema
from lgsp_contracts.tooling import drafts
from lgsp_problems import Refusal

Document = dict[str, Any]

_OF_KIND = {
    "string": ("minLength", "maxLength", "pattern"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "boolean": (),
}
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_IDENTITY_NUMBERS = ("soDinhDanh", "soDinhDanhCaNhan", "cccd", "soCccd", "soCCCD")
"""What fields with a personal identification number are called."""
_IDENTITY = {"type": "string", "format": "so-dinh-danh"}
_DIGITS = 12


def value_keywords(source: Document) -> Document | None:
    """Convert the keywords of a string, number or boolean; None for anything else, and for what has no type."""
    kinds = source.get("type") or _implied_types(source)
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not kinds or not all(isinstance(kind, str) and kind in _OF_KIND for kind in kinds):
        return None
    converted: Document = {"type": kinds[0] if len(kinds) == 1 else kinds}
    text = source.get("description")
    if isinstance(text, str) and text.strip():
        converted["description"] = " ".join(text.split())
    choices = [
        choice for choice in _choices(source) if choice is not None and (not isinstance(choice, str) or choice.strip())
    ]
    if choices:
        return {**converted, "enum": choices}
    if len(kinds) > 1:
        return converted
    if kinds[0] == "string" and str(source.get("format")) in STANDARD_FORMATS:
        return {**converted, "format": source["format"]}
    limits = {name: source[name] for name in _OF_KIND[kinds[0]] if name in source}
    return _as_strict_as_possible(converted, _with_numeric_bounds(limits))


def with_identity_format(name: str, node: Node) -> Node:
    """Give a field the format of a personal identification number where its name says that it is one."""
    if not isinstance(node, Value) or drafts.camel(name) not in _IDENTITY_NUMBERS:
        return node
    keywords = node.keywords
    if keywords.get("type") != "string" or {"enum", "format"} & set(keywords):
        return node
    if not keywords.get("minLength", 0) <= _DIGITS <= keywords.get("maxLength", _DIGITS):
        return node
    described = {key: value for key, value in keywords.items() if key == "description"}
    return replace(node, keywords={**_IDENTITY, **described})


def _implied_types(source: Document) -> list[str]:
    choices = [choice for choice in _choices(source) if choice is not None]
    return [
        kind for kind, types in _PYTHON_TYPES.items() if choices and all(type(choice) in types for choice in choices)
    ][:1]


def _choices(source: Document) -> list[Any]:
    if "const" in source:
        return [source["const"]]
    choices = source.get("enum")
    return choices if isinstance(choices, list) else []


def _with_numeric_bounds(limits: Document) -> Document:
    """Convert the exclusive bounds of OpenAPI 3.0, which are booleans beside the bound."""
    converted = dict(limits)
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(converted.get(exclusive), bool) and converted.pop(exclusive) and inclusive in converted:
            converted[exclusive] = converted.pop(inclusive)
    return converted


def _as_strict_as_possible(base: Document, limits: Document) -> Document:
    """Keep the limits of which the bus can generate an example; a draft that accepts too much is corrected in review."""
    without_pattern = {name: value for name, value in limits.items() if name != "pattern"}
    pattern = portable(str(limits.get("pattern", "")))
    anchored = {**limits, "pattern": pattern} if pattern and pattern.startswith("^") else without_pattern
    candidates = ({**base, **anchored}, {**base, **without_pattern})
    return next((candidate for candidate in candidates if _has_samples(candidate)), base)


def _has_samples(schema: Document) -> bool:
    try:
        return any(True for _ in samples(Schema(schema, "value"), 1))
    except (Refusal, re.error, ValueError, TypeError, OverflowError):
        return False
