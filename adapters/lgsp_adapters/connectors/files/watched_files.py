"""An inbox of the connector `files` that is watched for an event: each row of each new file is one.

    events:
      birth-registered:
        id: row."Số đăng ký"                   # by default the content of the file and the number of the row
        data: {soDinhDanh: row."Số định danh"}

How far a file has come stands beside it in `FILE.EVENT.events.json`, with the rows that make no event; so a file that is moved with its record to
another machine goes on there. A row that is at fault is recorded and passed over: it is corrected by a further file. A row whose event the bus refuses
is set aside, since its fault may lie in the registry or the contract: it is recorded as held and tried again, while the rows and files behind it go on.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, NamedTuple

import orjson
import structlog

from lgsp_adapters.connectors.event_mapping import EventMapping
from lgsp_adapters.inboxes import shrink_guard
from lgsp_adapters.inboxes.inbox import open_inbox
from lgsp_adapters.inboxes.inbox_file import EVENTS_SUFFIX, REPORT_OPTIONS, FileNotReadyError, Inbox, InboxFile
from lgsp_adapters.inboxes.stable_files import StableFiles
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.subprocess_reader import reader
from lgsp_adapters.tabular.layout import Layout
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.text.comparison import normalize_document, printable_name
from lgsp_adapters.watching.positions import Position
from lgsp_adapters.watching.source import EventSource, Occurrence, Read
from lgsp_contracts.contract import Contract

ROW_VARIABLES = ("connection", "row")
ROWS_PER_READ = 500
MAX_FAULTS = 1000
"""Faults that a record lists; further ones are counted."""
MAX_HELD = 1000
"""Rows that are set aside in a folder; with more of them it stands still until some are accepted, and says so."""
_TEMPLATES = ("id", "time", "data")


class _Row(NamedTuple):
    """A row of a file, by its number, and what was made of it."""

    number: int
    occurrence: Occurrence


@dataclass(slots=True)
class _OpenFile:
    """A file whose rows are being published, or of which rows are set aside.

    Args:
        record: what stands beside it.
        reading: the rows that were read last.
        following: how many rows are done when those are settled, or set aside.
        held: the rows that are set aside, in their order.
    """

    file: InboxFile
    entries: list[dict[str, Any]]
    record: dict[str, Any]
    reading: list[_Row] = field(default_factory=list)
    following: int = 0
    held: list[_Row] = field(default_factory=list)


class WatchedFiles(EventSource):
    """The rows of one event.

    Raises:
        Refusal: `invalid-document`, with the line and how to correct it.
    """

    start: Position | None = None
    overlap = 0.0

    def __init__(self, name: str, manifest: Manifest, contract: Contract, executor: MappingExecutor) -> None:
        location = manifest.location / "events" / name
        document = normalize_document(manifest.events[name])
        self._mapping = EventMapping(name, document, location, contract, ROW_VARIABLES)
        template = {key: document[key] for key in _TEMPLATES if key in document}
        self._job = {
            "parser": "lgsp_adapters.connectors.files.event_parser",
            "layout": asdict(Layout.of(manifest.document["files"], manifest.location / "files")),
            "needed": sorted(columns.named_columns(template, {"row": "row"})),
        }
        self._ending = f".{name}{EVENTS_SUFFIX}"
        self._manifest = manifest
        self._executor = executor
        self.writes_records = True
        self._done: set[InboxFile] = set()
        self._open: _OpenFile | None = None
        self._aside: dict[InboxFile, _OpenFile] = {}
        self._is_full = False
        self._log = structlog.get_logger().bind(service=manifest.service, event=name)

    def open(self) -> None:
        """Open the inbox."""
        self._inbox: Inbox = open_inbox(self._manifest)
        pattern = self._manifest.document["files"]["pattern"]
        self._stable_files = StableFiles(self._inbox, pattern, service=self._manifest.service)

    async def close(self) -> None:
        """Close it."""
        await self._inbox.close()

    @property
    def poll_seconds(self) -> float:
        """Return how long after one look the next begins: longer for a folder of many files."""
        return self._stable_files.pause()

    async def read(self, position: Position | None) -> Read:
        """Read the next rows of the oldest file that is not done, behind those that are set aside.

        Raises:
            InboxUnavailableError: the inbox cannot be reached.
        """
        assert position is None
        while True:
            current = self._open or await self._open_next()
            self._open = current
            held = self._held()
            self._note_whether_full(len(held))
            if current is None or self._is_full:
                return Read(held)
            current.reading = await self._executor.run(partial(self._rows, current))
            if current.reading:
                return Read([*held, *(row.occurrence for row in current.reading)], complete=False)
            await self._advance(current, current.held)

    async def acknowledge(self, occurrence: Occurrence) -> None:
        """Do nothing: the record beside the file says what was received."""

    async def settled(self, ids: Collection[str]) -> None:
        """Go on behind the rows that were read last; those that are not settled are set aside.

        Raises:
            InboxUnavailableError: the record cannot be written.
        """
        accepted = set(ids)
        for inbox_file, aside in list(self._aside.items()):
            held = _not_accepted(aside.held, accepted)
            if len(held) < len(aside.held):
                await self._record(aside, held)
            if not held:
                del self._aside[inbox_file]
        current = self._open
        if current is None:
            return
        held = _not_accepted([*current.held, *current.reading], accepted)
        if current.reading:
            await self._advance(current, held)
        elif len(held) < len(current.held):
            await self._record(current, held)

    def _held(self) -> list[Occurrence]:
        """Return what is set aside, the oldest file first, so that rows of the same ordering key wait behind it."""
        files = [*self._aside.values(), *([self._open] if self._open else [])]
        return [row.occurrence for file in files for row in file.held]

    def _note_whether_full(self, held: int) -> None:
        is_full = held >= MAX_HELD
        if is_full and not self._is_full:
            self._log.error("folder stands still until events of rows are accepted that the bus refuses", held=held)
        self._is_full = is_full

    async def _open_next(self) -> _OpenFile | None:
        stable = await self._stable_files.stable()
        self._done.intersection_update(stable)
        self._aside = {inbox_file: aside for inbox_file, aside in self._aside.items() if inbox_file in stable}
        for inbox_file in stable:
            if inbox_file in self._done or inbox_file in self._aside:
                continue
            try:
                opened = await self._open_file(inbox_file)
            except FileNotReadyError:
                self._stable_files.defer(inbox_file)
                continue
            if opened:
                return opened
            self._done.add(inbox_file)
        return None

    async def _open_file(self, inbox_file: InboxFile) -> _OpenFile | None:
        """Read a file; None where nothing of it is left to publish."""
        previous = shrink_guard.parse_sidecar(await self._inbox.read_sidecar(inbox_file, self._ending))
        if previous.get("finished") is True and previous.get("stamp") == inbox_file.stamp:
            return None
        entries: list[dict[str, Any]] = []
        record = _new_record(inbox_file, "")
        try:
            async with self._inbox.opened(inbox_file) as file:
                last = await reader.read(file, self._job, lambda part: entries.extend(part["entries"]))
        except (UnreadableFileError, reader.ReaderError) as unreadable:
            record |= {"finished": True, "faulty": 1, "faults": [{"row": 0, "fault": str(unreadable)}]}
            await self._write(inbox_file, record)
            self._log.warning("inbox file not read", file=printable_name(inbox_file.name), reason=str(unreadable))
            return None
        done = previous.get("done")
        if previous.get("content") == last["content"] and isinstance(done, int) and 0 <= done <= len(entries):
            record = {**record, **previous, "stamp": inbox_file.stamp}
        record |= {"content": last["content"], "rows": len(entries)}
        opened = _OpenFile(inbox_file, entries, record)
        opened.held = await self._executor.run(partial(self._recorded_as_held, opened))
        return opened

    def _recorded_as_held(self, opened: _OpenFile) -> list[_Row]:
        numbers = {held["row"] for held in opened.record["held"]}
        entries = [entry for entry in opened.entries[: opened.record["done"]] if "content" in entry]
        return [self._row(opened, entry) for entry in entries if entry["row"] in numbers]

    def _rows(self, current: _OpenFile) -> list[_Row]:
        """Make events of the next rows; those that make none are left out, and recorded when the others are settled."""
        begin = current.record["done"]
        current.following = min(begin + ROWS_PER_READ, len(current.entries))
        found = []
        for entry in current.entries[begin : current.following]:
            if "fault" in entry:
                continue
            row = self._row(current, entry)
            if row.occurrence.fault:
                entry["fault"] = row.occurrence.fault
            else:
                found.append(row)
        return found

    def _row(self, current: _OpenFile, entry: Mapping[str, Any]) -> _Row:
        row = orjson.loads(entry["content"])
        scope = {"connection": self._manifest.tables, "row": row}
        identity = f"{current.record['content']}/{entry['row']}"
        return _Row(entry["row"], self._mapping.occurrence(scope, None, row, identity=identity))

    async def _advance(self, current: _OpenFile, held: list[_Row]) -> None:
        """Record that the rows that were read last are done, or set aside."""
        before = current.record
        faulty = [entry for entry in current.entries[before["done"] : current.following] if "fault" in entry]
        shown = [{key: value for key, value in entry.items() if key != "content"} for entry in faulty]
        changed = {
            "done": current.following,
            "faulty": before["faulty"] + len(faulty),
            "faults": [*before["faults"], *shown][:MAX_FAULTS],
        }
        await self._record(current, held, changed)
        current.reading = []
        if current.following < len(current.entries):
            return
        record = current.record
        log = self._log.warning if record["faulty"] or current.held else self._log.info
        log(
            "inbox file published",
            file=printable_name(current.file.name),
            rows=record["rows"],
            faulty=record["faulty"],
            held=len(current.held),
        )
        self._open = None
        current.entries = []
        if current.held:
            self._aside[current.file] = current

    async def _record(self, opened: _OpenFile, held: list[_Row], changed: Mapping[str, Any] | None = None) -> None:
        """Write beside a file how far it has come, and then go by it."""
        record = {**opened.record, **(changed or {}), "held": [{"row": row.number} for row in held]}
        record["finished"] = record["done"] >= record["rows"] and not held
        await self._write(opened.file, record)
        opened.record, opened.held = record, held
        if record["finished"]:
            self._done.add(opened.file)

    async def _write(self, inbox_file: InboxFile, record: Mapping[str, Any]) -> None:
        if self.writes_records:
            await self._inbox.write_sidecar(inbox_file, self._ending, orjson.dumps(record, option=REPORT_OPTIONS))


def _new_record(inbox_file: InboxFile, content: str) -> dict[str, Any]:
    """Make the record of a file of which nothing was published."""
    progress = {"finished": False, "rows": 0, "done": 0, "faulty": 0, "faults": [], "held": []}
    return {"file": printable_name(inbox_file.name), "content": content, "stamp": inbox_file.stamp, **progress}


def _not_accepted(rows: list[_Row], accepted: Collection[str]) -> list[_Row]:
    return [row for row in rows if row.occurrence.id not in accepted]
