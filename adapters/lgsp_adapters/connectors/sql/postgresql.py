"""PostgreSQL through asyncpg: values that arrive as they are kept, parameters that may be texts, and a session that is nobody's.

asyncpg gives 30 days for a month, the last day of the year 9999 for `infinity`, 85.19999694824219 for a `real` 85.2, and fails on a day
before the year 1. It takes no text where a day or a whole number is meant, which every other driver does. These codecs fix both;
a value that has no form on the bus becomes `TextOnlyValue`, so that the column can be named.
"""

import re
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from lgsp_adapters.connectors.sql import durations
from lgsp_contracts import exact_json

_EPOCH = datetime(2000, 1, 1)
_FORMATS = {"smallint": "!h", "integer": "!i", "bigint": "!q"}
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)

RESET = """CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all();
DISCARD TEMP; DISCARD SEQUENCES"""
"""What `DISCARD ALL` does, but for the plans and the prepared statements, which hold nothing of a call and which the driver counts on."""


class TextOnlyValue(NamedTuple):
    """A value that has no form on the bus: what it is, and what to write in the statement instead."""

    what: str
    instead: str


async def prepare(connection: Any) -> None:
    """Make a new connection of asyncpg ready: one question to the server for each type, once in its life."""
    for name, form, encode, decode in _CODECS:
        await connection.set_type_codec(name, schema="pg_catalog", format=form, encoder=encode, decoder=decode)


async def forget(connection: Any) -> None:
    """Take from a session everything that a call may have left in it."""
    await connection.execute(RESET)


def _to_day(value: Any) -> tuple[int]:
    day: date = date.fromisoformat(value) if isinstance(value, str) else value
    return ((day - _EPOCH.date()).days,)


def _from_day(value: tuple[int]) -> str | TextOnlyValue:
    return _moment(value[0], _DAY, lambda moment: moment.date().isoformat())


def _to_clock(value: Any) -> tuple[int]:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is not None:
        raise ValueError("a time with a zone for a column without one; write CAST(… AS timestamptz)")
    return ((moment - _EPOCH) // _MICROSECOND,)


def _from_clock(value: tuple[int]) -> str | TextOnlyValue:
    return _moment(value[0], _MICROSECOND, datetime.isoformat)


def _to_instant(value: Any) -> tuple[int]:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is None:
        raise ValueError("a time without a zone for a column with one; write instant(…) in the mapping")
    return ((moment.astimezone(UTC).replace(tzinfo=None) - _EPOCH) // _MICROSECOND,)


def _from_instant(value: tuple[int]) -> str | TextOnlyValue:
    return _moment(value[0], _MICROSECOND, lambda moment: moment.replace(tzinfo=UTC).isoformat())


def _moment(count: int, unit: timedelta, format_moment: Callable[[datetime], str]) -> str | TextOnlyValue:
    try:
        return format_moment(_EPOCH + count * unit)
    except OverflowError:
        return TextOnlyValue("a date that is infinite or outside the years 1 to 9999", "CASE or NULLIF")


def _to_time(value: Any) -> tuple[int]:
    time_of_day = time.fromisoformat(value) if isinstance(value, str) else value
    if time_of_day.tzinfo is not None:
        raise ValueError("a time with a zone for a column without one")
    return ((datetime.combine(_EPOCH, time_of_day) - _EPOCH) // _MICROSECOND,)


def _from_time(value: tuple[int]) -> str:
    return durations.clock(value[0] * _MICROSECOND)  # 24:00:00 is one to the server


def _to_money(_value: Any) -> bytes:
    raise ValueError("money depends on the locale of the database; write CAST(:… AS numeric)")


def _from_money(_value: bytes) -> TextOnlyValue:
    return TextOnlyValue("money, which depends on the locale of the database", "CAST(… AS numeric)")


def _to_span(value: Any) -> tuple[int, int, int]:
    if isinstance(value, timedelta):
        return 0, value.days, value.seconds * durations.SECOND + value.microseconds
    return durations.parsed(value)


def _from_span(value: tuple[int, int, int]) -> str:
    return durations.iso_duration(*value)


def _integer(form: str) -> tuple[Callable[[Any], bytes], Callable[[bytes], int]]:
    def encode(value: Any) -> bytes:
        if (
            isinstance(value, bool)
            or (isinstance(value, str) and not _WHOLE.fullmatch(value))
            or int(value) != Decimal(value)
        ):
            raise ValueError("not a whole number")
        try:
            return struct.pack(form, int(value))
        except struct.error as error:
            raise ValueError("a whole number that is too large for the column") from error

    def decode(value: bytes) -> int:
        number: int = struct.unpack(form, value)[0]
        return number

    return encode, decode


def _to_real(value: Any) -> bytes:
    return struct.pack("!f", float(value))


def _from_real(value: bytes) -> Decimal:
    """The shortest number that is kept so: what the server itself writes."""
    number: float = struct.unpack("!f", value)[0]
    for digits in range(6, 10):
        text = f"{number:.{digits}g}"
        if struct.pack("!f", float(text)) == value:
            break
    return Decimal(text)


def _to_json(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else exact_json.dumps(value)


_CODECS: tuple[tuple[str, str, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    ("date", "tuple", _to_day, _from_day),
    ("timestamp", "tuple", _to_clock, _from_clock),
    ("timestamptz", "tuple", _to_instant, _from_instant),
    ("time", "tuple", _to_time, _from_time),
    ("money", "binary", _to_money, _from_money),
    ("interval", "tuple", _to_span, _from_span),
    ("real", "binary", _to_real, _from_real),
    ("json", "binary", _to_json, exact_json.loads),
    ("jsonb", "binary", lambda value: b"\x01" + _to_json(value), lambda value: exact_json.loads(value[1:])),
    *((name, "binary", *_integer(form)) for name, form in _FORMATS.items()),
)
