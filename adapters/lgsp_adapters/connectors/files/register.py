"""Indexes a table as a register for look-ups: the key of each row, and the faults of the table.

What is absent is never found and finds nothing: a row whose key is empty, an error, or a placeholder such as `null` is left out of the
look-up and counted. Two rows under one key are a fault where the answer uses one row: it is unknown which of them was meant.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.tabular.table import MAX_FAULTS, Fault, Row, Table
from lgsp_adapters.text.comparison import lookup_key, normalize_document, normalize_heading
from lgsp_contracts import pointers
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation

Key = tuple[str, ...]
ROW_SIDE = ("connection", "row")
RESPONSE_VARIABLES = ("connection", "row", "rows")
_KINDS = {"row": "row", "rows": "rows"}


def key_sides(find: Any, location: SourceLocation) -> Iterator[tuple[str, Any, Any, SourceLocation]]:
    """Yield the pairs of a `find`: the heading (or "" where an expression makes the row's side), that expression, what it equals, and its location."""
    if isinstance(find, Mapping):
        for name, expression in find.items():
            yield normalize_heading(str(name)), None, expression, location / name
    else:
        for number, pair in enumerate(find):
            yield "", pair["row"], pair["equals"], location / number / "equals"


class Lookup:
    """The look-up of one operation: the keys of rows, and the answer that rows make.

    Args:
        document: the operation of a manifest.
        response: what its answer has to keep.
        connection: of the manifest, for its tables of codes.

    Raises:
        Refusal: `invalid-document`, when an expression is wrong.
    """

    def __init__(
        self, document: Mapping[str, Any], location: SourceLocation, response: Schema, connection: Mapping[str, Any]
    ) -> None:
        self._response = response
        self._connection = connection
        answer = normalize_document(document["answer"])
        self._parts: list[tuple[str, Template | None, str]] = []
        needed: set[str] = set()
        for number, (name, given, _, _) in enumerate(key_sides(document["find"], location / "find")):
            if given is None:
                self._parts.append((name, None, name))
                needed.add(name)
            else:
                expression = normalize_document(given)
                named_columns = columns.named_columns(expression, _KINDS)
                template = Template(expression, location / "find" / number / "row", ROW_SIDE)
                self._parts.append(("", template, ", ".join(sorted(named_columns))))
                needed |= named_columns
        self.answer = Template(answer, location / "answer", RESPONSE_VARIABLES)
        self.keys = frozenset(needed)
        self.needed = self.keys | columns.named_columns(answer, _KINDS)
        self.several = columns.uses_variable(answer, "rows")

    def answer_of(self, table: Table, numbers: Sequence[int]) -> Any:
        """Make the answer of the rows under a key, whether it keeps the contract or not; None where none can be made."""
        try:
            return self.answer(self.scope([table.rows[number] for number in numbers]))
        except MappingError:
            return None

    def scope(self, rows: list[Row]) -> Mapping[str, Any]:
        """Make the variables of an answer from rows."""
        return {"connection": self._connection, "rows": rows, "row": rows[0] if rows else None}

    def index_rows(self, table: Table) -> tuple[dict[Key, list[int]], list[Fault]]:
        """Find the rows under each key, counted from 0, and their faults, in the order of rows and at most `MAX_FAULTS`."""
        rows_by_key: dict[Key, list[int]] = {}
        faults: list[Fault] = []
        for number, row in enumerate(table.rows):
            if len(faults) >= MAX_FAULTS:
                return {}, faults
            key_or_fault = self._key(row)
            if isinstance(key_or_fault, dict):
                faults.append({**table.reference(number), **key_or_fault})
            elif key_or_fault is not None:
                rows_by_key.setdefault(key_or_fault, []).append(number)
        for numbers in rows_by_key.values():
            if len(faults) >= MAX_FAULTS:
                break
            faults += self._answer_faults(table, numbers)
        return rows_by_key, sorted(faults, key=lambda fault: int(fault["row"]))[:MAX_FAULTS]

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

    def _answer_faults(self, table: Table, numbers: list[int]) -> list[Fault]:
        if len(numbers) > 1 and not self.several:
            column = ", ".join(column for _, _, column in self._parts)
            first = table.reference(numbers[0])
            where = f"line {first['line']} of sheet {first['sheet']}" if "sheet" in first else f"line {first['line']}"
            fault = f"the row in {where} has the same key, and the answer uses one row; remove one of the two, or use rows in the answer"
            return [{**table.reference(number), "column": column, "fault": fault} for number in numbers[1:]]
        rows = [table.rows[number] for number in numbers]
        try:
            answer = self.answer(self.scope(rows))
        except MappingError as unmappable:
            location = unmappable.location
            inside = location.path[len(self.answer.location.path) :] if location else ()
            return [{**table.reference(numbers[0]), **self._column(inside), "fault": str(unmappable)}]
        if self._response.is_valid(answer):
            return []
        violation = self._response.violations(answer)[0]
        columns_at_fault = self._column(pointers.split(violation.pointer))
        return [
            {
                **table.reference(numbers[0]),
                **columns_at_fault,
                "fault": f"{violation.rule}: {violation.message.en}",
            }
        ]

    def _column(self, path: tuple[str, ...]) -> dict[str, str]:
        """Return the columns that the value at a path of the answer is made of."""
        part, kinds = self.answer.document, dict(_KINDS)
        for step in path:
            if isinstance(part, Mapping) and "$as" in part:
                kinds["item"] = "row"
                part = part["$as"] if step.isdigit() else part
            if isinstance(part, Mapping) and step in part:
                part = part[step]
        named_columns = columns.named_columns(part, kinds) if isinstance(part, str) else set()
        return {"column": ", ".join(sorted(named_columns))} if named_columns else {}


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """A table checked against all operations of a manifest.

    Args:
        keys: for each operation, the rows under each key.
        without_key: for each operation, how many rows it can never find.
        notices: what is no fault but worth knowing.
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
                {"operation": name, "row": 0, "fault": f"no row has {missing_column}, by which rows are found"}
                for missing_column in sorted(lookup.keys - set(table.heading))
            ]
        notices = [
            f"no row has {name}, which the manifest names"
            for name in needed_columns(lookups)
            if name not in table.heading
        ]
    keys: dict[str, Mapping[Key, list[int]]] = {}
    without_key: dict[str, int] = {}
    for name, lookup in lookups.items():
        rows_by_key, key_faults = lookup.index_rows(table)
        keys[name] = rows_by_key
        faults += [{"operation": name, **fault} for fault in key_faults]
        unindexed = len(table.rows) - sum(len(numbers) for numbers in rows_by_key.values())
        if unindexed and not key_faults:
            without_key[name] = unindexed
    return CheckedTable(keys, faults[:MAX_FAULTS], without_key, notices)
