"""A table that was read from a file: its rows, where each stands, and what is wrong with its cells."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from lgsp_adapters.tabular.limits import MAX_ROWS, UnreadableFileError

MAX_FAULTS = 1000
"""That a report names; more say nothing new."""

MAX_SKIPPED = 100
"""Skipped lines that a report names."""

MAX_LINES = 10
"""Lines of a sheet that a sentence lists."""

Row = dict[str, Any]
Fault = dict[str, Any]
"""`row` counts from 1 (0: the file as a whole), `sheet` and `line` are where it stands in the file, `column` is a heading, `fault` what is wrong,
`manifest` the expression that says so."""


@dataclass(slots=True)
class Table:
    """What was read.

    Args:
        heading: the headings in their order; in XML, the names that some row has.
        lines: the line of each row in its sheet or file.
        sheets: of each sheet with rows, how many rows stand before it, and its name; empty where the format has no sheets.
        faults: of cells, in the order of rows, at most `MAX_FAULTS`.
        faulty: all rows with a fault, counted from 1.
        skipped: how many lines are no rows, as the manifest says.
        skipped_lines: the first of them, with their sheets.
    """

    heading: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    sheets: list[tuple[int, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    faulty: set[int] = field(default_factory=set)
    skipped: int = 0
    skipped_lines: list[Fault] = field(default_factory=list)

    def begin_sheet(self, name: str) -> None:
        """Begin the rows of a sheet."""
        self.sheets.append((len(self.rows), name))

    def add(self, line: int, row: Row) -> None:
        """Add a row.

        Raises:
            UnreadableFileError: there are more than `MAX_ROWS`.
        """
        if len(self.rows) == MAX_ROWS:
            raise UnreadableFileError(f"it has more than {MAX_ROWS} rows")
        self.rows.append(row)
        self.lines.append(line)

    def add_fault(self, column: str, fault: str) -> None:
        """Record a fault of a cell of the last row."""
        self.faulty.add(len(self.rows))
        if len(self.faults) < MAX_FAULTS:
            named = {"column": column} if column else {}
            self.faults.append({**self.reference(len(self.rows) - 1), **named, "fault": str(fault)})

    def add_skipped(self, line: int) -> None:
        """Record a line that is no row."""
        self.skipped += 1
        if len(self.skipped_lines) < MAX_SKIPPED:
            sheet = {"sheet": self.sheets[-1][1]} if self.sheets else {}
            self.skipped_lines.append({**sheet, "line": line})

    def reference(self, index: int) -> Fault:
        """Say where a row stands.

        Args:
            index: of the row, from 0.
        """
        if not self.sheets:
            return {"row": index + 1, "line": self.lines[index]}
        sheet = self.sheets[bisect_right(self.sheets, index, key=lambda begun: begun[0]) - 1][1]
        return {"row": index + 1, "sheet": sheet, "line": self.lines[index]}


def describe(fault: Fault) -> str:
    """Write a fault on one line for a terminal: where it stands, then what is wrong."""
    parts = [
        f"sheet {fault['sheet']}" if fault.get("sheet") else "",
        f"line {fault['line']}" if fault.get("line") else "",
    ]
    parts.append(f"column {fault['column']}" if fault.get("column") else "")
    where = ", ".join(part for part in parts if part)
    at = f" ({fault['manifest']})" if fault.get("manifest") else ""
    return f"{where}: {fault['fault']}{at}" if where else f"{fault['fault']}{at}"


def join_lines(references: Sequence[Mapping[str, Any]]) -> str:
    """Write lines by their sheets: `sheet a: 9, 11; sheet b: 8`; only the first `MAX_LINES` of each."""
    parts = []
    for sheet, of_sheet in groupby(references, lambda reference: reference.get("sheet", "")):
        numbers = [str(reference["line"]) for reference in of_sheet]
        listed = ", ".join([*numbers[:MAX_LINES], *(["…"] if len(numbers) > MAX_LINES else [])])
        parts.append(f"sheet {sheet}: {listed}" if sheet else listed)
    return "; ".join(parts)
