"""One comparison of two schemas: the recursion, what is assumed in it, and what it may cost. The rules of keywords are given to it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import jsonschema_rs
import orjson

from lgsp_contracts import exact_json
from lgsp_contracts.compatibility.conjunction import Conjunction, Subschema
from lgsp_contracts.formats import FORMAT_CHECKS
from lgsp_contracts.references import rebase

Path = tuple[str, ...]

MAX_STEPS = 20_000
"""Pairs of subschemas that one comparison looks at; a contract whose 300 fields all changed takes about 1,000. What is beyond it
counts as not shown."""

MAX_NESTING = 100
"""Levels of one comparison, references included."""


class Kind(Enum):
    """In which way a schema takes less than another."""

    REQUIRED = auto()
    FIELD_GONE = auto()
    OTHER_FIELDS = auto()
    TYPE = auto()
    VALUES = auto()
    RULE = auto()
    LOWER = auto()
    UPPER = auto()
    UNKNOWN = auto()
    """It cannot be shown that it takes as much."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a schema takes less than another, or where the opposite cannot be shown.

    Args:
        path: into the schemas; what a reference leads to stands where the reference is.
        keyword: of the narrower schema.
    """

    path: Path
    kind: Kind
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared: `narrow` must take every document that `wide` takes.

    Args:
        path: of the two in their schemas.
        depth: how far inside a document they stand.
    """

    wide: Conjunction
    narrow: Subschema
    path: Path = ()
    depth: int = 0

    def with_narrow(self, schema: Any, *path: str) -> "Pair":
        """Compare the same documents with another part of the narrower schema."""
        return Pair(self.wide, Subschema(schema, self.narrow.root), (*self.path, *path), self.depth)

    def inside(self, wide: Conjunction, schema: Any, *path: str) -> "Pair":
        """Compare a part of the documents: a field, or an item."""
        return Pair(wide, Subschema(schema, self.narrow.root), (*self.path, *path), self.depth + 1)

    def difference(self, kind: Kind, keyword: str, *path: str) -> Difference:
        """Say that a keyword differs; at its own place, or at a path from here."""
        return Difference((*self.path, *(path or (keyword,))), kind, keyword)


Rule = Callable[["Comparison", Pair], Iterable[Difference]]
"""Finds what one keyword of the narrower schema may refuse."""


class Comparison:
    """One run over two schemas.

    Args:
        rules: by keyword; a keyword that has none here is a difference wherever the two schemas are not the same text.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._depths: dict[Any, int] = {}
        self._steps = 0
        self._texts: dict[int, tuple[Any, bytes]] = {}
        self._validators: dict[tuple[int, int], tuple[Subschema, jsonschema_rs.Draft202012Validator]] = {}

    def differences(self, pair: Pair) -> list[Difference]:
        """Find where the narrower schema may refuse what the wider one takes."""
        wide, narrow = pair.wide, pair.narrow
        if narrow.schema is True or wide.is_impossible or not wide.types:
            return []
        if not isinstance(narrow.schema, Mapping):
            return [Difference(pair.path, Kind.UNKNOWN)]
        if any(self._is_same(part, narrow) for part in wide.parts):
            return []
        self._steps += 1
        if self._steps > MAX_STEPS or len(self._depths) > MAX_NESTING:
            return [Difference(pair.path, Kind.UNKNOWN)]
        key = (wide.identity, id(narrow.schema), id(narrow.root))
        if (
            key in self._depths
        ):  # by induction over the depth of a document, which holds only if something was entered since
            return [] if self._depths[key] < pair.depth else [Difference(pair.path, Kind.UNKNOWN)]
        self._depths[key] = pair.depth
        try:
            return self._compare(pair)
        finally:
            del self._depths[key]

    def includes(self, wide: Conjunction, narrow: Subschema, depth: int) -> bool:
        """Tell whether a schema certainly takes all documents of a conjunction."""
        return not self.differences(Pair(wide, narrow, (), depth))

    def takes(self, schema: Subschema, value: Any) -> bool:
        """Ask the validator whether a schema takes a value."""
        key = (id(schema.schema), id(schema.root))
        if key not in self._validators:
            self._validators[key] = (schema, _validator(schema))
        return self._validators[key][1].is_valid(value)

    def _compare(self, pair: Pair) -> list[Difference]:
        values = pair.wide.values
        if values is not None and all(self.takes(pair.narrow, value) for value in values):
            return []
        keywords = (keyword for keyword in pair.narrow.schema if not keyword.startswith("x-"))  # extensions say nothing
        rules = dict.fromkeys(self._rules.get(keyword) or _unknown(keyword) for keyword in keywords)
        found = [difference for rule in rules for difference in rule(self, pair)]
        if not found:
            return []
        branches = pair.wide.alternatives()
        taken_apart = (Pair(branch, pair.narrow, pair.path, pair.depth) for branch in branches)
        return found if not branches or any(map(self.differences, taken_apart)) else []

    def _is_same(self, one: Subschema, other: Subschema) -> bool:
        """Are two schemas the same text, with what their references lead to?"""
        text = self._text_of(one.schema)
        if text != self._text_of(other.schema):
            return False
        return b'"$' not in text or self._text_of(one.root) == self._text_of(other.root)

    def _text_of(self, schema: Any) -> bytes:
        known = self._texts.get(id(schema))
        if known is None:
            known = self._texts[id(schema)] = (
                schema,
                text_of(schema),
            )  # with the schema, lest its id be given to another
        return known[1]


def text_of(schema: Any) -> bytes:
    """Write a schema so that equal ones are equal bytes."""
    return exact_json.dumps(schema, orjson.OPT_SORT_KEYS)


def _unknown(keyword: str) -> Rule:
    return lambda _, pair: [pair.difference(Kind.UNKNOWN, keyword)]


def _validator(schema: Subschema) -> jsonschema_rs.Draft202012Validator:
    """Compile a part of a schema, its references led to what they mean there."""
    document = schema.schema
    if b'"$' in text_of(document):
        root = "#/$defs/root"
        document = {"$defs": {"root": rebase(schema.root, root)}, "allOf": [rebase(document, root)]}
    return jsonschema_rs.Draft202012Validator(
        document,
        formats=dict(FORMAT_CHECKS),
        validate_formats=True,
        pattern_options=jsonschema_rs.RegexOptions(),
        offline=True,
    )
