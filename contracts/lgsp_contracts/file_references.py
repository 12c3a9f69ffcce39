"""Files in documents: a string of the format `file-reference` (`/files/{uuid}`) stands for a file that the bus keeps.

    hoSo: {type: string, format: file-reference, x-lgsp-file: {mediaTypes: [application/pdf], maxSize: 20MiB}}

Which strings of a document refer to files depends on its schema alone: text that merely looks like a reference opens nothing. Where a
schema has alternatives, the fields of all of them count, since validation does not tell which one applied.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lgsp_contracts import pointers
from lgsp_contracts.formats import FILE_REFERENCE, FORMAT_CHECKS
from lgsp_contracts.references import follow
from lgsp_contracts.source_location import SourceLocation

KEYWORD = "x-lgsp-file"
"""The keyword of JSON Schema that limits a file; it stands beside `format: file-reference`."""
PREFIX = "/files/"
MAX_REFERENCES = 1_000
"""Files of one document."""

_KEYS = frozenset({"mediaTypes", "maxSize"})
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/(\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,126})")
_SIZE = re.compile(r"([1-9][0-9]{0,5})(KiB|MiB|GiB)")
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_OF_ALTERNATIVES = ("allOf", "anyOf", "oneOf")
_OF_CONDITIONS = ("then", "else", "if")
_is_reference = FORMAT_CHECKS[FILE_REFERENCE]


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What a file may be.

    Args:
        media_types: such as `application/pdf` or `image/*`; empty for any.
        max_size: in bytes; 0 for no limit but the bus's own.
    """

    media_types: tuple[str, ...] = ()
    max_size: int = 0

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "FileLimits":
        """Read limits that were checked: `{mediaTypes: […], maxSize: 20MiB}`."""
        return cls(tuple(document.get("mediaTypes", ())), parse_size(document.get("maxSize", "")))

    def allows_type(self, media_type: str) -> bool:
        """Tell whether a file may have this media type."""
        return not self.media_types or any(
            media_type == allowed or (allowed.endswith("/*") and media_type.startswith(allowed[:-1]))
            for allowed in self.media_types
        )

    def allows_size(self, size: int) -> bool:
        """Tell whether a file may have so many bytes."""
        return not self.max_size or size <= self.max_size

    def covers(self, other: "FileLimits") -> bool:
        """Tell whether every file within other limits is within these."""
        types = not self.media_types or (bool(other.media_types) and all(map(self.allows_type, other.media_types)))
        return types and (not self.max_size or 0 < other.max_size <= self.max_size)


@dataclass(frozen=True, slots=True)
class FileReference:
    """A file that a document refers to.

    Args:
        pointer: of the field, a JSON Pointer.
        file: the id of the file, a UUID.
        limits: of each schema that applies to the field; the file must be within all.
    """

    pointer: str
    file: str
    limits: tuple[FileLimits, ...]


def parse_size(text: str) -> int:
    """Read a size such as `20MiB` in bytes; 0 where the text is no size."""
    match = _SIZE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else 0


def format_size(size: int) -> str:
    """Write a number of bytes for people, as contracts write sizes: `20MiB`, `1.5GiB`, `900B`."""
    for unit, unit_bytes in reversed(_UNITS.items()):
        if size >= unit_bytes:
            return f"{size / unit_bytes:.1f}".removesuffix(".0") + unit
    return f"{size}B"


def reference_to(file: str) -> str:
    """Write the reference of a file, by its id."""
    return PREFIX + file


def all_limits(schema: Any) -> Iterator[FileLimits]:
    """Yield the limits of each file field of a schema, whether or not a document has it."""
    if isinstance(schema, Mapping):
        if schema.get("format") == FILE_REFERENCE:
            yield FileLimits.from_document(schema.get(KEYWORD, {}))
        for part in schema.values():
            yield from all_limits(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from all_limits(part)


def find_references(schema: Mapping[str, Any], document: Any) -> list[FileReference]:
    """Find the files that a valid document refers to, by its schema.

    Args:
        schema: JSON Schema 2020-12, self-contained.
        document: as parsed from JSON; valid under the schema.

    Returns:
        One entry for each field, at most `MAX_REFERENCES` + 1, in the order of the document.
    """
    found: list[FileReference] = []
    level: list[tuple[tuple[str | int, ...], Any, tuple[Mapping[str, Any], ...]]] = [((), document, (schema,))]
    while level and len(found) <= MAX_REFERENCES:
        path, value, schemas = level.pop()
        applicable = list(_applicable(schemas, schema))
        if isinstance(value, str):
            formats = [part for part in applicable if part.get("format") == FILE_REFERENCE]
            if formats and _is_reference(value):
                limits = tuple(FileLimits.from_document(part[KEYWORD]) for part in formats if KEYWORD in part)
                found.append(FileReference(pointers.join(path), value.removeprefix(PREFIX), limits))
        elif isinstance(value, (dict, list)):
            items: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
            children = [
                ((*path, key), child, below)
                for key, child in items
                if isinstance(child, (str, dict, list)) and (below := tuple(_of_child(applicable, key)))
            ]
            level.extend(reversed(children))
    return found


def _applicable(schemas: Iterable[Mapping[str, Any]], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas that may apply to a value: references followed, and the parts of combinations."""
    waiting, seen = list(schemas), set[int]()
    while waiting:
        part = waiting.pop()
        if not isinstance(part, Mapping) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        if "$ref" in part:
            waiting.append(follow(part, root))
        for keyword in _OF_ALTERNATIVES:
            waiting.extend(part.get(keyword, ()))
        waiting.extend(part[keyword] for keyword in _OF_CONDITIONS if keyword in part)
        dependent = part.get("dependentSchemas")
        if isinstance(dependent, Mapping):
            waiting.extend(dependent.values())


def _of_child(schemas: Sequence[Mapping[str, Any]], key: str | int) -> Iterator[Mapping[str, Any]]:
    for schema in schemas:
        if isinstance(key, int):
            prefix = schema.get("prefixItems", ())
            parts = [prefix[key] if key < len(prefix) else schema.get("items"), schema.get("contains")]
            parts.append(schema.get("unevaluatedItems"))
        else:
            declared = schema.get("properties", {})
            parts = [declared[key] if key in declared else schema.get("additionalProperties")]
            parts += [part for pattern, part in schema.get("patternProperties", {}).items() if _matches(pattern, key)]
            parts.append(schema.get("unevaluatedProperties"))
        yield from (part for part in parts if isinstance(part, Mapping))


def _matches(pattern: str, key: str) -> bool:
    # The validator's own engine has another syntax in rare cases; a name that cannot be told apart counts as a match.
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return True


def check_keyword(schema: Mapping[str, Any], where: SourceLocation) -> None:
    """Check the limits of a file in a part of a schema that has them.

    Raises:
        Refusal: `invalid-document`.
    """
    where /= KEYWORD
    limits = schema[KEYWORD]
    if schema.get("format") != FILE_REFERENCE:
        raise where.refusal(
            f"chỉ dùng được cạnh format: {FILE_REFERENCE}; hãy chuyển tới trường giữ tham chiếu của tệp",
            f"stands only beside format: {FILE_REFERENCE}; move it to the field with the file's reference",
        )
    if not isinstance(limits, Mapping) or not limits or set(limits) - _KEYS:
        raise where.refusal(
            "phải là một đối tượng với mediaTypes, maxSize hoặc cả hai",
            "must be an object with mediaTypes, maxSize or both",
        )
    types = limits.get("mediaTypes", ["*"])
    if "mediaTypes" in limits and not (
        isinstance(types, list)
        and 0 < len(types) <= 50
        and all(isinstance(name, str) and _MEDIA_TYPE.fullmatch(name) for name in types)
    ):
        raise (where / "mediaTypes").refusal(
            "phải là danh sách loại nội dung viết thường, ví dụ application/pdf hoặc image/*",
            "must be a list of media types in lower case, such as application/pdf or image/*",
        )
    size = limits.get("maxSize", "1KiB")
    if not isinstance(size, str) or not parse_size(size):
        raise (where / "maxSize").refusal(
            "phải là dung lượng như 500KiB, 20MiB hoặc 1GiB",
            "must be a size such as 500KiB, 20MiB or 1GiB",
        )
