"""An upper bound of the work of validating a document, computed from schema and text alone, before anything is validated.

The validator is fast for plain contracts and can run for minutes for others: nested alternatives, references that double at each
level, patterns whose automaton has thousands of states (13 s for 60,000 letters, measured). Validation that may take long runs
outside the gateway's event loop. So the bound may be too high and must never be too low.

Counted is, for each value of a document, how many schemas are applied to it: those beside each other in `allOf`, `anyOf`, `oneOf`,
`not`, `if` and behind `$ref`, multiplied on the way down.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_contracts import pointers
from lgsp_contracts.formats import SECRECY_FORMATS

MAX_SCHEMAS_PER_VALUE = 400
"""Schemas applied to one value; a schema with more has no bound."""

MAX_STEPS = 6_000
"""Schemas visited while the bound is computed; a schema with more has no bound."""

BUDGET = 5_000_000
"""Nanoseconds of work allowed in the event loop. The costs below are twice those of a core of 2026 (measured)."""

_TEXT, _VALUE, _CONTAINER, _SCHEMA, _FIELD, _STATE = 6, 80, 1_100, 150, 50, 5
_ESCAPED_TEXT, _ESCAPED_CONTAINER = 14, 1_500
"""Additional costs of a text with escapes: they are resolved, and searched for characters that no contract allows."""
_EXACT = 20
"""Cost per byte, in states, where numbers are read digit by digit."""
_SEARCHED_FOR_MARKINGS = 120
"""Cost per byte, in states, of a text that is searched for markings of secrecy."""
_VIOLATION, _VIOLATION_FIELD, _ALTERNATIVE = 5_000, 1_500, 12_000

_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("not", "if", "then", "else")
_MEMBERS = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_ITEMS = ("items", "contains", "unevaluatedItems")
_SEPARATORS, _OPENERS = b"[{,", b"[{"

Fits = Callable[[str, int], bool]
"""Tells whether a pattern compiles to at most so many bytes."""


@dataclass(frozen=True, slots=True)
class Effort:
    """The bound of one schema.

    Args:
        schemas_per_value: the most schemas that are applied to one value of a document; 0 where that is not bounded.
        fields: the most names and alternatives that are looked up for one object or array.
        states: the most states of patterns that one byte of text can move.
    """

    schemas_per_value: int
    fields: int
    states: int

    @property
    def light_bytes(self) -> int:
        """Return the size in bytes up to which any document is validated within the budget."""
        if not self.schemas_per_value:
            return 0
        # The densest document there is: `[[],[],[],…`, three bytes for each container and its comma.
        dense = (2 * (_VALUE + _SCHEMA * self.schemas_per_value) + _CONTAINER + _FIELD * self.fields) / 3
        return max(
            0, int(BUDGET / (dense + _TEXT + _STATE * self.states)) - 8
        )  # less a margin: a value that is cut off counts as a whole one

    def is_light(self, body: bytes) -> bool:
        """Tell whether a document is validated within the budget."""
        if not self.schemas_per_value or len(body) * _TEXT > BUDGET:
            return False
        text, container = _TEXT, _CONTAINER
        if b"\\" in body:
            text, container = text + _ESCAPED_TEXT, container + _ESCAPED_CONTAINER
        values, containers = _max_values_and_containers(body)
        work = values * (_VALUE + _SCHEMA * self.schemas_per_value) + containers * (container + _FIELD * self.fields)
        return work + len(body) * (text + _STATE * self.states) <= BUDGET

    def explains_at_once(self, body: bytes) -> bool:
        """Tell whether the rules that a document breaks can be found within the budget.

        For that the validator evaluates every alternative, and copies an object for each missing field.
        """
        if not self.schemas_per_value:
            return False
        values, _ = _max_values_and_containers(body)
        return (
            values * (_VIOLATION + _VIOLATION_FIELD * self.fields + _ALTERNATIVE * (self.schemas_per_value - 1))
            <= BUDGET
        )


def _max_values_and_containers(body: bytes) -> tuple[int, int]:
    """Count the values and containers that a JSON text has at most: separators within strings are counted too."""
    without_separators = body.translate(None, _SEPARATORS)
    return len(body) - len(without_separators) + 1, len(body) - len(body.translate(None, _OPENERS))


def of(document: Any, fits: Fits) -> Effort:
    """Compute the bound of a schema whose references were checked.

    Args:
        fits: tells whether the pattern engine can compile a pattern within a size.
    """
    try:
        return _SchemaWalk(document, fits).effort()
    except _Unbounded:
        return Effort(0, 0, 0)


class _Unbounded(Exception):  # noqa: N818 - not an error: the schema has no bound
    """The work of a schema has no bound that can be computed."""


class _SchemaWalk:
    """Walks through all combinations of schemas that can apply to one value of a document."""

    def __init__(self, root: Any, fits: Fits) -> None:
        self._root = root
        self._fits = fits
        self._steps = 0
        self._schemas_by_id: dict[int, Mapping[str, Any]] = {}
        self._states: dict[str, int] = {}

    def effort(self) -> Effort:
        schemas_per_value = fields = states = 1
        seen = {self._all_applied([self._root])}
        pending = list(seen)
        while pending:
            applied = [self._schemas_by_id[identity] for identity in pending.pop()]
            schemas_per_value = max(schemas_per_value, len(applied))
            fields = max(fields, sum(map(_names_looked_up, applied)))
            states = max(states, sum(self._states_per_byte(schema) for schema in applied))
            for child in self._children(applied):
                group = self._all_applied(child)
                if group and group not in seen:
                    seen.add(group)
                    pending.append(group)
        return Effort(schemas_per_value, fields, states)

    def _all_applied(self, schemas: Iterable[Any]) -> tuple[int, ...]:
        """Return the ids of all schemas that are applied where these are, each as often as it is applied."""
        applied: list[int] = []
        for schema in schemas:
            self._expand(schema, applied, ())
        return tuple(sorted(applied))

    def _expand(self, schema: Any, applied: list[int], ancestors: tuple[int, ...]) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS or len(applied) > MAX_SCHEMAS_PER_VALUE:
            raise _Unbounded
        if not isinstance(schema, Mapping) or id(schema) in ancestors:
            return
        self._schemas_by_id[id(schema)] = schema
        applied.append(id(schema))
        for sibling in self._in_place_subschemas(schema):
            self._expand(sibling, applied, (*ancestors, id(schema)))

    def _in_place_subschemas(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        for name in _IN_PLACE_LISTS:
            yield from _list(schema.get(name))
        for name in _IN_PLACE:
            yield schema.get(name)
        yield from _mapping(schema.get("dependentSchemas")).values()
        if "$dynamicRef" in schema or "$recursiveRef" in schema:
            raise _Unbounded
        if "$ref" in schema:
            yield self._resolve(schema["$ref"])

    def _resolve(self, reference: Any) -> Any:
        if not isinstance(reference, str) or (reference != "#" and not reference.startswith("#/")) or "%" in reference:
            raise _Unbounded  # an anchor
        target = self._root
        for part in pointers.split(reference[1:]):
            if isinstance(target, Mapping) and part in target:
                target = target[part]
            elif isinstance(target, list) and part.isdecimal() and int(part) < len(target):
                target = target[int(part)]
            else:
                raise _Unbounded
        return target

    def _children(self, applied: list[Mapping[str, Any]]) -> Iterator[list[Any]]:
        """Yield the schemas applied to a field or an item, once for all fields and items that are treated alike."""
        names = {name for schema in applied for name in _mapping(schema.get("properties"))}
        others = [schema[name] for schema in applied for name in _MEMBERS if name in schema]
        others += [child for schema in applied for child in _mapping(schema.get("patternProperties")).values()]
        self._steps += len(names) * len(applied)
        for name in names:
            yield [*others, *(_mapping(schema.get("properties")).get(name) for schema in applied)]
        yield others
        items = [schema[name] for schema in applied for name in _ITEMS if name in schema]
        first = [_list(schema.get("prefixItems")) for schema in applied]
        for index in range(max(map(len, first), default=0)):
            yield [*items, *(schemas[index] for schemas in first if index < len(schemas))]
        yield items

    def _states_per_byte(self, schema: Mapping[str, Any]) -> int:
        pattern = schema.get("pattern")
        patterns = [pattern] if isinstance(pattern, str) else []
        states = sum(map(self._states_of, (*patterns, *_mapping(schema.get("patternProperties")))))
        states += _SEARCHED_FOR_MARKINGS if schema.get("format") in SECRECY_FORMATS else 0
        return states + (_EXACT if "multipleOf" in schema else 0)

    def _states_of(self, pattern: str) -> int:
        if pattern not in self._states:
            self._states[pattern] = states_of(pattern, self._fits)
        return self._states[pattern]


def _names_looked_up(schema: Mapping[str, Any]) -> int:
    dependent = sum(len(_list(names)) for names in _mapping(schema.get("dependentRequired")).values())
    named = len(_mapping(schema.get("properties"))) + len(_mapping(schema.get("patternProperties")))
    return named + dependent + len(_list(schema.get("required"))) + len(_list(schema.get("enum")))


_ELEMENT = re.compile(
    r"(?:\\[dwsDWS]|\\p\{\w+\}|\\[^a-zA-Z0-9]|\[\^?\]?(?:\\.\{?\w*\}?|[^\]\\\[])*\]|[^\\\[\](){}*+?|^$])"
    r"(\*|\+|\?|\{(\d+)(,?)(\d*)\})?"
)


def states_of(pattern: str, fits: Fits) -> int:
    """Count the states of a pattern that one byte can move at most.

    A flat pattern that begins with `^` has few: one up to its first repetition of variable length, and after it each element as many as
    it may be repeated. For any other pattern the size of its compiled program is the bound.
    """
    flat = _flat_states(pattern)
    if flat is not None:
        return flat
    return next((size // 32 for size in (4_096, 16_384, 262_144) if fits(pattern, size)), 400_000)


def _flat_states(pattern: str) -> int | None:
    if not pattern.startswith("^"):
        return None
    position, end = 1, len(pattern) - pattern.endswith("$")
    states, variable_seen = 1, False
    while position < end:
        element = _ELEMENT.match(pattern, position, end)
        if element is None:
            return None
        position = element.end()
        has_count = element[2] is not None
        most = int(element[4] or element[2]) if has_count else 1
        if variable_seen:
            states += most
        variable_seen = variable_seen or (element[1] is not None and not (has_count and not element[3]))
    return states


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
