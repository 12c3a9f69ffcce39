"""Positions of a watermark: numbers, or times and texts as JSON has them.

A system gives a time as text, and a text cannot be reckoned with; so what looks like a time of ISO 8601 is compared as one, and written again
in the form that it came in. Every other text is compared as the system itself must order it: by its characters.
"""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lgsp_adapters.errors import AdapterError
from lgsp_contracts.time_zone import VIETNAM

Position = str | int

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([+-]\d\d:\d\d|Z)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LARGEST = 2**63
_SEPARATOR = 10
"""Where in a time the character between date and time of day stands."""


class UnusableWatermarkError(AdapterError):
    """A watermark that cannot be compared; its text quotes no value."""


def position_of(value: Any) -> Position:
    """Take a value of a document as a position.

    Raises:
        UnusableWatermarkError: it is neither a whole number of 64 bits nor a text.
    """
    if isinstance(value, str) and value:
        return value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        whole = int(value)
        if whole == value and abs(whole) < _LARGEST:
            return whole
    raise UnusableWatermarkError("the watermark is neither a whole number nor a text, or there is none")


def parse(value: Position) -> datetime | date | int | str:
    """Read a position as what can be compared.

    Raises:
        UnusableWatermarkError: it is a time that no calendar has.
    """
    if isinstance(value, int):
        return value
    try:
        if _TIME.fullmatch(value):
            return datetime.fromisoformat(value)
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError as error:
        raise UnusableWatermarkError("the watermark is a time that no calendar has") from error
    return value


def comparable_position(value: Any, reference: Position) -> Position:
    """Take a value of a document as a position that can be compared with another.

    Raises:
        UnusableWatermarkError: it is none, or one of another kind.
    """
    position = position_of(value)
    is_before(position, reference)
    return position


def shown(position: Position | None) -> Position:
    """Return a position as logs may name it: a number or a time; "" for a text, which may be somebody's."""
    return position if isinstance(position, int) or (position and _is_temporal(position)) else ""


def is_before(one: Position, other: Position) -> bool:
    """Tell whether a position comes before another.

    Raises:
        UnusableWatermarkError: they are of different kinds.
    """
    first: Any = parse(one)
    try:
        return bool(first < parse(other))
    except TypeError as error:
        raise UnusableWatermarkError(
            "watermarks of different kinds: a number and a text, or a time with and one without a zone"
        ) from error


def is_same(one: Position, other: Position) -> bool:
    """Tell whether two positions are the same."""
    return not is_before(one, other) and not is_before(other, one)


def is_after(position: Position, moment: datetime) -> bool:
    """Tell whether a position is a time, or a day, after a moment; a time without a zone is Vietnam's. What is no time is not.

    Args:
        moment: with a zone.

    Raises:
        UnusableWatermarkError: it is a time that no calendar has.
    """
    parsed = parse(position)
    if isinstance(parsed, datetime):
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=VIETNAM)) > moment
    return isinstance(parsed, date) and parsed > moment.astimezone(VIETNAM).date()


def moved_back(position: Position, overlap: float) -> Position:
    """Return the position that lies so far before another.

    Args:
        overlap: seconds where it is a time, else as a number.

    Raises:
        UnusableWatermarkError: it is a text, or a day and the overlap no whole days.
    """
    if not overlap:
        return position
    parsed = parse(position)
    if isinstance(parsed, int):
        return parsed - int(overlap)
    if isinstance(parsed, datetime):
        assert isinstance(position, str)
        earlier = parsed - timedelta(seconds=overlap)
        return earlier.isoformat(position[_SEPARATOR])
    if isinstance(parsed, date):
        return (parsed - timedelta(days=-(-overlap // 86_400))).isoformat()
    raise UnusableWatermarkError("the watermark is a text, so it takes no overlap; take a time or a number")


def _is_temporal(text: str) -> bool:
    return bool(_TIME.fullmatch(text) or _DATE.fullmatch(text))
