"""Tables that are watched for events: late transactions, rows at fault, order, copies, and what is killed in between."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from support.event_bus import EventBus
from support.postgres import Postgres
from support.waits import eventually
from support.watches import CONTRACT, adapter_of, manifest_of, status

from lgsp_adapters.manifest import Manifest

WATCH: dict[str, Any] = {
    "statement": "SELECT id, xa, luc FROM khai_sinh WHERE luc > :watermark ORDER BY luc, id LIMIT :limit",
    "watermark": "luc",
    "start": "2026-01-01T00:00:00+07:00",
    "overlap": "10m",
    "limit": 10,
    "poll": "100ms",
    "id": "row.id",
    "time": "row.luc",
    "data": {"ma": "row.id", "xa": "row.xa"},
}
TABLE = "CREATE TABLE khai_sinh (id int PRIMARY KEY, xa text, luc timestamptz NOT NULL)"


class Table:
    """A table of a civil registration's database."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.address)

    async def run(self, statement: str) -> None:
        connection = await self.connect()
        await connection.execute(statement)
        await connection.close()

    async def insert(self, begin: int, end: int, minute: str = "n", xa: str = "'X' || n % 3") -> None:
        """Insert rows, each at a minute of a day."""
        await self.run(
            f"INSERT INTO khai_sinh SELECT n, {xa}, timestamptz '2026-06-01 00:00+07' + {minute} * interval '1 minute'"
            f" FROM generate_series({begin}, {end - 1}) n"
        )


@pytest_asyncio.fixture
async def table(postgres: Postgres) -> Table:
    made = Table(await postgres.new_database())
    await made.run(TABLE)
    return made


def watching(table: Table, **changes: Any) -> Manifest:
    return manifest_of("sql", {"url": table.address}, {**WATCH, **changes})


async def test_rows_become_events_in_the_order_of_their_key(events: EventBus, table: Table) -> None:
    await table.insert(0, 35)
    manifest = watching(table)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(35)
        await table.insert(35, 40)
        found = await events.received(40)
        await eventually(lambda: status(watch)["state"] == "watching")
    by_key = [[item["ma"] for item in found if item["xa"] == f"X{key}"] for key in range(3)]
    assert by_key == [list(range(key, 40, 3)) for key in range(3)]
    assert len(events.sent) == 40
    assert {time[:10] for time, _ in events.events.values()} <= {"2026-05-31", "2026-06-01"}


async def test_another_copy_goes_on_where_the_first_one_stopped(events: EventBus, table: Table) -> None:
    await table.insert(0, 12)
    manifest = watching(table)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(12)
        await eventually(lambda: status(watch)["state"] == "watching")  # a look has ended, and its state is written
    await table.insert(12, 15)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        await events.received(15)
    assert sorted(item["ma"] for item in events.data) == list(range(15))
    assert len(events.sent) == 15


async def test_one_of_two_copies_watches(events: EventBus, table: Table) -> None:
    await table.insert(0, 5)
    manifest = watching(table)
    async with (
        events.watching(adapter_of(manifest), manifest, CONTRACT) as one,
        events.watching(adapter_of(manifest), manifest, CONTRACT) as other,
    ):
        await events.received(5)
        await eventually(lambda: {status(one)["state"], status(other)["state"]} == {"watching", "standby"})
    assert len(events.sent) == 5


async def test_a_transaction_that_commits_late_is_found(events: EventBus, table: Table) -> None:
    late = await table.connect()
    transaction = late.transaction()
    await transaction.start()
    await late.execute("INSERT INTO khai_sinh VALUES (100, 'A', timestamptz '2026-06-01 00:03+07')")
    await table.insert(0, 8)
    manifest = watching(table)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        await events.received(8)
        await transaction.commit()
        await late.close()
        found = await events.received(9)
    assert found[-1] == {"ma": 100, "xa": "A"}
    assert len(events.sent) == 9


async def test_rows_with_one_watermark_across_reads_are_all_found(events: EventBus, table: Table) -> None:
    await table.insert(0, 5)
    await table.insert(5, 14, minute="7")
    await table.insert(14, 30)
    manifest = watching(table, overlap=None)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        found = await events.received(30)
    assert sorted(item["ma"] for item in found) == list(range(30))


async def test_more_rows_with_one_watermark_than_a_read_has_are_reported(events: EventBus, table: Table) -> None:
    await table.insert(0, 12, minute="7")
    manifest = watching(table, overlap=None)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await eventually(lambda: status(watch)["state"] == "failing")
        assert "share one watermark" in status(watch)["reason"]


async def test_a_row_at_fault_holds_its_key_alone_and_goes_on_when_it_is_corrected(
    events: EventBus, table: Table
) -> None:
    await table.insert(0, 1, xa="repeat('x', 30)")
    await table.insert(1, 4, xa="'A'")
    await table.insert(4, 8, xa="'B'")
    events.refused["4"] = "forbidden"
    manifest = watching(table)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(3)
        await eventually(lambda: status(watch)["held"] == 2)
        faults = [fault["fault"] for fault in status(watch)["faults"]]
        assert any("/xa" in fault for fault in faults)
        assert any(fault.startswith("forbidden") for fault in faults)
        assert [item["ma"] for item in events.data] == [1, 2, 3]
        events.refused.clear()
        await table.run("UPDATE khai_sinh SET xa = 'C' WHERE id = 0")
        await events.received(8)
        await eventually(lambda: status(watch)["held"] == 0)
    assert [item["ma"] for item in events.data if item["xa"] == "B"] == [4, 5, 6, 7]


async def test_a_held_row_is_not_passed_over_by_later_reads_of_the_same_look(events: EventBus, table: Table) -> None:
    await table.insert(0, 1, xa="repeat('x', 30)")
    await table.insert(1, 35)
    manifest = watching(table, overlap=None)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(34)
        await eventually(lambda: status(watch)["state"] == "watching")
    await table.run("UPDATE khai_sinh SET xa = 'C' WHERE id = 0")
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        await events.received(35)
    assert len(events.sent) == 35


@pytest.mark.parametrize("rows", [1_200, pytest.param(12_000, marks=pytest.mark.long)])
async def test_a_held_row_is_set_aside_when_much_lies_behind_it_and_keeps_its_place(
    events: EventBus, table: Table, rows: int
) -> None:
    await table.insert(0, 1, xa="'K'")
    await table.insert(1, rows)
    await table.insert(rows, rows + 1, xa="'K'")
    events.refused["0"] = "forbidden"
    manifest = watching(table, overlap=None, limit=500)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(rows - 1)
        await eventually(lambda: status(watch)["state"] == "watching")
        assert status(watch)["held"] == 1
    events.refused.clear()
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(rows + 1)
        await table.insert(rows + 1, rows + 2, xa="'K'")
        await events.received(rows + 2)
        await eventually(lambda: status(watch)["held"] == 0)
    assert [item["ma"] for item in events.data if item["xa"] == "K"] == [0, rows, rows + 1]
    assert len(set(events.sent)) == rows + 2


async def test_rows_wait_behind_one_of_their_key_that_makes_no_event(events: EventBus, table: Table) -> None:
    await table.insert(-1, 0, xa="'K'")
    await table.insert(0, 1, xa="'K'")
    await table.insert(1, 2, xa="'L'")
    manifest = watching(table)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(1)
        await eventually(lambda: status(watch)["held"] == 1)
        assert [item["ma"] for item in events.data] == [1]
        await table.run("UPDATE khai_sinh SET id = 7 WHERE id = -1")
        await events.received(3)
    assert [item["ma"] for item in events.data] == [1, 7, 0]


async def test_an_event_whose_acceptance_is_lost_is_sent_again_under_its_id(events: EventBus, table: Table) -> None:
    await table.insert(0, 3)
    events.silent = True
    manifest = watching(table)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        await events.received(3)
    assert len(events.sent) == 3
    events.silent = False
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await eventually(lambda: status(watch)["published"] == 3)
    assert len(events.events) == 3
    assert len(events.sent) == 6


async def test_a_row_that_changes_and_keeps_its_id_is_announced_once(events: EventBus, table: Table) -> None:
    await table.insert(0, 2)
    manifest = watching(table, overlap=None)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(2)
        await eventually(lambda: status(watch)["published"] == 2)
        events.refused["Z"] = "event-conflict"
        await table.run("UPDATE khai_sinh SET xa = 'Z', luc = luc + interval '1 day' WHERE id = 0")
        await table.insert(2, 4, minute="3000")
        await events.received(4)
        assert status(watch)["held"] == 0
    assert sorted(item["ma"] for item in events.data) == [0, 1, 2, 3]


async def test_a_row_without_a_usable_watermark_is_held_alone_until_it_is_corrected(
    events: EventBus, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "ho-tich.db")) as database:

        def run(statement: str, *values: Any) -> None:
            with database:
                database.execute(statement, values)

        run("CREATE TABLE khai_sinh (id INTEGER PRIMARY KEY, xa TEXT, luc TEXT)")
        for number in range(15):
            run("INSERT INTO khai_sinh VALUES (?, ?, ?)", number, f"X{number}", f"2026-06-01 00:{number:02}:00")
        run("UPDATE khai_sinh SET luc = '2026-13-45 00:00:00' WHERE id = 3")
        watch = {**WATCH, "start": "2026-01-01 00:00:00", "time": None}
        manifest = manifest_of("sql", {"url": f"sqlite:///{tmp_path}/ho-tich.db"}, watch)
        async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watching_it:
            await events.received(14)
            run("INSERT INTO khai_sinh VALUES (15, 'X15', '2026-06-01 00:15:00')")
            await events.received(15)
            await eventually(lambda: status(watching_it)["held"] == 1 and status(watching_it)["state"] == "watching")
            assert "watermark" in status(watching_it)["faults"][0]["fault"]
            run("UPDATE khai_sinh SET luc = '2026-06-01 00:03:00' WHERE id = 3")
            await events.received(16)
            await eventually(lambda: status(watching_it)["held"] == 0)
    assert len(events.sent) == 16
