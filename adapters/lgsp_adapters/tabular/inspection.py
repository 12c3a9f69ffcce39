"""What a file of an office holds, and a draft of `files` for its manifest. It shows headings and never a value.

The draft is a guess: which line has the headings is decided by a person, who sees the sheet.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from lgsp_adapters.tabular import csv_detection, csv_lines, headings, tables, workbooks
from lgsp_adapters.tabular.column_kinds import describe_column, kind_of, quoted
from lgsp_adapters.tabular.encodings import canonical
from lgsp_adapters.tabular.headings import Column
from lgsp_adapters.tabular.layout import Layout
from lgsp_adapters.tabular.limits import MAX_HEADING_LINES, UnreadableFileError
from lgsp_adapters.tabular.rows import RowReader
from lgsp_adapters.tabular.sheet_lines import Line, MergedRange, Span, resolve_merged
from lgsp_adapters.tabular.table import Table
from lgsp_adapters.text.comparison import normalize_cell

MAX_LINES = 20_000
"""Of a sheet that are looked at."""

_HEADING_WITHIN = 50
_TOTAL = re.compile("tổng|cộng", re.IGNORECASE)
"""How a line of totals begins."""

_ZIP_OR_COMPOUND = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

_Cells = tuple[Line, Mapping[int, Span]]


def inspect(file: BinaryIO) -> dict[str, Any]:
    """Inspect a file.

    Returns:
        `files` (the draft), and `sheets`: of each, `name`, `visible`, `lines`, and, where headings are found, `heading`, `columns`, `rows`,
        `faults` and `skipped` (lines that are no rows by the draft).

    Raises:
        UnreadableFileError: it is no table.
    """
    begin = file.read(512)
    file.seek(0)
    if begin.startswith(_ZIP_OR_COMPOUND):
        with tables.unreadable_errors(""):
            return _inspect_workbook(file)
    if begin.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        with tables.unreadable_errors(""):
            return _inspect_xml(file)
    encoding = csv_detection.detect_encoding(file)
    with tables.unreadable_errors(encoding):
        return _inspect_csv(file, encoding)


def _inspect_csv(file: BinaryIO, encoding: str) -> dict[str, Any]:
    delimiter = csv_detection.detect_delimiter(file, encoding)
    draft = {"format": "csv", "delimiter": delimiter, "encoding": encoding}
    lines = csv_lines.lines(file, canonical(encoding), delimiter)
    sheet = _inspect_sheet("", list(itertools.islice(lines, MAX_LINES)), is_visible=True, format_="csv")
    return {"files": {**draft, **sheet.pop("draft", {})}, "sheets": [sheet]}


def _inspect_workbook(file: BinaryIO) -> dict[str, Any]:
    workbook = workbooks.open_workbook(file)
    visible = {sheet.name: sheet.is_visible for sheet in workbook.sheets()}
    inspected = []
    for name, pairs in itertools.groupby(workbook.lines(list(visible)), lambda pair: pair[0]):
        lines = [line for _, line in itertools.islice(pairs, MAX_LINES)]
        inspected.append(_inspect_sheet(name, lines, is_visible=visible[name], format_="xlsx"))
    drafts = [(sheet["name"], sheet.pop("draft", {}), sheet) for sheet in inspected]
    usable = [one for one in drafts if one[2]["visible"] and one[2].get("rows")]
    draft: dict[str, Any] = {"format": "xlsx"}
    if usable:
        _, chosen, first = usable[0]
        names = [
            name for name, _, sheet in usable if sheet["heading"] == first["heading"] and _names(sheet) == _names(first)
        ]
        draft |= {"sheet": names[0] if len(names) == 1 else names, **chosen}
    return {"files": draft, "sheets": inspected}


def _names(sheet: Mapping[str, Any]) -> list[str]:
    return [column["heading"] for column in sheet["columns"]]


def _inspect_xml(file: BinaryIO) -> dict[str, Any]:
    name = _row_element(file)
    table = tables.read(file, Layout("xml", row=name))
    columns = [describe_column(head, (row.get(head) for row in table.rows)) for head in table.heading]
    sheet = {"name": "", "visible": True, "rows": len(table.rows), "columns": columns, "faults": 0, "skipped": []}
    return {"files": {"format": "xml", "row": name}, "sheets": [sheet]}


def _row_element(file: BinaryIO) -> str:
    """Return the name of the element that comes most often with elements inside."""
    from lgsp_adapters.tabular import xml_rows  # noqa: PLC0415 - for who has XML

    names = xml_rows.parents(file)
    file.seek(0)
    if not names:
        raise UnreadableFileError("it has no element with elements inside")
    return max(names, key=lambda name: names[name])


def _inspect_sheet(name: str, lines: Sequence[Line], *, is_visible: bool, format_: str) -> dict[str, Any]:
    resolved = list(resolve_merged(iter(lines)))
    about = {"name": name, "visible": is_visible, "lines": sum(any(map(normalize_cell, line.cells)) for line in lines)}
    heading = suggest_heading(resolved[:_HEADING_WITHIN])
    if heading is None:
        return about
    try:
        layout, table = _draft(Layout(format_, heading=heading), lines, resolved)
    except UnreadableFileError as unreadable:
        return {**about, "heading": list(heading), "columns": [], "unreadable": str(unreadable)}
    first, last = heading
    draft = {
        "heading": first if first == last else [first, last],
        "fill": list(layout.fill),
        "join": list(layout.join),
        "skip": layout.skip,
        "end": layout.end,
    }
    return {
        **about,
        "heading": list(heading),
        "rows": len(table.rows),
        "skipped": [line["line"] for line in table.skipped_lines],
        "columns": [describe_column(head, (row[head] for row in table.rows)) for head in table.heading],
        "faults": len(table.faults),
        "draft": {key: value for key, value in draft.items() if value and value != 1},
    }


def _draft(layout: Layout, lines: Sequence[Line], resolved: Sequence[_Cells]) -> tuple[Layout, Table]:
    """Complete a layout that has headings alone, and read the lines by it.

    Raises:
        UnreadableFileError: they cannot be read.
    """
    first, last = layout.heading_lines
    columns = headings.columns(
        [pair for pair in resolved if first <= pair[0].number <= last], f"lines {first} to {last}"
    )
    below = [pair for pair in resolved if pair[0].number > last]
    fill = sorted(_merged_over_lines(columns, below)) if layout.format == "xlsx" else []
    layout = replace(layout, fill=fill, join=sorted(_split_over_columns(columns, below)))
    table = _read(layout, lines, columns)
    total = _condition_on_totals(table)
    if not total:
        return layout, table
    ending = replace(layout, end=total)
    try:
        return ending, _read(ending, lines, columns)
    except UnreadableFileError:  # rows stand below the first total
        skipping = replace(layout, skip=total)
        return skipping, _read(skipping, lines, columns)


def _read(layout: Layout, lines: Sequence[Line], columns: Sequence[Column]) -> Table:
    reader = RowReader(layout, [column.name for column in columns])
    reader.read(iter(lines))
    return reader.table


def _condition_on_totals(table: Table) -> str:
    """Return a condition by which the first line of totals is told from rows; "" where there is none."""
    for row in table.rows:
        for heading, value in row.items():
            if isinstance(value, str) and (total := _TOTAL.match(value)):
                return f"starts_with(row.{quoted(heading)} || '', '{total[0]}')"
    return ""


def suggest_heading(lines: Sequence[_Cells]) -> tuple[int, int] | None:
    """Guess the first and the last line of the headings: the first line of several texts that is about as wide as the table."""
    filled = [_filled(pair) for pair in lines]
    widest = max(map(len, filled), default=0)
    for index, (line, spans) in enumerate(lines):
        origins = {(span.range.first_line, span.range.first_column) for span in spans.values() if span.text}
        own = [column for column in filled[index] if column not in spans]
        if len(origins) + len(own) < 2 or len(filled[index]) * 2 < widest or not _are_texts(filled[index]):
            continue
        last = max([line.number, *(span.range.last_line for span in spans.values() if span.text)])
        if last == line.number and index + 1 < len(lines):
            below = filled[index + 1]
            above = filled[index]
            is_group = set(below) - set(above) and set(above) - set(below) and _are_texts(below)
            last = lines[index + 1][0].number if is_group else last
        return line.number, min(last, line.number + MAX_HEADING_LINES - 1)
    return None


def _filled(pair: _Cells) -> dict[int, str]:
    """Return the texts over each column of a line, those of merged cells over all that they cover."""
    line, spans = pair
    texts = {column: text for column, text in enumerate(line.cells) if normalize_cell(text)}
    return texts | {column: span.text for column, span in spans.items() if span.text}


def _are_texts(cells: Mapping[int, str]) -> bool:
    return bool(cells) and all(kind_of(text.strip()) == "text" for text in cells.values())


def _merged_over_lines(columns: Sequence[Column], lines: Sequence[_Cells]) -> Iterator[str]:
    """Yield the columns in which a merged cell covers several lines and no other column."""
    for column in columns:
        for _, spans in lines:
            span = spans.get(column.indexes[0])
            if span and span.text and _is_of_column(span.range, column):
                yield column.name
                break


def _is_of_column(merged: MergedRange, column: Column) -> bool:
    is_within = merged.first_column == column.indexes[0] and merged.last_column <= column.indexes[-1]
    return is_within and merged.last_line > merged.first_line


def _split_over_columns(columns: Sequence[Column], lines: Sequence[_Cells]) -> Iterator[str]:
    """Yield the columns whose heading stands over several cells with values, or beside one without a heading."""
    for column in columns:
        indexes = [*column.indexes, column.indexes[-1] + 1] if column.unnamed_beside else column.indexes
        if any(len(_filled((line, {})).keys() & indexes) > 1 for line, _ in lines):
            yield column.name
