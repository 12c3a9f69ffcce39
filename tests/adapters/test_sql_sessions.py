"""The connector `sql` on real databases: what one call does to a session is nothing to the next, and what it may not write it does not."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs
from support.adapters import CONTRACT, manifest_of, opened, reading
from support.national import call
from support.sql import ask, rows
from support.workbench import NUMBER, Workbench

from lgsp_adapters.adapter import UpstreamFailed, UpstreamLate
from lgsp_adapters.connectors.connector_lookup import build_adapter

LEFT_IN_POSTGRESQL = [
    ("SELECT set_config('search_path', 'pg_catalog', false)", "SELECT current_setting('search_path') AS a", "public"),
    ("SELECT set_config('app.nguoi', 'An', false)", "SELECT current_setting('app.nguoi', true) AS a", "An"),
    ("CREATE TEMPORARY TABLE tam AS SELECT 1 AS a", "SELECT relname AS a FROM pg_class WHERE relname = 'tam'", "tam"),
    ("SELECT pg_advisory_lock(7)", "SELECT locktype AS a FROM pg_locks WHERE locktype = 'advisory'", "advisory"),
    ("LISTEN thu", "SELECT pg_listening_channels() AS a", "thu"),
    (
        "DECLARE con_tro CURSOR WITH HOLD FOR SELECT 1",
        "SELECT name AS a FROM pg_cursors WHERE name = 'con_tro'",
        "con_tro",
    ),
    ("SET work_mem = '65kB'", "SELECT current_setting('work_mem') AS a", "65kB"),
    ("SET ROLE pg_monitor", "SELECT current_user AS a", "pg_monitor"),
]


@pytest.mark.parametrize(("leaves", "finds", "trace"), LEFT_IN_POSTGRESQL)
@pytest.mark.parametrize("write", [True, False])
async def test_nothing_of_one_call_reaches_the_next_in_postgresql(
    in_postgresql: str, leaves: str, finds: str, trace: str, write: bool
) -> None:
    first, then = reading(leaves, write=write, answer={"ketQua": "rows"}), reading(finds, answer={"ketQua": "rows"})
    async with opened("sql", in_postgresql, **then, concurrency=1) as adapter:
        clean = await ask(adapter)
        leaving = build_adapter(manifest_of("sql", in_postgresql, **first), CONTRACT)
        adapter.operations["dirty"] = leaving.operations["read"]  # type: ignore[attr-defined]
        with contextlib.nullcontext() if write else contextlib.suppress(UpstreamFailed):
            await adapter.method("dirty")({}, call())  # type: ignore[misc]
        assert await ask(adapter) == clean
        assert trace == "public" or trace not in clean


@pytest.mark.parametrize(
    ("leaves", "finds"),
    [
        ("SET @nguoi = 'An'", "SELECT @nguoi AS a"),
        ("SET SESSION sql_mode = 'ANSI_QUOTES'", "SELECT @@sql_mode AS a"),
        ("CREATE TEMPORARY TABLE tam AS SELECT 1 AS a", "SELECT a FROM tam"),
        ("SELECT GET_LOCK('khoa', 0) AS a", "SELECT IS_USED_LOCK('khoa') AS a"),
        ("LOCK TABLES ho_so READ", "SELECT 1 AS a"),
    ],
)
async def test_nothing_of_one_call_reaches_the_next_in_mariadb(in_mariadb: str, leaves: str, finds: str) -> None:
    first, then = reading(leaves, write=True, answer={"ketQua": "rows"}), reading(finds, answer={"ketQua": "rows"})

    async def found(adapter: Any) -> str:
        try:
            return await ask(adapter)
        except UpstreamFailed as failed:
            return failed.private or ""

    async with opened("sql", in_mariadb, **then, concurrency=1) as adapter:
        clean = await found(adapter)
        leaving = build_adapter(manifest_of("sql", in_mariadb, **first), CONTRACT)
        adapter.operations["dirty"] = leaving.operations["read"]  # type: ignore[attr-defined]
        await adapter.method("dirty")({}, call())  # type: ignore[misc]
        assert await found(adapter) == clean


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ho_so (so) VALUES ('len-lut')",
        "CREATE TABLE len_lut (a INTEGER)",
        "DELETE FROM ho_so",
        "DROP TABLE ho_so",
    ],
)
async def test_what_may_not_write_does_not(database: str, statement: str) -> None:
    with pytest.raises(UpstreamFailed) as failed:
        await rows(database, statement)
    assert failed.value.upstream_message
    assert await rows(database, "SELECT COUNT(*) AS n FROM ho_so") == '[{"n":2}]'


async def test_pragmas_end_with_their_call(in_sqlite: str, tmp_path: Path) -> None:
    told = reading("SELECT COUNT(*) AS n FROM pragma_database_list", answer={"ketQua": "row.n"})
    async with opened("sql", in_sqlite, **told, concurrency=1) as adapter:
        clean = await ask(adapter)
        attach = reading(f"ATTACH '{tmp_path}/anderes.db' AS khac", answer={"ketQua": "rows"})
        adapter.operations["dirty"] = build_adapter(manifest_of("sql", in_sqlite, **attach), CONTRACT).operations[
            "read"
        ]  # type: ignore[attr-defined]
        await adapter.method("dirty")({}, call())  # type: ignore[misc]
        assert await ask(adapter) == clean


async def test_a_call_that_is_given_up_leaves_nothing(in_postgresql: str) -> None:
    """Neither where the server ends it nor where nobody waits for it any more."""
    told = reading("SELECT COUNT(*) AS n FROM pg_locks WHERE locktype = 'advisory'", answer={"ketQua": "row.n"})
    holding = reading("SELECT pg_advisory_lock(8), pg_sleep(30)", answer={"ketQua": "rows"})
    async with opened("sql", in_postgresql, **told, concurrency=1) as adapter:
        held = build_adapter(manifest_of("sql", in_postgresql, **holding), CONTRACT).operations["read"]  # type: ignore[attr-defined]
        adapter.operations["held"] = held  # type: ignore[attr-defined]
        method = adapter.method("held")
        assert method
        with pytest.raises(UpstreamLate):
            await method({}, call(0.3))
        assert await ask(adapter) == "0"
        task = asyncio.create_task(method({}, call(30)))  # type: ignore[arg-type]
        watching = await asyncpg.connect(in_postgresql)
        async with asyncio.timeout(20):
            while not await watching.fetchval("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'"):
                await asyncio.sleep(0.01)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            while await ask(adapter) != "0":
                await asyncio.sleep(0.01)
        await watching.close()


async def test_the_log_has_the_state_and_never_the_value(bus: Workbench, in_postgresql: str) -> None:
    told = reading(
        "SELECT CAST('x' || CAST(:s AS text) AS integer) AS a",
        parameters={"s": "request.soDinhDanh"},
        answer={"ketQua": "row.a"},
    )
    async with opened("sql", in_postgresql, **told) as adapter:
        with capture_logs() as logged:
            served = await bus.serve(read=adapter.method("read"))
            got = await bus.call()
            await bus.unserve(served)
    assert got.code == "provider-failed"
    [note] = [line["note"] for line in logged if line["event"] == "upstream failed"]
    assert note == "SQLSTATE 22P02, InvalidTextRepresentationError"
    assert NUMBER not in str(logged)
