"""The database of the index: an SQLite file, or PostgreSQL where the address begins with `postgresql://`.

Readers and the one writer do not wait for each other. Whatever goes wrong with the database is one refusal,
`index-unavailable`: calls need no index, and it is filled again from the stream.
"""

import sqlite3
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table, event, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from lgsp_gateway.evidence.search import schema
from lgsp_problems import Refusal

SEARCH_SECONDS = 10.0
"""How long one search may take."""

_QUERY_CANCELED = "57014"
"""The SQLSTATE of a statement that PostgreSQL cancelled."""
_LOCK_MILLISECONDS = 2000
"""How long adding a column waits for the searches that run."""
_PROGRESS_INSTRUCTIONS = 10_000
"""Instructions of SQLite's virtual machine between two checks of the deadline: some tenths of a millisecond."""


class Database:
    """The connections of this process to the database of an index, opened when first needed.

    Args:
        address: a path, or `postgresql://HOST/DATABASE`; a password comes from PGPASSWORD or PGPASSFILE.
        writes: whether this process writes the index, and so creates the tables where they are missing.
        connections: to a PostgreSQL server, at most.
        seconds: after which a search is stopped.
    """

    def __init__(self, address: str, *, writes: bool, connections: int = 5, seconds: float = SEARCH_SECONDS) -> None:
        self._connections = connections
        self._server = address if address.startswith(("postgresql://", "postgres://")) else ""
        self._file = Path(address).absolute()
        self._writes = writes
        self._seconds = seconds
        self._engine: AsyncEngine | None = None
        self._opened_file = (0, 0)
        self.times_opened = 0

    @property
    def display_address(self) -> str:
        """Return the address of the database without user name and password."""
        return self._server.rpartition("@")[2] or str(self._file)

    async def close(self) -> None:
        """Close the connections; the next transaction opens new ones."""
        if self._engine:
            await self._engine.dispose()
        self._engine = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction, which is committed at the end of the context, or rolled back where that raises.

        Raises:
            Refusal: `index-unavailable`, also when it took too long.
        """
        try:
            async with (await self._open_engine()).begin() as connection:
                yield connection
        except DBAPIError as error:
            if _was_cancelled(error):  # nothing is wrong with the database, nor with its other connections
                raise self._too_slow() from error
            await self.close()
            raise self._index_unavailable(error) from error
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            await self.close()
            raise self._index_unavailable(error) from error

    async def _open_engine(self) -> AsyncEngine:
        if self._engine and not self._server and self._file_identity() != self._opened_file:
            await self.close()  # the file was removed, and perhaps replaced
        if self._engine is None:
            engine = self._create_engine()
            try:
                if self._writes:
                    await _create_tables(engine)
            except BaseException:
                await engine.dispose()
                raise
            self._engine, self._opened_file = engine, self._file_identity()
            self.times_opened += 1
        return self._engine

    def _create_engine(self) -> AsyncEngine:
        if self._server:
            address = "postgresql+asyncpg://" + self._server.partition("://")[2]
            # A generic plan assumes that a third of all messages are as long as requested; a custom plan knows the value.
            limit = f"{int(self._seconds * 1000)}ms"
            options = {"statement_timeout": limit, "plan_cache_mode": "force_custom_plan", "application_name": "lgsp"}
            return create_async_engine(
                address,
                pool_size=self._connections,
                pool_pre_ping=True,
                connect_args={"server_settings": options, "timeout": 5},
            )
        mode = "rwc" if self._writes else "ro"
        engine = create_async_engine(f"sqlite+aiosqlite:///{self._file.as_uri()}?mode={mode}&uri=true")
        if self._writes:
            event.listen(engine.sync_engine, "connect", _configure_writer)
        else:
            event.listen(engine.sync_engine, "connect", _stop_at_deadline)
            event.listen(engine.sync_engine, "checkout", partial(_set_deadline, self._seconds))
        return engine

    def _file_identity(self) -> tuple[int, int]:
        """Return device and inode of the file, which change when it is replaced; zeros where there is none."""
        try:
            status = self._file.stat()
        except OSError:
            return (0, 0)
        return (status.st_dev, status.st_ino)

    def _index_unavailable(self, error: Exception) -> Refusal:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0][:200] or type(error).__name__
        return Refusal(
            "index-unavailable",
            vi=f"Chỉ mục tìm kiếm {self.display_address} chưa dùng được ({reason}); hãy chạy `lgsp indexer run` và kiểm tra cơ sở dữ liệu đó.",
            en=f"The search index {self.display_address} cannot be used ({reason}); run `lgsp indexer run` and check that database.",
            retry_after=5,
        )

    def _too_slow(self) -> Refusal:
        return Refusal(
            "index-unavailable",
            vi=f"Tìm kiếm này quá {self._seconds:g} giây nên bị dừng; hãy thu hẹp bằng since và until, hoặc thêm điều kiện.",
            en=f"This search took longer than {self._seconds:g} seconds and was stopped; narrow it with since and until, or add a condition.",
            retry_after=5,
        )


def _was_cancelled(error: DBAPIError) -> bool:
    """Tell whether a statement was cancelled because of its deadline."""
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorcode", None)
    return code in {_QUERY_CANCELED, sqlite3.SQLITE_INTERRUPT}


def _stop_at_deadline(connection: Any, record: Any) -> None:
    """Let SQLite check the deadline while it works: nothing else can stop what a thread does."""
    record.info["deadline"] = time.monotonic() + SEARCH_SECONDS

    async def set_handler(driver: Any) -> None:
        await driver.set_progress_handler(lambda: time.monotonic() > record.info["deadline"], _PROGRESS_INSTRUCTIONS)

    connection.run_async(set_handler)


def _set_deadline(seconds: float, _connection: Any, record: Any, _proxy: Any) -> None:
    record.info["deadline"] = time.monotonic() + seconds


def _configure_writer(connection: Any, _: object) -> None:
    """Let readers go on while the indexer writes. The last second may be lost in a power cut, and is indexed again."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


async def _create_tables(engine: AsyncEngine) -> None:
    """Create the tables. Those of another version are dropped: they are filled again from the stream."""
    async with engine.begin() as connection:
        await connection.run_sync(_drop_other_version)
        await connection.run_sync(schema.metadata.create_all)
        await connection.run_sync(_add_columns)
        if (await connection.execute(select(schema.progress.c.sequence))).first() is None:
            await connection.execute(insert(schema.progress), {"version": schema.VERSION, "sequence": 0})
            await connection.execute(
                insert(schema.names), [{"id": number, "name": name} for name, number in schema.FIXED.items()]
            )


def _drop_other_version(connection: Any) -> None:
    exists = connection.dialect.has_table(connection, "messages")
    columns = {column["name"] for column in connection.dialect.get_columns(connection, "progress")} if exists else set()
    if exists and ("version" not in columns or _stored_version(connection) != schema.VERSION):
        schema.metadata.drop_all(connection)


def _add_columns(connection: Any) -> None:
    """Add to the messages of an earlier release the columns that they lack, which rewrites no row."""
    missing = missing_columns(connection)
    if missing and connection.dialect.name == "postgresql":
        # Searches queue behind the lock while it waits for those before it. The indexer tries again.
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_MILLISECONDS}ms'"))
    for name in missing:
        kind = schema.messages.c[name].type.compile(connection.dialect)
        connection.execute(text(f'ALTER TABLE messages ADD COLUMN "{name}" {kind}'))


def missing_columns(connection: Any) -> tuple[str, ...]:
    """Return those of `schema.ADDED` that the messages lack, since no process of this release has written the index yet."""
    try:
        stored = {column["name"] for column in connection.dialect.get_columns(connection, "messages")}
    except NoSuchTableError:  # the query that follows says so
        stored = set()
    return tuple(name for name in schema.ADDED if name not in stored)


def _stored_version(connection: Any) -> int:
    return int(connection.execute(text("SELECT version FROM progress")).scalar() or 0)


async def upsert(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]], *, sums: Collection[str] = ()
) -> None:
    """Insert rows; where one of the same primary key exists already, replace it.

    Args:
        sums: columns that are added up instead of replaced.
    """
    if rows:
        statement = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
        keys = [column.name for column in table.primary_key]
        new = {name: statement.excluded[name] for name in table.c.keys() if name not in keys}  # noqa: SIM118
        updates = {name: table.c[name] + value if name in sums else value for name, value in new.items()}
        await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=updates), rows)
