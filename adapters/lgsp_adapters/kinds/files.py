"""The kind `files`: an office whose system is a folder. The newest file that is dropped there answers look-ups.

    kind: files
    connection: {folder: {env: LGSP_CONSTRUCTION_PERMITS_FOLDER}}    # a path, s3://… or sftp://…
    files: {pattern: '*.csv', format: csv, delimiter: ';'}
    operations:
      lookup-permit:
        find: {Số giấy phép: request.soGiayPhep}        # heading of a column: what is looked for
        none: permit-not-found
        answer: {soGiayPhep: row."Số giấy phép"}

A drop is taken whole or not at all: the answer of every row is held against the contract first. What is wrong goes to a report
beside the file, by line and rule and without a value, and the last good drop goes on answering. A file is read once, when
it has stopped changing.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
import structlog

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed
from lgsp_adapters.folders.folder import Drop, FolderGone, reached
from lgsp_adapters.folders.watching import Watched
from lgsp_adapters.kinds import tables
from lgsp_adapters.kinds.mapping import Template
from lgsp_adapters.kinds.rules import mapped
from lgsp_adapters.kinds.scope import ASKED, before
from lgsp_adapters.kinds.unmappable import Unmappable
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_contracts.places import Place
from lgsp_contracts.schemas import Schema

ANSWERED = ("connection", "row", "rows")
MAX_FAULTS = 1000
OPEN_SECONDS = 5.0

Rows = list[tables.Row]


class FilesAdapter(Adapter):
    """An adapter that its manifest describes."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        told = manifest.document["files"]
        self._folder = reached(manifest)
        self._watched = Watched(self._folder, told["pattern"])
        self._layout = tables.Layout.of(told)
        place = manifest.place / "operations"
        self.operations = {
            name: _Operation(document, place / name, contract.operations[name].response, manifest.connection)
            for name, document in manifest.operations.items()
        }
        self._taken: Drop | None = None
        self._looking: asyncio.Task[None] | None = None
        self._log = structlog.get_logger().bind(service=manifest.service)

    async def open(self) -> None:
        """Look at the folder from now on; what lies there is taken first, unless the folder is slow to reach."""
        looked = asyncio.Event()
        self._looking = asyncio.create_task(self._look_on(looked))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPEN_SECONDS):
                await looked.wait()

    async def close(self) -> None:
        """Look no more."""
        if self._looking:
            self._looking.cancel()
        await self._folder.close()

    def method(self, operation: str) -> Any:
        """The method that answers an operation, or None."""
        found = self.operations.get(operation)
        return found and partial(self._answer, found)

    async def _answer(self, operation: "_Operation", request: Document, call: Call) -> Document:
        rows = operation.find(before(self.connection, request, call))
        if not rows and operation.none:
            raise Declared(operation.none)
        answer = operation.answer_of(rows)
        if not isinstance(answer, dict):
            raise UpstreamFailed("unintelligible", "the rows have nothing of what is asked for")
        return answer

    async def _look_on(self, looked: asyncio.Event) -> None:
        while True:
            await self._look()
            looked.set()
            await asyncio.sleep(self._folder.look_seconds)

    async def _look(self) -> None:
        try:
            settled = await self._watched.settled()
            if settled and settled[-1] != self._taken:
                await self._take(settled[-1])
        except FolderGone as gone:
            self._log.warning("folder not reached", error=str(gone))

    async def _take(self, drop: Drop) -> None:
        """Swap the drop in, or say what keeps it out.

        Raises:
            FolderGone: before it was taken, or before its report was written.
        """
        try:
            async with self._folder.local(drop) as path:
                rows = await asyncio.to_thread(tables.read, path, self._layout)
        except tables.Unreadable as unreadable:
            rows, faults = [], [{"row": 0, "fault": str(unreadable)}]
        else:
            faults = await self._swapped(rows)
        self._taken = drop
        log = self._log.warning if faults else self._log.info
        log("drop refused" if faults else "drop taken", file=drop.name, rows=len(rows), faults=len(faults))
        said = {"file": drop.name, "taken": not faults, "rows": len(rows), "faults": faults[:MAX_FAULTS]}
        await self._folder.write_report(drop, orjson.dumps(said, option=orjson.OPT_INDENT_2))

    async def _swapped(self, rows: Rows) -> list[dict[str, Any]]:
        """What is wrong with rows; where nothing is, they answer from now on."""
        found = {name: await asyncio.to_thread(operation.indexed, rows) for name, operation in self.operations.items()}
        faults = [{"operation": name, **fault} for name, (_, wrong) in found.items() for fault in wrong]
        if not faults:
            for name, (index, _) in found.items():
                self.operations[name].index = index
        return faults


class _Operation:
    """`index` leads from the values of the columns that are looked for to their rows; None before the first drop."""

    def __init__(
        self, document: Mapping[str, Any], place: Place, response: Schema, connection: Mapping[str, Any]
    ) -> None:
        self.index: Mapping[tuple[Any, ...], Rows] | None = None
        self.none = document.get("none", "")
        self._columns = tuple(document["find"])
        self._wanted = [Template(value, place / "find" / name, ASKED) for name, value in document["find"].items()]
        self._answer = Template(document["answer"], place / "answer", ANSWERED)
        self._response = response
        self._connection = connection

    def find(self, scope: Mapping[str, Any]) -> Rows:
        """The rows that are asked for."""
        if self.index is None:
            raise UpstreamFailed("unreachable", "no file has been dropped yet that could be taken")
        key = tuple(mapped(template, scope) for template in self._wanted)
        return self.index.get(tuple(str(part) for part in key), [])

    def answer_of(self, rows: Rows) -> Any:
        """The answer that rows make."""
        return mapped(self._answer, self._scope(rows))

    def indexed(self, rows: Rows) -> tuple[Mapping[tuple[Any, ...], Rows], list[dict[str, Any]]]:
        """Rows by what is looked for, and what is wrong with them."""
        index: dict[tuple[Any, ...], Rows] = {}
        first: dict[tuple[Any, ...], int] = {}
        for number, row in enumerate(rows, 1):
            missing = [name for name in self._columns if name not in row]
            if missing:
                return {}, [{"row": number, "fault": f"there is no column {missing[0]}"}]
            key = tuple(str(row[name]) for name in self._columns)
            index.setdefault(key, []).append(row)
            first.setdefault(key, number)
        faults = [{"row": first[key], "fault": fault} for key, found in index.items() if (fault := self._fault(found))]
        return index, faults

    def _fault(self, rows: Rows) -> str:
        try:
            answer = self._answer(self._scope(rows))
        except Unmappable as unmappable:
            return str(unmappable)
        if self._response.is_valid(answer):
            return ""
        found = self._response.violations(answer)[0]
        return f"{found.rule}: {found.message.en}"

    def _scope(self, rows: Rows) -> Mapping[str, Any]:
        return {"connection": self._connection, "rows": rows, "row": rows[0] if rows else None}
