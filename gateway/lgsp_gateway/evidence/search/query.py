"""Finding messages by anything that the evidence says of them: the newest first, page by page."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Row,
    Select,
    cast,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.dictionary import NameDictionary
from lgsp_gateway.evidence.search.models import Page, Search
from lgsp_problems import Refusal

_AMOUNTS = {"minDuration": ("totalMs", "durationClass", 1), "minSize": ("answerSize", "sizeClass", schema.SMALL_SIZE)}
"""The column of an amount, that of its class, and what the first class ends with."""

_BYTES = ("message", "trace", "subject", "onBehalfOf")
_SHOWN = [column for column in schema.messages.c if column.name not in {"leaf", "durationClass", "sizeClass"}]


async def search(connection: AsyncConnection, names: NameDictionary, wanted: Search) -> Page:
    """Find one page of messages, the newest first.

    Raises:
        Refusal: `malformed`, when the cursor is not one of ours.
    """
    conditions = await _conditions(connection, names, wanted)
    if conditions is None:
        return Page([], "")
    query = select(*_SHOWN).where(*conditions).order_by(*_newest(schema.messages.c)).limit(wanted.limit + 1)
    split = await _split(connection, names, wanted)
    found = (await connection.execute(_in_parts(connection, query, *split, wanted.limit + 1) if split else query)).all()
    shown = found[: wanted.limit]
    numbers = {row[_PLACE_OF[name]] for row in shown for name in schema.NAMED}
    known = await names.names(connection, numbers)
    items = [_item(row, known) for row in shown]
    return Page(items, _cursor(shown[-1].time, shown[-1].place) if len(found) > wanted.limit else "")


_PLACE_OF = {str(column.name): place for place, column in enumerate(_SHOWN)}


def _item(row: Row[Any], names: Mapping[int, str]) -> dict[str, Any]:
    """An entry as the evidence words it, without the digests."""
    item: dict[str, Any] = dict(zip(_PLACE_OF, row, strict=True))
    del item["place"]
    for name in schema.NAMED:
        item[name] = names.get(item[name], "")
    for name in _BYTES:
        item[name] = item[name].hex() if item[name] else ""
    item["message"] = _dashed(item["message"])
    for name in ("providerMs", "totalMs"):
        item[name] = round(item[name], 2)
    return item


async def _conditions(
    connection: AsyncConnection, names: NameDictionary, wanted: Search
) -> list[ColumnElement[bool]] | None:
    """What the rows must keep; None where none can."""
    columns = schema.messages.c
    conditions: list[ColumnElement[bool]] = []
    for name, value in wanted.exact.items():
        if name in schema.NAMED:
            number = await names.number(connection, value)
            if number is None:
                return None
            conditions.append(columns[name] == number)
            if number > schema.RARE.get(name, number):  # said in the words of the partial index, so that it is used
                conditions.append(columns[name] > literal_column(str(schema.RARE[name])))
        else:
            packed = packed_id(value)
            if packed is None:
                return None
            conditions.append(columns[name] == packed)
    conditions += [columns[_AMOUNTS[name][0]] >= least for name, least in wanted.least.items()]
    if wanted.of_systems:
        conditions.append(columns.consumer != schema.NOTHING)
    if wanted.since is not None:
        conditions.append(columns.time >= wanted.since)
    if wanted.until is not None:
        conditions.append(columns.time < wanted.until)
    if wanted.cursor:
        time, place = _place(wanted.cursor)
        conditions += [columns.time <= time, tuple_(columns.time, columns.place) < tuple_(time, place)]
    return conditions


async def _split(
    connection: AsyncConnection, names: NameDictionary, wanted: Search
) -> tuple[ColumnElement[int], Sequence[int]] | None:
    """A column, and its values that can be: the newest of each are found by an index, and among them the newest of all."""
    for name, least in wanted.least.items():
        _, column, unit = _AMOUNTS[name]
        return schema.messages.c[column], schema.CLASSES[schema.class_of(least / unit) :]
    if "provider" in wanted.exact and "service" not in wanted.exact:
        provider = await names.number(connection, wanted.exact["provider"])
        counted = schema.statistics.c
        services = select(counted.service).distinct().where(counted.provider == provider)
        return schema.messages.c.service, [row.service for row in await connection.execute(services)]
    return None


def _in_parts(
    connection: AsyncConnection, query: Select[Any], column: ColumnElement[int], values: Sequence[int], limit: int
) -> Select[Any]:
    """A query for the newest, asked for each value of a column alone."""
    if connection.dialect.name == "postgresql":  # planned once, not for each value and each month
        each = func.unnest(cast(list(values), ARRAY(Integer))).table_valued("value").render_derived()
        # As a range, and sorted by it, so that only the index of this column fits: by figures of how many messages have an
        # average value the planner would go through all by time, and take seconds for a rare one.
        one = query.where(column >= each.c.value, column <= each.c.value).order_by(None)
        parts: FromClause = one.order_by(column.desc(), *_newest(schema.messages.c)).lateral()
        whole = select(parts).select_from(each.join(parts, true()))
    else:
        asked = [select(query.where(column == value).subquery()) for value in values]
        parts = union_all(*asked).subquery()
        whole = select(parts)
    return whole.order_by(*_newest(parts.c)).limit(limit)


def _newest(columns: ReadOnlyColumnCollection[str, Any]) -> tuple[ColumnElement[Any], ...]:
    return columns["time"].desc(), columns["place"].desc()


def packed_id(text: str) -> bytes | None:
    """Pack an identifier in hex into bytes, with or without dashes; None where it is none."""
    try:
        return bytes.fromhex(text.replace("-", "")) or None
    except ValueError:
        return None


def _unpacked(cursor: str) -> str:
    padding = "=" * (-len(cursor) % 4)
    return base64.b64decode(cursor + padding, altchars=b"-_", validate=True).decode("ascii")


_CURSOR = re.compile(r"(-?[0-9]{1,19})\.([0-9]{1,19})")
_LARGEST = 2**63 - 1
"""Of a number that a database keeps."""


def _dashed(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" if len(text) == 32 else text


def _cursor(time: int, place: int) -> str:
    return base64.urlsafe_b64encode(f"{time}.{place}".encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[int, int]:
    try:
        found = _CURSOR.fullmatch(_unpacked(cursor))
        if found is None or max(int(found[1]), int(found[2])) > _LARGEST:
            raise ValueError("no place")
        return int(found[1]), int(found[2])
    except (binascii.Error, ValueError) as error:
        raise Refusal(
            "malformed",
            vi="cursor không phải do trang trước trả về; hãy bỏ nó đi để bắt đầu lại.",
            en="cursor is not one that a page gave; leave it out to begin again.",
        ) from error
