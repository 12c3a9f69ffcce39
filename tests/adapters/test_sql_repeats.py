"""Tries at once under one key, in a database whose other unique index is older than that of the key."""

import asyncio
from typing import Any

import asyncpg
from support.adapters import opened
from support.postgres import Postgres, name_in
from support.waits import SECONDS, eventually
from support.workbench import CONTRACTS, NUMBER

from lgsp_adapters.conformance.suite import conformance_call
from lgsp_contracts.contract import Contract

# Indexes are written in the order in which they were made. The one in the middle waits for a lock, so that a try can be held
# where its person is in the first index, and its key is not yet in the last one.
TABLE = """
CREATE TABLE so (id serial PRIMARY KEY, cccd text UNIQUE, khoa uuid);
CREATE FUNCTION wait_for_the_lock(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_lock_shared(1); PERFORM pg_advisory_unlock_shared(1); RETURN $1; END $$;
CREATE INDEX ON so (wait_for_the_lock(cccd));
CREATE UNIQUE INDEX ON so (khoa);
"""
STATEMENT = (
    "INSERT INTO so (cccd, khoa) VALUES (:soDinhDanh, CAST(:k AS uuid))"
    " ON CONFLICT (khoa) DO UPDATE SET cccd = so.cccd WHERE so.cccd = EXCLUDED.cccd RETURNING id"
)


async def test_a_repeat_is_not_told_that_its_own_row_is_there_already(postgres: Postgres) -> None:
    address = await postgres.new_database()
    await postgres.sql(TABLE, name_in(address))
    register: Any = CONTRACTS[0]["operations"]["register-once"]  # type: ignore[index]
    contract = Contract.from_document({**CONTRACTS[0], "operations": {"register-once": register}})
    operation = {
        "write": True,
        "statement": STATEMENT,
        "parameters": {"k": "call.key"},
        "errors": [{"sqlstate": "23505", "is": "person-not-found"}],
        "answer": {"ketQua": "text(row.id)"},
    }
    held = await asyncpg.connect(user="postgres", database=name_in(address), host=str(postgres.folder))
    async with (
        asyncio.timeout(SECONDS),
        opened("sql", address, contract=contract, operations={"register-once": operation}) as adapter,
    ):
        await held.execute("SELECT pg_advisory_lock(1)")

        async def waits(kind: str) -> bool:
            statement = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = $1"
            return bool(await held.fetchval(statement, kind))

        method = adapter.method("register-once")
        assert method
        once = conformance_call(contract, contract.operations["register-once"])
        first = asyncio.ensure_future(method({"soDinhDanh": NUMBER}, once))
        await eventually(lambda: waits("advisory"))
        repeat = asyncio.ensure_future(method({"soDinhDanh": NUMBER}, once))
        await eventually(lambda: waits("spectoken"))
        await held.execute("SELECT pg_advisory_unlock(1)")
        assert await first == await repeat == {"ketQua": "1"}
    await held.close()
