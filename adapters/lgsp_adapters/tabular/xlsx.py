"""A workbook of Excel (.xlsx, .xlsm), read in a stream: one row at a time, however far apart its cells are.

Parsed here, since no library reports what a register needs. python-calamine gives an empty text for each of the seven errors and for a
formula without a value, knows no formats, and takes memory for the whole rectangle around two cells (it aborts the process for a file of
1.4 KB); openpyxl believes the size that a file says of itself, needs the file twice to tell an empty cell from an uncomputed one, and gives
numbers without the digits that stand there (tried in November 2026).
"""

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from lxml import etree

from lgsp_adapters.tabular import cell_formats
from lgsp_adapters.tabular.limits import MAX_COLUMNS, MAX_MERGED, UnreadableFileError
from lgsp_adapters.tabular.sheet_lines import Line, MergedRange, Sheet
from lgsp_adapters.tabular.workbook_parts import elements

_CELL_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]+)")
_RANGE = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_TEXTS = frozenset(("t",))
_SOUNDS = frozenset(("rPh", "phoneticPr"))


class ExcelWorkbook:
    """A workbook; what it raises is what `workbooks.Workbook` says."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._book = _related_part(archive, "", "officeDocument") or "xl/workbook.xml"
        self._since_1904, self._sheets = _sheets(archive, self._book)

    def sheets(self) -> list[Sheet]:
        """List the sheets in their order."""
        return [sheet for sheet, _ in self._sheets.values()]

    def lines(self, names: Sequence[str]) -> Iterator[tuple[str, Line]]:
        """Yield the lines of some sheets that have a cell; a faulty cell is a `BadCell`."""
        archive = self._archive
        texts = _related_part(archive, self._book, "sharedStrings")
        shared = [_text(item) for item in elements(archive, texts, "si")] if texts else []
        styles = _related_part(archive, self._book, "styles")
        forms = _forms(archive, styles) if styles else []
        cells = _Cells(shared, forms, since_1904=self._since_1904)
        for name in names:
            _, part = self._sheets[name]
            merged = _merged(archive, part)
            number = 0
            for row in elements(archive, part, "row"):
                number = int(row.get("r", number + 1))
                yield name, Line(number, cells.of(row, number), merged.get(number, ()))


def _merged(archive: zipfile.ZipFile, part: str) -> dict[int, list[MergedRange]]:
    """Return the merged cells of a sheet by their first line; the file has them behind its rows."""
    found: dict[int, list[MergedRange]] = {}
    count = 0
    for element in elements(archive, part, "mergeCell", "row"):
        match = _RANGE.fullmatch(element.get("ref", ""))  # rows have none; they are named here to be released
        if match:
            count += 1
            if count > MAX_MERGED:
                raise UnreadableFileError(f"it has more than {MAX_MERGED} merged cells")
            merged = MergedRange(int(match[2]), int(match[4]), _column(match[1]), _column(match[3]))
            found.setdefault(merged.first_line, []).append(merged)
    return found


class _Cells:
    def __init__(self, shared: list[str], forms: list[str], *, since_1904: bool) -> None:
        self._shared = shared
        self._forms = forms
        self._since_1904 = since_1904

    def of(self, row: Any, number: int) -> list[str]:
        cells: list[str] = []
        digits = str(number)
        column = -1
        for cell in row:
            if etree.QName(cell).localname != "c":
                continue
            reference = _CELL_REFERENCE.fullmatch(cell.get("r", ""))
            if reference and reference[2] != digits:  # programs display it there, so to its reader it is in another row
                raise UnreadableFileError(
                    f"line {number} has a cell of line {reference[2]}; open it in Excel and save it"
                )
            column = _column(reference[1]) if reference else column + 1
            text = self._cell_text(cell)
            if not text:
                continue
            if column >= MAX_COLUMNS:
                raise UnreadableFileError(f"it has a cell beyond the {MAX_COLUMNS}th column")
            cells += [""] * (column + 1 - len(cells))
            cells[column] = text
        return cells

    def _cell_text(self, cell: Any) -> str:
        parts = {etree.QName(part).localname: part for part in cell}
        if "is" in parts:
            return _text(parts["is"])
        kind, raw = cell.get("t", "n"), parts["v"].text if "v" in parts else None
        if not raw:
            return cell_formats.UNCOMPUTED if "f" in parts and kind != "str" else ""
        if kind == "n":
            style = int(cell.get("s", 0))
            form = self._forms[style] if style < len(self._forms) else "General"
            return cell_formats.displayed(raw.strip(), form, since_1904=self._since_1904)
        return self._converters[kind](raw)

    @cached_property
    def _converters(self) -> Mapping[str, Callable[[str], str]]:
        """Return the conversion to text of each other cell type."""
        return {
            "s": lambda raw: self._shared[int(raw)],
            "str": _plain,
            "b": lambda raw: "TRUE" if raw.strip() == "1" else "FALSE",
            "e": lambda _: cell_formats.ERROR,
            "d": lambda raw: raw.removesuffix("T00:00:00"),
        }


def _column(letters: str) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


def _text(item: Any) -> str:
    """The text of a shared or inline string: its runs, without how it is spoken."""
    runs = []
    for part in item.iter():
        name = etree.QName(part).localname
        if name in _TEXTS and etree.QName(part.getparent()).localname not in _SOUNDS:
            runs.append(part.text or "")
    return _plain("".join(runs))


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text) if "_x" in text else text


def _sheets(archive: zipfile.ZipFile, book: str) -> tuple[bool, dict[str, tuple[Sheet, str]]]:
    """Return whether days count from 1904, and each sheet with its part, by name."""
    since_1904, relations = False, _relations(archive, book)
    sheets: dict[str, tuple[Sheet, str]] = {}
    for element in elements(archive, book, "workbookPr", "sheet"):
        if etree.QName(element).localname == "workbookPr":
            since_1904 = element.get("date1904") in ("1", "true")
            continue
        relation = next((value for name, value in element.attrib.items() if str(name).endswith("}id")), "")
        kind, part = relations.get(str(relation), ("", ""))
        if kind == "worksheet":
            name = str(element.get("name", ""))
            sheets.setdefault(name, (Sheet(name, element.get("state", "visible") == "visible"), part))
    return since_1904, sheets


def _forms(archive: zipfile.ZipFile, part: str) -> list[str]:
    custom_formats: dict[int, str] = {}
    formats: list[str] = []
    for element in elements(archive, part, "numFmt", "cellXfs"):
        if etree.QName(element).localname == "numFmt":
            custom_formats[int(element.get("numFmtId", -1))] = str(element.get("formatCode", ""))
        else:
            codes = [int(style.get("numFmtId", 0)) for style in element]
            formats = [custom_formats.get(code) or cell_formats.BUILT_IN.get(code, "General") for code in codes]
    return formats


def _related_part(archive: zipfile.ZipFile, of: str, kind: str) -> str:
    return next((part for relation_kind, part in _relations(archive, of).values() if relation_kind == kind), "")


def _relations(archive: zipfile.ZipFile, of: str) -> dict[str, tuple[str, str]]:
    folder, name = posixpath.split(of)
    part = posixpath.join(folder, "_rels", f"{name}.rels")
    if part not in archive.namelist():
        return {}
    return {
        str(element.get("Id")): (
            str(element.get("Type", "")).rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, str(element.get("Target", "")))).lstrip("/"),
        )
        for element in elements(archive, part, "Relationship")
    }
