"""The connector `sql`: a database of an office, queried by one parameterised statement per operation.

    kind: sql
    connection: {url: {env: LGSP_LAND_URL}}     # postgresql://, mysql://, oracle://, mssql://, sqlite:///
    operations:
      lookup-parcel:
        statement: SELECT so_thua, dien_tich FROM thua_dat WHERE ma_xa = :xa AND so_thua = :so
        parameters: {xa: request.maXa, so: request.soThua}
        none: parcel-not-found                   # the error for no row
        answer: {soThua: row.so_thua, dienTich: row.dien_tich}
      register-parcel:
        write: true
        statement: INSERT INTO …
        errors: [{sqlstate: '23505', is: already-registered}]    # or a class of them, '23'

A parameter that the manifest does not give is the field of the request with its name; without `answer`, each field of the answer is the
column of its name (`columns_by_name.py`). `with` names further queries, for what there are several of (`operation.py`).

Parameters are bound by the driver and never become text of the statement. A transaction is read-only and rolled back unless
the operation says `write: true`; it ends with the caller's deadline; more rows than `limit` are a failure, not a part, and so are several
where the answer is made of one. What is absent or blank is NULL to a statement that reads, and finds nothing.
What columns become in a mapping stands in `values.py`, what SQLSTATE means in `sqlstate.py`.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from lgsp_adapters.adapter import Adapter, Call, Document
from lgsp_adapters.connectors.event_mapping import check_events
from lgsp_adapters.connectors.manifest_checks import check_operations
from lgsp_adapters.connectors.sql.databases import Database, kind_of_database
from lgsp_adapters.connectors.sql.operation import SqlOperation
from lgsp_adapters.connectors.sql.watched_query import WatchedQuery
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.variables import request_scope
from lgsp_adapters.watching.source import EventSource
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal

SECONDS_FOR_A_SAMPLE = 10.0


class SqlAdapter(Adapter):
    """An adapter that its manifest describes."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        self._database = Database(manifest.connection["url"], manifest.folder, manifest.location / "connection" / "url")
        self._concurrency = manifest.concurrency
        self._executor = MappingExecutor()
        location = manifest.location / "operations"
        self.operations = {
            name: SqlOperation(document, location / name, contract.operations[name], self._database.kind)
            for name, document in manifest.operations.items()
        }

        at = manifest.location / "events"
        self._sources = {
            name: WatchedQuery(name, document, at / name, contract, self._database, manifest.connection, self._executor)
            for name, document in manifest.events.items()
        }

    def event_sources(self) -> Mapping[str, EventSource]:
        """Return the queries that watch for events."""
        return self._sources

    async def open(self) -> None:
        """Make the pool; a connection is opened when it is needed."""
        self._database.open(self._concurrency)

    async def close(self) -> None:
        """Close it."""
        await self._database.close()
        self._executor.close()

    def method(self, operation: str) -> Any:
        """Return the method that answers an operation, or None."""
        implementation = self.operations.get(operation)
        return implementation and partial(self._answer, implementation)

    def writes(self, operation: str) -> bool:
        """Tell whether the operation's statement writes."""
        return bool(self.operations[operation].write)

    def can_rehearse(self, operation: str) -> bool:
        """Tell that every operation can be rehearsed: a transaction can be rolled back."""
        return True

    async def sample_request(self, operation: str) -> Document | None:
        """Ask the database for a request that it can answer."""
        return await self.operations[operation].sample_request(self._database, SECONDS_FOR_A_SAMPLE, self._executor)

    async def _answer(self, operation: SqlOperation, request: Document, call: Call) -> Document:
        scope = await self._executor.run(partial(request_scope, self.connection, request, call), of_request=True)
        rows, named_rows = await operation.rows(self._database, scope, call, self._executor)
        return await self._executor.run(partial(operation.read, scope, rows, named_rows))


def build(manifest: Manifest, contract: Contract) -> SqlAdapter:
    """Make the adapter that a manifest describes.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    return SqlAdapter(manifest, contract)


def check(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    """Yield where a manifest does not keep its contract, and the first fault of each operation; the database need not be known."""
    yield from check_operations(manifest, contract)
    yield from check_events(manifest, contract)
    kind = kind_of_database(str(manifest.connection.get("url", "")))
    for name, document in manifest.operations.items():
        try:
            if name in contract.operations:
                SqlOperation(document, manifest.location / "operations" / name, contract.operations[name], kind)
        except Refusal as refusal:
            yield refusal
