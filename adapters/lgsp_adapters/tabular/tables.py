"""Files that hold a table, read as rows: CSV, workbooks and XML. A row maps each heading to a text.

A bad cell is a fault with its line and heading, and the rest is still read, so that a report names everything at
once. Whatever the file is, it is read where it can be killed (`subprocess_reader/reader.py`).
"""

import csv
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from lgsp_adapters.tabular import encodings
from lgsp_adapters.tabular.cell_formats import ERROR, SHORTENED, BadCell
from lgsp_adapters.tabular.limits import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, UnreadableFileError
from lgsp_adapters.text.comparison import normalize_cell, normalize_heading, shows_error
from lgsp_contracts.source_location import SourceLocation

MAX_FAULTS = 1000
"""That a report names; more say nothing new."""

Row = dict[str, Any]
Fault = dict[str, Any]
"""`row` counts from 1 (0: the file as a whole), `line` is its line in the file, `column` a heading, `fault` what is wrong."""

_SHOWN_HEADINGS = 40
_SEPARATOR = re.compile("sep=.?", re.IGNORECASE)
"""The first line in which a file tells Excel its delimiter; Excel does not show it, so it is not data."""
_SHORTENED = re.compile(r"\s*[+-]?[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}\s*")
"""What Excel writes into a CSV for a number of twelve digits or more, as an identity number is."""

_WORKBOOK = b"PK\x03\x04"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a table in a file, as `files` of a manifest describes it.

    Args:
        format: csv, xlsx or xml.
        row: in XML, the local name of the element that is a row.
        sheet: of a workbook; the first one when it is empty.
        heading: the line of the headings.
    """

    format: str
    delimiter: str = ","
    encoding: str = "utf-8"
    row: str = "row"
    sheet: str = ""
    heading: int = 1

    @classmethod
    def of(cls, settings: Mapping[str, Any], location: SourceLocation) -> "Layout":
        """Make the layout that a manifest describes.

        Raises:
            Refusal: `invalid-document`, when the encoding is unknown.
        """
        known = {name: value for name, value in settings.items() if name in cls.__slots__}
        try:
            return cls(**{**known, "encoding": encodings.canonical(str(known.get("encoding", "utf-8")))})
        except encodings.UnknownEncodingError as error:
            raise (location / "encoding").refusal(
                "không có bảng mã này; hãy dùng utf-8, utf-16, windows-1258, tcvn3 hoặc vni",
                "there is no such encoding; use utf-8, utf-16, windows-1258, tcvn3 or vni",
            ) from error


@dataclass(slots=True)
class Table:
    """What was read.

    Args:
        heading: the headings in their order; in XML, the names that some row has.
        lines: the line of each row in the file.
        faults: of cells, in the order of rows.
    """

    heading: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

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
        if len(self.faults) < MAX_FAULTS:
            self.faults.append({"row": len(self.rows), "line": self.lines[-1], "column": column, "fault": str(fault)})


def read(file: BinaryIO, layout: Layout, needed: Collection[str] = ()) -> Table:
    """Read the table that a file holds.

    Args:
        file: from its beginning; it must be seekable.
        needed: the headings that must be present, even without rows.

    Raises:
        UnreadableFileError: it cannot be read, has no heading, lacks one that is needed, has a row of another width, or is too large.
    """
    try:
        if layout.format == "xml":
            return _elements(file, layout.row)
        partial_tables = (
            _build_tables(_csv(file, layout), layout.heading)
            if layout.format == "csv"
            else _build_tables(_pad_rows(_sheet(file, layout)), layout.heading)
        )
        table = next(partial_tables)
        _refuse_missing(needed, table.heading)
        for _ in partial_tables:
            pass
    except UnicodeError as error:
        raise UnreadableFileError(
            f"it is not {layout.encoding}; save it so, or say in the manifest what it is"
        ) from error
    except csv.Error as error:
        raise UnreadableFileError(
            "a line is not CSV as the manifest says; check the quotes and the delimiter"
        ) from error
    except (zipfile.BadZipFile, KeyError, zipfile.LargeZipFile, NotImplementedError) as error:
        raise UnreadableFileError("it is no whole workbook; open it in Excel and save it as .xlsx") from error
    except SyntaxError as error:  # what lxml raises
        raise UnreadableFileError("it is not well-formed XML") from error
    return table


def _refuse_missing(needed: Collection[str], headings: list[str]) -> None:
    missing = [name for name in needed if name not in headings]
    if missing:
        listed = ", ".join(name for name in headings[:_SHOWN_HEADINGS] if name)
        raise UnreadableFileError(f"there is no column {', '.join(missing)}; the headings are: {listed}")


def _csv(file: BinaryIO, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(encodings.lines(file, layout.encoding), delimiter=layout.delimiter, strict=True)
    before = 0
    for line in reader:
        if before or not _SEPARATOR.fullmatch(layout.delimiter.join(line)):
            yield before + 1, [_unwrap(text) for text in line]
        before = reader.line_num


def _unwrap(text: str) -> str:
    """`="022093001234"` is how programs keep Excel from taking a text for a number; Excel shows the text."""
    return (
        text[2:-1] if len(text) > 2 and text.startswith('="') and text.endswith('"') and '"' not in text[2:-1] else text
    )


def _sheet(file: BinaryIO, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    from lgsp_adapters.tabular import ods, xls, xlsx  # noqa: PLC0415 - for who has workbooks

    begin = file.read(len(_WORKBOOK))
    file.seek(0)
    if begin == _OLD_WORKBOOK:
        return xls.lines(file.read(), layout.sheet)
    if begin != _WORKBOOK:
        raise UnreadableFileError("it is no workbook")
    archive = zipfile.ZipFile(file)
    parts = set(archive.namelist())
    if "xl/workbook.bin" in parts:
        raise UnreadableFileError("it is a binary workbook; save it as .xlsx")
    if "content.xml" in parts:
        return ods.lines(archive, layout.sheet)
    return xlsx.lines(archive, layout.sheet)


def _pad_rows(lines: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """Pad the rows of a sheet to the longest so far: a sheet does not store the empty cells at the end of a row."""
    width = 0
    for number, line in lines:
        width = max(width, len(line))
        yield number, line + [""] * (width - len(line))


def _build_tables(lines: Iterable[tuple[int, list[str]]], at: int) -> Iterator[Table]:
    """Yield the table once its heading is known, and again after each row."""
    table, cells = Table(), 0
    lines = iter(lines)
    names = next((line for number, line in lines if number >= at), [])
    heads = _without_end([normalize_heading(name) for name in names])
    width, named_heads = len(heads), [name for name in heads if name]
    if not named_heads or len(set(named_heads)) < len(named_heads) or any(isinstance(name, BadCell) for name in names):
        which = "its first line" if at == 1 else f"line {at}"
        raise UnreadableFileError(f"{which} is not a heading with a name for each column")
    if width > MAX_COLUMNS:
        raise UnreadableFileError(f"it has more than {MAX_COLUMNS} columns")
    table.heading = heads
    yield table
    for number, raw in lines:
        line = _without_end(raw)
        if not line:
            continue
        if len(raw) < width or len(line) > width:
            raise UnreadableFileError(f"line {number} has {len(raw)} columns, the heading {width}")
        cells += width
        if cells > MAX_CELLS:
            raise UnreadableFileError(f"it has more than {MAX_CELLS} cells")
        table.add(number, {})
        row = table.rows[-1]
        for name, text in zip(heads, line + [""] * (width - len(line)), strict=True):
            fault = _cell_fault(text)
            row[name] = None if fault else normalize_cell(text)
            if fault:
                table.add_fault(name, fault)
        yield table


def _cell_fault(text: str) -> BadCell | None:
    if isinstance(text, BadCell):
        return text
    if shows_error(normalize_cell(text)):
        return ERROR
    return SHORTENED if _SHORTENED.fullmatch(text) else None


def _without_end(line: list[str]) -> list[str]:
    """Drop the empty cells at the end of a row."""
    end = len(line)
    while end and not normalize_cell(line[end - 1]):
        end -= 1
    return line[:end]


def _elements(file: BinaryIO, name: str) -> Table:
    from lgsp_adapters.tabular import xml_rows  # noqa: PLC0415 - for who has XML

    table, heads = Table(), dict[str, None]()
    for line, row in xml_rows.rows(file, name):
        heads.update(dict.fromkeys(row))
        table.add(line, row)
    table.heading = list(heads)
    return table
