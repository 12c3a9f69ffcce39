"""What a spreadsheet shows for what it keeps: numbers with the zeros that a cell's format adds, days, times, durations.

A cell keeps a number and a format, and people read the two together. Excel computes with 15 digits: what had more when it was typed is
another number now, so it is a fault. A format is followed where it only adds zeros; where it would hide digits, the number counts.
"""

import datetime
import re
from decimal import Decimal, InvalidOperation

DIGITS = 15
"""Significant digits of a number in Excel."""

BUILT_IN = {
    1: "0", 2: "0.00", 14: "dd/mm/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "dd/mm/yyyy h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
    **dict.fromkeys((*range(27, 32), 36, *range(50, 55), *range(57, 59)), "dd/mm/yyyy"),
    **dict.fromkeys((*range(32, 36), 55, 56), "h:mm:ss"),
}  # fmt: skip
"""The formats that have a number and no text in a workbook (ECMA-376, 18.8.30), and those of East Asian dates."""

_ZEROS = re.compile(r'(?:"(?P<quoted>\d+)"|\\(?P<escaped>\d))?(?P<whole>[#0]*)(?:\.(?P<decimals>0+))?')
_NO_DIGITS = re.compile(r"\[(?:\$[^\]]*|[A-Za-z]+ ?\d*)\]|_.|\*.")
"""What colours a number, names its language or keeps room beside it."""

_WORDS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_DAYS_BEFORE_LEAP = 60
"""Excel believes in a 29 February 1900, as Lotus 1-2-3 did; days before it are one later than they count."""


_SHORTENED = re.compile(r"\s*[+-]?[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}\s*")
"""What Excel writes into a CSV for a number of twelve digits or more, as an identity number is."""


class BadCell(str):
    """What is wrong with a cell; it stands in place of its text."""

    __slots__ = ()


ERROR = BadCell("it holds an error of the spreadsheet; correct the formula")
UNCOMPUTED = BadCell("it holds a formula without a value; open the file in Excel and save it")
LOST = BadCell(f"it is a number of more than {DIGITS} digits, so its last digits are lost; make it a column of texts")
SHORTENED = BadCell(
    "it is a number that Excel has shortened, such as 1.2E+11; make it a column of texts and save the file again"
)
NO_NUMBER = BadCell("it holds a number that cannot be read")
NO_DATE = BadCell("it holds a date that does not exist")


def is_shortened(text: str) -> bool:
    """Tell whether a text is a number that Excel has shortened, so that its last digits are lost."""
    return _SHORTENED.fullmatch(text) is not None


def displayed(raw: str, form: str, *, since_1904: bool = False) -> str:
    """Format the number of a cell as text.

    Args:
        raw: as the file has it.
        form: the format of the cell.
        since_1904: the workbook counts days from 1904.

    Returns:
        The text, or a `BadCell`.
    """
    try:
        number = Decimal(raw)
    except InvalidOperation:
        return NO_NUMBER
    if not number.is_finite():
        return NO_NUMBER
    if number.adjusted() >= DIGITS:
        return LOST
    kind = _kind(form)
    if kind == "number":
        return _number(number, form)
    if number.adjusted() > 7:
        return NO_DATE
    seconds = round(Decimal(float(number)) * 86400, 3)
    return _duration(seconds) if kind == "duration" else _date(seconds, since_1904=since_1904)


def _kind(form: str) -> str:
    first = form.split(";", maxsplit=1)[0]
    if _ELAPSED.search(first):
        return "duration"
    bare = _WORDS.sub("", first).lower()
    if bare in ("general", "standard", "@"):
        return "number"
    return "date" if re.search("[dmyhs]", bare) else "number"


def _number(number: Decimal, form: str) -> str:
    exact = number if number == number.to_integral_value() else Decimal(format(float(number), f".{DIGITS}g"))
    plain = format(exact, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    if plain in ("-0", ""):
        plain = "0"
    match = _ZEROS.fullmatch(_NO_DIGITS.sub("", form.split(";", maxsplit=1)[0]))
    if match is None or exact < 0:
        return plain
    whole, _, fraction = plain.partition(".")
    decimals = len(match["decimals"] or "")
    if len(fraction) > decimals:
        return plain
    zeros = match["whole"].count("0")
    text = (match["quoted"] or match["escaped"] or "") + whole.zfill(zeros)
    return f"{text}.{fraction.ljust(decimals, '0')}" if decimals else text


def _duration(seconds: Decimal) -> str:
    sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    fraction = format(rest % 1, "f").rstrip("0").lstrip("0").rstrip(".")
    return f"{sign}{int(hours):02}:{int(minutes):02}:{int(rest):02}{fraction}"


def _date(seconds: Decimal, *, since_1904: bool) -> str:
    day, rest = divmod(seconds, 86400)
    if seconds < 0:
        return NO_DATE
    moment = datetime.timedelta(milliseconds=int(rest * 1000))
    if day == 0 and not since_1904:
        return (datetime.datetime.min + moment).time().isoformat()
    if since_1904:
        begin = datetime.datetime(1904, 1, 1)
    elif day == _DAYS_BEFORE_LEAP:
        return NO_DATE
    else:
        begin = datetime.datetime(1899, 12, 30 + (day < _DAYS_BEFORE_LEAP))
    try:
        result = begin + datetime.timedelta(days=int(day)) + moment
    except OverflowError:
        return NO_DATE
    return result.isoformat() if rest else result.date().isoformat()
