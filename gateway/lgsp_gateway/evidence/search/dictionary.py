"""The numbers of names in the database, cached in both directions: a name keeps its number, so a cached one is never stale."""

from collections.abc import Collection, Iterable

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_gateway.evidence.search import schema


class NameDictionary:
    """Maps names to the numbers that stand for them in one database."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def clear(self) -> None:
        """Empty the cache: the database may be another one now."""
        self._numbers.clear()
        self._names.clear()

    async def number(self, connection: AsyncConnection, name: str) -> int | None:
        """Return the number of a name; None where the database does not hold it."""
        if name not in self._numbers:
            await self._read_all(connection)
        return self._numbers.get(name)

    async def numbers(self, connection: AsyncConnection, names: Collection[str]) -> list[int]:
        """Return the numbers of those names that the database holds, in ascending order."""
        if any(name not in self._numbers for name in names):
            await self._read_all(connection)
        return sorted(self._numbers[name] for name in names if name in self._numbers)

    async def names(self, connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, str]:
        """Return a mapping that has the names of these numbers, and perhaps of others."""
        if any(number not in self._names for number in numbers):
            await self._read_all(connection)
        return self._names

    async def assign(self, connection: AsyncConnection, names: Iterable[str]) -> dict[str, int]:
        """Return a mapping that has the numbers of these names, and assign new numbers where they have none yet.

        New numbers are cached when they are read back, after the transaction is committed.
        """
        missing = sorted(set(names) - self._numbers.keys())
        if not missing:
            return self._numbers
        await self._read_all(connection)
        numbers = dict(self._numbers)
        last = (await connection.execute(select(func.max(schema.names.c.id)))).scalar() or 0
        new = {name: last + n for n, name in enumerate((name for name in missing if name not in numbers), 1)}
        if new:
            await connection.execute(insert(schema.names), [{"id": n, "name": name} for name, n in new.items()])
        return numbers | new

    async def _read_all(self, connection: AsyncConnection) -> None:
        for number, name in await connection.execute(select(schema.names.c.id, schema.names.c.name)):
            self._numbers[name] = number
            self._names[number] = name
