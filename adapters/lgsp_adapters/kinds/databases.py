"""What the databases of offices have in common, and where they differ: how a transaction is made read-only and ended in time.

| | driver | read-only | deadline |
| --- | --- | --- | --- |
| PostgreSQL | asyncpg | by the server | by the server (`statement_timeout`) |
| SQLite | aiosqlite | `PRAGMA query_only` | interrupted |
| MySQL, MariaDB | asyncmy (`pip install asyncmy`) | by the server | by the server (`max_execution_time`, `max_statement_time`) |
| Oracle | oracledb (`pip install oracledb`) | by the server | the connection is given up |
| SQL Server | aioodbc (`pip install aioodbc`) | rolled back; give it a reading user | the connection is given up |
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from lgsp_adapters.adapter import UpstreamLate
from lgsp_contracts.places import Place
from lgsp_problems import Refusal

T = TypeVar("T")

_DRIVERS = {
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "mysql": "mysql+asyncmy",
    "mariadb": "mariadb+asyncmy",
    "oracle": "oracle+oracledb_async",
    "mssql": "mssql+aioodbc",
}
_READ_ONLY = {
    "postgresql": "SET TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = 1",
    "mysql": "SET TRANSACTION READ ONLY",
    "mariadb": "SET TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
_OUT_OF_TIME = (1969, 3024)
"""What MariaDB and MySQL call a statement that took too long."""

_MAX_POOL = 20
GRACE = 0.2
"""Seconds in which a database ends a statement itself; then nobody waits for it any more."""


class Database:
    """A database, by its address.

    Raises:
        Refusal: `invalid-document`, when nobody knows such an address or its driver is not installed.
    """

    def __init__(self, address: str, folder: Path, place: Place) -> None:
        self._place = place
        self._url = self._known(address, folder)
        self._kind = self._url.get_backend_name()
        self.open(1)  # says at once that a driver is missing; it connects to nothing yet

    def open(self, places: int) -> None:
        """Make the pool."""
        try:
            pool = {} if self._kind == "sqlite" else {"pool_size": min(places, _MAX_POOL), "max_overflow": 0}
            self._engine = create_async_engine(self._url, pool_pre_ping=True, pool_recycle=1800, **pool)
        except ImportError as error:
            raise Refusal(
                "invalid-document",
                vi=f"{self._place}: chưa cài trình điều khiển cho {self._kind}: pip install {error.name}.",
                en=f"{self._place}: the driver for {self._kind} is not installed: pip install {error.name}.",
            ) from None

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()

    async def look(self, work: Callable[[Connection], T]) -> T:
        """What can be learned of the database itself, such as its tables.

        Raises:
            Refusal: `cannot-start`, when it is not reached; what `work` raises.
        """
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(work)
        except (DBAPIError, OSError) as error:
            reason = type(getattr(error, "orig", error)).__name__
            raise Refusal(
                "cannot-start",
                vi=f"{self._place}: không kết nối được cơ sở dữ liệu ({reason}); hãy kiểm tra địa chỉ và mật khẩu.",
                en=f"{self._place}: the database is not reached ({reason}); check address and password.",
            ) from None

    @asynccontextmanager
    async def transaction(self, seconds: float, *, write: bool) -> AsyncIterator[AsyncConnection]:
        """A transaction that ends with the deadline; committed only where it may write.

        Raises:
            UpstreamLate: no connection of the pool became free, or the statement did not end in time.
        """
        if seconds <= 0:
            raise UpstreamLate
        async with asyncio.timeout(seconds + GRACE), self._engine.connect() as connection:
            if not write and self._kind in _READ_ONLY:
                await connection.execute(text(_READ_ONLY[self._kind]))
            elif self._kind == "sqlite":
                await connection.execute(text("PRAGMA query_only = 0"))
            if self._kind == "postgresql":
                await connection.execute(text(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}"))
            elif self._kind in ("mysql", "mariadb"):
                await connection.execute(text(self._limit(seconds)))
            async with self._interrupted(connection, seconds):
                yield connection
            await (connection.commit() if write else connection.rollback())

    def _limit(self, seconds: float) -> str:
        """The two count in seconds and in milliseconds; it holds until the next one, which every transaction sets."""
        if getattr(self._engine.dialect, "is_mariadb", False):
            return f"SET SESSION max_statement_time = {max(0.001, seconds):.3f}"
        return f"SET SESSION max_execution_time = {max(1, int(seconds * 1000))}"

    @asynccontextmanager
    async def _interrupted(self, connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
        """SQLite works in a thread, which nobody who stops waiting for it stops: it is told to."""
        if self._kind != "sqlite":
            yield
            return
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        told: list[asyncio.Task[None]] = []
        timer = asyncio.get_running_loop().call_later(
            seconds, lambda: told.append(asyncio.ensure_future(driver.interrupt()))
        )
        try:
            yield
        except asyncio.CancelledError:
            await driver.interrupt()
            raise
        finally:
            timer.cancel()

    def timed_out(self, error: DBAPIError) -> bool:
        """Did the server end a statement because of its deadline?"""
        if getattr(error.orig, "sqlstate", "") == "57014" or str(error.orig) == "interrupted":
            return True
        return self._kind in ("mysql", "mariadb") and getattr(error.orig, "args", (0,))[0] in _OUT_OF_TIME

    def _known(self, address: str, folder: Path) -> URL:
        try:
            url = make_url(address)
            driver = _DRIVERS[url.get_backend_name()]
        except (ArgumentError, KeyError):
            known = ", ".join(_DRIVERS)
            raise Refusal(
                "invalid-document",
                vi=f"{self._place}: không phải địa chỉ cơ sở dữ liệu; hãy bắt đầu bằng một trong: {known}.",
                en=f"{self._place}: not the address of a database; begin it with one of: {known}, then ://.",
            ) from None
        if url.get_backend_name() == "sqlite" and url.database:
            url = url.set(database=str(folder / url.database))
        return url.set(drivername=driver)
