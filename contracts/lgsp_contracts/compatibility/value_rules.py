"""The rules of types, allowed values, numbers and strings."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from lgsp_contracts.compatibility.comparison import Comparison, Difference, Kind, Pair, Rule
from lgsp_contracts.compatibility.conjunction import Bound, Conjunction, comparable, types_of
from lgsp_contracts.file_references import KEYWORD as FILE_LIMITS
from lgsp_contracts.file_references import FileLimits
from lgsp_contracts.portable_patterns import portable

_STRING = frozenset({"string"})
_NUMBER = frozenset({"integer", "fraction"})


def for_types(types: frozenset[str], rule: Rule) -> Rule:
    """Restrict a rule to documents of the types that its keyword applies to."""
    return lambda comparison, pair: rule(comparison, pair) if pair.wide.types & types else ()


def at_limit(keyword: str, kind: Kind, is_kept: Callable[[Conjunction, Any], bool]) -> Rule:
    """Create the rule of a keyword whose value is a number."""

    def compare(_: Comparison, pair: Pair) -> Iterable[Difference]:
        return () if is_kept(pair.wide, pair.narrow.schema[keyword]) else [pair.difference(kind, keyword)]

    return compare


def if_equal(keyword: str) -> Rule:
    """Create the rule of a keyword that is satisfied only where the wider schema has the same value."""

    def compare(_: Comparison, pair: Pair) -> Iterable[Difference]:
        is_kept = any(schema.get(keyword) == pair.narrow.schema[keyword] for schema, _ in pair.wide.parts)
        return () if is_kept else [pair.difference(Kind.RULE, keyword)]

    return compare


def _type(_: Comparison, pair: Pair) -> Iterable[Difference]:
    if not pair.wide.types <= types_of(pair.narrow.schema):
        yield pair.difference(Kind.TYPE, "type")


def _enum(_: Comparison, pair: Pair) -> Iterable[Difference]:
    if not _are_among(pair.wide.values, pair.narrow.schema["enum"]):
        yield pair.difference(Kind.VALUES, "enum")


def _const(_: Comparison, pair: Pair) -> Iterable[Difference]:
    if not _are_among(pair.wide.values, [pair.narrow.schema["const"]]):
        yield pair.difference(Kind.RULE, "const")


def _pattern(_: Comparison, pair: Pair) -> Iterable[Difference]:
    narrow = _as_matched(pair.narrow.schema["pattern"])
    if not any(_as_matched(schema.get("pattern")) == narrow for schema, _ in pair.wide.parts):
        yield pair.difference(Kind.RULE, "pattern")


def _file_limits(_: Comparison, pair: Pair) -> Iterable[Difference]:
    """Find files that a narrower limit refuses. A validator does not look at it, and the bus does."""
    narrow = FileLimits.from_document(pair.narrow.schema[FILE_LIMITS])
    wide = [FileLimits.from_document(schema.get(FILE_LIMITS, {})) for schema, _ in pair.wide.parts]
    if not any(narrow.covers(limits) for limits in wide):
        yield pair.difference(Kind.RULE, FILE_LIMITS)


def _as_matched(pattern: Any) -> Any:
    r"""Return a pattern in one of its equal forms: to the engine of the bus `\d` is `[0-9]` and `\w` is ASCII, so a contract may replace them."""
    if not isinstance(pattern, str) or r"\s" in pattern.lower():  # its blanks are those of Unicode
        return pattern
    return portable(pattern) or pattern


def _multiple_of(_: Comparison, pair: Pair) -> Iterable[Difference]:
    steps = [schema["multipleOf"] for schema, _ in pair.wide.parts if "multipleOf" in schema]
    steps += [] if "fraction" in pair.wide.types else [1]
    step = _exact(pair.narrow.schema["multipleOf"])
    if not any((_exact(wide_step) / step).denominator == 1 for wide_step in steps):
        yield pair.difference(Kind.RULE, "multipleOf")


def _are_among(values: list[Any] | None, allowed: Iterable[Any]) -> bool:
    return values is not None and {comparable(value) for value in values} <= {comparable(value) for value in allowed}


def _exact(number: Any) -> Fraction:
    """Convert a number exactly from its digits, as the bus does for `multipleOf`."""
    return Fraction(str(number))


def _is_above(bound: Bound | None, value: Any, *, exclusive: bool) -> bool:
    if bound is None:
        return False
    return bool(bound.value > value) or (bound.value == value and (bound.is_exclusive or not exclusive))


def _is_below(bound: Bound | None, value: Any, *, exclusive: bool) -> bool:
    if bound is None:
        return False
    return bool(bound.value < value) or (bound.value == value and (bound.is_exclusive or not exclusive))


def is_at_most(limit: Any, value: Any) -> bool:
    """Tell whether a limit exists and is at most a value."""
    return limit is not None and bool(limit <= value)


_LIMITS: dict[str, tuple[frozenset[str], Kind, Callable[[Conjunction, Any], bool]]] = {
    "minimum": (_NUMBER, Kind.LOWER, lambda wide, value: _is_above(wide.lower, value, exclusive=False)),
    "exclusiveMinimum": (_NUMBER, Kind.LOWER, lambda wide, value: _is_above(wide.lower, value, exclusive=True)),
    "maximum": (_NUMBER, Kind.UPPER, lambda wide, value: _is_below(wide.upper, value, exclusive=False)),
    "exclusiveMaximum": (_NUMBER, Kind.UPPER, lambda wide, value: _is_below(wide.upper, value, exclusive=True)),
    "minLength": (_STRING, Kind.LOWER, lambda wide, value: bool(wide.largest("minLength") >= value)),
    "maxLength": (_STRING, Kind.UPPER, lambda wide, value: is_at_most(wide.smallest("maxLength"), value)),
}
RULES: dict[str, Rule] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "multipleOf": for_types(_NUMBER, _multiple_of),
    "pattern": for_types(_STRING, _pattern),
    "format": for_types(_STRING, if_equal("format")),
    FILE_LIMITS: for_types(_STRING, _file_limits),
    **{
        keyword: for_types(types, at_limit(keyword, kind, is_kept))
        for keyword, (types, kind, is_kept) in _LIMITS.items()
    },
}
