"""JSON Schemas, compiled once and used for every call.

jsonschema-rs both validates and names the broken rules. The Python jsonschema package takes 21 µs where it takes 0.3 µs, its regular
expressions can be made to run for minutes, and two validators can disagree about one document; so no call is decided by it. It is the
second opinion on a contract that is to be published (`agreement/`).

Schemas are self-contained: `$ref` only within the document, only formats of the bus, only patterns of a linear-time engine.
"""

from collections.abc import Container, Mapping
from functools import cached_property
from itertools import chain, islice
from typing import Any

import jsonschema_rs

from lgsp_contracts import effort, file_references, pointers
from lgsp_contracts.effort import Effort
from lgsp_contracts.formats import FILE_REFERENCE, FORMAT_CHECKS, FORMAT_WORDS, SECRECY_FORMATS
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.violations import explain
from lgsp_problems import Refusal, Violation

MAX_DEPTH = 48
"""Levels of a schema document; a contract of five levels of fields takes about 20."""

MAX_PARTS = 5_000
"""Objects and lists in one schema; a contract of 300 fields takes about 700."""

MAX_VIOLATIONS = 20
"""The most broken rules that one response names."""

_OF_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_OF_DOCUMENTS = frozenset({"examples", "default", "const", "enum"})


class Schema:
    """One compiled JSON Schema 2020-12.

    Args:
        document: the schema.
        where: the location to name in a refusal, such as `population 1.0.0, /operations/verify-citizen/request`.

    Raises:
        Refusal: `invalid-document`, where it is no schema, refers outside itself or names an unknown format.
    """

    def __init__(self, document: Mapping[str, Any], where: str | SourceLocation) -> None:
        where = SourceLocation.of(where)
        self.document = dict(document)
        if _refuse_open_parts(document, (), where) > MAX_PARTS:
            raise _invalid(where, f"lược đồ có hơn {MAX_PARTS} phần", f"the schema has more than {MAX_PARTS} parts")
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                self.document,
                formats=dict(FORMAT_CHECKS),
                validate_formats=True,
                ignore_unknown_formats=False,
                pattern_options=jsonschema_rs.RegexOptions(),
                offline=True,
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            reason = str(error).split("\n", 1)[0]
            raise _invalid(
                where, f"không phải JSON Schema hợp lệ: {reason}", f"not a valid JSON Schema: {reason}"
            ) from error
        self.is_valid = self._validator.is_valid
        self._may_be_secret = _contains_format(self.document, SECRECY_FORMATS)
        self.needs_exact_numbers = _contains_keyword(self.document, "multipleOf")
        """Whether documents must be validated with all digits of their numbers."""
        self.has_files = _contains_format(self.document, {FILE_REFERENCE})
        """Whether documents may refer to files (`file_references`)."""

    @cached_property
    def effort(self) -> Effort:
        """Compute the bound of the work of validating a document."""
        return effort.of(self.document, _compiles_within)

    @cached_property
    def light_bytes(self) -> int:
        """Return the size in bytes up to which documents may be validated in an event loop."""
        return self.effort.light_bytes

    def violations(self, document: Any) -> list[Violation]:
        """List the rules that a document breaks, at most `MAX_VIOLATIONS`; empty where it is valid."""
        violations = chain.from_iterable(map(explain, self._validator.iter_errors(document)))
        return list(islice(violations, MAX_VIOLATIONS))

    def secrecy_markings(self, document: Any) -> list[str]:
        """List pointers to the parts of a document that are marked with a degree of secrecy, at most `MAX_VIOLATIONS`."""
        if not self._may_be_secret:
            return []
        marked = (
            pointers.join(error.instance_path)
            for error in self._validator.iter_errors(document)
            if error.kind.name == "format" and getattr(error.kind, "format", "") in SECRECY_FORMATS
        )
        return list(islice(marked, MAX_VIOLATIONS))


def _contains_format(value: Any, names: Container[str]) -> bool:
    if isinstance(value, Mapping):
        is_named = isinstance(value.get("format"), str) and value["format"] in names
        return is_named or any(_contains_format(part, names) for part in value.values())
    return isinstance(value, list) and any(_contains_format(part, names) for part in value)


def _contains_keyword(value: Any, keyword: str) -> bool:
    if isinstance(value, Mapping):
        return keyword in value or any(_contains_keyword(part, keyword) for part in value.values())
    return isinstance(value, list) and any(_contains_keyword(part, keyword) for part in value)


def _compiles_within(pattern: str, size: int) -> bool:
    """Tell whether a pattern compiles to at most `size` bytes."""
    options = jsonschema_rs.RegexOptions(size_limit=size)
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options, offline=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def _refuse_open_parts(
    value: Any, path: tuple[str | int, ...], where: SourceLocation, named: bool = False, literal: bool = False
) -> int:
    """Refuse references out of a schema, unknown formats and too deep nesting; return the number of its parts.

    Args:
        named: whether the keys of the value are names, such as those of properties, and no keywords.
        literal: whether the value lies in a document, such as an example, where `format` is a field like any other.
    """
    if len(path) > MAX_DEPTH:
        raise _invalid(
            where, f"lược đồ lồng quá {MAX_DEPTH} cấp", f"the schema is nested deeper than {MAX_DEPTH} levels"
        )
    parts = 1
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            raise _invalid(
                where.at(pointers.join(path)),
                f"$ref chỉ được trỏ vào bên trong tài liệu, không phải {reference!r}",
                f"$ref may only point inside the document, not to {reference!r}",
            )
        format_name = value.get("format")
        if not literal and isinstance(format_name, str) and format_name not in FORMAT_WORDS:
            formats = ", ".join(sorted(FORMAT_WORDS))
            raise _invalid(
                where.at(pointers.join(path)),
                f"không có định dạng {format_name!r}; hãy dùng một trong: {formats}",
                f"there is no format {format_name!r}; use one of: {formats}",
            )
        if not named and not literal and file_references.KEYWORD in value:
            file_references.check_keyword(value, where.at(pointers.join(path)))
        for key, child in value.items():
            keyword = "" if named or literal else key
            parts += _refuse_open_parts(
                child, (*path, key), where, keyword in _OF_NAMED_SCHEMAS, literal or keyword in _OF_DOCUMENTS
            )
    elif isinstance(value, list):
        for index, child in enumerate(value):
            parts += _refuse_open_parts(child, (*path, index), where, literal=literal)
    return parts


def _invalid(where: SourceLocation, vi: str, en: str) -> Refusal:
    return Refusal("invalid-document", vi=f"{where}: {vi}.", en=f"{where}: {en}.")
