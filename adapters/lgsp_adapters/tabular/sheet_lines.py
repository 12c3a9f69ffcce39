"""Lines of a sheet, and the merged cells that cover them.

A spreadsheet displays the value of a merged cell once for all lines and columns that it covers, while the file has it in the first of them
alone. What is kept under the others is seen by nobody, so it counts for nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lgsp_adapters.tabular.limits import MAX_COLUMNS, MAX_MERGED, UnreadableFileError
from lgsp_adapters.text.comparison import normalize_cell


class Sheet(NamedTuple):
    """A sheet of a workbook."""

    name: str
    is_visible: bool


class MergedRange(NamedTuple):
    """A merged cell: lines count from 1, columns from 0; both ends belong to it."""

    first_line: int
    last_line: int
    first_column: int
    last_column: int


class Line(NamedTuple):
    """A line of a sheet or of a CSV file.

    Args:
        number: counted from 1.
        cells: their texts; a faulty cell is a `BadCell`.
        merged: the merged cells that begin in this line.
    """

    number: int
    cells: list[str]
    merged: Sequence[MergedRange] = ()


class Span(NamedTuple):
    """A merged cell with its text, which is empty where it displays nothing."""

    range: MergedRange
    text: str


def resolve_merged(lines: Iterator[Line]) -> Iterator[tuple[Line, Mapping[int, Span]]]:
    """Yield each line without what merged cells hide, and the merged cell of each column that one covers.

    Raises:
        UnreadableFileError: there are too many merged cells, or the lines are out of order.
    """
    spans: list[Span] = []
    last, count = 0, 0
    for line in lines:
        if line.number <= last:
            raise UnreadableFileError(f"line {line.number} stands behind line {last}")
        last = line.number
        if not spans and not line.merged:
            yield line, {}
            continue
        count += len(line.merged)
        if count > MAX_MERGED:
            raise UnreadableFileError(f"it has more than {MAX_MERGED} merged cells")
        spans = [span for span in spans if span.range.last_line >= line.number]
        spans += [Span(merged, _text(line.cells, merged.first_column)) for merged in line.merged]
        covered: dict[int, Span] = {}
        cells = list(line.cells)
        for span in spans:
            for column in range(span.range.first_column, min(span.range.last_column + 1, MAX_COLUMNS)):
                covered[column] = span
                is_origin = line.number == span.range.first_line and column == span.range.first_column
                if column < len(cells) and not is_origin:
                    cells[column] = ""
        yield Line(line.number, cells), covered


def _text(cells: Sequence[str], column: int) -> str:
    text = cells[column] if column < len(cells) else ""
    return text if normalize_cell(text) else ""
