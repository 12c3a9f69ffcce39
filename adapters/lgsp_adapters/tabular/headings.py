"""The columns of a table, from the lines of its headings.

A heading over several lines is written from above: `Trợ cấp / Mức` for "Mức" under the group "Trợ cấp". A merged heading counts for each
line and column that it covers. Where cells are not merged, as in CSV, a heading with another one below it is a group, and goes on to the
right as long as its line is blank and the lines below are not.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from lgsp_adapters.tabular.cell_formats import BadCell
from lgsp_adapters.tabular.limits import MAX_COLUMNS, UnreadableFileError
from lgsp_adapters.tabular.sheet_lines import Line, Span
from lgsp_adapters.text.comparison import normalize_heading

SEPARATOR = " / "
"""Between the texts of a heading of several lines."""

_Origin = tuple[int, int]
"""The line and the column in which the text of a heading stands."""

_Parts = dict[_Origin, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        name: its heading.
        indexes: the columns of the sheet that its heading covers; the first one is its own.
        unnamed: the next column of the sheet has no heading.
    """

    name: str
    indexes: Sequence[int]
    unnamed_beside: bool = False


def columns(lines: Sequence[tuple[Line, Mapping[int, Span]]], where: str, joined: Collection[str] = ()) -> list[Column]:
    """Make the columns of a table.

    Args:
        lines: those of the headings, from above, with the merged cells that cover them.
        where: how an error names these lines.
        joined: headings that go on over the columns to their right that have none.

    Raises:
        UnreadableFileError: no column has a heading, two have the same, a heading is an error, or there are too many.
    """
    width = max((len(line.cells) for line, _ in lines), default=0)
    width = max([width, *(column + 1 for _, spans in lines for column in spans)])
    parts = _parts_by_column(lines, width)
    if sum(map(bool, parts)) > MAX_COLUMNS:
        raise UnreadableFileError(f"it has more than {MAX_COLUMNS} columns")
    found = list(_group(parts, joined))
    names = [column.name for column in found]
    doubled = (
        list(dict.fromkeys(name for name in names if names.count(name) > 1)) if len(set(names)) < len(names) else []
    )
    if doubled:
        raise UnreadableFileError(
            f"{where} is not a heading with a name for each column: there are two columns {', '.join(doubled[:5])}"
        )
    if not found or any(isinstance(text, BadCell) for one in parts for text in one.values()):
        raise UnreadableFileError(f"{where} is not a heading with a name for each column")
    return found


def _group(parts: Sequence[_Parts], joined: Collection[str]) -> Iterator[Column]:
    """Yield the columns; columns of the sheet that share all parts of their heading, which is merged then, are one."""
    found: list[tuple[str, list[int]]] = []
    for _, indexes in groupby(range(len(parts)), lambda index: tuple(parts[index])):
        own = list(indexes)
        name = SEPARATOR.join(text for text in map(normalize_heading, parts[own[0]].values()) if text)
        if name:
            found.append((name, own))
        elif found and found[-1][0] in joined and len(found[-1][1]) == 1:  # a merged heading has its end
            found[-1][1].extend(own)
    begins = {own[0] for _, own in found}
    for name, own in found:
        yield Column(name, own, unnamed_beside=own[-1] + 1 not in begins)


def _parts_by_column(lines: Sequence[tuple[Line, Mapping[int, Span]]], width: int) -> list[_Parts]:
    """Return the texts over each column, from above, each with its origin."""
    parts: list[_Parts] = [{} for _ in range(width)]
    for level, (line, spans) in enumerate(lines):
        group: tuple[_Origin, str] | None = None
        for column in range(width):
            text = line.cells[column] if column < len(line.cells) and normalize_heading(line.cells[column]) else ""
            below = level + 1 < len(lines) and any(_has_text(lower, column) for lower in lines[level + 1 :])
            if span := spans.get(column):
                group = None
                if span.text:
                    parts[column][span.range.first_line, span.range.first_column] = span.text
            elif text:
                group = ((line.number, column), text) if below else None
                parts[column][line.number, column] = text
            elif group and below:
                parts[column][group[0]] = group[1]
            else:
                group = None
    return parts


def _has_text(line: tuple[Line, Mapping[int, Span]], column: int) -> bool:
    cells = line[0].cells
    return bool(column < len(cells) and normalize_heading(cells[column])) or bool(
        (span := line[1].get(column)) and span.text
    )
