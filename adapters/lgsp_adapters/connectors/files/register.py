"""A table as a register that is looked up: under which key each row is found, and what is wrong with it.

What is absent is never found and finds nothing: a row whose key is empty, an error, or the word of a program for nothing is left out of the
look-up and counted. Two rows under one key are a fault where the answer is made of one: which of them was meant, nobody could say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.tabular.tables import MAX_FAULTS, Fault, Row, Table
from lgsp_adapters.text.comparison import lookup_key, normalize_document, normalize_heading
from lgsp_contracts import pointers
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation

Key = tuple[str, ...]
ROW_SIDE = ("connection", "row")
ANSWERED = ("connection", "row", "rows")
_KINDS = {"row": "row", "rows": "rows"}


def key_sides(find: Any, place: SourceLocation) -> Iterator[tuple[str, Any, Any, SourceLocation]]:
    """Yield the pairs of a `find`: the heading (or "" where an expression makes the row's side), that expression, what it equals, and its location."""
    if isinstance(find, Mapping):
        for name, wanted in find.items():
            yield normalize_heading(str(name)), None, wanted, place / name
    else:
        for number, pair in enumerate(find):
            yield "", pair["row"], pair["equals"], place / number / "equals"


class Lookup:
    """How the rows of a table are found by one operation, and what they answer.

    Args:
        document: the operation of a manifest.
        response: what its answer has to keep.
        connection: of the manifest, for its tables of codes.

    Raises:
        Refusal: `invalid-document`, when an expression is wrong.
    """

    def __init__(
        self, document: Mapping[str, Any], place: SourceLocation, response: Schema, connection: Mapping[str, Any]
    ) -> None:
        self._response = response
        self._connection = connection
        answer = normalize_document(document["answer"])
        self._parts: list[tuple[str, Template | None, str]] = []
        needed: set[str] = set()
        for number, (name, given, _, _) in enumerate(key_sides(document["find"], place / "find")):
            if given is None:
                self._parts.append((name, None, name))
                needed.add(name)
            else:
                expression = normalize_document(given)
                named = columns.named_columns(expression, _KINDS)
                template = Template(expression, place / "find" / number / "row", ROW_SIDE)
                self._parts.append(("", template, ", ".join(sorted(named))))
                needed |= named
        self.answer = Template(answer, place / "answer", ANSWERED)
        self.keys = frozenset(needed)
        self.needed = self.keys | columns.named_columns(answer, _KINDS)
        self.several = columns.uses_variable(answer, "rows")

    def scope(self, rows: list[Row]) -> Mapping[str, Any]:
        """Make the variables of an answer from rows."""
        return {"connection": self._connection, "rows": rows, "row": rows[0] if rows else None}

    def judged(self, table: Table) -> tuple[dict[Key, list[int]], list[Fault]]:
        """Find the rows under each key, counted from 0, and their faults, in the order of rows and at most `MAX_FAULTS`."""
        found: dict[Key, list[int]] = {}
        faults: list[Fault] = []
        for number, row in enumerate(table.rows):
            if len(faults) >= MAX_FAULTS:
                return {}, faults
            told = self._key(row)
            if isinstance(told, dict):
                faults.append({**_where(table, number), **told})
            elif told is not None:
                found.setdefault(told, []).append(number)
        for numbers in found.values():
            if len(faults) >= MAX_FAULTS:
                break
            faults += self._wrong(table, numbers)
        return found, sorted(faults, key=lambda fault: int(fault["row"]))[:MAX_FAULTS]

    def _key(self, row: Row) -> Key | dict[str, str] | None:
        parts: list[str] = []
        for name, template, column in self._parts:
            try:
                part = lookup_key(template({"connection": self._connection, "row": row}) if template else row.get(name))
            except (MappingError, ValueError) as error:
                return {"column": column, "fault": str(error)}
            if part is None:
                return None
            parts.append(part)
        return tuple(parts)

    def _wrong(self, table: Table, numbers: list[int]) -> list[Fault]:
        if len(numbers) > 1 and not self.several:
            column = ", ".join(column for _, _, column in self._parts)
            first = table.lines[numbers[0]]
            fault = f"its key stands in line {first} too, and one row answers; remove one of them, or answer with rows"
            return [{**_where(table, number), "column": column, "fault": fault} for number in numbers[1:]]
        rows = [table.rows[number] for number in numbers]
        try:
            answer = self.answer(self.scope(rows))
        except MappingError as unmappable:
            place = unmappable.place
            inside = place.path[len(self.answer.place.path) :] if place else ()
            return [{**_where(table, numbers[0]), **self._column(inside), "fault": str(unmappable)}]
        if self._response.is_valid(answer):
            return []
        broken = self._response.violations(answer)[0]
        where = self._column(pointers.split(broken.pointer))
        return [{**_where(table, numbers[0]), **where, "fault": f"{broken.rule}: {broken.message.en}"}]

    def _column(self, path: tuple[str, ...]) -> dict[str, str]:
        """The columns that a place in the answer is made of."""
        part, kinds = self.answer.document, dict(_KINDS)
        for step in path:
            if isinstance(part, Mapping) and "$as" in part:
                kinds["item"] = "row"
                part = part["$as"] if step.isdigit() else part
            if isinstance(part, Mapping) and step in part:
                part = part[step]
        named = columns.named_columns(part, kinds) if isinstance(part, str) else set()
        return {"column": ", ".join(sorted(named))} if named else {}


def _where(table: Table, number: int) -> Fault:
    return {"row": number + 1, "line": table.lines[number]}


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """A table held against all operations of a manifest.

    Args:
        keys: for each operation, the rows under each key.
        without_key: for each operation, how many rows it can never find.
        notices: what is no fault, and yet worth a look.
    """

    keys: Mapping[str, Mapping[Key, list[int]]]
    faults: list[Fault]
    without_key: Mapping[str, int]
    notices: list[str]


def needed_columns(lookups: Mapping[str, Lookup]) -> list[str]:
    """List the headings that the operations name."""
    return sorted(set[str]().union(*(lookup.needed for lookup in lookups.values())))


def check_table(table: Table, lookups: Mapping[str, Lookup], *, optional: bool) -> CheckedTable:
    """Check a table against the operations of a manifest.

    Args:
        optional: a row may lack what it has nothing for, as in XML; then only what rows are found by has to be there.
    """
    faults: list[Fault] = list(table.faults)
    notices: list[str] = []
    if optional and table.rows:
        for name, lookup in lookups.items():
            faults += [
                {"operation": name, "row": 0, "fault": f"no row has {lacking}, by which rows are found"}
                for lacking in sorted(lookup.keys - set(table.heading))
            ]
        notices = [
            f"no row has {name}, which the manifest names"
            for name in needed_columns(lookups)
            if name not in table.heading
        ]
    keys: dict[str, Mapping[Key, list[int]]] = {}
    without: dict[str, int] = {}
    for name, lookup in lookups.items():
        found, wrong = lookup.judged(table)
        keys[name] = found
        faults += [{"operation": name, **fault} for fault in wrong]
        lost = len(table.rows) - sum(len(numbers) for numbers in found.values())
        if lost and not wrong:
            without[name] = lost
    return CheckedTable(keys, faults[:MAX_FAULTS], without, notices)
