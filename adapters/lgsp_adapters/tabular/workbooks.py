"""Opens workbooks, whatever program wrote them, and chooses their sheets."""

import re
import zipfile
from collections.abc import Iterator, Sequence
from fnmatch import translate
from typing import BinaryIO, Protocol

from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.tabular.sheet_lines import Line, Sheet
from lgsp_adapters.text.comparison import normalize_heading

_ZIP = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0"
_SHOWN_SHEETS = 40


class Workbook(Protocol):
    """A workbook. Each method raises `UnreadableFileError`, `KeyError`, `OSError`, `zipfile.BadZipFile` or `lxml.etree.XMLSyntaxError`."""

    def sheets(self) -> Sequence[Sheet]:
        """List the sheets in their order."""

    def lines(self, names: Sequence[str]) -> Iterator[tuple[str, Line]]:
        """Yield the lines of some sheets with the name of each; the lines of one sheet follow each other."""


def open_workbook(file: BinaryIO) -> Workbook:
    """Open a workbook: .xlsx and .xlsm, .xls, .ods.

    Raises:
        UnreadableFileError, OSError, zipfile.BadZipFile: it is none.
    """
    from lgsp_adapters.tabular import ods, xls, xlsx  # noqa: PLC0415 - for who has workbooks

    begin = file.read(512)
    file.seek(0)
    if begin.startswith(_COMPOUND):
        return xls.OldWorkbook(file.read())
    if not begin.startswith(_ZIP):
        if begin.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise UnreadableFileError(
                "it is a web page or XML under the name of a workbook; open it in Excel and save it as .xlsx"
            )
        raise UnreadableFileError("it is no workbook")
    archive = zipfile.ZipFile(file)
    parts = set(archive.namelist())
    if "xl/workbook.bin" in parts:
        raise UnreadableFileError("it is a binary workbook; save it as .xlsx")
    return ods.OpenDocument(archive) if "content.xml" in parts else xlsx.ExcelWorkbook(archive)


def choose(sheets: Sequence[Sheet], wanted: Sequence[str]) -> list[str]:
    """Return the names of the sheets that a manifest means, in the order of the workbook.

    Args:
        wanted: names, or patterns with `*` and `?`, which match visible sheets; the first visible sheet where there are none.

    Raises:
        UnreadableFileError: there is no such sheet.
    """
    if not sheets:
        raise UnreadableFileError("it has no sheet")
    if not wanted:
        return [next((sheet for sheet in sheets if sheet.is_visible), sheets[0]).name]
    chosen: set[str] = set()
    for name in wanted:
        matching = {sheet.name for sheet in sheets if _matches(sheet, name)}
        if not matching:
            names = ", ".join(sheet.name for sheet in sheets[:_SHOWN_SHEETS])
            raise UnreadableFileError(f"it has no sheet {name}; it has: {names}")
        chosen |= matching
    return [sheet.name for sheet in sheets if sheet.name in chosen]


def _matches(sheet: Sheet, wanted: str) -> bool:
    name, wanted = normalize_heading(sheet.name), normalize_heading(wanted)
    if not set(wanted) & set("*?"):
        return name == wanted
    return sheet.is_visible and re.match(translate(wanted.replace("[", "[[]")), name) is not None
