"""A query of the connector `sql` that watches a table for an event: what lies behind a watermark, in its order.

    events:
      parcel-changed:
        statement: >
          SELECT id, so_thua, cap_nhat FROM thua_dat WHERE cap_nhat > :watermark ORDER BY cap_nhat, id LIMIT :limit
        watermark: cap_nhat
        start: '2026-11-01T00:00:00+07:00'
        overlap: 10m
        id: row.id
        data: {soThua: row.so_thua}

A transaction that began earlier may commit a smaller watermark later. What is committed within `overlap` is found, since that much before the
watermark is read again each time; what takes longer is not.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.event_mapping import EventMapping, overlap, poll_seconds
from lgsp_adapters.connectors.sql.databases import Database
from lgsp_adapters.connectors.sql.driver_errors import RefusedByDatabase, translated_errors
from lgsp_adapters.connectors.sql.query import LIMIT, Query, Row
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.watching import positions
from lgsp_adapters.watching.positions import Position, UnusableWatermarkError
from lgsp_adapters.watching.source import EventSource, Occurrence, Read
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation

ROW_VARIABLES = ("connection", "row")
READ_SECONDS = 30.0
_PARAMETERS = ("watermark", "limit")


class WatchedQuery(EventSource):
    """The rows of one event.

    Raises:
        Refusal: `invalid-document`, with the line and how to correct it.
    """

    def __init__(
        self,
        name: str,
        document: Mapping[str, Any],
        location: SourceLocation,
        contract: Contract,
        database: Database,
        connection: Mapping[str, Any],
        executor: MappingExecutor,
    ) -> None:
        self._mapping = EventMapping(name, document, location, contract, ROW_VARIABLES)
        self._limit: int = document.get("limit", LIMIT)
        self._column: str = document["watermark"]
        self._at = location / "watermark"
        self.start: Position | None = document["start"]
        self.overlap = overlap(document)
        self._poll = poll_seconds(document)
        query = {"statement": document["statement"], "limit": self._limit}
        query["parameters"] = {parameter: parameter for parameter in _PARAMETERS}
        self._query = Query(query, location, database.kind, {}, _PARAMETERS, blank_is_null=False)
        self._database = database
        self._connection = connection
        self._executor = executor

    @property
    def poll_seconds(self) -> float:
        """Return how long after one look the next begins."""
        return self._poll

    async def read(self, position: Position | None) -> Read:
        """Read the rows behind a position.

        Raises:
            UpstreamFailed, UpstreamLate: the database gives no usable rows.
        """
        assert position is not None
        scope = {"watermark": _bound(position, self._database.kind), "limit": self._limit}
        try:
            with translated_errors(self._database):
                async with self._database.transaction(READ_SECONDS, "read") as connection:
                    rows = await self._query.rows(self._database, connection, scope, self._executor)
        except RefusedByDatabase as refused:
            failure = refused.refusal
            raise UpstreamFailed(failure.why, failure.note, upstream_message=failure.message) from refused
        occurrences = await self._executor.run(partial(self._occurrences, rows, position))
        return Read(occurrences, complete=len(rows) < self._limit)

    async def acknowledge(self, occurrence: Occurrence) -> None:
        """Do nothing: the watermark says what was received."""

    async def settled(self, ids: Collection[str]) -> None:
        """Do nothing: the state of the watch says what was received."""

    def _occurrences(self, rows: list[Row], since: Position) -> list[Occurrence]:
        found: list[Occurrence] = []
        latest: Position | None = None
        for row in rows:
            position, fault = self._position_of(row, since)
            if position is not None:
                if latest is not None and positions.is_before(position, latest):
                    raise UpstreamFailed(
                        "broken", f"{self._at}: the rows are not in the order of {self._column}; ORDER BY it"
                    )
                latest = position
            scope = {"connection": self._connection, "row": row}
            found.append(self._mapping.occurrence(scope, position, row, fault=fault))
        return found

    def _position_of(self, row: Row, since: Position) -> tuple[Position | None, str]:
        """Return the position of a row, and what is wrong with it: a row without one is held, and keeps no other back.

        Raises:
            UpstreamFailed: no row has one, as the statement does not select it.
        """
        if self._column not in row:
            raise UpstreamFailed("broken", f"{self._at}: the rows have no column {self._column}; SELECT it")
        try:
            return positions.comparable_position(row[self._column], since), ""
        except UnusableWatermarkError as unusable:
            return None, f"{self._at}: {unusable}"


def _bound(position: Position, kind: str) -> str | int | datetime | date:
    """Return a position as the driver binds it; SQLite has texts for times."""
    return position if kind == "sqlite" else positions.parse(position)
