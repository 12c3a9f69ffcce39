"""Bringing entries into the index: the rows, the tree, the flows and the statistics in one transaction, each entry once."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search import schema, tiles
from lgsp_gateway.evidence.search.database import upsert
from lgsp_gateway.evidence.search.decode import Entry, duration_class, month_bounds, read
from lgsp_gateway.evidence.search.dictionary import NameDictionary
from lgsp_problems import Refusal

SPANS = {5: 15 * 60, 60: 3 * 3600, 1800: 2 * 86400}
"""Flows are counted for spans of so many seconds, and kept for so long."""
FORGOTTEN_AT_ONCE = 10_000
"""Rows, where they are dropped one by one."""


async def add(connection: AsyncConnection, names: NameDictionary, after: int, batches: Sequence[Batch]) -> int:
    """Add the batches that come after another: how many entries there were.

    Raises:
        Refusal: `index-unavailable`, when another one is the last that is in the index.
    """
    await _step(connection, after, batches[-1].sequence)
    entries = read(batches)
    said = [entry.said for entry in entries if entry.said]
    wanted = {entry.gateway for entry in entries} | {one[name] for one in said for name in schema.NAMED}
    numbers = await names.given(connection, wanted)
    leaves = await tiles.grow(connection, numbers, entries)
    readable = [(entry, leaf) for entry, leaf in zip(entries, leaves, strict=True) if entry.said]
    if readable:
        if connection.dialect.name == "postgresql":
            await _make_partitions(connection, (entry.said["time"] for entry, _ in readable))
        rows = [_row(entry, leaf, numbers) for entry, leaf in readable]
        await connection.execute(insert(schema.messages), rows)
        await upsert(connection, schema.flows, _flows(readable, numbers, time.time()), sums=("calls",))
        await upsert(connection, schema.statistics, _statistics(readable, numbers), sums=_SUMS)
    return len(entries)


async def _step(connection: AsyncConnection, after: int, to: int) -> None:
    last = schema.progress.c.sequence
    moved = await connection.execute(update(schema.progress).where(last == after).values(sequence=to))
    if moved.rowcount != 1:
        raise Refusal(
            "index-unavailable",
            vi="Một tiến trình khác cũng đang ghi chỉ mục này, hoặc nó vừa bị xóa; hãy chỉ chạy một `lgsp indexer run` cho mỗi chỉ mục.",
            en="Another process writes this index too, or it was just removed; run one `lgsp indexer run` for each index.",
        )


def _row(entry: Entry, leaf: int, numbers: dict[str, int]) -> dict[str, Any]:
    said = entry.said
    row = {name: numbers[said[name]] for name in schema.NAMED}
    for name in ("time", "requestSize", "answerSize", "providerMs", "totalMs", "status"):
        row[name] = said[name]
    row["durationClass"] = schema.class_of(said["totalMs"])
    row["sizeClass"] = schema.class_of(said["answerSize"] / schema.SMALL_SIZE)
    return {**row, **entry.packed, "place": entry.place, "leaf": leaf}


async def _make_partitions(connection: AsyncConnection, times: Iterable[int]) -> None:
    months = {month_bounds(moment) for moment in times}
    for month, begins, ends in sorted(months):
        await connection.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS messages_{month} PARTITION OF messages FOR VALUES FROM ({begins}) TO ({ends})"
            )
        )


def _flows(entries: Sequence[tuple[Entry, int]], numbers: dict[str, int], now: float) -> list[dict[str, Any]]:
    counted: Counter[tuple[int, ...]] = Counter()
    for entry, _ in entries:
        said = entry.said
        second = said["time"] // 1000
        who = tuple(numbers[said[name]] for name in ("consumer", "provider", "service", "operation"))
        for span, kept in SPANS.items():
            if second > now - kept:
                counted[span, second - second % span, *who, entry.ending, duration_class(said["totalMs"])] += 1
    named = schema.flows.c.keys()
    return [dict(zip(named, (*key, calls), strict=True)) for key, calls in counted.items()]


_SUMS = ("calls", "requestBytes", "answerBytes")


def _statistics(entries: Sequence[tuple[Entry, int]], numbers: dict[str, int]) -> list[dict[str, Any]]:
    summed: dict[tuple[str | int, ...], list[int]] = {}
    for entry, _ in entries:
        said = entry.said
        who = (numbers[said[name]] for name in ("agency", "provider", "service", "operation", "purpose"))
        sums = summed.setdefault((entry.month, *who, entry.ending), [0, 0, 0])
        for n, more in enumerate((1, said["requestSize"], said["answerSize"])):
            sums[n] += more
    named = schema.statistics.c.keys()
    return [dict(zip(named, (*key, *sums), strict=True)) for key, sums in summed.items()]


async def forget_old_flows(connection: AsyncConnection, now: float) -> None:
    """Flows are for watching: what is older than the longest view goes."""
    for span, kept in SPANS.items():
        flows = schema.flows.c
        await connection.execute(delete(schema.flows).where(flows.span == span, flows.began < int(now) - kept - span))


async def forget_messages(connection: AsyncConnection, before: int) -> bool:
    """Drop messages of before a time (milliseconds since 1970), and say whether there are more.

    PostgreSQL drops whole months, which costs nothing; SQLite some thousands of rows at a time, so that nobody waits.
    """
    if connection.dialect.name != "postgresql":
        times = select(schema.messages.c.time).where(schema.messages.c.time < before)
        last = times.order_by(schema.messages.c.time).offset(FORGOTTEN_AT_ONCE).limit(1)
        border = (await connection.execute(last)).scalar() or before
        gone = await connection.execute(delete(schema.messages).where(schema.messages.c.time < border))
        return gone.rowcount >= FORGOTTEN_AT_ONCE
    oldest = (await connection.execute(select(func.min(schema.messages.c.time)))).scalar()
    while oldest is not None and month_bounds(oldest)[2] <= before:
        month, _, ends = month_bounds(oldest)
        await connection.execute(text(f"DROP TABLE IF EXISTS messages_{month}"))
        oldest = ends
    return False


async def progress(connection: AsyncConnection) -> int:
    """Return the number of the last batch in the index; 0 where none is."""
    return int((await connection.execute(select(schema.progress.c.sequence))).scalar() or 0)
