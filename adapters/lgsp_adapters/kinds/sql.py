"""The kind `sql`: a database of an office, asked with one parameterised statement per operation.

    kind: sql
    connection: {url: {env: LGSP_LAND_URL}}     # postgresql://, mysql://, oracle://, mssql://, sqlite:///
    operations:
      lookup-parcel:
        statement: SELECT so_thua, dien_tich FROM thua_dat WHERE ma_xa = :xa AND so_thua = :so
        parameters: {xa: request.maXa, so: request.soThua}
        none: parcel-not-found                   # what no row means
        answer: {soThua: row.so_thua, dienTich: row.dien_tich}

Parameters are bound by the driver and never become text of the statement. A transaction is read-only and rolled back unless
the operation says `write: true`; it ends with the caller's deadline; more rows than `limit` are a failure, not a part.
"""

import datetime
import decimal
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed, UpstreamLate
from lgsp_adapters.kinds.databases import Database
from lgsp_adapters.kinds.mapping import Template, told
from lgsp_adapters.kinds.rules import mapped
from lgsp_adapters.kinds.scope import ASKED, before
from lgsp_adapters.kinds.unmappable import Unmappable
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_contracts.places import Place
from lgsp_problems import Refusal

ANSWERED = (*ASKED, "row", "rows")
LIMIT = 1000


class SqlAdapter(Adapter):
    """An adapter that its manifest describes."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        self._database = Database(manifest.connection["url"], manifest.folder, manifest.place / "connection" / "url")
        self._places = manifest.concurrency
        place = manifest.place / "operations"
        self.operations = {name: _Operation(document, place / name) for name, document in manifest.operations.items()}

    async def open(self) -> None:
        """Make the pool; a connection is opened when it is needed."""
        self._database.open(self._places)

    async def close(self) -> None:
        """Close it."""
        await self._database.close()

    def method(self, operation: str) -> Any:
        """The method that answers an operation, or None."""
        found = self.operations.get(operation)
        return found and partial(self._answer, found)

    async def _answer(self, operation: "_Operation", request: Document, call: Call) -> Document:
        scope = before(self.connection, request, call)
        rows = await operation.rows(self._database, scope, call)
        if not rows and operation.none:
            raise Declared(operation.none)
        answer = mapped(operation.answer, {**scope, "rows": rows, "row": rows[0] if rows else None})
        if not isinstance(answer, dict):
            raise UpstreamFailed("unintelligible", "the rows have nothing of what is asked for")
        return answer


class _Operation:
    def __init__(self, document: Mapping[str, Any], place: Place) -> None:
        self._statement = text(document["statement"])
        given, named = document.get("parameters", {}), set(self._statement._bindparams)
        if given.keys() != named:
            lacking = ", ".join(sorted(named ^ given.keys()))
            raise Refusal(
                "invalid-document",
                vi=f"{place / 'parameters'}: câu lệnh và danh sách tham số không khớp ở: {lacking}.",
                en=f"{place / 'parameters'}: statement and parameters do not agree on: {lacking}; name each in both.",
            )
        names = {name: Template(value, place / "parameters" / name, ASKED) for name, value in given.items()}
        self._parameters = names
        self._write = document.get("write", False)
        self._limit = document.get("limit", LIMIT)
        self.none = document.get("none", "")
        self.answer = Template(document["answer"], place / "answer", ANSWERED)

    async def rows(self, database: Database, scope: Mapping[str, Any], call: Call) -> list[dict[str, Any]]:
        """What the statement finds.

        Raises:
            UpstreamLate, UpstreamFailed: the database's message stays unsaid, since it quotes values.
        """
        try:
            values = {name: template(scope) for name, template in self._parameters.items()}
        except Unmappable as unmappable:
            raise UpstreamFailed("broken", str(unmappable)) from None
        try:
            async with database.transaction(call.remaining, write=self._write) as connection:
                result = await connection.execute(self._statement, values)
                found = result.mappings().fetchmany(self._limit + 1) if result.returns_rows else []
        except (TimeoutError, UpstreamLate):
            raise UpstreamLate from None
        except DBAPIError as error:
            if database.timed_out(error):
                raise UpstreamLate from None
            lost = error.connection_invalidated
            raise UpstreamFailed("unreachable" if lost else "broken", type(error.orig).__name__) from None
        except SQLAlchemyError as error:
            raise UpstreamFailed("broken", type(error).__name__) from None
        except OSError as error:
            raise UpstreamFailed("unreachable", type(error).__name__) from None
        if len(found) > self._limit:
            raise UpstreamFailed("broken", f"more than {self._limit} rows")
        return [{name: told(_plain(value)) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    """A value of a database as JSON has it: dates as ISO 8601, numbers as numbers, bytes not at all."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, (bytes, memoryview)):
        raise UpstreamFailed(
            "unintelligible", "a column holds bytes; leave it out or turn it into text in the statement"
        )
    return value
