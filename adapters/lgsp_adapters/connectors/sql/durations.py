"""Spans of time as ISO 8601 writes them: `P1M2DT3H4M5.5S`. A month is no number of days, so the parts stay apart."""

import re
from datetime import timedelta

_FORM = re.compile(
    r"(-?)P(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?"
    r"(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:\.([0-9]{1,6}))?S)?)?"
)
SECOND = 1_000_000
"""Microseconds."""


def iso_duration(months: int, days: int, microseconds: int) -> str:
    """Format a duration in ISO 8601; a negative part has its own minus, as PostgreSQL writes it."""
    years, months = _split_units(months, 12)
    minutes, rest = _split_units(microseconds, 60 * SECOND)
    hours, minutes = _split_units(minutes, 60)
    date = "".join(f"{value}{letter}" for value, letter in ((years, "Y"), (months, "M"), (days, "D")) if value)
    time = "".join(f"{value}{letter}" for value, letter in ((hours, "H"), (minutes, "M")) if value)
    if rest:
        whole, fraction = _split_units(abs(rest), SECOND)
        point = f".{fraction:06}".rstrip("0") if fraction else ""
        time += f"{'-' if rest < 0 else ''}{whole}{point}S"
    return f"P{date}{'T' if time else ''}{time}" if date or time else "PT0S"


def of_timedelta(span: timedelta) -> str:
    """Format a duration without months in ISO 8601."""
    whole = (span.days * 86_400 + span.seconds) * SECOND + span.microseconds
    days, microseconds = _split_units(whole, 86_400 * SECOND)
    return iso_duration(0, days, microseconds)


def clock(span: timedelta) -> str:
    """Format a duration as MariaDB and MySQL write their TIME: `-838:59:59`, `10:11:12.5`."""
    whole = (span.days * 86_400 + span.seconds) * SECOND + span.microseconds
    minutes, rest = divmod(abs(whole), 60 * SECOND)
    seconds, fraction = divmod(rest, SECOND)
    point = f".{fraction:06}".rstrip("0") if fraction else ""
    return f"{'-' if whole < 0 else ''}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{point}"


def parsed(text: str) -> tuple[int, int, int]:
    """Months, days and microseconds of an ISO 8601 span.

    Raises:
        ValueError: it is none.
    """
    match = _FORM.fullmatch(text)
    if not match or text.endswith(("P", "T")):
        raise ValueError("not an ISO 8601 duration, such as P1Y2M3DT4H")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:8])
    fraction = int((match.group(9) or "").ljust(6, "0"))
    sign = -1 if match.group(1) else 1
    microseconds = ((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction
    return sign * (years * 12 + months), sign * (weeks * 7 + days), sign * microseconds


def _split_units(value: int, unit: int) -> tuple[int, int]:
    """Whole units and the rest, both with the sign of the value."""
    whole, rest = divmod(abs(value), unit)
    return (whole, rest) if value >= 0 else (-whole, -rest)
