"""Finds messages by any field of their entries: the newest first, page by page, at once however many there are."""

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Row,
    Select,
    and_,
    cast,
    func,
    literal_column,
    null,
    or_,
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

_ID_COLUMNS = ("message", "trace", "subject", "onBehalfOf", "file")
_RESULT_COLUMNS = [column for column in schema.messages.c if column.name not in {"leaf", "durationClass", "sizeClass"}]


class Cursor(NamedTuple):
    """The entry beside which a page begins.

    Args:
        time: of the entry, in milliseconds since 1970.
        place: of the entry in the stream.
        newer: whether the page holds what is newer than the entry, rather than what is older.
    """

    time: int
    place: int
    newer: bool = False


async def search(
    connection: AsyncConnection, names: NameDictionary, criteria: Search, missing: Collection[str] = ()
) -> Page:
    """Return one page of messages, the newest first.

    Args:
        missing: columns that this index does not have yet; they are read as null.

    Raises:
        Refusal: `malformed`, when the cursor is not one that a page returned.
    """
    cursor = _decode_cursor(criteria.cursor) if criteria.cursor else None
    conditions = await _row_conditions(connection, names, criteria)
    if conditions is None:
        return Page([], "", "", [])
    newer = cursor is not None and cursor.newer
    query = (
        select(*(_null(column) if column.name in missing else column for column in _RESULT_COLUMNS))
        .where(*conditions, *_cursor_conditions(cursor))
        .order_by(*_in_order(schema.messages.c, oldest_first=newer))
        .limit(criteria.limit + 1)
    )
    split = await _choose_split(connection, names, criteria)
    if split and not split[1]:
        return Page([], "", "", [])
    if split:
        query = _split_query(connection, query, *split, criteria.limit + 1, oldest_first=newer)
    rows = (await connection.execute(query)).all()
    page = rows[: criteria.limit][:: -1 if newer else 1]
    numbers = {row[_COLUMN_INDEX[name]] for row in page for name in schema.NAMED}
    names_by_number = await names.names(connection, numbers)
    items = [_message_item(row, names_by_number) for row in page]
    places = [(row.place >> schema.LINE_BITS, row.place & (1 << schema.LINE_BITS) - 1) for row in page]
    has_older = newer or len(rows) > criteria.limit
    older = _encode_cursor(Cursor(page[-1].time, page[-1].place)) if page and has_older else ""
    return Page(items, older, _newer_cursor(page, criteria.cursor if newer else ""), places)


def _newer_cursor(page: Sequence[Row[Any]], asked: str) -> str:
    """Return the cursor of what is newer than a page; of a page that found nothing newer, the one that it was asked with."""
    return _encode_cursor(Cursor(page[0].time, page[0].place, newer=True)) if page else asked


def _null(column: Column[Any]) -> ColumnElement[Any]:
    return cast(null(), column.type).label(column.name)


ITEM_FIELDS = tuple(str(column.name) for column in _RESULT_COLUMNS if column.name != "place")
"""The fields of an entry that a page has; those of `schema.ADDED` where they are known."""

_COLUMN_INDEX = {str(column.name): index for index, column in enumerate(_RESULT_COLUMNS)}


def _message_item(row: Row[Any], names: Mapping[int, str]) -> dict[str, Any]:
    """Return a message with the names and forms of its entry, without the digests."""
    item: dict[str, Any] = dict(zip(_COLUMN_INDEX, row, strict=True))
    del item["place"]
    for name in schema.NAMED:
        item[name] = names.get(item[name], "")
    for name in _ID_COLUMNS:
        item[name] = item[name].hex() if item[name] else ""
    item["reference"] = item["reference"] or ""
    for name in ("message", "file"):
        item[name] = _format_uuid(item[name])
    for name in ("providerMs", "totalMs"):
        item[name] = round(item[name], 2)
    for name in schema.ADDED:
        if item[name] is None:
            del item[name]
        else:
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
        elif name == "reference":
            conditions.append(columns.reference == value)
        else:
            packed = packed_id(value)
            if packed is None:
                return None
            conditions.append(columns[name] == packed)
    if criteria.providers is not None:
        conditions.append(columns.provider.in_(await _numbers(connection, names, criteria.providers)))
    return conditions + _range_conditions(criteria)


async def _numbers(connection: AsyncConnection, names: NameDictionary, wanted: Iterable[str]) -> list[int]:
    """Return the numbers of those of some names that occur in the index."""
    numbers = [await names.number(connection, name) for name in sorted(wanted)]
    return [number for number in numbers if number is not None]


def _range_conditions(criteria: Search) -> list[ColumnElement[bool]]:
    columns = schema.messages.c
    conditions: list[ColumnElement[bool]] = [
        columns[_AMOUNTS[name][0]] >= least for name, least in criteria.least.items()
    ]
    if criteria.of_systems:
        ended = and_(columns.kind == schema.DELIVERY, columns.state != schema.DELIVERING)
        conditions.append(or_(and_(columns.kind == schema.CALL, columns.consumer != schema.NOTHING), ended))
    if criteria.failed:
        conditions.append(columns.status >= HTTPStatus.MULTIPLE_CHOICES)
    if criteria.since is not None:
        conditions.append(columns.time >= criteria.since)
    if criteria.until is not None:
        conditions.append(columns.time < criteria.until)
    return conditions


def _cursor_conditions(cursor: Cursor | None) -> list[ColumnElement[bool]]:
    if cursor is None:
        return []
    columns = schema.messages.c
    place, border = tuple_(columns.time, columns.place), tuple_(cursor.time, cursor.place)
    if cursor.newer:
        return [columns.time >= cursor.time, place > border]
    return [columns.time <= cursor.time, place < border]


async def _choose_split(
    connection: AsyncConnection, names: NameDictionary, criteria: Search
) -> tuple[ColumnElement[int], Sequence[int]] | None:
    """Choose a column and its possible values: an index finds the newest rows of each, and among them are the newest of all."""
    for name, least in criteria.least.items():
        _, column, unit = _AMOUNTS[name]
        return schema.messages.c[column], schema.CLASSES[schema.class_of(least / unit) :]
    providers = {criteria.exact["provider"]} if "provider" in criteria.exact else criteria.providers
    if providers is not None and "service" not in criteria.exact:
        counted = schema.statistics.c
        of_providers = counted.provider.in_(await _numbers(connection, names, providers))
        services = select(counted.service).distinct().where(of_providers)
        return schema.messages.c.service, [row.service for row in await connection.execute(services)]
    return None


def _split_query(
    connection: AsyncConnection,
    query: Select[Any],
    column: ColumnElement[int],
    values: Sequence[int],
    limit: int,
    *,
    oldest_first: bool,
) -> Select[Any]:
    """Return a query for the first rows that searches each value of a column separately."""
    if connection.dialect.name == "postgresql":  # planned once, not for each value and each month
        each = func.unnest(cast(list(values), ARRAY(Integer))).table_valued("value").render_derived()
        # As a range, and sorted by it, so that only the index of this column fits: by its estimate of how many messages have
        # an average value, the planner would read all by time, and take seconds for a rare one.
        of_value = query.where(column >= each.c.value, column <= each.c.value).order_by(None)
        by_column = column.asc() if oldest_first else column.desc()
        ordered = of_value.order_by(by_column, *_in_order(schema.messages.c, oldest_first=oldest_first))
        parts: FromClause = ordered.lateral()
        whole = select(parts).select_from(each.join(parts, true()))
    else:
        queries = [select(query.where(column == value).subquery()) for value in values]
        parts = union_all(*queries).subquery()
        whole = select(parts)
    return whole.order_by(*_in_order(parts.c, oldest_first=oldest_first)).limit(limit)


def _in_order(columns: ReadOnlyColumnCollection[str, Any], *, oldest_first: bool) -> tuple[ColumnElement[Any], ...]:
    keys = columns["time"], columns["place"]
    return tuple(key.asc() if oldest_first else key.desc() for key in keys)


def packed_id(text: str) -> bytes | None:
    """Pack an identifier in hex into bytes, with or without dashes; None where it is none."""
    try:
        return bytes.fromhex(text.replace("-", "")) or None
    except ValueError:
        return None


def _decode_base64(cursor: str) -> str:
    padding = "=" * (-len(cursor) % 4)
    return base64.b64decode(cursor + padding, altchars=b"-_", validate=True).decode("ascii")


_CURSOR = re.compile(r"(n?)(-?[0-9]{1,19})\.([0-9]{1,19})")
_MAX_INTEGER = 2**63 - 1
"""Integer of the database."""


def _format_uuid(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" if len(text) == 32 else text


def _encode_cursor(cursor: Cursor) -> str:
    text = f"{'n' if cursor.newer else ''}{cursor.time}.{cursor.place}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> Cursor:
    try:
        match = _CURSOR.fullmatch(_decode_base64(cursor))
        if match is None or max(abs(int(match[2])), int(match[3])) > _MAX_INTEGER:
            raise ValueError("no position")
        return Cursor(int(match[2]), int(match[3]), newer=bool(match[1]))
    except (binascii.Error, ValueError) as error:
        raise Refusal(
            "malformed",
            vi="cursor không phải do trang trước trả về; hãy bỏ nó đi để bắt đầu lại.",
            en="cursor is not one that a page gave; leave it out to begin again.",
        ) from error
