"""Days, clocks without a zone, and instants: three different things, and where one becomes another it is in Vietnam.

`1993-05-16T17:00:00Z` is midnight of 17 May in Hanoi, and how most back ends send a birthday. A day is therefore never cut off an
instant: it is the day in Vietnam. A clock without a zone is Vietnam's. Vietnam has had several offsets (three before 1976); the tz
database says which one was in force. Instants are written with `+07:00`.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from lgsp_adapters.mapping.date_patterns import FIRST_YEAR, compile_pattern, parse_zone
from lgsp_adapters.mapping.numbers import decimal_of, integer_of
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts import time_zone

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_UTC_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?",
    re.IGNORECASE,
)
_JSON_DATE = re.compile(r"\\?/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)\\?/")
_SERIALS = {"1900": date(1899, 12, 30), "1904": date(1904, 1, 1)}
_NO_LEAP_DAY = 60
"""Excel's serial of 29 February 1900, a day that did not exist; the serials before it are off by one."""
_MAX_SERIAL = 2_958_465
"""31 December 9999."""


def iso_date(value: Any, pattern: str, first_year: int = FIRST_YEAR) -> str:
    """Convert a system's date to ISO 8601; for a pattern with a zone it is the day in Vietnam.

    A value that is an ISO 8601 date or time already passes, unless the pattern itself begins with a year and a dash: there only the
    pattern counts, since day and month could be meant the other way round.

    Raises:
        MappingError: the value is in neither form.
    """
    text, form = _text(value), compile_pattern(pattern)
    if not form.has_day:
        raise MappingError(f"the pattern of a day needs year, month and day; {pattern} lacks one")
    try:
        moment = form.read(text, first_year)
    except MappingError:
        if _ISO.fullmatch(text) is None or pattern.lower().startswith("yyyy-"):
            raise
        return local_date(text)
    if moment.zone is None:
        return moment.day.isoformat()
    return _day_in_vietnam(datetime.combine(moment.day, moment.time or time(), moment.zone)).isoformat()


def local_date(value: Any) -> str:
    """Return the day of an ISO 8601 date or time; for an instant it is the day in Vietnam.

    Raises:
        MappingError: the value is not of this form.
    """
    moment = _iso(_text(value))
    return (_day_in_vietnam(moment) if isinstance(moment, datetime) else moment).isoformat()


def date_text(value: Any, pattern: str) -> str:
    """Format an ISO 8601 date or time for a system; an instant is written in Vietnam's time.

    Raises:
        MappingError: the value is not ISO 8601, or lacks a part of the pattern.
    """
    moment, form = _iso(_text(value)), compile_pattern(pattern)
    if not isinstance(moment, datetime):
        return form.write(moment)
    local_moment = _in_vietnam(moment) if moment.tzinfo else moment.replace(tzinfo=VIETNAM)
    return form.write(local_moment, timezone(local_moment.utcoffset() or timedelta()))


def instant(value: Any, pattern: str = "", first_year: int = FIRST_YEAR) -> str:
    """Convert a system's time to an instant, `1993-05-17T08:00:00+07:00`; without a zone it is Vietnam's.

    Args:
        pattern: "" for ISO 8601.

    Raises:
        MappingError: the value is not an instant; a day alone is not one either.
    """
    text = _text(value)
    if pattern:
        form = compile_pattern(pattern)
        if not (form.has_day and form.has_time):
            raise MappingError(f"the pattern of an instant needs a day and an hour; {pattern} lacks one")
        parsed = form.read(text, first_year)
        return _format_instant(datetime.combine(parsed.day, parsed.time or time(), parsed.zone or VIETNAM))
    moment = _iso(text)
    if not isinstance(moment, datetime):
        raise MappingError("a day without a time is not an instant")
    return _format_instant(moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM))


def epoch(value: Any, unit: timedelta) -> str:
    """Convert a number of units since 1970 to an instant.

    Raises:
        MappingError: it is no whole number, or beyond the years 1 to 9999.
    """
    return _since_1970(integer_of(value, "plain"), unit)


def milliseconds_since_1970(value: Any) -> int:
    """Return the milliseconds from 1970 to an ISO 8601 date or time; without a zone it is Vietnam's, and a day is its midnight there.

    Raises:
        MappingError: the value is not of this form.
    """
    moment = _iso(_text(value))
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    moment = moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)
    return (moment - _UTC_1970) // timedelta(milliseconds=1)


def json_date(value: Any) -> str:
    """Convert `/Date(738349200000+0700)/`, as old .NET services write it, to an instant.

    Raises:
        MappingError: the value is not of this form.
    """
    match = _JSON_DATE.fullmatch(_text(value))
    if match is None:
        raise MappingError("a text is not of the form /Date(…)/")
    return _since_1970(int(match.group(1)), timedelta(milliseconds=1))


def excel_date(value: Any, system: str = "1900") -> str:
    """Convert an Excel serial number to a day; the fraction, which is the time of the day, is dropped.

    Excel takes 1900 for a leap year: 60 is 29 February 1900, which is refused, and the days before it are counted as Excel shows them.

    Args:
        system: `1904` for workbooks that come from an old Macintosh.

    Raises:
        MappingError: the value is not a serial number of a day.
    """
    if system not in _SERIALS:
        raise MappingError("the date system of a workbook is '1900' or '1904'")
    serial = int(decimal_of(value, "plain"))
    if not (1 if system == "1900" else 0) <= serial <= _MAX_SERIAL:
        raise MappingError("a number is not the Excel serial of a day")
    if system == "1900" and serial == _NO_LEAP_DAY:
        raise MappingError("a number is the Excel serial of 29 February 1900, a day that did not exist")
    shift = 1 if system == "1900" and serial < _NO_LEAP_DAY else 0
    try:
        return (_SERIALS[system] + timedelta(days=serial + shift)).isoformat()
    except (OverflowError, ValueError) as error:
        raise MappingError("a number is not the Excel serial of a day") from error


def check_pattern(function: str, pattern: str) -> None:
    """Check a pattern of a manifest against its function, before any call.

    Raises:
        MappingError: it never fits.
    """
    form = compile_pattern(pattern)
    if function == "iso_date" and not form.has_day:
        raise MappingError(f"the pattern of a day needs year, month and day; {pattern} lacks one")
    if function == "instant" and not (form.has_day and form.has_time):
        raise MappingError(f"the pattern of an instant needs a day and an hour; {pattern} lacks one")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise MappingError("what should be a date is neither a text nor a whole number")


def _iso(text: str) -> date | datetime:
    match = _ISO.fullmatch(text)
    if match is None:
        raise MappingError("a date is not ISO 8601, such as 1993-05-17 or 1993-05-17T08:00:00+07:00")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        calendar_day = date(int(year), int(month), int(day))
        if hour is None:
            return calendar_day
        parts = int(hour), int(minute), int(second or 0), int((fraction or "").ljust(6, "0")[:6])
        return datetime.combine(calendar_day, time(*parts), parse_zone(zone))
    except ValueError as error:
        raise MappingError("a date does not exist in the calendar") from error


def _in_vietnam(moment: datetime) -> datetime:
    try:
        return moment.astimezone(VIETNAM)
    except (OverflowError, ValueError) as error:
        raise MappingError("a moment is at the very end of the calendar") from error


def _day_in_vietnam(moment: datetime) -> date:
    return (_in_vietnam(moment) if moment.tzinfo else moment).date()


def _format_instant(moment: datetime) -> str:
    try:
        return moment.astimezone(time_zone.VIETNAM).isoformat()
    except (OverflowError, ValueError) as error:
        raise MappingError("a moment is at the very end of the calendar") from error


def _since_1970(count: int, unit: timedelta) -> str:
    try:
        return _format_instant(_UTC_1970 + count * unit)
    except (OverflowError, ValueError) as error:
        raise MappingError("a number of seconds is beyond the years 1 to 9999") from error
