"""A workbook of Excel 97 to 2003 (.xls), by xlrd, which tells errors and formats."""

import io
from collections.abc import Iterator

import xlrd

from lgsp_adapters.tabular import cell_formats
from lgsp_adapters.tabular.limits import UnreadableFileError


def lines(content: bytes, sheet: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet: the number and the cells of each; a faulty cell is a `BadCell`.

    Raises:
        UnreadableFileError: the content is not a workbook, is encrypted, or lacks this sheet.
    """
    try:
        book = xlrd.open_workbook(file_contents=content, formatting_info=True, on_demand=True, logfile=io.StringIO())
    except xlrd.XLRDError as error:
        raise UnreadableFileError("it is no workbook, or one behind a password") from error
    names = book.sheet_names()
    if not names or (sheet and sheet not in names):
        raise UnreadableFileError(f"it has no sheet {sheet}; it has: {', '.join(names)}")
    worksheet = book.sheet_by_name(sheet or _first_visible(book, names))
    for number in range(worksheet.nrows):
        yield number + 1, [_cell_text(book, cell) for cell in worksheet.row(number)]


def _first_visible(book: xlrd.Book, names: list[str]) -> str:
    return next((name for name in names if book.sheet_by_name(name).visibility == 0), names[0])


def _cell_text(book: xlrd.Book, cell: xlrd.sheet.Cell) -> str:
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return cell_formats.ERROR
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype not in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
        return str(cell.value)
    form = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
    return cell_formats.displayed(repr(cell.value), form, since_1904=book.datemode == 1)
