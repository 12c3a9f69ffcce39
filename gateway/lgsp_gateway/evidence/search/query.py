"""Finds messages by any field of their entries: the newest first, page by page, at once however many there are."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
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
"""The column of an amount, the column of its class, and the upper end of the first class."""

_ID_COLUMNS = ("message", "trace", "subject", "onBehalfOf")
_RESULT_COLUMNS = [column for column in schema.messages.c if column.name not in {"leaf", "durationClass", "sizeClass"}]


async def search(connection: AsyncConnection, names: NameDictionary, criteria: Search) -> Page:
    """Return one page of messages, the newest first.

    Raises:
        Refusal: `malformed`, when the cursor is not one that a page returned.
    """
    conditions = await _row_conditions(connection, names, criteria)
    if conditions is None:
        return Page([], "")
    query = (
        select(*_RESULT_COLUMNS)
        .where(*conditions)
        .order_by(*_newest_first(schema.messages.c))
        .limit(criteria.limit + 1)
    )
    split = await _choose_split(connection, names, criteria)
    if split:
        query = _split_query(connection, query, *split, criteria.limit + 1)
    rows = (await connection.execute(query)).all()
    page = rows[: criteria.limit]
    numbers = {row[_COLUMN_INDEX[name]] for row in page for name in schema.NAMED}
    names_by_number = await names.names(connection, numbers)
    items = [_message_item(row, names_by_number) for row in page]
    return Page(items, _encode_cursor(page[-1].time, page[-1].place) if len(rows) > criteria.limit else "")


_COLUMN_INDEX = {str(column.name): index for index, column in enumerate(_RESULT_COLUMNS)}


def _message_item(row: Row[Any], names: Mapping[int, str]) -> dict[str, Any]:
    """Return a message with the names and forms of its entry, without the digests."""
    item: dict[str, Any] = dict(zip(_COLUMN_INDEX, row, strict=True))
    del item["place"]
    for name in schema.NAMED:
        item[name] = names.get(item[name], "")
    for name in _ID_COLUMNS:
        item[name] = item[name].hex() if item[name] else ""
    item["message"] = _format_uuid(item["message"])
    for name in ("providerMs", "totalMs"):
        item[name] = round(item[name], 2)
    return item


async def _row_conditions(
    connection: AsyncConnection, names: NameDictionary, criteria: Search
) -> list[ColumnElement[bool]] | None:
    """Return the conditions on rows; None where no row can fulfil them."""
    columns = schema.messages.c
    conditions: list[ColumnElement[bool]] = []
    for name, value in criteria.exact.items():
        if name in schema.NAMED:
            number = await names.number(connection, value)
            if number is None:
                return None
            conditions.append(columns[name] == number)
            if number > schema.RARE.get(name, number):  # repeats the condition of the partial index, so that it is used
                conditions.append(columns[name] > literal_column(str(schema.RARE[name])))
        else:
            packed = packed_id(value)
            if packed is None:
                return None
            conditions.append(columns[name] == packed)
    return conditions + _range_conditions(criteria)


def _range_conditions(criteria: Search) -> list[ColumnElement[bool]]:
    columns = schema.messages.c
    conditions: list[ColumnElement[bool]] = [
        columns[_AMOUNTS[name][0]] >= least for name, least in criteria.least.items()
    ]
    if criteria.of_systems:
        conditions.append(columns.consumer != schema.NOTHING)
    if criteria.failed:
        conditions.append(columns.status != HTTPStatus.OK)
    if criteria.since is not None:
        conditions.append(columns.time >= criteria.since)
    if criteria.until is not None:
        conditions.append(columns.time < criteria.until)
    if criteria.cursor:
        time, position = _decode_cursor(criteria.cursor)
        conditions += [columns.time <= time, tuple_(columns.time, columns.place) < tuple_(time, position)]
    return conditions


async def _choose_split(
    connection: AsyncConnection, names: NameDictionary, criteria: Search
) -> tuple[ColumnElement[int], Sequence[int]] | None:
    """Choose a column and its possible values: an index finds the newest rows of each, and among them are the newest of all."""
    for name, least in criteria.least.items():
        _, column, unit = _AMOUNTS[name]
        return schema.messages.c[column], schema.CLASSES[schema.class_of(least / unit) :]
    if "provider" in criteria.exact and "service" not in criteria.exact:
        provider = await names.number(connection, criteria.exact["provider"])
        counted = schema.statistics.c
        services = select(counted.service).distinct().where(counted.provider == provider)
        return schema.messages.c.service, [row.service for row in await connection.execute(services)]
    return None


def _split_query(
    connection: AsyncConnection, query: Select[Any], column: ColumnElement[int], values: Sequence[int], limit: int
) -> Select[Any]:
    """Return a query for the newest rows that searches each value of a column separately."""
    if connection.dialect.name == "postgresql":  # planned once, not for each value and each month
        each = func.unnest(cast(list(values), ARRAY(Integer))).table_valued("value").render_derived()
        # As a range, and sorted by it, so that only the index of this column fits: by its estimate of how many messages have
        # an average value, the planner would read all by time, and take seconds for a rare one.
        of_value = query.where(column >= each.c.value, column <= each.c.value).order_by(None)
        parts: FromClause = of_value.order_by(column.desc(), *_newest_first(schema.messages.c)).lateral()
        whole = select(parts).select_from(each.join(parts, true()))
    else:
        queries = [select(query.where(column == value).subquery()) for value in values]
        parts = union_all(*queries).subquery()
        whole = select(parts)
    return whole.order_by(*_newest_first(parts.c)).limit(limit)


def _newest_first(columns: ReadOnlyColumnCollection[str, Any]) -> tuple[ColumnElement[Any], ...]:
    return columns["time"].desc(), columns["place"].desc()


def packed_id(text: str) -> bytes | None:
    """Pack an identifier in hex into bytes, with or without dashes; None where it is none."""
    try:
        return bytes.fromhex(text.replace("-", "")) or None
    except ValueError:
        return None


def _decode_base64(cursor: str) -> str:
    padding = "=" * (-len(cursor) % 4)
    return base64.b64decode(cursor + padding, altchars=b"-_", validate=True).decode("ascii")


_CURSOR = re.compile(r"(-?[0-9]{1,19})\.([0-9]{1,19})")
_MAX_INTEGER = 2**63 - 1
"""Integer of the database."""


def _format_uuid(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" if len(text) == 32 else text


def _encode_cursor(time: int, position: int) -> str:
    return base64.urlsafe_b64encode(f"{time}.{position}".encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> tuple[int, int]:
    try:
        match = _CURSOR.fullmatch(_decode_base64(cursor))
        if match is None or max(int(match[1]), int(match[2])) > _MAX_INTEGER:
            raise ValueError("no position")
        return int(match[1]), int(match[2])
    except (binascii.Error, ValueError) as error:
        raise Refusal(
            "malformed",
            vi="cursor không phải do trang trước trả về; hãy bỏ nó đi để bắt đầu lại.",
            en="cursor is not one that a page gave; leave it out to begin again.",
        ) from error
