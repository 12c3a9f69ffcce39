"""Adds entries to the index: messages, tree, flows and statistics in one transaction, so that each entry counts exactly once."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search import schema, tiles
from lgsp_gateway.evidence.search.database import upsert
from lgsp_gateway.evidence.search.decode import Entry, decode_entries, month_bounds
from lgsp_gateway.evidence.search.dictionary import NameDictionary
from lgsp_gateway.evidence.search.durations import duration_class
from lgsp_problems import Refusal

SPANS = {5: 15 * 60, 60: 3 * 3600, 1800: 2 * 86400}
"""Lengths of the spans for which flows are counted, in seconds, and for how many seconds each is stored."""
MAX_DELETED_ROWS = 10_000
"""Of one transaction, where messages are deleted row by row."""


async def add(connection: AsyncConnection, names: NameDictionary, after: int, batches: Sequence[Batch]) -> int:
    """Add batches to the index.

    Args:
        after: the number of the last batch that is in the index.
        batches: those that follow it, in order, at least one.

    Returns:
        How many entries were added.

    Raises:
        Refusal: `index-unavailable`, when another batch is the last one in the index.
    """
    await _advance_progress(connection, after, batches[-1].sequence)
    entries = decode_entries(batches)
    calls = [entry.fields for entry in entries if entry.fields]
    occurring = {entry.gateway for entry in entries} | {call[name] for call in calls for name in schema.NAMED}
    numbers = await names.assign(connection, occurring)
    leaves = await tiles.append(connection, numbers, entries)
    readable = [(entry, leaf) for entry, leaf in zip(entries, leaves, strict=True) if entry.fields]
    if readable:
        if connection.dialect.name == "postgresql":
            await _make_partitions(connection, (entry.fields["time"] for entry, _ in readable))
        rows = [_message_row(entry, leaf, numbers) for entry, leaf in readable]
        await connection.execute(insert(schema.messages), rows)
        await upsert(connection, schema.flows, _flow_rows(readable, numbers, time.time()), sums=("calls",))
        await upsert(connection, schema.statistics, _statistics_rows(readable, numbers), sums=_SUMS)
    return len(entries)


async def _advance_progress(connection: AsyncConnection, after: int, to: int) -> None:
    last = schema.progress.c.sequence
    updated = await connection.execute(update(schema.progress).where(last == after).values(sequence=to))
    if updated.rowcount != 1:
        raise Refusal(
            "index-unavailable",
            vi="Một tiến trình khác cũng đang ghi chỉ mục này, hoặc nó vừa bị xóa; hãy chỉ chạy một `lgsp indexer run` cho mỗi chỉ mục.",
            en="Another process writes this index too, or it was just removed; run one `lgsp indexer run` for each index.",
        )


def _message_row(entry: Entry, leaf: int, numbers: dict[str, int]) -> dict[str, Any]:
    fields = entry.fields
    row: dict[str, Any] = {name: numbers[fields[name]] for name in schema.NAMED}
    for name in ("time", "requestSize", "answerSize", "providerMs", "totalMs", "status", "attempt"):
        row[name] = fields[name]
    row["reference"] = fields["reference"] or None
    row |= {name: fields[name] for name in schema.ADDED}
    row["durationClass"] = schema.class_of(fields["totalMs"])
    row["sizeClass"] = schema.class_of(fields["answerSize"] / schema.SMALL_SIZE)
    return {**row, **entry.packed_ids, "place": entry.position, "leaf": leaf}


async def _make_partitions(connection: AsyncConnection, times: Iterable[int]) -> None:
    months = {month_bounds(moment) for moment in times}
    for month, begins, ends in sorted(months):
        await connection.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS messages_{month} PARTITION OF messages FOR VALUES FROM ({begins}) TO ({ends})"
            )
        )


def _flow_rows(entries: Sequence[tuple[Entry, int]], numbers: dict[str, int], now: float) -> list[dict[str, Any]]:
    counted: Counter[tuple[int, ...]] = Counter()
    for entry, _ in entries:
        fields = entry.fields
        if not entry.is_in_flows:
            continue
        second = fields["time"] // 1000
        parties = (
            *(numbers[fields[name]] for name in ("consumer", "provider", "service")),
            numbers[entry.operation_or_event],
            numbers[fields["kind"]],
        )
        for span, stored_seconds in SPANS.items():
            if second > now - stored_seconds:
                counted[span, second - second % span, *parties, entry.ending, duration_class(fields["totalMs"])] += 1
    columns = schema.flows.c.keys()
    return [dict(zip(columns, (*key, calls), strict=True)) for key, calls in counted.items()]


_SUMS = ("calls", "requestBytes", "answerBytes")


def _statistics_rows(entries: Sequence[tuple[Entry, int]], numbers: dict[str, int]) -> list[dict[str, Any]]:
    summed: dict[tuple[str | int, ...], list[int]] = {}
    for entry, _ in entries:
        fields = entry.fields
        if not entry.is_in_statistics:
            continue
        parties = (
            *(numbers[fields[name]] for name in ("agency", "provider", "service")),
            numbers[entry.operation_or_event],
            numbers[fields["purpose"]],
        )
        sums = summed.setdefault((entry.month, *parties, entry.ending), [0, 0, 0])
        for n, amount in enumerate((1, fields["requestSize"], fields["answerSize"])):
            sums[n] += amount
    columns = schema.statistics.c.keys()
    return [dict(zip(columns, (*key, *sums), strict=True)) for key, sums in summed.items()]


async def prune_flows(connection: AsyncConnection, now: float) -> None:
    """Delete the counts of flows that are older than the longest window that is shown.

    Args:
        now: seconds since 1970.
    """
    for span, stored_seconds in SPANS.items():
        flows = schema.flows.c
        await connection.execute(
            delete(schema.flows).where(flows.span == span, flows.began < int(now) - stored_seconds - span)
        )


async def prune_messages(connection: AsyncConnection, before: int) -> bool:
    """Delete messages from before a time.

    PostgreSQL drops whole months, which costs nothing; SQLite deletes some thousands of rows at a time, so that readers do not wait.

    Args:
        before: milliseconds since 1970.

    Returns:
        Whether there are more to delete.
    """
    if connection.dialect.name != "postgresql":
        times = select(schema.messages.c.time).where(schema.messages.c.time < before)
        last = times.order_by(schema.messages.c.time).offset(MAX_DELETED_ROWS).limit(1)
        border = (await connection.execute(last)).scalar() or before
        deleted = await connection.execute(delete(schema.messages).where(schema.messages.c.time < border))
        return deleted.rowcount >= MAX_DELETED_ROWS
    oldest = (await connection.execute(select(func.min(schema.messages.c.time)))).scalar()
    while oldest is not None and month_bounds(oldest)[2] <= before:
        month, _, ends = month_bounds(oldest)
        await connection.execute(text(f"DROP TABLE IF EXISTS messages_{month}"))
        oldest = ends
    return False


async def progress(connection: AsyncConnection) -> int:
    """Return the number of the last batch in the index; 0 where none is."""
    return int((await connection.execute(select(schema.progress.c.sequence))).scalar() or 0)
