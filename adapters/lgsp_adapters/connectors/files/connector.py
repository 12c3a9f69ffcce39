"""The connector `files`: an office whose system is a folder. The newest file in it answers look-ups.

    kind: files
    connection: {folder: {env: LGSP_CONSTRUCTION_PERMITS_FOLDER}}    # a path, s3://… or sftp://…
    files: {pattern: '*.csv', format: csv, delimiter: ';'}
    operations:
      lookup-permit:
        find: {Số giấy phép: request.soGiayPhep}        # heading of a column: what is looked for
        none: permit-not-found
        answer: {soGiayPhep: row."Số giấy phép"}

Where the row's value has to be normalized first, `find` is a list: `[{row: "restore_zeros(row.CCCD, `12`)", equals: request.so}]`.

A file is taken whole or not at all: the answer of every row is checked against the contract first. What is wrong goes to a report
beside the file, by line, column and rule and without a value, and the last good file goes on answering. A file is read once, when
it has stopped changing, in a process that can be killed. What is absent is never found and finds nothing; a file that shrinks the register
is held back (`inboxes/shrink_guard.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import orjson

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed
from lgsp_adapters.connectors.event_mapping import check_events
from lgsp_adapters.connectors.files import register
from lgsp_adapters.connectors.files.inbox_index import InboxIndex, RegisterIndex
from lgsp_adapters.connectors.files.watched_files import WatchedFiles
from lgsp_adapters.connectors.manifest_checks import check_operations
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.error_rules import evaluate
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.variables import REQUEST_VARIABLES, request_scope
from lgsp_adapters.tabular import layout
from lgsp_adapters.tabular.layout import Layout, layout_faults
from lgsp_adapters.tabular.table import Row
from lgsp_adapters.text.comparison import lookup_key, normalize_document
from lgsp_adapters.watching.source import EventSource
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal


class WatchingFolder(Adapter):
    """An adapter that makes events of the rows of new files, and answers no operation."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        self._executor = MappingExecutor()
        self._watched = {name: WatchedFiles(name, manifest, contract, self._executor) for name in manifest.events}

    def event_sources(self) -> Mapping[str, EventSource]:
        """Return what is watched for each event."""
        return self._watched

    def write_nothing(self) -> None:
        """Write no record into the inbox."""
        for watched in self._watched.values():
            watched.writes_records = False

    async def open(self) -> None:
        """Open the inbox."""
        for watched in self._watched.values():
            watched.open()

    async def close(self) -> None:
        """Close it."""
        for watched in self._watched.values():
            await watched.close()
        self._executor.close()


class FilesAdapter(WatchingFolder):
    """An adapter whose newest file answers look-ups."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest, contract)
        location = manifest.location / "operations"
        tables = manifest.tables
        self.operations = {
            name: _Operation(document, location / name, name, tables) for name, document in manifest.operations.items()
        }
        self._inbox_index = InboxIndex(manifest, reading_job(manifest, contract))

    async def open(self) -> None:
        """Start polling the folder; wait until the files in it are loaded, unless that takes long."""
        await super().open()
        await self._inbox_index.open(self.background)

    async def close(self) -> None:
        """Stop polling."""
        await self._inbox_index.close()
        await super().close()

    def method(self, operation: str) -> Any:
        """Return the method that answers an operation, or None."""
        implementation = self.operations.get(operation)
        return implementation and partial(self._answer, implementation)

    def write_nothing(self) -> None:
        """Write no report into the inbox."""
        super().write_nothing()
        self._inbox_index.writes_reports = False

    async def settle(self) -> None:
        """Wait until the newest file has stopped changing and was read."""
        await self._inbox_index.settle()

    def explain_outdated(self) -> Sequence[str]:
        """Say why the newest file does not answer, with its faults."""
        return self._inbox_index.explain_outdated()

    def standing(self) -> Mapping[str, Any]:
        """Tell which file answers, since when, and what keeps a newer one out."""
        return self._inbox_index.standing()

    async def _answer(self, operation: "_Operation", request: Document, call: Call) -> Document:
        if self._inbox_index.index is None:
            raise UpstreamFailed("unreachable", self._inbox_index.reason_unavailable)
        scope = await self._executor.run(partial(request_scope, self.connection, request, call), of_request=True)
        keys = await self._executor.run(partial(operation.keys, scope), of_request=True)
        rows = operation.find(self._inbox_index.index, keys)
        if not rows and operation.none:
            raise Declared(operation.none)
        answer = await self._executor.run(partial(operation.answer_of, rows))
        if not isinstance(answer, dict):
            raise UpstreamFailed("unintelligible", "the rows have none of the fields that the mapping reads")
        return answer


class _Operation:
    def __init__(
        self, document: Mapping[str, Any], location: SourceLocation, name: str, connection: Mapping[str, Any]
    ) -> None:
        self.none = document.get("none", "")
        self._name = name
        self._wanted = [
            Template(expression, at, REQUEST_VARIABLES)
            for _, _, expression, at in register.key_sides(document["find"], location / "find")
        ]
        self._answer = Template(
            normalize_document(document["answer"]), location / "answer", register.RESPONSE_VARIABLES
        )
        self._connection = connection

    def keys(self, scope: Mapping[str, Any]) -> list[str] | None:
        """Make the key that is looked up; None where a part of it is absent."""
        parts: list[str] = []
        for template in self._wanted:
            try:
                part = lookup_key(evaluate(template, scope))
            except ValueError as error:
                raise UpstreamFailed("broken", f"{template.location}: {error}") from error
            if part is None:
                return None
            parts.append(part)
        return parts

    def find(self, index: RegisterIndex, keys: list[str] | None) -> list[Row]:
        """Return the rows under a key."""
        if keys is None:
            return []
        return [orjson.loads(row) for row in index.rows(self._name, keys)]

    def answer_of(self, rows: list[Row]) -> Any:
        """Map rows to the answer."""
        scope = {"connection": self._connection, "rows": rows, "row": rows[0] if rows else None}
        return evaluate(self._answer, scope)


def reading_job(manifest: Manifest, contract: Contract) -> dict[str, Any]:
    """Make the job of the process that reads a file (`file_parser`).

    Raises:
        Refusal: `invalid-document`, when the manifest is wrong: the reader need not check it again.
    """
    location = manifest.location / "operations"
    for name, document in manifest.operations.items():
        operation = contract.operations[name]
        register.Lookup(document, location / name, operation.request, operation.response, manifest.tables)
    return {
        "parser": "lgsp_adapters.connectors.files.file_parser",
        "name": manifest.location.name,
        "text": manifest.location.text,
        "layout": asdict(Layout.of(manifest.document["files"], manifest.location / "files")),
        "operations": manifest.operations,
        "requests": {name: contract.operations[name].request.document for name in manifest.operations},
        "responses": {name: contract.operations[name].response.document for name in manifest.operations},
        "connection": manifest.tables,
    }


def preview_job(manifest: Manifest, contract: Contract) -> dict[str, Any]:
    """Make the job of the process that previews a file (`preview_parser`)."""
    return {**reading_job(manifest, contract), "parser": "lgsp_adapters.connectors.files.preview_parser"}


def build(manifest: Manifest, contract: Contract) -> WatchingFolder:
    """Make the adapter that a manifest describes.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    return FilesAdapter(manifest, contract) if manifest.operations else WatchingFolder(manifest, contract)


def check(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    """Yield where a manifest does not keep its contract, and what is wrong with its layout."""
    yield from check_operations(manifest, contract)
    yield from check_events(manifest, contract)
    yield from layout_faults(manifest.document["files"], manifest.location / "files")


def variables_of_strings(manifest: Manifest) -> Sequence[str]:
    """Return the variables whose fields are all strings."""
    return layout.variables_of_strings(manifest.document["files"])
