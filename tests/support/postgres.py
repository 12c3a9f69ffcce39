"""A real PostgreSQL, from a wheel."""

from dataclasses import dataclass
from pathlib import Path

import asyncpg


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
