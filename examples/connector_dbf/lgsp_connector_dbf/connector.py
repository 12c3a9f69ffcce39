"""The connector `dbf`: looks rows up in a table of dBASE or FoxPro, which its office keeps writing.

    kind: dbf
    connection: {path: {env: OFFICERS_TABLE}}
    operations:
      lookup-officer:
        find: {MACB: request.maCanBo}
        none: officer-not-found
        answer: {hoVaTen: row.HOTEN, ngaySinh: row.NGAYSINH}

The file is read again for each call: it is small, and FoxPro tells nobody that it has written. Nothing is ever written by the connector.
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed, UpstreamLate
from lgsp_adapters.connectors.manifest_checks import check_operations
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.error_rules import evaluate
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.variables import REQUEST_VARIABLES, request_scope
from lgsp_connector_dbf.dbf_table import Row, UnreadableTableError, rows
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation

MAX_BYTES = 64 * 1024 * 1024
"""A table that is larger belongs into a database."""


class DbfOperation:
    """One operation of a manifest, compiled."""

    def __init__(self, document: Document, location: SourceLocation) -> None:
        self.find = {
            column: Template(expression, location / "find" / column, REQUEST_VARIABLES)
            for column, expression in document["find"].items()
        }
        self.none: str = document.get("none", "")
        self.answer = Template(document["answer"], location / "answer", (*REQUEST_VARIABLES, "row"))


class DbfAdapter(Adapter):
    """An adapter that its manifest describes."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest.connection)
        self._path = manifest.folder / Path(str(manifest.connection["path"]))
        self._encoding = str(manifest.document.get("encoding", "utf-8"))
        self._operations = {
            name: DbfOperation(document, manifest.location / "operations" / name)
            for name, document in manifest.operations.items()
        }

    def method(self, operation: str) -> Any:
        """Return the method that answers an operation, or None."""
        implementation = self._operations.get(operation)
        return implementation and partial(self._answer, implementation)

    async def _answer(self, operation: DbfOperation, request: Document, call: Call) -> Document:
        scope = request_scope(self.connection, request, call)
        wanted = {column: evaluate(template, scope) for column, template in operation.find.items()}
        try:
            async with asyncio.timeout(call.remaining):
                row = await asyncio.to_thread(self._find, wanted)
        except TimeoutError as error:
            raise UpstreamLate("reading the table takes too long") from error
        if row is None:
            if operation.none:
                raise Declared(operation.none)
            raise UpstreamFailed("broken", "the table has no such row, and the manifest has no `none`")
        answer: Document = evaluate(operation.answer, {**scope, "row": row})
        return answer

    def _find(self, wanted: dict[str, Any]) -> Row | None:
        try:
            if self._path.stat().st_size > MAX_BYTES:
                raise UpstreamFailed("broken", f"the table has more than {MAX_BYTES} bytes")
            content = self._path.read_bytes()
        except OSError as error:
            raise UpstreamFailed("unreachable", type(error).__name__, upstream_message=str(error)) from error
        try:
            found = [row for row in rows(content, self._encoding) if wanted.items() <= row.items()]
        except UnreadableTableError as error:
            raise UpstreamFailed("unintelligible", f"the file is no table: {error}") from error
        if len(found) > 1:
            raise UpstreamFailed("broken", "more than one row is found")
        return found[0] if found else None


def build(manifest: Manifest, _contract: Contract) -> DbfAdapter:
    """Make the adapter that a manifest describes, not yet open.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    return DbfAdapter(manifest)


check = check_operations
