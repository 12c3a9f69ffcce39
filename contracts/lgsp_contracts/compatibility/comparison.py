"""The comparison of two schemas: its recursion, assumptions and limits. The rules of the keywords are passed to it."""

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
"""Pairs of subschemas that one comparison visits; a contract with 300 changed fields takes about 1,000. Beyond it the result is
`Kind.UNKNOWN`."""

MAX_NESTING = 100
"""Levels of one comparison, including references."""


class Kind(Enum):
    """How a schema accepts less than another."""

    REQUIRED = auto()
    FIELD_GONE = auto()
    OTHER_FIELDS = auto()
    TYPE = auto()
    VALUES = auto()
    RULE = auto()
    LOWER = auto()
    UPPER = auto()
    UNKNOWN = auto()
    """It cannot be proven that it accepts as much."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One path at which a schema accepts less than another, or at which the opposite cannot be proven.

    Args:
        path: in the schemas; the target of a reference has the path of the reference.
        keyword: of the narrower schema.
    """

    path: Path
    kind: Kind
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two schemas to compare: `narrow` must accept every document that `wide` accepts.

    Args:
        path: of the two in their schemas.
        depth: the level in a document that they apply to.
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
        """Create the difference of a keyword, at the keyword itself or at a path from here."""
        return Difference((*self.path, *(path or (keyword,))), kind, keyword)


Rule = Callable[["Comparison", Pair], Iterable[Difference]]
"""Finds the documents that one keyword of the narrower schema may reject."""


class Comparison:
    """One comparison of two schemas.

    Args:
        rules: by keyword; a keyword without a rule is a difference unless the two schemas are equal as JSON.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._depths: dict[Any, int] = {}
        self._steps = 0
        self._texts: dict[int, tuple[Any, bytes]] = {}
        self._validators: dict[tuple[int, int], tuple[Subschema, jsonschema_rs.Draft202012Validator]] = {}

    def differences(self, pair: Pair) -> list[Difference]:
        """Find where the narrower schema may reject what the wider one accepts."""
        wide, narrow = pair.wide, pair.narrow
        if narrow.schema is True or wide.is_impossible or not wide.types:
            return []
        if not isinstance(narrow.schema, Mapping):
            return [Difference(pair.path, Kind.UNKNOWN)]
        if any(self._is_same_schema(part, narrow) for part in wide.parts):
            return []
        self._steps += 1
        if self._steps > MAX_STEPS or len(self._depths) > MAX_NESTING:
            return [Difference(pair.path, Kind.UNKNOWN)]
        key = (wide.identity, id(narrow.schema), id(narrow.root))
        if key in self._depths:  # by induction over the depth of a document, valid only if the depth has grown since
            return [] if self._depths[key] < pair.depth else [Difference(pair.path, Kind.UNKNOWN)]
        self._depths[key] = pair.depth
        try:
            return self._compare(pair)
        finally:
            del self._depths[key]

    def includes(self, wide: Conjunction, narrow: Subschema, depth: int) -> bool:
        """Tell whether a schema certainly accepts all documents of a conjunction."""
        return not self.differences(Pair(wide, narrow, (), depth))

    def takes(self, schema: Subschema, value: Any) -> bool:
        """Ask the validator whether a schema accepts a value."""
        key = (id(schema.schema), id(schema.root))
        if key not in self._validators:
            self._validators[key] = (schema, _validator(schema))
        return self._validators[key][1].is_valid(value)

    def _compare(self, pair: Pair) -> list[Difference]:
        values = pair.wide.values
        if values is not None and all(self.takes(pair.narrow, value) for value in values):
            return []
        keywords = (
            keyword for keyword in pair.narrow.schema if not keyword.startswith("x-") or keyword in self._rules
        )  # extensions have no rules
        rules = dict.fromkeys(self._rules.get(keyword) or _rule_of_unknown_keyword(keyword) for keyword in keywords)
        differences = [difference for rule in rules for difference in rule(self, pair)]
        if not differences:
            return []
        branches = pair.wide.alternatives()
        branch_pairs = (Pair(branch, pair.narrow, pair.path, pair.depth) for branch in branches)
        return differences if not branches or any(map(self.differences, branch_pairs)) else []

    def _is_same_schema(self, first: Subschema, second: Subschema) -> bool:
        """Tell whether two schemas are equal as JSON, including the targets of their references."""
        text = self._text_of(first.schema)
        if text != self._text_of(second.schema):
            return False
        return b'"$' not in text or self._text_of(first.root) == self._text_of(second.root)

    def _text_of(self, schema: Any) -> bytes:
        cached = self._texts.get(id(schema))
        if cached is None:
            cached = self._texts[id(schema)] = (
                schema,
                text_of(schema),
            )  # keeps the schema alive, so that its id is not reused
        return cached[1]


def text_of(schema: Any) -> bytes:
    """Write a schema so that equal ones are equal bytes."""
    return exact_json.dumps(schema, orjson.OPT_SORT_KEYS)


def _rule_of_unknown_keyword(keyword: str) -> Rule:
    return lambda _, pair: [pair.difference(Kind.UNKNOWN, keyword)]


def _validator(schema: Subschema) -> jsonschema_rs.Draft202012Validator:
    """Compile a part of a schema, with its references rebased to the whole schema."""
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
