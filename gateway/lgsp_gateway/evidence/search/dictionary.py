"""The numbers of names, in both directions. A name that has a number keeps it, so what is known once needs no asking."""

from collections.abc import Iterable

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_gateway.evidence.search import schema


class NameDictionary:
    """The names of one database."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def forget(self) -> None:
        """Forget all names: the database may be another one now."""
        self._numbers.clear()
        self._names.clear()

    async def number(self, connection: AsyncConnection, name: str) -> int | None:
        """Find the number of a name; None where nothing is called that."""
        if name not in self._numbers:
            await self._read(connection)
        return self._numbers.get(name)

    async def names(self, connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, str]:
        """Find the names of numbers."""
        if any(number not in self._names for number in numbers):
            await self._read(connection)
        return self._names

    async def given(self, connection: AsyncConnection, wanted: Iterable[str]) -> dict[str, int]:
        """Return the numbers of names, new ones where they have none yet. They are remembered when they are read back, committed."""
        missing = sorted(set(wanted) - self._numbers.keys())
        if not missing:
            return self._numbers
        await self._read(connection)
        numbers = dict(self._numbers)
        last = (await connection.execute(select(func.max(schema.names.c.id)))).scalar() or 0
        fresh = {name: last + n for n, name in enumerate((one for one in missing if one not in numbers), 1)}
        if fresh:
            await connection.execute(insert(schema.names), [{"id": n, "name": name} for name, n in fresh.items()])
        return numbers | fresh

    async def _read(self, connection: AsyncConnection) -> None:
        for number, name in await connection.execute(select(schema.names.c.id, schema.names.c.name)):
            self._numbers[name] = number
            self._names[number] = name
