"""Texts of others as they are compared: one spelling for what looks the same.

A file holds letters in two spellings (a letter with its accents, or a letter followed by them), spaces that no eye tells apart and marks
that none sees. Compared as they are, a heading that is present and a number that is looked up would not match.
"""

import math
import re
from decimal import Decimal
from typing import Any

from lgsp_adapters.text.normalization import nfc

_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Characters of format (category Cf): spaces without width, marks of direction, which copying out of a window of Windows adds."""

_EDGE = " \t\r\n\v\f\u00a0\u00ad\u200b\u200e\u200f\u202a\u202c\u2060\ufeff"

_ERRORS = frozenset(
    ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!",
     "#FIELD!", "#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#EXTERNAL!", "#PYTHON!", "#TIMEOUT!")
)  # fmt: skip
"""What Excel displays for a cell that could not be computed (ECMA-376, 18.17.3, and those that are younger)."""

_ABSENT = frozenset(
    ("", "none", "nan", "nat", "null", "undefined", "n/a", "\\n", "<na>", "<null>", "<nil>", "(null)", "(none)", "-", "--", "–", "—")
)  # fmt: skip
"""How programs and people write an absent value, in lower case; `\\N` is the NULL of a dump."""


_ERROR_OF_LIBREOFFICE = re.compile(r"Err:[0-9]{3}")


def shows_error(text: str | None) -> bool:
    """Tell whether a text is what a spreadsheet shows for a cell that could not be computed."""
    return text is not None and (text in _ERRORS or _ERROR_OF_LIBREOFFICE.fullmatch(text) is not None)


def normalize_cell(text: str) -> str | None:
    """Normalize the text of a cell: composed letters (NFC), nothing invisible around it; None when nothing is left."""
    return nfc(text).strip().strip(_EDGE).strip() or None


def normalize_heading(text: str) -> str:
    """Normalize the heading of a column: composed letters, one plain space where there is any, nothing invisible."""
    return " ".join(_INVISIBLE.sub("", nfc(text)).split())


def normalize_document(document: Any) -> Any:
    """Compose the letters (NFC) of a part of a manifest, as those of files are."""
    if isinstance(document, str):
        return nfc(document)
    if isinstance(document, dict):
        return {normalize_document(name): normalize_document(value) for name, value in document.items()}
    return [normalize_document(item) for item in document] if isinstance(document, list) else document


def lookup_key(value: Any) -> str | None:
    """Normalize a value for a look-up; None for what is absent, which is never found and finds nothing.

    Numbers are written out (`1`, `1.0` and the text `1` are one key), truths as a spreadsheet shows them, so that `true` is never `1`.

    Args:
        value: a text, a number, a truth or None.

    Raises:
        ValueError: it is a list or an object.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float, Decimal)):
        return _number(value)
    if not isinstance(value, str):
        raise ValueError("a list or an object is no key")
    heading = normalize_heading(value)
    return None if heading.casefold() in _ABSENT or shows_error(heading) else heading


def _number(value: int | float | Decimal) -> str | None:
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        return None
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def printable_name(name: str) -> str:
    """Make a foreign name safe for logs, reports and terminals: characters that cannot be printed are written as their codes."""
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in name)


def _escape(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python keeps it in names
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
