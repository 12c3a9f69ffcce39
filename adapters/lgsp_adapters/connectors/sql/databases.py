"""What the databases of offices have in common, and where they differ: how a transaction is made read-only and ended in time.

| | driver | read-only | deadline | between two calls |
| --- | --- | --- | --- | --- |
| PostgreSQL | asyncpg | by the server | by the server (`statement_timeout`) | the session is emptied (`postgresql.py`) |
| SQLite | aiosqlite | `PRAGMA query_only` | interrupted | a connection for each call |
| MySQL, MariaDB | asyncmy (`pip install asyncmy`) | by the server | by the server (`max_execution_time`, `max_statement_time`) | a connection for each call |
| Oracle | oracledb (`pip install oracledb`) | by the server | the connection is given up | rolled back |
| SQL Server | aioodbc (`pip install aioodbc`, unixODBC, an ODBC driver) | rolled back; give it a reading user | the connection is given up | rolled back |

Nothing of one call reaches the next: no variable, no temporary table, no lock. PostgreSQL empties a session in one question. MariaDB and
MySQL can too, but their driver has no way to ask for it, so there each call has a connection of its own (3 ms against 1, measured).
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import ClauseElement, event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from lgsp_adapters.adapter import UpstreamLate
from lgsp_adapters.connectors.sql import postgresql
from lgsp_adapters.connectors.sql.sqlstate import describe_error
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import CannotStart
from lgsp_runtime.background import Background

T = TypeVar("T")

_DRIVERS = {
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "mysql": "mysql+asyncmy",
    "mariadb": "mariadb+asyncmy",
    "oracle": "oracle+oracledb_async",
    "mssql": "mssql+aioodbc",
}
_PACKAGES = {
    "postgresql": "asyncpg",
    "sqlite": "aiosqlite",
    "mysql": "asyncmy",
    "mariadb": "asyncmy",
    "oracle": "oracledb",
    "mssql": "aioodbc, and apt-get install unixodbc",
}
"""What installs the driver of a database."""

_READ_ONLY = {
    "sqlite": "PRAGMA query_only = 1",
    # The session and not one transaction: CREATE and its like end the transaction first.
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
_SNAPSHOT_LEVELS: dict[str, IsolationLevel] = {"postgresql": "REPEATABLE READ", "mssql": "SERIALIZABLE"}
_SNAPSHOT_STATEMENTS = {
    "sqlite": "BEGIN",  # the driver begins a transaction before a write only
    "mysql": "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "mariadb": "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
}
"""How several statements see one state of a database. Oracle's transaction that only reads does so anyway."""

_QUERY_CANCELED = "57014"
"""The SQLSTATE of a statement that PostgreSQL ended."""

_OUT_OF_TIME = (1969, 3024)
"""What MariaDB and MySQL call a statement that took too long."""

_CUT_TO_FIT = (1264, 1265, 1292, 1366, 1411, 1441)
"""What MariaDB and MySQL call a value that they read as another one."""
_OWN_CONNECTION = ("sqlite", "mysql", "mariadb")
"""Where each call has a connection of its own."""
_MAX_POOL = 20
GRACE = 0.2
"""Seconds in which a database ends a statement itself; then nobody waits for it any more."""


Access = Literal["read", "write", "rehearse"]


def kind_of_database(address: str) -> str:
    """Return which database an address is of, such as `postgresql`; "" where it is not the address of a known one."""
    try:
        kind = make_url(address).get_backend_name()
    except ArgumentError:
        return ""
    return kind if kind in _DRIVERS else ""


class Database:
    """A database, by its address.

    Raises:
        Refusal: `invalid-document`, when the address is not that of a known database or its driver is not installed.
    """

    def __init__(self, address: str, folder: Path, location: SourceLocation) -> None:
        self._location = location
        self._background = Background()
        self._url = self._parse_url(address, folder)
        self.kind = self._url.get_backend_name()
        """Which database: `postgresql`, `sqlite`, `mysql`, `mariadb`, `oracle` or `mssql`."""
        if self.kind in ("mysql", "mariadb"):
            logging.getLogger("asyncmy").setLevel(
                logging.CRITICAL
            )  # it logs each warning of the server, which quotes values
        self.open(1)  # says at once that a driver is missing; it connects to nothing yet

    def open(self, concurrency: int) -> None:
        """Make the pool."""
        size = min(concurrency, _MAX_POOL)
        self._slots = asyncio.Semaphore(size)
        pool: dict[str, Any] = {"pool_size": size, "max_overflow": 0, "pool_pre_ping": True, "pool_recycle": 1800}
        if self.kind in _OWN_CONNECTION:
            pool = {"poolclass": NullPool}
        elif self.kind == "postgresql":
            pool["pool_reset_on_return"] = None  # `_reset_session` does
        try:
            self._engine = create_async_engine(self._url, **pool)
            if self.kind == "postgresql":
                event.listen(self._engine.sync_engine, "connect", _prepare_connection)
                event.listen(self._engine.sync_engine.pool, "reset", _reset_session)
        except ImportError as error:
            raise self._location.refusal(
                f"chưa cài trình điều khiển cho {self.kind} ({error}); hãy chạy pip install {_PACKAGES[self.kind]}",
                f"the driver for {self.kind} is not installed ({error}); run pip install {_PACKAGES[self.kind]}",
            ) from error

    async def close(self) -> None:
        """Close the pool."""
        await self._background.stop()
        await self._engine.dispose()

    async def inspect(self, work: Callable[[Connection], T]) -> T:
        """Inspect the database itself, such as its tables.

        Raises:
            Refusal: `cannot-start`, when the database cannot be reached; what `work` raises.
        """
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(work)
        except (DBAPIError, OSError) as error:
            reason = (
                describe_error(error, self.kind).message
                if isinstance(error, DBAPIError)
                else str(error) or type(error).__name__
            )
            raise CannotStart(
                vi=f"{self._location}: không kết nối được với cơ sở dữ liệu ({reason}); hãy kiểm tra địa chỉ và mật khẩu.",
                en=f"{self._location}: the database cannot be reached ({reason}); check its address and password.",
            ) from error

    def compiled(self, statement: ClauseElement) -> str:
        """Write a statement with its values as the database's own dialect does."""
        return str(statement.compile(dialect=self._engine.dialect, compile_kwargs={"literal_binds": True}))

    @asynccontextmanager
    async def transaction(
        self, seconds: float, access: Access, *, snapshot: bool = False
    ) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that ends with the deadline, and commit it only where it writes.

        Args:
            access: a rehearsal may write, and is rolled back.
            snapshot: several statements that read see one state of the database.

        Raises:
            UpstreamLate: no connection of the pool became free, or the statement did not end in time.
        """
        if seconds <= 0:
            raise UpstreamLate
        async with asyncio.timeout(seconds + GRACE), self._slots, self._engine.connect() as connection:
            if snapshot and access == "read":
                await self._take_snapshot(connection)
            if access == "read" and self.kind == "postgresql":
                await connection.execution_options(postgresql_readonly=True)  # BEGIN READ ONLY
            elif access == "read" and self.kind in _READ_ONLY:
                await connection.execute(text(_READ_ONLY[self.kind]))
            elif self.kind == "sqlite":
                await connection.execute(text("PRAGMA query_only = 0"))
            if self.kind == "postgresql":
                await connection.execute(text(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}"))
            elif self.kind in ("mysql", "mariadb"):
                await connection.execute(text(self._limit(seconds)))
            async with self._interrupted(connection, seconds):
                yield connection
            await (connection.commit() if access == "write" else connection.rollback())

    async def _take_snapshot(self, connection: AsyncConnection) -> None:
        if self.kind in _SNAPSHOT_LEVELS:
            await connection.execution_options(isolation_level=_SNAPSHOT_LEVELS[self.kind])
        elif self.kind in _SNAPSHOT_STATEMENTS:
            await connection.execute(text(_SNAPSHOT_STATEMENTS[self.kind]))

    def _limit(self, seconds: float) -> str:
        """The two count in seconds and in milliseconds; it holds until the next one, which every transaction sets."""
        if getattr(self._engine.dialect, "is_mariadb", False):
            return f"SET SESSION max_statement_time = {max(0.001, seconds):.3f}"
        return f"SET SESSION max_execution_time = {max(1, int(seconds * 1000))}"

    @asynccontextmanager
    async def _interrupted(self, connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
        """Interrupt SQLite at the deadline: it works in a thread, which cancelling the task does not stop."""
        if self.kind != "sqlite":
            yield
            return
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        timer = asyncio.get_running_loop().call_later(
            seconds, lambda: self._background.run_once("statement interrupted", driver.interrupt())
        )
        try:
            yield
        except asyncio.CancelledError:
            await driver.interrupt()
            raise
        finally:
            timer.cancel()

    async def truncation_warning(self, connection: AsyncConnection) -> tuple[int, str] | None:
        """Return number and message of a warning that a value was truncated, which MariaDB and MySQL do not treat as an error.

        `'A2' = 0` holds there, and `12` is found by `'12abc'`: the record of another.
        """
        if self.kind not in ("mysql", "mariadb"):
            return None
        warnings = (await connection.execute(text("SHOW WARNINGS"))).fetchall()
        return next(((code, str(message)) for _, code, message in warnings if code in _CUT_TO_FIT), None)

    @property
    def driver_error(self) -> type[Exception]:
        """Return the driver's own base error, which SQLAlchemy does not wrap while it closes a connection."""
        base_error: type[Exception] = getattr(self._engine.dialect.dbapi, "Error", SQLAlchemyError)
        return base_error

    def timed_out(self, error: DBAPIError) -> bool:
        """Tell whether the server ended a statement because of its deadline."""
        if getattr(error.orig, "sqlstate", "") == _QUERY_CANCELED:
            return True
        if isinstance(error.orig, sqlite3.Error) and error.orig.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return True
        return self.kind in ("mysql", "mariadb") and getattr(error.orig, "args", (0,))[0] in _OUT_OF_TIME

    def _parse_url(self, address: str, folder: Path) -> URL:
        try:
            url = make_url(address)
            driver = _DRIVERS[url.get_backend_name()]
        except (ArgumentError, KeyError) as error:
            known = ", ".join(_DRIVERS)
            raise self._location.refusal(
                f"không phải địa chỉ cơ sở dữ liệu; hãy bắt đầu bằng một trong: {known}",
                f"not the address of a database; it must begin with one of: {known}, followed by ://",
            ) from error
        if url.get_backend_name() == "sqlite" and url.database:
            url = url.set(database=str(folder / url.database))
        return url.set(drivername=driver)


def _prepare_connection(connection: Any, _record: Any) -> None:
    connection.run_async(postgresql.prepare)


def _reset_session(connection: Any, _record: Any, state: Any) -> None:
    """Before a connection goes back to the pool; what fails here ends it, and the next call has a new one."""
    if not state.terminate_only:
        connection.rollback()
        connection.run_async(postgresql.forget)
