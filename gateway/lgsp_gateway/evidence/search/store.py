"""The index, behind one class: whoever fills it or queries it needs to know neither tables nor connections."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.read.log_position import LogPosition
from lgsp_gateway.evidence.search import ingest, own_access, query, schema, statistics, tiles, traffic
from lgsp_gateway.evidence.search.database import Database, missing_columns
from lgsp_gateway.evidence.search.dictionary import NameDictionary
from lgsp_gateway.evidence.search.flow_counts import (
    Clause,
    FlowCounts,
    LatencyCell,
    Parties,
    TrafficPoint,
    WindowBounds,
)
from lgsp_gateway.evidence.search.models import OwnAccess, Page, Search
from lgsp_gateway.evidence.search.query import packed_id
from lgsp_gateway.evidence.search.schema import LINE_BITS


class Index:
    """One search index.

    Args:
        address: a path, or `postgresql://HOST/DATABASE`.
        writes: whether this process fills it.
        connections: to a PostgreSQL server, at most.

    Raises:
        Refusal: `index-unavailable`, in every method, when the database cannot be used.
    """

    def __init__(self, address: str, *, writes: bool, connections: int = 5) -> None:
        self._database = Database(address, writes=writes, connections=connections)
        self._names = NameDictionary()
        self._names_opened = 0
        self._missing_columns: Collection[str] = schema.ADDED

    async def close(self) -> None:
        """Close the connections to the database."""
        await self._database.close()

    async def progress(self) -> int:
        """Return the number of the last batch in the index; 0 where none is."""
        async with self._transaction() as connection:
            return await ingest.progress(connection)

    async def add(self, after: int, batches: Sequence[Batch]) -> int:
        """Add batches, all or none, and return how many entries they hold.

        Args:
            after: the number of the last batch that is in the index.
            batches: those that follow it, in order, at least one.
        """
        async with self._transaction() as connection:
            return await ingest.add(connection, self._names, after, batches)

    async def prune_flows(self, now: float) -> None:
        """Delete counts of flows that no window shows any more.

        Args:
            now: seconds since 1970.
        """
        async with self._transaction() as connection:
            await ingest.prune_flows(connection, now)

    async def prune_messages(self, before: float) -> None:
        """Delete messages from before a time, in seconds since 1970. The statistics of them stay."""
        more = True
        while more:
            async with self._transaction() as connection:
                more = await ingest.prune_messages(connection, int(before * 1000))

    async def search(self, criteria: Search) -> Page:
        """Return one page of messages, the newest first.

        Raises:
            Refusal: `malformed`, when the cursor is not one that a page returned.
        """
        async with self._transaction() as connection:
            return await self._search(connection, criteria)

    async def search_with_progress(self, criteria: Search) -> tuple[Page, int]:
        """Return the first page of messages and the number of the last batch that was searched: what is found later is in batches after it.

        Raises:
            Refusal: `malformed`, when the cursor is not one that a page returned.
        """
        async with self._transaction() as connection:
            last = await ingest.progress(
                connection
            )  # first: a batch that comes between the two is left out of the page below
            page = await self._search(connection, criteria)
        kept = [(item, place) for item, place in zip(page.items, page.places, strict=True) if place[0] <= last]
        return replace(page, items=[item for item, _ in kept], places=[place for _, place in kept]), last

    async def _search(self, connection: AsyncConnection, criteria: Search) -> Page:
        if self._missing_columns:  # perhaps the indexer was upgraded after this process
            self._missing_columns = await connection.run_sync(missing_columns)
        return await query.search(connection, self._names, criteria, self._missing_columns)

    async def first_unknown(self, names: Iterable[str]) -> str | None:
        """Return the first of some names that does not occur in the index; None where all do."""
        async with self._transaction() as connection:
            for name in names:
                if await self._names.number(connection, name) is None:
                    return name
        return None

    async def own_accesses(self, subject: str) -> list[OwnAccess]:
        """List the days on which a person looked at their own log, the newest first.

        Args:
            subject: the pseudonym of the person.
        """
        async with self._transaction() as connection:
            return await own_access.read(connection, packed_id(subject) or b"")

    async def flows(self, within: WindowBounds) -> dict[Parties, FlowCounts]:
        """Count which systems call which operations within a window."""
        async with self._transaction() as connection:
            return await traffic.read(connection, self._names, within)

    async def traffic(self, within: WindowBounds, clauses: Collection[Clause]) -> list[TrafficPoint]:
        """Return what passed in each span of a window, of the flows that fulfil these conditions."""
        async with self._transaction() as connection:
            return await traffic.over_time(connection, self._names, within, clauses)

    async def latency(
        self, within: WindowBounds, services: Sequence[str], clauses: Collection[Clause]
    ) -> list[LatencyCell]:
        """Return how fast some services were in each span of a window, in the flows that fulfil these conditions."""
        async with self._transaction() as connection:
            return await traffic.latency(connection, self._names, within, services, clauses)

    async def statistics(self, since: str, until: str) -> list[dict[str, Any]]:
        """Return the monthly figures from one month to another, such as `2026-11`; empty for no bound.

        Raises:
            Refusal: `malformed`.
        """
        async with self._transaction() as connection:
            return await statistics.read(connection, self._names, since, until)

    async def position_of(self, message: str) -> LogPosition | None:
        """Find where the entry of a message stands; the last one, where its answer was withheld; None where it is not indexed."""
        columns = schema.messages.c
        statement = select(columns.gateway, columns.leaf, columns.place).where(columns.message == packed_id(message))
        async with self._transaction() as connection:
            row = (await connection.execute(statement.order_by(columns.place.desc()).limit(1))).first()
            if row is None:
                return None
            gateway = (await self._names.names(connection, [row.gateway]))[row.gateway]
            return LogPosition(GatewayName(gateway), row.leaf, row.place >> LINE_BITS, row.place & (1 << LINE_BITS) - 1)

    async def size_of(self, gateway: GatewayName) -> int:
        """Count the entries of a log in the index."""
        async with self._transaction() as connection:
            number = await self._names.number(connection, gateway)
            return await tiles.size_of(connection, number) if number is not None else 0

    async def inclusion_proof(self, gateway: GatewayName, size: int, leaf: int) -> list[bytes]:
        """Return the inclusion proof of a leaf in the tree over the first `size` entries of a log."""
        async with self._transaction() as connection:
            number = await self._names.number(connection, gateway)
            return await tiles.inclusion_proof(connection, number or 0, size, leaf)

    async def consistency_proof(self, gateway: GatewayName, old: int, new: int) -> list[bytes]:
        """Return the proof that a log of `new` entries begins with the one of `old`."""
        async with self._transaction() as connection:
            number = await self._names.number(connection, gateway)
            return await tiles.consistency_proof(connection, number or 0, old, new)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.transaction() as connection:
            if self._names_opened != self._database.times_opened:  # it may be another database now
                self._names_opened = self._database.times_opened
                self._names.clear()
                self._missing_columns = schema.ADDED
            yield connection
