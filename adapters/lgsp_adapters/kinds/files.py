"""The kind `files`: an office whose system is a folder. The newest file that is dropped there answers look-ups.

    kind: files
    connection: {folder: {env: LGSP_CONSTRUCTION_PERMITS_FOLDER}}
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
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import structlog

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed
from lgsp_adapters.kinds import tables
from lgsp_adapters.kinds.functions import Unmappable
from lgsp_adapters.kinds.mapping import Template
from lgsp_adapters.kinds.rules import mapped
from lgsp_adapters.kinds.scope import ASKED, before
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_contracts.places import Place
from lgsp_contracts.schemas import Schema

ANSWERED = ("connection", "row", "rows")
LOOK_SECONDS = 0.5
"""How often the folder is looked at."""

SETTLE_SECONDS = 5.0
"""How long a file stays as it is before it is taken: half an upload can look like a whole table."""

MAX_FAULTS = 1000
REPORT = ".report.json"

Mark = tuple[str, int, int]
Rows = list[tables.Row]


class FilesAdapter(Adapter):
    """An adapter that its manifest describes."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        self._folder = manifest.folder / manifest.connection["folder"]
        told = manifest.document["files"]
        self._pattern = told["pattern"]
        self._read = partial(
            tables.read,
            layout=told["format"],
            delimiter=told.get("delimiter", ","),
            encoding=told.get("encoding", "utf-8"),
            row=told.get("row", "row"),
        )
        place = manifest.place / "operations"
        self.operations = {
            name: _Operation(document, place / name, contract.operations[name].response, manifest.connection)
            for name, document in manifest.operations.items()
        }
        self._seen: Mark | None = None
        self._since = 0.0
        self._taken: Mark | None = None
        self._looking: asyncio.Task[None] | None = None
        self._log = structlog.get_logger().bind(service=manifest.service)

    async def open(self) -> None:
        """Take what lies there, and look at the folder from now on."""
        with contextlib.suppress(OSError):
            await self._look()
        self._looking = asyncio.create_task(self._look_on())

    async def close(self) -> None:
        """Look no more."""
        if self._looking:
            self._looking.cancel()

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

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except OSError as error:
                self._log.warning("folder not read", error=type(error).__name__)

    async def _look(self) -> None:
        files = [path for path in self._folder.glob(self._pattern) if path.is_file() and not path.name.endswith(REPORT)]
        if not files:
            return
        newest = max(files, key=lambda path: (path.stat().st_mtime_ns, path.name))
        found = newest.stat()
        mark = (newest.name, found.st_mtime_ns, found.st_size)
        if mark != self._seen:
            self._seen, self._since = mark, time.monotonic()
        # the clock of a share can be another than ours
        settled = max(time.time() - found.st_mtime, time.monotonic() - self._since) > SETTLE_SECONDS
        if settled and mark != self._taken:
            self._taken = mark
            await self._take(newest)

    async def _take(self, path: Path) -> None:
        """Swap the drop in, or say what keeps it out."""
        try:
            rows = await asyncio.to_thread(self._read, path)
            found = {
                name: await asyncio.to_thread(operation.indexed, rows) for name, operation in self.operations.items()
            }
        except tables.Unreadable as unreadable:
            self._report(path, 0, [{"fault": str(unreadable)}])
            return
        faults = [{"operation": name, **fault} for name, (_, wrong) in found.items() for fault in wrong]
        if not faults:
            for name, (index, _) in found.items():
                self.operations[name].index = index
        self._report(path, len(rows), faults)

    def _report(self, path: Path, rows: int, faults: list[dict[str, Any]]) -> None:
        log = self._log.warning if faults else self._log.info
        log("drop refused" if faults else "drop taken", file=path.name, rows=rows, faults=len(faults))
        said = {"file": path.name, "taken": not faults, "rows": rows, "faults": faults[:MAX_FAULTS]}
        try:
            path.with_name(path.name + REPORT).write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2))
        except OSError as error:
            self._log.warning("report not written", file=path.name, error=type(error).__name__)


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
