"""The index: one database, and everything that is asked of it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.read.log_position import LogPosition
from lgsp_gateway.evidence.search import ingest, own_access, schema, statistics, tiles, traffic
from lgsp_gateway.evidence.search import query as searching
from lgsp_gateway.evidence.search.database import Database
from lgsp_gateway.evidence.search.decode import LINE_BITS
from lgsp_gateway.evidence.search.dictionary import NameDictionary
from lgsp_gateway.evidence.search.models import Flow, OwnLooks, Page, Search
from lgsp_gateway.evidence.search.query import packed_id


class Index:
    """One index, to fill or to ask.

    Raises:
        Refusal: `index-unavailable`, in every method, when the database cannot be used.
    """

    def __init__(self, address: str, *, writes: bool, connections: int = 5) -> None:
        self._database = Database(address, writes=writes, connections=connections)
        self._names = NameDictionary()
        self._names_of = 0

    async def close(self) -> None:
        """Let go of the database."""
        await self._database.close()

    async def progress(self) -> int:
        """Return the number of the last batch in the index; 0 where none is."""
        async with self._transaction() as connection:
            return await ingest.progress(connection)

    async def add(self, after: int, batches: Sequence[Batch]) -> int:
        """Add batches, all or none: how many entries there were.

        Args:
            after: the last batch that is in it.
        """
        async with self._transaction() as connection:
            return await ingest.add(connection, self._names, after, batches)

    async def forget_old_flows(self, now: float) -> None:
        """Drop counts that no window shows any more."""
        async with self._transaction() as connection:
            await ingest.forget_old_flows(connection, now)

    async def forget_messages(self, before: float) -> None:
        """Drop messages of before a time, in seconds since 1970. What was counted of them stays."""
        more = True
        while more:
            async with self._transaction() as connection:
                more = await ingest.forget_messages(connection, int(before * 1000))

    async def search(self, wanted: Search) -> Page:
        """Find one page of messages, the newest first.

        Raises:
            Refusal: `malformed`, when the cursor is not one of ours.
        """
        async with self._transaction() as connection:
            return await searching.search(connection, self._names, wanted)

    async def unknown(self, names: Iterable[str]) -> str | None:
        """Find the first of some names that nothing in the index is called by."""
        async with self._transaction() as connection:
            for name in names:
                if await self._names.number(connection, name) is None:
                    return name
        return None

    async def own_looks(self, subject: str) -> list[OwnLooks]:
        """List the days on which a person, by pseudonym, looked at their own log; the newest first."""
        async with self._transaction() as connection:
            return await own_access.read(connection, packed_id(subject) or b"")

    async def flows(self, window: str, now: float) -> list[Flow]:
        """List who calls what, within a window of `flows.WINDOWS`."""
        async with self._transaction() as connection:
            return await traffic.read(connection, self._names, window, now)

    async def statistics(self, since: str, until: str) -> list[dict[str, Any]]:
        """Sum up what passed from one month to another.

        Raises:
            Refusal: `malformed`.
        """
        async with self._transaction() as connection:
            return await statistics.read(connection, self._names, since, until)

    async def position_of(self, message: str) -> LogPosition | None:
        """Find where the entry of a message stands; the last one, where its answer was withheld."""
        columns = schema.messages.c
        query = select(columns.gateway, columns.leaf, columns.place).where(columns.message == packed_id(message))
        async with self._transaction() as connection:
            found = (await connection.execute(query.order_by(columns.place.desc()).limit(1))).first()
            if found is None:
                return None
            gateway = (await self._names.names(connection, [found.gateway]))[found.gateway]
            return LogPosition(
                GatewayName(gateway), found.leaf, found.place >> LINE_BITS, found.place & (1 << LINE_BITS) - 1
            )

    async def size_of(self, gateway: GatewayName) -> int:
        """Count the entries of a log in the index."""
        async with self._transaction() as connection:
            number = await self._names.number(connection, gateway)
            return await tiles.size_of(connection, number) if number is not None else 0

    async def inclusion_proof(self, gateway: GatewayName, size: int, leaf: int) -> list[bytes]:
        """Find the path from a leaf to the root of the first `size` entries of a log."""
        async with self._transaction() as connection:
            number = await self._names.number(connection, gateway)
            return await tiles.inclusion_proof(connection, number or 0, size, leaf)

    async def consistency_proof(self, gateway: GatewayName, old: int, new: int) -> list[bytes]:
        """Find the path that shows that a log of `new` entries begins with the one of `old`."""
        async with self._transaction() as connection:
            number = await self._names.number(connection, gateway)
            return await tiles.consistency_proof(connection, number or 0, old, new)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.transaction() as connection:
            if self._names_of != self._database.times_opened:  # it may be another database now
                self._names_of = self._database.times_opened
                self._names.forget()
            yield connection
