"""Files that hold a table, read as rows: CSV, workbooks and XML.

Whatever the file is, it is read where it can be killed (`subprocess_reader/reader.py`).
"""

import csv
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import BinaryIO

from lgsp_adapters.tabular import csv_lines, workbooks
from lgsp_adapters.tabular.layout import Layout
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.tabular.rows import RowReader
from lgsp_adapters.tabular.table import Table


def read(file: BinaryIO, layout: Layout, needed: Collection[str] = ()) -> Table:
    """Read the table that a file holds.

    Args:
        file: from its beginning; it must be seekable.
        needed: the headings that must be present, even without rows.

    Raises:
        UnreadableFileError: it cannot be read, has no heading, lacks one that is needed, has a row of another width, or is too large.
    """
    with unreadable_errors(layout.encoding):
        if layout.format == "xml":
            return _read_elements(file, layout)
        reader = RowReader(layout, needed)
        if layout.format == "csv":
            reader.read(csv_lines.lines(file, layout.encoding, layout.delimiter))
        else:
            _read_sheets(workbooks.open_workbook(file), layout, reader)
        return reader.table


@contextmanager
def unreadable_errors(encoding: str) -> Iterator[None]:
    """Turn what readers raise for a file that is no such table into `UnreadableFileError`, which says what to do."""
    try:
        yield
    except UnicodeError as error:
        raise UnreadableFileError(f"it is not {encoding}; save it so, or say in the manifest what it is") from error
    except csv.Error as error:
        raise UnreadableFileError(
            "a line is not CSV as the manifest says; check the quotes and the delimiter"
        ) from error
    except (zipfile.BadZipFile, KeyError, zipfile.LargeZipFile, NotImplementedError) as error:
        raise UnreadableFileError("it is no whole workbook; open it in Excel and save it as .xlsx") from error
    except SyntaxError as error:  # what lxml raises
        raise UnreadableFileError("it is not well-formed XML") from error


def _read_sheets(workbook: workbooks.Workbook, layout: Layout, reader: RowReader) -> None:
    chosen = workbooks.choose(workbook.sheets(), layout.sheets)
    left = dict.fromkeys(chosen)
    for name, lines in groupby(workbook.lines(chosen), lambda pair: pair[0]):
        left.pop(name, None)
        try:
            reader.read((line for _, line in lines), name)
        except UnreadableFileError as unreadable:
            raise UnreadableFileError(f"sheet {name}: {unreadable}") from unreadable
    for name in left:
        raise UnreadableFileError(f"sheet {name}: it has no line")


def _read_elements(file: BinaryIO, layout: Layout) -> Table:
    from lgsp_adapters.tabular import xml_rows  # noqa: PLC0415 - for who has XML

    reader, heads = RowReader(layout, ()), dict[str, None]()
    for line, row in xml_rows.rows(file, layout.row):
        heads.update(dict.fromkeys(row))
        reader.add(line, row)
    reader.table.heading = list(heads)
    return reader.table
