"""Lines of a CSV file, numbered as a spreadsheet shows them: a field of several lines is in one of them."""

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

from lgsp_adapters.tabular import encodings
from lgsp_adapters.tabular.sheet_lines import Line

_SEPARATOR = re.compile("sep=.?", re.IGNORECASE)
"""The first line in which a file tells Excel its delimiter; Excel does not show it, so it is no line."""


def lines(file: BinaryIO, encoding: str, delimiter: str) -> Iterator[Line]:
    """Yield the lines of a file.

    Raises:
        UnicodeError: it is written in another encoding.
        csv.Error: it is not CSV.
    """
    number = 0
    for fields in csv.reader(encodings.lines(file, encoding), delimiter=delimiter, strict=True):
        if number or not is_separator_line(delimiter.join(fields)):
            number += 1
            yield Line(number, [_unwrap(text) for text in fields])


def is_separator_line(line: str) -> bool:
    """Tell whether a line only says which delimiter the file has."""
    return _SEPARATOR.fullmatch(line) is not None


def _unwrap(text: str) -> str:
    """`="022093001234"` is how programs keep Excel from taking a text for a number; Excel shows the text."""
    return (
        text[2:-1] if len(text) > 2 and text.startswith('="') and text.endswith('"') and '"' not in text[2:-1] else text
    )
