"""What a request can ask for: the schema of each field that a key is compared with.

A key of a file that the contract's request can never hold, such as a number that lacks a digit, is never found, and nobody would notice.
"""

from collections.abc import Mapping
from typing import Any

from lgsp_adapters.mapping.references import Path, parse
from lgsp_contracts import pointers
from lgsp_contracts.schemas import Schema
from lgsp_problems import Refusal

_INERT = ("$defs", "definitions", "properties")
"""Keywords of an object's schema to which a reference may lead, and which say nothing about a text or a number."""

_TRUTHS = {"TRUE": True, "FALSE": False}


class KeySchema:
    """The schema of one field of a request, for keys as a look-up normalizes them."""

    def __init__(self, field: str, schema: Schema) -> None:
        self._field = field
        self._schema = schema

    def fault(self, key: str) -> str:
        """Say why no request can hold a key, without the key; "" where one can."""
        if any(map(self._schema.is_valid, _values_of(key))):
            return ""
        violation = self._schema.violations(key)[0]
        return f"no request can ask for this row: {self._field} {violation.message.en}"


def key_schema(expression: str, request: Schema) -> KeySchema | None:
    """Return the schema of the field that an expression names; None where it names none, or does more than that.

    Args:
        expression: what a key has to equal, such as `request.soDinhDanh`.
    """
    path = _field_path(expression)
    pointer = _pointer_of(request.document, path[1:]) if path and path[0] == "request" else None
    if pointer is None:
        return None
    inert = {name: request.document[name] for name in _INERT if name in request.document}
    try:
        return KeySchema(".".join(path), Schema({**inert, "$ref": f"#{pointers.join(pointer)}"}, "request"))
    except Refusal:  # it refers to a part of the request that is not kept here
        return None


def _field_path(expression: str) -> Path:
    node = parse(expression)
    if not node or node["type"] != "subexpression" or any(child["type"] != "field" for child in node["children"]):
        return ()
    return tuple(str(child["value"]) for child in node["children"])


def _pointer_of(document: Mapping[str, Any], path: Path) -> Path | None:
    """Follow the names of fields through a schema; None where it does not describe them."""
    pointer: Path = ()
    for name in path:
        pointer = (*_resolved(document, pointer), "properties", name)
        if not isinstance(pointers.find(document, pointer), dict):
            return None
    return pointer or None


def _resolved(document: Mapping[str, Any], pointer: Path) -> Path:
    seen: set[Path] = set()
    while pointer not in seen:
        seen.add(pointer)
        part = pointers.find(document, pointer)
        reference = part.get("$ref") if isinstance(part, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        pointer = pointers.split(reference[1:])
    return pointer


def _values_of(key: str) -> list[Any]:
    """Return the values of a request that are looked up under a key: a number and its text are one key."""
    values: list[Any] = [key]
    if key in _TRUTHS:
        values.append(_TRUTHS[key])
    for number in (int, float):
        try:
            values.append(number(key))
        except ValueError:
            continue
    return values
