"""Patterns of dates and times, with the letters of Unicode TR 35 as Java and .NET write them, read strictly.

| letters | | | letters | |
| --- | --- | --- | --- | --- |
| `yyyy`, `yy` | a year; `yy` in the hundred years from 1930 | | `HH`, `H` | an hour, 0 to 23 |
| `MM`, `M` | a month | | `hh`, `h` with `a` | an hour, 1 to 12, and AM, PM, SA or CH |
| `MMM` | `May`, `MAY`, `Thg 5` | | `mm`, `m`, `ss`, `s` | minutes, seconds |
| `dd`, `d` | a day | | `S`, `SSS`, … | as many digits of a fraction of a second |
| `T` | itself | | `X`, `XXX`, `Z` | a zone: `Z`, `+07`, `+0700` or `+07:00` |

Two letters are two digits and one letter is one or two, which therefore never stands against another digit. Any other letter is refused,
unless it stands in `'quotes'`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts.time_zone import VIETNAM

FIRST_YEAR = 1930
"""Of the hundred years that `yy` means: as Excel has it."""

_PARTS = re.compile(r"'((?:[^']|'')*)'|(([A-Za-z])\3*)|([^A-Za-z']+)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_TWO, _ONE = "([0-9]{2})", "([0-9]{1,2})"
_ZONE = r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_LETTERS = {
    "yyyy": ("year", "([0-9]{4})"),
    "yy": ("short year", _TWO),
    "MM": ("month", _TWO),
    "M": ("month", _ONE),
    "MMM": ("month name", r"([A-Za-z]{3}(?: ?[0-9]{1,2})?)"),
    "dd": ("day", _TWO),
    "d": ("day", _ONE),
    "HH": ("hour", _TWO),
    "H": ("hour", _ONE),
    "hh": ("half hour", _TWO),
    "h": ("half hour", _ONE),
    "mm": ("minute", _TWO),
    "m": ("minute", _ONE),
    "ss": ("second", _TWO),
    "s": ("second", _ONE),
    "a": ("half", "(AM|PM|SA|CH)"),
    "X": ("zone", _ZONE),
    "XX": ("zone", _ZONE),
    "XXX": ("zone", _ZONE),
    "Z": ("zone", _ZONE),
    **{"S" * count: ("fraction", f"([0-9]{{{count}}})") for count in range(1, 10)},
}
_SAME = {"short year": "year", "month name": "month", "half hour": "hour"}
_DIGITS = ("year", "short year", "month", "day", "hour", "half hour", "minute", "second", "fraction")


@dataclass(frozen=True, slots=True)
class Moment:
    """A parsed text: a day, a time of day or None, a zone or None."""

    day: date
    time: time | None
    zone: timezone | None


class Pattern:
    """One pattern.

    Raises:
        MappingError: the text is not a valid pattern; the message says why.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts = [(quoted.replace("''", "'") or literal, letters) for quoted, letters, _, literal in _split(text)]
        self._names: list[str] = []
        form, before = "", ""
        for literal, letters in self._parts:
            if letters in ("", "T"):
                if before == "open" and literal[:1].isdigit():
                    raise MappingError("a letter that matches one digit or two must not be next to a digit")
                form += re.escape(literal or letters)
                before = literal[-1:] if literal[-1:].isdigit() else ""
                continue
            if letters not in _LETTERS:
                raise MappingError(f"a date pattern has no letters {letters}; put literal text in quotation marks")
            name, digits = _LETTERS[letters]
            open_ended = digits == _ONE
            if name in _DIGITS and before and (open_ended or before == "open"):
                raise MappingError(f"{letters} matches one digit or two, so it must not be next to another digit")
            self._names.append(name)
            form += digits
            before = ("open" if open_ended else "digit") if name in _DIGITS else ""
        self.fields = {_SAME.get(name, name) for name in self._names}
        if not self._names or len(self.fields) < len(self._names):
            raise MappingError("a date pattern names each part once, and at least one")
        if ("half hour" in self._names) != ("half" in self._names):
            raise MappingError("hh goes with a, and a with hh; an hour of 24 is HH")
        self._form = re.compile(form, re.IGNORECASE)

    @property
    def has_time(self) -> bool:
        """Tell whether the pattern has an hour."""
        return "hour" in self.fields

    @property
    def has_day(self) -> bool:
        """Tell whether the pattern has year, month and day."""
        return self.fields >= {"year", "month", "day"}

    def read(self, text: str, first_year: int = FIRST_YEAR) -> Moment:
        """Parse a text by this pattern.

        Args:
            first_year: of the hundred years that `yy` means.

        Raises:
            MappingError: the text does not match the pattern, or names a day or time that does not exist.
        """
        match = self._form.fullmatch(text.strip())
        if match is None:
            raise MappingError(f"a date is not in the form {self._text}")
        parts = dict(zip(self._names, match.groups(), strict=True))
        try:
            return Moment(_day(parts, first_year), _time(parts), parse_zone(parts.get("zone")))
        except ValueError as error:
            raise MappingError(f"a date in the form {self._text} does not exist in the calendar") from error

    def write(self, moment: datetime | date, zone: timezone | None = None) -> str:
        """Format a day or a moment by this pattern.

        Args:
            zone: where the moment is.

        Raises:
            MappingError: the pattern says a time, and this is a day.
        """
        if not isinstance(moment, datetime):
            if not self.fields <= {"year", "month", "day"}:
                raise MappingError(f"a day has no time, which {self._text} asks for")
            moment = datetime(moment.year, moment.month, moment.day)
        return "".join(
            _WRITERS[letters](moment, zone or VIETNAM) if letters in _WRITERS else literal or letters
            for literal, letters in self._parts
        )


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """Compile a pattern.

    Raises:
        MappingError: the text is not a valid pattern.
    """
    return Pattern(text)


def _split(text: str) -> list[tuple[str, str, str, str]]:
    if "".join(match.group() for match in _PARTS.finditer(text)) != text:
        raise MappingError("a date pattern has a quotation mark that is not closed")
    return _PARTS.findall(text)


def _day(parts: dict[str, str], first_year: int) -> date:
    year = int(parts["year"]) if "year" in parts else _long_year(int(parts["short year"]), first_year)
    month = int(parts["month"]) if "month" in parts else _month(parts["month name"])
    return date(year, month, int(parts["day"]))


def _long_year(short: int, first_year: int) -> int:
    return first_year + (short - first_year) % 100


def _month(name: str) -> int:
    if name.upper().startswith("THG"):
        return int(name[3:])
    return _MONTHS.index(name.upper()) + 1


def _time(parts: dict[str, str]) -> time | None:
    if "hour" not in parts and "half hour" not in parts:
        return None
    if "half hour" in parts:
        half = int(parts["half hour"])
        if not 1 <= half <= 12:
            raise ValueError("hour")
        hour = half % 12 + (12 if parts["half"].upper() in ("PM", "CH") else 0)
    else:
        hour = int(parts["hour"])
    fraction = parts.get("fraction", "").ljust(6, "0")[:6]
    return time(hour, int(parts.get("minute", 0)), int(parts.get("second", 0)), int(fraction))


def parse_zone(text: str | None) -> timezone | None:
    """Parse the zone `Z`, `+07`, `+0700` or `+07:00`; None for None.

    Raises:
        ValueError: it is more than a day away.
    """
    if text is None:
        return None
    if text.upper() == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    span = timedelta(hours=hours, minutes=minutes)
    return timezone(-span if text[0] == "-" else span)


def _offset(zone: timezone, between: str, *, minutes: bool = True) -> str:
    span = zone.utcoffset(None)
    whole = abs(span) // timedelta(minutes=1)
    sign = "-" if span < timedelta(0) else "+"
    return f"{sign}{whole // 60:02}" + (f"{between}{whole % 60:02}" if minutes or whole % 60 else "")


_WRITERS: dict[str, Callable[[datetime, timezone], str]] = {
    "yyyy": lambda at, _: f"{at.year:04}",
    "yy": lambda at, _: f"{at.year % 100:02}",
    "MM": lambda at, _: f"{at.month:02}",
    "M": lambda at, _: str(at.month),
    "MMM": lambda at, _: _MONTHS[at.month - 1].capitalize(),
    "dd": lambda at, _: f"{at.day:02}",
    "d": lambda at, _: str(at.day),
    "HH": lambda at, _: f"{at.hour:02}",
    "H": lambda at, _: str(at.hour),
    "hh": lambda at, _: f"{(at.hour - 1) % 12 + 1:02}",
    "h": lambda at, _: str((at.hour - 1) % 12 + 1),
    "mm": lambda at, _: f"{at.minute:02}",
    "m": lambda at, _: str(at.minute),
    "ss": lambda at, _: f"{at.second:02}",
    "s": lambda at, _: str(at.second),
    "a": lambda at, _: "AM" if at.hour < 12 else "PM",
    "X": lambda _, zone: _offset(zone, "", minutes=False),
    "XX": lambda _, zone: _offset(zone, ""),
    "XXX": lambda _, zone: _offset(zone, ":"),
    "Z": lambda _, zone: _offset(zone, ""),
    **{
        "S" * count: lambda at, _, count=count: f"{at.microsecond:06}".ljust(9, "0")[:count]  # type: ignore[misc]
        for count in range(1, 10)
    },
}
