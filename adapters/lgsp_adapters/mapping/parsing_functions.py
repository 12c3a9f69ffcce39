"""Documents inside texts, as mappings read them: many a service of the .asmx kind answers one string that holds XML or JSON.

A text is read as strictly as an answer: no DTDs, no entities, so many characters and levels and no more.
"""

import json
from typing import Any

from jmespath import functions

from lgsp_adapters.mapping.budget import spend
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.xml_documents import NotXmlError, document, tree_of_text
from lgsp_adapters.text.normalization import nfc
from lgsp_contracts import exact_json

MAX_CHARACTERS = 1_048_576
MAX_LEVELS = 200
_TEXT = ["string", "null"]


class ParsingFunctions(functions.Functions):
    """`parse_json` and `parse_xml`; nothing in, nothing out."""

    @functions.signature({"types": _TEXT})
    def _func_parse_json(self, value: str | None) -> Any:
        """The document in a text of JSON, read as an answer is."""
        text = _bounded(value)
        if not text:
            return None
        try:
            return document_of(text)
        except ValueError as error:
            raise MappingError("a text is not JSON") from error

    @functions.signature({"types": _TEXT})
    def _func_parse_xml(self, value: str | None) -> Any:
        """The root element in a text of XML, read as an answer is; its own name falls away."""
        text = _bounded(value)
        if not text:
            return None
        try:
            return document(tree_of_text(text))
        except NotXmlError as error:
            raise MappingError("a text is not XML, declares a document type or is too large") from error


def document_of(text: str) -> Any:
    """Parse a text of JSON, and normalize it as `trimmed` does.

    Raises:
        ValueError: the text is not JSON.
        MappingError: it is nested too deep, or an object has the same name twice with different values, one of which would be lost.
    """
    parsed = exact_json.loads(text)
    normalized = trimmed(parsed)
    if text.count(":") != _names(parsed):  # or a text holds a colon
        json.loads(text, object_pairs_hook=_refuse_conflicting_members)
    return normalized


def _names(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_names, value.values()))
    return sum(map(_names, value)) if isinstance(value, list) else 0


def _refuse_conflicting_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if members.setdefault(name, value) != value:
            raise MappingError("an object has the same name twice, with different values")
    return members


def trimmed(value: Any, level: int = 0) -> Any:
    """Normalize a document: texts composed (NFC) and without white space around them, and null for empty ones.

    Raises:
        MappingError: it is nested too deep.
    """
    if level > MAX_LEVELS:
        raise MappingError(f"a document is nested deeper than {MAX_LEVELS} levels")
    if isinstance(value, str):
        return nfc(value).strip() or None
    if isinstance(value, dict):
        spend(len(value))
        return {nfc(name): trimmed(item, level + 1) for name, item in value.items()}
    if isinstance(value, list):
        spend(len(value))
        return [trimmed(item, level + 1) for item in value]
    return value


def _bounded(value: str | None) -> str:
    if value is not None and len(value) > MAX_CHARACTERS:
        raise MappingError(f"a text is longer than {MAX_CHARACTERS} characters")
    return (value or "").strip(" \t\r\n\ufeff")
