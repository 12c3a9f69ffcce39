"""A workbook of Excel 97 to 2003 (.xls), by xlrd, which tells errors and formats."""

import io
from collections.abc import Iterator, Sequence

import xlrd

from lgsp_adapters.tabular import cell_formats
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.tabular.sheet_lines import Line, MergedRange, Sheet


class OldWorkbook:
    """A workbook; what it raises is what `workbooks.Workbook` says.

    Raises:
        UnreadableFileError: the content is no workbook, or encrypted.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._book = xlrd.open_workbook(
                file_contents=content, formatting_info=True, on_demand=True, logfile=io.StringIO()
            )
        except xlrd.XLRDError as error:
            raise UnreadableFileError("it is no workbook, or one behind a password") from error

    def sheets(self) -> list[Sheet]:
        """List the sheets in their order."""
        return [Sheet(name, self._book.sheet_by_name(name).visibility == 0) for name in self._book.sheet_names()]

    def lines(self, names: Sequence[str]) -> Iterator[tuple[str, Line]]:
        """Yield the lines of some sheets; a faulty cell is a `BadCell`."""
        for name in names:
            sheet = self._book.sheet_by_name(name)
            merged: dict[int, list[MergedRange]] = {}
            for first_line, end_line, first_column, end_column in sheet.merged_cells:
                merged.setdefault(first_line + 1, []).append(
                    MergedRange(first_line + 1, end_line, first_column, end_column - 1)
                )
            for number in range(1, sheet.nrows + 1):
                cells = [_cell_text(self._book, cell) for cell in sheet.row(number - 1)]
                yield name, Line(number, cells, merged.get(number, ()))


def _cell_text(book: xlrd.Book, cell: xlrd.sheet.Cell) -> str:
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return cell_formats.ERROR
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype not in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
        return str(cell.value)
    form = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
    return cell_formats.displayed(repr(cell.value), form, since_1904=book.datemode == 1)
