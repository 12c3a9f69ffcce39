"""A table in real databases, and the connector `sql` before it."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from lgsp_contracts import exact_json
from support.adapters import opened, reading
from support.national import call

DRIVERS = {"postgresql": "asyncpg", "mariadb": "asyncmy", "sqlite": "aiosqlite"}
MONEY = "12345678901234567.89"
TABLE = (
    "CREATE TABLE ho_so (so VARCHAR(20) NOT NULL PRIMARY KEY, tien NUMERIC(20, 2), ngay DATE, id INTEGER UNIQUE, cha VARCHAR(20),"
    " FOREIGN KEY (cha) REFERENCES ho_so (so))"
)
ROWS = (
    f"INSERT INTO ho_so VALUES ('Đắk-1', {MONEY}, '1993-05-17', 1, NULL)",
    "INSERT INTO ho_so VALUES ('A2', 5.00, NULL, 2, NULL)",
)


async def filled(address: str) -> None:
    engine = create_async_engine(address)
    async with engine.begin() as connection:
        for statement in (TABLE, *ROWS):
            await connection.execute(text(statement))
    await engine.dispose()


async def rows(address: str, statement: str, request: Any = None, **told: Any) -> Any:
    """What a statement finds, as JSON."""
    told.setdefault("answer", {"ketQua": "rows"})
    async with opened("sql", address, **reading(statement, **told)) as adapter:
        return await ask(adapter, request)


async def ask(adapter: Any, request: Any = None) -> Any:
    answer = await adapter.method("read")(request or {}, call())
    return exact_json.dumps(answer["ketQua"]).decode()
