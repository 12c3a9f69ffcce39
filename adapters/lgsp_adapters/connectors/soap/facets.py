"""Converts the facets of XML Schema (Part 2, 4.3), which restrict simple values, to JSON Schema.

Parsed here, since zeep, which reads everything else of a description, drops them. What has no equivalent in JSON Schema is left out: a
draft that accepts too much is corrected in review, one that refuses a valid value fails in production.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from lgsp_adapters.connectors.soap.shapes import Kind
from lgsp_contracts.portable_patterns import portable

Facets = Mapping[str, list[str]]
"""The values of each facet; `enumeration` and `pattern` may have several."""

_XS = "{http://www.w3.org/2001/XMLSchema}"
_LENGTHS = {"length": ("minLength", "maxLength"), "minLength": ("minLength",), "maxLength": ("maxLength",)}
_BOUNDS = {
    "minInclusive": "minimum",
    "maxInclusive": "maximum",
    "minExclusive": "exclusiveMinimum",
    "maxExclusive": "exclusiveMaximum",
}
_NOT_IN_JSON_SCHEMA = re.compile(r"\\[icICpP]|-\[|\$|(?<!\[)\^")
"""What a pattern of XML Schema says otherwise than JSON Schema's: name characters, blocks, differences, and signs that are no anchors."""


def collect(texts: Iterable[bytes]) -> dict[str, Facets]:
    """Collect the facets of each simple type in schema documents or WSDLs, by `{namespace}name`; a nameless one goes by its element's.

    Two that go by one name and differ are left out.
    """
    facets_by_name: dict[str, Facets | None] = {}
    bases: dict[str, str] = {}
    for text in texts:
        root = etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True))
        for schema in root.iter(f"{_XS}schema"):
            for restriction in schema.iterfind(f".//{_XS}simpleType/{_XS}restriction"):
                name = _name(schema, restriction)
                facets = _facets(restriction)
                facets_by_name[name] = facets if facets_by_name.get(name, facets) == facets else None
                bases[name] = _base(restriction)
    return {
        name: _with_base(name, facets_by_name, bases) for name, facets in facets_by_name.items() if facets is not None
    }


def keywords(facets: Facets, kind: Kind) -> dict[str, Any]:
    """Convert facets to keywords of JSON Schema; dates, booleans and objects have none, nor has a number without digits."""
    try:
        return _of_text(facets) if kind == "string" else _of_number(facets) if kind in ("integer", "number") else {}
    except ValueError:
        return {}


def _of_number(facets: Facets) -> dict[str, Any]:
    schema: dict[str, Any] = {ours: _number(facets[theirs][-1]) for theirs, ours in _BOUNDS.items() if theirs in facets}
    if "enumeration" in facets:
        schema["enum"] = [_number(value) for value in facets["enumeration"]]
    return schema


def _of_text(facets: Facets) -> dict[str, Any]:
    if "enumeration" in facets:
        return {"enum": facets["enumeration"]}
    schema: dict[str, Any] = {
        ours: int(facets[theirs][-1]) for theirs, both in _LENGTHS.items() if theirs in facets for ours in both
    }
    patterns = facets.get("pattern", [])
    if patterns and not any(_NOT_IN_JSON_SCHEMA.search(pattern) for pattern in patterns):
        pattern = portable(f"^(?:{'|'.join(patterns)})$")
        return {**schema, "pattern": pattern} if pattern else schema
    return schema


def _name(schema: Any, restriction: Any) -> str:
    simple_type = restriction.getparent()
    name = simple_type.get("name") or simple_type.getparent().get("name", "")
    return f"{{{schema.get('targetNamespace', '')}}}{name}"


def _base(restriction: Any) -> str:
    prefix, _, name = restriction.get("base", "").rpartition(":")
    return f"{{{restriction.nsmap.get(prefix or None, '')}}}{name}"


def _facets(restriction: Any) -> Facets:
    facets: dict[str, list[str]] = {}
    for facet in restriction.iterchildren(f"{_XS}*"):
        if "value" in facet.attrib:
            facets.setdefault(etree.QName(facet).localname, []).append(facet.get("value"))
    return facets


def _with_base(name: str, facets_by_name: Mapping[str, Facets | None], bases: Mapping[str, str]) -> Facets:
    """Its own, over those of what it restricts. Its patterns replace those of its base: one keyword holds one."""
    merged: dict[str, list[str]] = {}
    seen: set[str] = set()
    while name in facets_by_name and name not in seen:
        seen.add(name)
        merged = {**(facets_by_name[name] or {}), **merged}
        name = bases[name]
    return merged


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
