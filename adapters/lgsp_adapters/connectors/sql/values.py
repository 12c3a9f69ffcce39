"""Values between databases and documents: what JSON can represent is passed on, everything else is refused by its column.

| of the database | in the mapping |
| --- | --- |
| numbers | numbers with all their digits |
| dates, times | ISO 8601; with a zone in UTC; MariaDB's TIME as `-838:59:59` |
| interval | an ISO 8601 duration, `P1M2DT3H` |
| uuid, inet, cidr, macaddr | texts |
| json, jsonb of PostgreSQL | documents |
| arrays, rows | lists, documents |
| bytes, large objects, ranges, bit strings, points, NaN, infinity, dates before the year 1 | refused, with the column |
"""

import datetime
import ipaddress
import math
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.sql.durations import clock, of_timedelta
from lgsp_adapters.connectors.sql.postgresql import TextOnlyValue
from lgsp_adapters.mapping.numbers import exact
from lgsp_adapters.mapping.unmappable import MappingError

MYSQL = ("mysql", "mariadb")
_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)
_NAMES = {
    "bytes": "bytes",
    "memoryview": "bytes",
    "bytearray": "bytes",
    "BitString": "a bit string",
    "Range": "a range",
}
_DATES_OF_MYSQL = (7, 10, 12)
_LONGEST = 2**63


def row_document(row: Mapping[str, Any], kind: str, types: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a row to values that JSON can hold.

    Args:
        kind: of the database.
        types: what the driver calls the type of each column.

    Raises:
        UpstreamFailed: `unintelligible`, naming column and type.
    """
    document = {}
    for name, value in row.items():
        try:
            document[name] = _plain(value, kind, types.get(name))
        except MappingError as unmappable:
            raise UpstreamFailed("unintelligible", f"the column {name} holds {unmappable}") from unmappable
    return document


def _plain(value: Any, kind: str, code: Any = None) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        if isinstance(value, str) and kind in MYSQL and code in _DATES_OF_MYSQL:
            raise MappingError("a date that no calendar has; write NULLIF(…, '0000-00-00') in the statement")
        return value
    if isinstance(value, (float, Decimal)):
        if not math.isfinite(value):
            raise MappingError("NaN or an infinite number; write NULLIF(…, 'NaN') or CASE in the statement")
        return exact(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return clock(value) if kind in MYSQL else of_timedelta(value)
    return str(value) if isinstance(value, (uuid.UUID, *_ADDRESSES)) else _plain_structure(value, kind)


def _plain_structure(value: Any, kind: str) -> Any:
    if isinstance(value, TextOnlyValue):
        raise MappingError(f"{value.what}; write {value.instead} in the statement")
    if type(value) in (list, tuple):
        return [_plain(item, kind) for item in value]
    if hasattr(value, "items"):  # a document, or a row in a column
        return {name: _plain(item, kind) for name, item in value.items()}
    name = type(value).__name__
    raise MappingError(
        f"{_NAMES.get(name, f'a {name}')}, which JSON has no form for; write CAST(… AS text) or leave it out"
    )


def bind_value(value: Any, kind: str) -> Any:
    """Convert a value to what the driver of a database binds.

    Raises:
        MappingError: it has no form there; the text holds nothing of it.
    """
    if isinstance(value, dict) or (isinstance(value, list) and kind != "postgresql"):
        raise MappingError("a document or a list, which a statement cannot take; write json(…)")
    if kind != "sqlite" or isinstance(value, (bool, str, list)) or value is None:
        return value
    if isinstance(value, int) and not -_LONGEST <= value < _LONGEST:
        raise MappingError("a whole number that is too large for SQLite; write text(…)")
    if isinstance(value, Decimal):
        if exact(float(value)) != value:
            raise MappingError("a number with more digits than SQLite keeps; write text(…)")
        return float(value)
    return value
