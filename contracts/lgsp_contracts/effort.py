"""How much work a schema can make of a document: a bound that follows from the two texts alone, before anything is checked.

The validator is fast where a contract is plain and can be made to run for minutes where it is not: alternatives in alternatives,
references that double at each level, patterns whose automaton has thousands of states (13 s for 60,000 letters, measured). What
may take long is done elsewhere than in the gateway's event loop. So the bound may say much where little is true, never the
other way round.

Counted is, for each place of a document, how many schemas are applied to it: those beside each other in `allOf`, `anyOf`, `oneOf`,
`not`, `if` and behind `$ref`, multiplied on the way down.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_contracts import pointers

MAX_PLACE = 400
"""Schemas at one place; where there are more, the bound is given up."""

MAX_STEPS = 6_000
"""Schemas looked at while the bound is worked out."""

BUDGET = 5_000_000
"""Nanoseconds of work that may be done at once. The prices below are twice what a core of 2026 takes (measured)."""

_TEXT, _VALUE, _CONTAINER, _SCHEMA, _FIELD, _STATE = 6, 80, 1_100, 150, 50, 5
_ESCAPED_TEXT, _ESCAPED_CONTAINER = 14, 1_500
"""On top, where there are escapes: they are resolved, and looked through for characters that no contract takes."""
_EXACT = 20
"""States' worth of work for a byte, where numbers are counted digit by digit."""
_BROKEN, _BROKEN_FIELD, _ALTERNATIVE = 5_000, 1_500, 12_000

_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("not", "if", "then", "else")
_MEMBERS = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_ITEMS = ("items", "contains", "unevaluatedItems")
_SEPARATORS, _OPENERS = b"[{,", b"[{"

Fits = Callable[[str, int], bool]
"""Does a pattern compile to at most so many bytes?"""


@dataclass(frozen=True, slots=True)
class Effort:
    """The bound of one schema.

    Args:
        place: schemas that are applied to one place of a document at most; 0 where that is not bounded.
        fields: names and alternatives that are looked up for one object or array.
        states: of patterns, which one byte of text can move.
    """

    place: int
    fields: int
    states: int

    @property
    def light_bytes(self) -> int:
        """Documents of up to so many bytes are checked within the budget, whatever stands in them."""
        if not self.place:
            return 0
        # The densest document there is: `[[],[],[],…`, three bytes for each container and its comma.
        dense = (2 * (_VALUE + _SCHEMA * self.place) + _CONTAINER + _FIELD * self.fields) / 3
        return max(0, int(BUDGET / (dense + _TEXT + _STATE * self.states)) - 8)  # what is begun counts as a whole

    def is_light(self, body: bytes) -> bool:
        """Tell whether a document is checked within the budget."""
        if not self.place:
            return False
        text, container = _TEXT, _CONTAINER
        if b"\\" in body:
            text, container = text + _ESCAPED_TEXT, container + _ESCAPED_CONTAINER
        values, containers = _counted(body)
        work = values * (_VALUE + _SCHEMA * self.place) + containers * (container + _FIELD * self.fields)
        return work + len(body) * (text + _STATE * self.states) <= BUDGET

    def explains_at_once(self, body: bytes) -> bool:
        """Tell whether the rules that a document breaks are found within the budget.

        The validator makes each alternative whole for that, and a copy of an object for each of its fields that is missing.
        """
        if not self.place:
            return False
        values, _ = _counted(body)
        return values * (_BROKEN + _BROKEN_FIELD * self.fields + _ALTERNATIVE * (self.place - 1)) <= BUDGET


def _counted(body: bytes) -> tuple[int, int]:
    """How many values and how many containers a text can hold at most: those that texts quote are counted too."""
    without = body.translate(None, _SEPARATORS)
    return len(body) - len(without) + 1, len(body) - len(body.translate(None, _OPENERS))


def of(document: Any, fits: Fits) -> Effort:
    """Compute the bound of a schema document whose references were checked.

    Args:
        fits: asks the engine of patterns.
    """
    try:
        return _Looking(document, fits).effort()
    except _TooMuch:
        return Effort(0, 0, 0)


class _TooMuch(Exception):  # noqa: N818 - nothing is wrong: there is no bound
    """The bound is given up."""


class _Looking:
    """Walks through all combinations of schemas that can meet at one place of a document."""

    def __init__(self, root: Any, fits: Fits) -> None:
        self._root = root
        self._fits = fits
        self._steps = 0
        self._known: dict[int, Mapping[str, Any]] = {}
        self._states: dict[str, int] = {}

    def effort(self) -> Effort:
        place = fields = states = 1
        met = {self._together([self._root])}
        todo = list(met)
        while todo:
            here = [self._known[one] for one in todo.pop()]
            place = max(place, len(here))
            fields = max(fields, sum(map(_looked_up, here)))
            states = max(states, sum(self._moved(schema) for schema in here))
            for child in self._children(here):
                together = self._together(child)
                if together and together not in met:
                    met.add(together)
                    todo.append(together)
        return Effort(place, fields, states)

    def _together(self, schemas: Iterable[Any]) -> tuple[int, ...]:
        """All that is applied where these are, by identity, each as often as it is applied."""
        found: list[int] = []
        for schema in schemas:
            self._expand(schema, found, ())
        return tuple(sorted(found))

    def _expand(self, schema: Any, found: list[int], above: tuple[int, ...]) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS or len(found) > MAX_PLACE:
            raise _TooMuch
        if not isinstance(schema, Mapping) or id(schema) in above:
            return
        self._known[id(schema)] = schema
        found.append(id(schema))
        for beside in self._beside(schema):
            self._expand(beside, found, (*above, id(schema)))

    def _beside(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        for name in _IN_PLACE_LISTS:
            yield from _list(schema.get(name))
        for name in _IN_PLACE:
            yield schema.get(name)
        yield from _mapping(schema.get("dependentSchemas")).values()
        if "$dynamicRef" in schema or "$recursiveRef" in schema:
            raise _TooMuch
        if "$ref" in schema:
            yield self._referred(schema["$ref"])

    def _referred(self, reference: Any) -> Any:
        if not isinstance(reference, str) or (reference != "#" and not reference.startswith("#/")) or "%" in reference:
            raise _TooMuch  # an anchor
        found = self._root
        for part in pointers.split(reference[1:]):
            if isinstance(found, Mapping) and part in found:
                found = found[part]
            elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            else:
                raise _TooMuch
        return found

    def _children(self, here: list[Mapping[str, Any]]) -> Iterator[list[Any]]:
        """What is applied to each field and each item, for all fields and items that are treated alike."""
        names = {name for schema in here for name in _mapping(schema.get("properties"))}
        others = [schema[name] for schema in here for name in _MEMBERS if name in schema]
        others += [child for schema in here for child in _mapping(schema.get("patternProperties")).values()]
        self._steps += len(names) * len(here)
        for name in names:
            yield [*others, *(_mapping(schema.get("properties")).get(name) for schema in here)]
        yield others
        items = [schema[name] for schema in here for name in _ITEMS if name in schema]
        first = [_list(schema.get("prefixItems")) for schema in here]
        for index in range(max(map(len, first), default=0)):
            yield [*items, *(schemas[index] for schemas in first if index < len(schemas))]
        yield items

    def _moved(self, schema: Mapping[str, Any]) -> int:
        pattern = schema.get("pattern")
        patterns = [pattern] if isinstance(pattern, str) else []
        states = sum(map(self._states_of, (*patterns, *_mapping(schema.get("patternProperties")))))
        return states + (_EXACT if "multipleOf" in schema else 0)

    def _states_of(self, pattern: str) -> int:
        if pattern not in self._states:
            self._states[pattern] = states_of(pattern, self._fits)
        return self._states[pattern]


def _looked_up(schema: Mapping[str, Any]) -> int:
    dependent = sum(len(_list(names)) for names in _mapping(schema.get("dependentRequired")).values())
    named = len(_mapping(schema.get("properties"))) + len(_mapping(schema.get("patternProperties")))
    return named + dependent + len(_list(schema.get("required"))) + len(_list(schema.get("enum")))


_ELEMENT = re.compile(
    r"(?:\\[dwsDWS]|\\p\{\w+\}|\\[^a-zA-Z0-9]|\[\^?\]?(?:\\.\{?\w*\}?|[^\]\\\[])*\]|[^\\\[\](){}*+?|^$])"
    r"(\*|\+|\?|\{(\d+)(,?)(\d*)\})?"
)


def states_of(pattern: str, fits: Fits) -> int:
    """Count the states of a pattern that one byte can move at most.

    A flat pattern that begins with `^` moves few: what stands before its first repetition of changeable length moves one, and each
    element behind it one for each time that it may stand. Of any other pattern the size of its program says it.
    """
    flat = _flat_states(pattern)
    if flat is not None:
        return flat
    return next((size // 32 for size in (4_096, 16_384, 262_144) if fits(pattern, size)), 400_000)


def _flat_states(pattern: str) -> int | None:
    if not pattern.startswith("^"):
        return None
    at, end = 1, len(pattern) - pattern.endswith("$")
    states, changeable = 1, False
    while at < end:
        element = _ELEMENT.match(pattern, at, end)
        if element is None:
            return None
        at = element.end()
        counted = element[2] is not None
        most = int(element[4] or element[2]) if counted else 1
        if changeable:
            states += most
        changeable = changeable or (element[1] is not None and not (counted and not element[3]))
    return states


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
