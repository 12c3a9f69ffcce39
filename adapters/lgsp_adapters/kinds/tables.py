"""Files that hold a table, read as rows: CSV, Excel and XML. A row is what stands under each heading, as text."""

import csv
import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook

MAX_ROWS = 500_000

Row = dict[str, Any]


class Unreadable(Exception):  # noqa: N818 - the file is
    """A file that is no such table; its text quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table stands in a file, as `files` of a manifest says.

    Args:
        format: csv, xlsx or xml.
        row: in XML, the local name of the element that is a row.
    """

    format: str
    delimiter: str = ","
    encoding: str = "utf-8"
    row: str = "row"

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Layout":
        """The layout that a manifest describes."""
        return cls(**{name: value for name, value in told.items() if name != "pattern"})


def read(path: Path, layout: Layout) -> list[Row]:
    """All rows of a file.

    Raises:
        Unreadable: it cannot be read, has no heading, a row of another width, or more than `MAX_ROWS` rows.
    """
    try:
        if layout.format == "csv":
            with path.open(encoding=layout.encoding, newline="") as file:
                found = _limited(_headed(csv.reader(file, delimiter=layout.delimiter, strict=True)))
        elif layout.format == "xlsx":
            sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
            found = _limited(_headed([_text(cell) for cell in line] for line in sheet.to_python(skip_empty_area=True)))
        else:
            found = _limited(_elements(path, layout.row))
    except UnicodeDecodeError:
        raise Unreadable(f"it is not {layout.encoding}") from None
    except (OSError, csv.Error, CalamineError, etree.XMLSyntaxError) as error:
        raise Unreadable(type(error).__name__) from None
    return found


def _headed(lines: Iterable[list[str]]) -> Iterator[Row]:
    lines = iter(lines)
    heading = [name.strip().lstrip("\ufeff") for name in next(lines, [])]
    if not any(heading) or len(set(heading)) < len(heading):
        raise Unreadable("its first line is not a heading with a name for each column")
    for number, line in enumerate(lines, 2):
        if not any(line):
            continue
        if len(line) != len(heading):
            raise Unreadable(f"line {number} has {len(line)} columns, the heading {len(heading)}")
        yield {name: cell.strip() or None for name, cell in zip(heading, line, strict=True)}


def _elements(path: Path, name: str) -> Iterator[Row]:
    with path.open("rb") as file:
        options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
        for _, element in etree.iterparse(file, tag=f"{{*}}{name}", **options):
            if element.getroottree().docinfo.doctype:
                raise Unreadable("it declares a document type")
            yield {etree.QName(child).localname: (child.text or "").strip() or None for child in element}
            element.clear()


def _limited(rows: Iterator[Row]) -> list[Row]:
    found: list[Row] = []
    for row in rows:
        if len(found) == MAX_ROWS:
            raise Unreadable(f"it has more than {MAX_ROWS} rows")
        found.append(row)
    return found


def _text(cell: Any) -> str:
    """A cell of a sheet: whole numbers without a point, dates as ISO 8601."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, (datetime.date, datetime.time)) else str(cell)
