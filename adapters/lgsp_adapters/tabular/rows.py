"""Makes rows of the lines of a sheet or CSV file. A row maps each heading to a text.

A bad cell is a fault with its line and heading, and the rest is still read, so that a report names everything at once. What could belong
to another row or column than it stands in, such as a merged cell, is a fault too, unless the manifest says what it means.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.tabular import headings
from lgsp_adapters.tabular.cell_formats import ERROR, SHORTENED, BadCell, is_shortened
from lgsp_adapters.tabular.headings import Column
from lgsp_adapters.tabular.layout import SHEET, Layout
from lgsp_adapters.tabular.limits import MAX_CELLS, UnreadableFileError
from lgsp_adapters.tabular.row_conditions import RowConditions
from lgsp_adapters.tabular.sheet_lines import Line, Span, resolve_merged
from lgsp_adapters.tabular.table import Row, Table
from lgsp_adapters.text.comparison import normalize_cell, shows_error

_SHOWN_HEADINGS = 40

_MERGED_LINES = (
    "its cell is merged over several lines; if its value counts for each of them, name the column under fill"
)
_MERGED_COLUMNS = "its cell is merged with another column, so it is unknown to which of them its value belongs"
_SEVERAL = "several cells under this heading have a value; if they are one text, name the heading under join"
_BESIDE = "the cell beside it has a value and no heading; give its column one, or name this heading under join if they are one text"

_Cells = tuple[Line, Mapping[int, Span]]


class RowReader:
    """Reads the lines of one sheet after another into a table.

    Args:
        needed: the headings that must be present, even without rows.
    """

    def __init__(self, layout: Layout, needed: Collection[str]) -> None:
        self.table = Table()
        self._layout = layout
        self._needed = {*needed, *layout.named_columns}
        self._conditions = RowConditions(layout)
        self._cells = 0
        self._heading_width = 0
        self._ended = False

    def read(self, lines: Iterator[Line], sheet: str = "") -> None:
        """Read the lines of a sheet, or of a CSV file.

        Raises:
            UnreadableFileError: there is no heading, or none that is needed, a line is of another width, or there are too many.
        """
        if sheet:
            self.table.begin_sheet(sheet)
        resolved = resolve_merged(lines)
        columns, first = self._read_heading(resolved)
        extra = {SHEET: sheet} if sheet and SHEET in self._needed else {}
        self._refuse_missing([column.name for column in columns], extra)
        self.table.heading = self.table.heading or [column.name for column in columns]
        reader = _CellReader(columns, self._needed, self._layout)
        self._ended = False
        for line, spans in (*first, *resolved):
            width = _filled_width(line.cells)
            if not width:
                continue
            if self._layout.format == "csv":
                self._refuse_width(line, width, reader.width)
            row, faults, hidden = reader.row(line, spans)
            row |= extra
            self.add(line.number, row, faults, hidden)

    def _read_heading(self, lines: Iterator[_Cells]) -> tuple[list[Column], Sequence[_Cells]]:
        """Read the lines of the headings; return the columns, and the line after them where it was read, too."""
        first, last = self._layout.heading_lines
        heading: list[_Cells] = []
        after: list[_Cells] = []
        for line, spans in lines:
            if line.number < first:
                continue
            if line.number > last > 1:
                after.append((line, spans))
                break
            heading.append((line, spans))
            if line.number >= last:
                break
        where = "its first line" if last == 1 else f"line {first}" if first == last else f"lines {first} to {last}"
        self._heading_width = max((len(line.cells) for line, _ in heading), default=0)
        return headings.columns(heading, where, self._layout.joined), after

    def _refuse_missing(self, names: Sequence[str], extra: Row) -> None:
        missing = sorted(self._needed - {*names, *extra})
        if missing:
            listed = ", ".join(names[:_SHOWN_HEADINGS])
            raise UnreadableFileError(f"there is no column {', '.join(missing)}; the headings are: {listed}")

    def _refuse_width(self, line: Line, filled: int, width: int) -> None:
        """Refuse a line of CSV that may be shifted: a delimiter in a field without quotes makes it longer than the headings.

        Args:
            filled: how many fields it has, without the empty ones at its end.
            width: how many the headings have, without those.
        """
        if len(line.cells) < width or filled > width:
            raise UnreadableFileError(f"line {line.number} has {len(line.cells)} columns, the heading {width}")
        if len(line.cells) > self._heading_width:
            raise UnreadableFileError(
                f"line {line.number} has {len(line.cells)} columns, the heading {self._heading_width}; "
                "write a field that has the delimiter in it in quotes"
            )

    def add(
        self, line: int, row: Row, faults: Sequence[tuple[str, str]] = (), hidden: Collection[str] = frozenset()
    ) -> None:
        """Add a row with its faults, by column, unless the manifest says that it is none.

        Args:
            hidden: the columns that have a value which cannot be read. To a condition they would look empty, and the row would be lost.

        Raises:
            UnreadableFileError: there are too many, or it looks like a row and stands where there can be none.
        """
        try:
            if self._ended:
                self._skip_below_end(line, row, hidden)
                return
            if self._conditions.columns.isdisjoint(hidden):
                self._ended = self._conditions.is_end(row)
                if self._ended or self._conditions.is_skipped(row):
                    self.table.add_skipped(line)
                    return
        except MappingError as unmappable:
            faults = [*faults, ("", str(unmappable))]
        self._cells += len(row)
        if self._cells > MAX_CELLS:
            raise UnreadableFileError(f"it has more than {MAX_CELLS} cells")
        self.table.add(line, row)
        for column, fault in faults:
            self.table.add_fault(column, fault)

    def _skip_below_end(self, line: int, row: Row, hidden: Collection[str]) -> None:
        """Skip a line below the end: one that is filled as a row is would be lost if the end came too early."""
        if sum(value is not None or name in hidden for name, value in row.items()) * 2 > len(row):
            raise UnreadableFileError(
                f"line {line} stands below the end of the table and is filled as a row is; correct end in the manifest"
            )
        self.table.add_skipped(line)


class _CellReader:
    """Reads the cells of a line under the columns of one sheet."""

    def __init__(self, columns: Sequence[Column], needed: Collection[str], layout: Layout) -> None:
        self.width = columns[-1].indexes[-1] + 1
        self._columns = columns
        self._needed = needed
        self._filled = layout.filled
        self._joined = layout.joined
        self._single = [(column.name, column.indexes[0]) for column in columns]
        self._has_wide = any(len(column.indexes) > 1 for column in columns)
        self._beside = [
            (column.name, column.indexes[-1] + 1)
            for column in columns
            if column.unnamed_beside and column.name in needed
        ]

    def row(self, line: Line, spans: Mapping[int, Span]) -> tuple[Row, list[tuple[str, str]], set[str]]:
        """Return the row of a line, the column and text of each of its faults, and the columns whose value cannot be read."""
        cells = line.cells + [""] * (self.width - len(line.cells))
        faults: list[tuple[str, str]] = []
        hidden: set[str] = set()
        row: Row = {}
        if spans or self._has_wide:
            texts = []
            for column in self._columns:
                text, unclear = self._text(column, cells, spans)
                texts.append((column.name, text))
                if unclear and column.name in self._needed:
                    faults.append((column.name, unclear))
                if unclear is _MERGED_LINES and not normalize_cell(text):
                    hidden.add(column.name)
        else:
            texts = [(name, cells[index]) for name, index in self._single]
        for name, text in texts:
            fault = _cell_fault(text)
            row[name] = None if fault else normalize_cell(text)
            if fault:
                faults.append((name, fault))
                hidden.add(name)
        for name, index in self._beside:
            if index < len(cells) and normalize_cell(cells[index]):
                faults.append((name, _BESIDE))
        return row, faults, hidden

    def _text(self, column: Column, cells: Sequence[str], spans: Mapping[int, Span]) -> tuple[str, str]:
        """Return the text of a column, and why it is unclear to which row or column it belongs, or ""."""
        texts: list[str] = []
        for index in column.indexes:
            span = spans.get(index)
            text = cells[index]
            if span and span.text:
                merged = span.range
                if merged.first_column not in column.indexes or merged.last_column > column.indexes[-1]:
                    return text, _MERGED_COLUMNS
                if merged.last_line > merged.first_line:
                    if column.name not in self._filled:
                        return text, _MERGED_LINES
                    text = span.text if index == merged.first_column else ""
            if isinstance(text, BadCell):
                return text, ""
            if normalize_cell(text):
                texts.append(text)
        if len(texts) < 2:
            return (texts[0] if texts else ""), ""
        return " ".join(normalize_cell(text) or "" for text in texts), "" if column.name in self._joined else _SEVERAL


def _cell_fault(text: str) -> BadCell | None:
    if isinstance(text, BadCell):
        return text
    if shows_error(normalize_cell(text)):
        return ERROR
    return SHORTENED if is_shortened(text) else None


def _filled_width(cells: Sequence[str]) -> int:
    """Return how many cells a line has, without the empty ones at its end."""
    end = len(cells)
    while end and not normalize_cell(cells[end - 1]):
        end -= 1
    return end
