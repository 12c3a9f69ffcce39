"""Reads a table of dBASE III or FoxPro: a header, a description of each field, then records of a fixed length."""

import datetime
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

_HEADER = struct.Struct("<4xLHH20x")
_FIELD = struct.Struct("<11sc4xBB14x")
_END_OF_FIELDS, _DELETED, _END_OF_FILE = b"\r", b"*", b"\x1a"

Row = dict[str, Any]


class UnreadableTableError(Exception):
    """The file is no table. The text names what is wrong and no value."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: str
    length: int


def rows(content: bytes, encoding: str) -> Iterator[Row]:
    """Yield the rows of a table that are not deleted.

    Raises:
        UnreadableTableError: it is no table, or a value does not fit its field.
    """
    try:
        count, header_length, record_length = _HEADER.unpack_from(content)
        fields = list(_fields(content))
        for number in range(count):
            start = header_length + number * record_length
            record = content[start : start + record_length]
            if len(record) < record_length or record.startswith(_END_OF_FILE):
                raise UnreadableTableError(f"it ends in record {number + 1} of {count}")
            if not record.startswith(_DELETED):
                yield _row(record, fields, encoding)
    except (struct.error, UnicodeDecodeError, ValueError, InvalidOperation) as error:
        raise UnreadableTableError(type(error).__name__) from error


def _fields(content: bytes) -> Iterator[_Field]:
    position = _HEADER.size
    while content[position : position + 1] != _END_OF_FIELDS:
        name, kind, length, _ = _FIELD.unpack_from(content, position)
        yield _Field(name.partition(b"\0")[0].decode("ascii"), kind.decode("ascii"), length)
        position += _FIELD.size


def _row(record: bytes, fields: list[_Field], encoding: str) -> Row:
    row: Row = {}
    position = 1
    for field in fields:
        text = record[position : position + field.length].decode(encoding).strip(" \0")
        row[field.name] = _value(field.kind, text)
        position += field.length
    return row


def _value(kind: str, text: str) -> Any:
    if not text:
        return None
    if kind in "NF":
        return int(text) if text.lstrip("-").isdecimal() else Decimal(text)
    if kind == "D":
        return datetime.datetime.strptime(text, "%Y%m%d").date().isoformat()
    if kind == "L":
        return {"T": True, "Y": True, "F": False, "N": False}.get(text.upper())
    return text
