"""Indexes a table as a register for look-ups: the key of each row, and the faults of the table.

What is absent is never found and finds nothing: a row whose key is empty, an error, or a placeholder such as `null` is left out of the
look-up and counted. A key that no request can ask for is a fault, and so are two rows under one key where the answer uses one row: it is
unknown which of them was meant.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lgsp_adapters.connectors.files.key_schemas import KeySchema, key_schema
from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.tabular.table import MAX_FAULTS, Fault, Row, Table, join_lines
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


@dataclass(frozen=True, slots=True)
class _KeyPart:
    """One part of a key.

    Args:
        heading: of the column whose value it is, where no expression makes it.
        columns: those that it is made of.
        schema: of the field of the request that it is compared with, where that is known.
    """

    heading: str
    template: Template | None
    columns: tuple[str, ...]
    schema: KeySchema | None

    @property
    def column(self) -> str:
        """Return the columns as faults name them."""
        return ", ".join(self.columns)


class Lookup:
    """The look-up of one operation: the keys of rows, and the answer that rows make.

    Args:
        document: the operation of a manifest.
        request: what can be asked for.
        response: what its answer has to keep.
        connection: of the manifest, for its tables of codes.

    Raises:
        Refusal: `invalid-document`, when an expression is wrong.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        location: SourceLocation,
        request: Schema,
        response: Schema,
        connection: Mapping[str, Any],
    ) -> None:
        self._response = response
        self._connection = connection
        answer = normalize_document(document["answer"])
        self._parts: list[_KeyPart] = []
        for number, (name, given, equals, _) in enumerate(key_sides(document["find"], location / "find")):
            schema = key_schema(equals, request) if isinstance(equals, str) else None
            if given is None:
                self._parts.append(_KeyPart(name, None, (name,), schema))
            else:
                expression = normalize_document(given)
                named_columns = tuple(sorted(columns.named_columns(expression, _KINDS)))
                template = Template(expression, location / "find" / number / "row", ROW_SIDE)
                self._parts.append(_KeyPart("", template, named_columns, schema))
        self.answer = Template(answer, location / "answer", RESPONSE_VARIABLES)
        self.keys = frozenset(column for part in self._parts for column in part.columns)
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
        key: list[str] = []
        for part in self._parts:
            try:
                value = (
                    part.template({"connection": self._connection, "row": row})
                    if part.template
                    else row.get(part.heading)
                )
                text = lookup_key(value)
            except MappingError as unmappable:
                return {"column": part.column, **fault_of(unmappable)}
            except ValueError as error:
                return {"column": part.column, "fault": str(error)}
            if text is None:
                return None
            if part.schema and (fault := part.schema.fault(text)):
                return {"column": part.column, "fault": fault}
            key.append(text)
        return tuple(key)

    def restored_zeros(self, table: Table, rows_by_key: Mapping[Key, Sequence[int]]) -> Counter[int]:
        """Count the rows whose key has zeros at its beginning that their file does not have, by how many zeros."""
        restored: Counter[int] = Counter()
        made = [(position, part) for position, part in enumerate(self._parts) if part.template]
        for key, numbers in rows_by_key.items() if made else ():
            for number in numbers:
                zeros = max(_added_zeros(key[position], table.rows[number], part.columns) for position, part in made)
                restored[zeros] += zeros > 0
        return +restored

    def _answer_faults(self, table: Table, numbers: list[int]) -> list[Fault]:
        if len(numbers) > 1 and not self.several:
            column = ", ".join(part.column for part in self._parts)
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
            return [{**table.reference(numbers[0]), **self._column(inside), **fault_of(unmappable)}]
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


def fault_of(unmappable: MappingError) -> dict[str, str]:
    """Describe a value that cannot be mapped: to the office by the rule alone, to the integrator by the place in the manifest, too."""
    at = {"manifest": str(unmappable.location)} if unmappable.location else {}
    return {"fault": unmappable.reason, **at}


def _added_zeros(key: str, row: Row, named_columns: Sequence[str]) -> int:
    for column in named_columns:
        value = row.get(column)
        text = lookup_key(value) if isinstance(value, str) else None
        if text and key.endswith(text) and set(key[: -len(text)]) == {"0"}:
            return len(key) - len(text)
    return 0


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
        if not key_faults:
            indexed = {number for numbers in rows_by_key.values() for number in numbers}
            absent = [
                number for number in range(len(table.rows)) if number not in indexed and number + 1 not in table.faulty
            ]
            if absent:
                without_key[name] = len(absent)
            notices += _key_notices(name, table, absent, lookup.restored_zeros(table, rows_by_key))
    return CheckedTable(keys, faults[:MAX_FAULTS], without_key, notices)


def _key_notices(name: str, table: Table, absent: Sequence[int], restored: Mapping[int, int]) -> Iterator[str]:
    if absent:
        lines = join_lines([table.reference(number) for number in absent[:MAX_FAULTS]])
        yield f"{name}: rows without a key, never found: {len(absent)} ({lines})"
    if restored:
        counts = ", ".join(f"{zeros} zero{'s' * (zeros > 1)}: {count}" for zeros, count in sorted(restored.items()))
        yield f"{name}: rows whose key was given zeros at its beginning: {sum(restored.values())} ({counts})"
