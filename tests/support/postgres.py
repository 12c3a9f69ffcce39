"""A real PostgreSQL, from a wheel."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import asyncpg


@dataclass
class Postgres:
    """A real server, reached through its socket."""

    folder: Path

    def address(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://postgres:@/{database}?host={self.folder}"

    async def new_database(self) -> str:
        """The address of an empty database."""
        name = f"lgsp_{secrets.token_hex(4)}"
        await self.sql(f"CREATE DATABASE {name}")
        return self.address(name)

    async def sql(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as its administrator."""
        connection = await asyncpg.connect(user="postgres", database=database, host=str(self.folder))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def name_in(address: str) -> str:
    """The name of the database at an address."""
    return address.partition("@/")[2].partition("?")[0]
