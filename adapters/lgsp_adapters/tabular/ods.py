"""A workbook of LibreOffice (.ods), read in a stream.

A cell holds its value and, beside it, the text that was displayed. The displayed text counts for texts, truths, and numbers that a format gave zeros;
the value counts for days and for all other numbers. Own reading: odfpy and ezodf have had no release for years, and python-calamine tells no
errors.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from lgsp_adapters.tabular import cell_formats
from lgsp_adapters.tabular.limits import MAX_COLUMNS, UnreadableFileError
from lgsp_adapters.tabular.sheet_lines import Line, MergedRange, Sheet
from lgsp_adapters.tabular.workbook_parts import elements
from lgsp_adapters.text.comparison import shows_error

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_BLANKS = {f"{_TEXT}s": " ", f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}
_SPAN = re.compile(r"P(?:(\d+)D)?T(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S")


class OpenDocument:
    """A workbook; what it raises is what `workbooks.Workbook` says."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def sheets(self) -> list[Sheet]:
        """List the sheets in their order; those without a line are left out."""
        hidden_styles = set[str]()
        sheets: dict[str, Sheet] = {}
        for element in elements(self._archive, "content.xml", "table-row", "table-properties"):
            if element.tag == f"{_STYLE}table-properties":
                if element.get(f"{_TABLE}display") == "false":
                    hidden_styles.add(element.getparent().get(f"{_STYLE}name", ""))
                continue
            table = next(element.iterancestors(f"{_TABLE}table"), None)
            if table is not None and (name := str(table.get(f"{_TABLE}name", ""))) not in sheets:
                sheets[name] = Sheet(name, table.get(f"{_TABLE}style-name") not in hidden_styles)
        return list(sheets.values())

    def lines(self, names: Sequence[str]) -> Iterator[tuple[str, Line]]:
        """Yield the lines of some sheets; a faulty cell is a `BadCell`."""
        number, current = 1, None
        for element in elements(self._archive, "content.xml", "table-row"):
            table = next(element.iterancestors(f"{_TABLE}table"), None)
            name = "" if table is None else str(table.get(f"{_TABLE}name", ""))
            if name != current:
                current, number = name, 1
            if name not in names:
                continue
            line = _line(number, element)
            repeated = _times(element.get(f"{_TABLE}number-rows-repeated"))
            if any(line.cells) and repeated > 1:
                raise UnreadableFileError(f"line {number} is repeated {repeated} times")
            yield name, line
            number += repeated


def _times(count: str | None) -> int:
    return int(count) if count and count.isdigit() and len(count) < 8 else 1


def _line(number: int, row: Any) -> Line:
    cells: list[str] = []
    merged: list[MergedRange] = []
    for cell in row:
        if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        text, times = _cell_text(cell), _times(cell.get(f"{_TABLE}number-columns-repeated"))
        if text and len(cells) + times > MAX_COLUMNS:
            raise UnreadableFileError(f"it has a cell beyond the {MAX_COLUMNS}th column")
        width, height = (_times(cell.get(f"{_TABLE}number-{of}-spanned")) for of in ("columns", "rows"))
        if (width > 1 or height > 1) and len(cells) < MAX_COLUMNS:
            merged.append(MergedRange(number, number + height - 1, len(cells), len(cells) + width - 1))
        cells += [text] * min(times, MAX_COLUMNS - len(cells))
    return Line(number, cells, merged)


def _cell_text(cell: Any) -> str:
    displayed_text = "\n".join(_paragraph(part) for part in cell.iterchildren(f"{_TEXT}p"))
    kinds = {value for name, value in cell.attrib.items() if etree.QName(name).localname == "value-type"}
    if "error" in kinds or shows_error(displayed_text):
        return cell_formats.ERROR
    if not kinds and not displayed_text and f"{_TABLE}formula" in cell.attrib:
        return cell_formats.UNCOMPUTED
    converter = _CONVERTERS.get(cell.get(f"{_OFFICE}value-type", ""))
    return converter(cell, displayed_text) if converter else displayed_text


def _paragraph(part: Any) -> str:
    """Return the text of a paragraph; spaces, tabs and breaks are elements, without which words would run together."""
    parts = [part.text or ""]
    for child in part:
        blank = _BLANKS.get(child.tag)
        parts.append(blank * _times(child.get(f"{_TEXT}c")) if blank else _paragraph(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _date(cell: Any, _displayed_text: str) -> str:
    return str(cell.get(f"{_OFFICE}date-value", "")).removesuffix("T00:00:00")


def _time(cell: Any, _displayed_text: str) -> str:
    match = _SPAN.fullmatch(str(cell.get(f"{_OFFICE}time-value", "")))
    return f"{int(match[1] or 0) * 24 + int(match[2]):02}:{match[3]}:{match[4]}" if match else cell_formats.NO_NUMBER


def _truth(cell: Any, _displayed_text: str) -> str:
    return "TRUE" if cell.get(f"{_OFFICE}boolean-value") == "true" else "FALSE"


def _value(cell: Any, displayed_text: str) -> str:
    return _number(str(cell.get(f"{_OFFICE}value", "")), displayed_text)


_CONVERTERS = {
    **dict.fromkeys(("float", "currency", "percentage"), _value),
    "date": _date,
    "time": _time,
    "boolean": _truth,
}


def _number(raw: str, displayed_text: str) -> str:
    plain = cell_formats.displayed(raw, "General")
    if isinstance(plain, cell_formats.BadCell):
        return plain
    dotted = (
        displayed_text.replace(",", ".", 1)
        if displayed_text.count(",") == 1 and "." not in displayed_text
        else displayed_text
    )
    try:
        equal = bool(re.fullmatch("[0-9]+([.][0-9]+)?", dotted)) and Decimal(dotted) == Decimal(plain)
    except InvalidOperation:
        equal = False
    return dotted if equal and len(dotted) > len(plain) else plain
