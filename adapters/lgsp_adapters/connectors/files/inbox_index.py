"""The newest good file of a folder, as an index in memory that answers look-ups.

No file stops the polling: whatever is wrong with a file stands in a report beside it, in the log with the frames of the
error, and in the health of the adapter; then the next file is taken. After a restart the file that answered before answers first, and what
came since is examined again.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import structlog

from lgsp_adapters.inboxes import shrink_guard
from lgsp_adapters.inboxes.inbox import open_inbox
from lgsp_adapters.inboxes.inbox_file import (
    REPORT_OPTIONS,
    REPORT_SUFFIX,
    FileNotReadyError,
    InboxFile,
    InboxUnavailableError,
)
from lgsp_adapters.inboxes.stable_files import StableFiles
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.subprocess_reader import reader
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.tabular.table import describe
from lgsp_adapters.text.comparison import printable_name
from lgsp_contracts.time_zone import VIETNAM
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.error_frames import frames

REACH_SECONDS = 5.0
"""How long a start waits for the folder to be listed."""

READ_SECONDS = 30.0
"""How long it waits, then, for what lies there to be read: a changed manifest goes on where the one before answered."""

MOST = 1000
"""Files, the newest ones, that are of interest."""

REMEMBERED = 20
"""Reports that are read after a restart, to find out which file answered before."""

EXPLAINED = 20
"""Faults of a file that a terminal shows; its report has them all."""

TRIES = 5
"""Files that are tried in one poll."""


class RegisterIndex:
    """Rows as JSON, and where each key leads: bytes, so that a register costs the collector nothing.

    They come as texts and are encoded here: what orjson writes keeps a buffer of a kilobyte or more for each row (seen: 1.6 GB for 200,000
    rows, against 0.1).
    """

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._keys: dict[str, dict[bytes, Sequence[int]]] = {}

    def take(self, part: Mapping[str, Any]) -> None:
        """Add a part of what the reader emits."""
        if "rows" in part:
            self._rows += [str(row).encode() for row in part["rows"]]
            return
        keys = self._keys.setdefault(str(part["operation"]), {})
        for key, numbers in part["keys"]:
            keys[str(key).encode()] = tuple(numbers)

    def rows(self, operation: str, parts: list[str]) -> list[bytes]:
        """Return the rows under a key of an operation, each as JSON."""
        return [self._rows[number] for number in self._keys.get(operation, {}).get(orjson.dumps(parts), ())]


class InboxIndex:
    """The folder of one adapter.

    Args:
        job: of the process that reads a file.
    """

    def __init__(self, manifest: Manifest, job: dict[str, Any]) -> None:
        settings = manifest.document["files"]
        self.index: RegisterIndex | None = None
        self.writes_reports = True
        self.inbox = open_inbox(manifest)
        self.stable_files = StableFiles(self.inbox, settings["pattern"], MOST, service=manifest.service)
        self._share = float(settings.get("shrink", shrink_guard.SHARE))
        self._service = manifest.service
        self._job = job
        self._serving: InboxFile | None = None
        self._newest: InboxFile | None = None
        self._sizes: shrink_guard.Sizes = {}
        self._without_key: Mapping[str, int] = {}
        self._verdicts: dict[InboxFile, str] = {}
        self._older: set[InboxFile] = set()
        self._held: dict[InboxFile, str] = {}
        self._pending_reports: dict[InboxFile, bytes] = {}
        self._waiting: dict[str, Any] = {}
        self._unavailable = ""
        self._faults: dict[InboxFile, list[str]] = {}
        self._listed, self._polled = asyncio.Event(), asyncio.Event()
        self._poll_ended = asyncio.Event()
        self._polling: Task | None = None
        self._log = structlog.get_logger().bind(service=manifest.service)

    async def open(self, background: Background) -> None:
        """Start polling the folder; wait for the first poll, unless the folder is slow to reach."""
        self._polling = background.run_every(
            f"inbox of {self._service}", self.stable_files.pause, self.poll, within=None
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REACH_SECONDS):
                await self._listed.wait()
            async with asyncio.timeout(READ_SECONDS):
                await self._polled.wait()

    async def settle(self) -> None:
        """Wait until the newest file has stopped changing and was read, unless that takes long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.inbox.stable_seconds + READ_SECONDS):
                while self.stable_files.newest_is_growing or not self._polled.is_set():
                    self._poll_ended.clear()
                    await self._poll_ended.wait()

    async def close(self) -> None:
        """Stop polling."""
        if self._polling:
            await self._polling.stop()
        await self.inbox.close()

    @property
    def reason_unavailable(self) -> str:
        """Say why no file answers yet, for the adapter's log."""
        reason = f"; {self._waiting['about']}: {self._waiting['why']}" if self._waiting.get("about") else ""
        return f"the inbox holds no file yet that could be taken{reason}"

    def standing(self) -> Mapping[str, Any]:
        """Tell which file answers, since when and how many rows of it are never found, and which newer one does not and why, with its first faults.

        Times are in seconds since 1970.
        """
        serving = (
            {"file": printable_name(self._serving.name), "since": round(self._serving.modified, 3)}
            if self._serving
            else {}
        )
        without_key = {"withoutKey": self._without_key} if self._without_key else {}
        faults = self._faults.get(self._newest, []) if self._waiting and self._newest else []
        report = {"report": faults[:REPORTED]} if faults else {}
        return {
            "data": {
                **serving,
                "current": bool(serving) and not self._waiting,
                **without_key,
                **self._waiting,
                **report,
            }
        }

    def explain_outdated(self) -> list[str]:
        """Say why the newest file does not answer, and with which faults; no line where it does."""
        if not self._waiting:
            return []
        about, why = self._waiting["about"], self._waiting["why"]
        lines = [f"{about}: {why}" if about else why]
        if self._newest and self._newest in self._faults:
            lines += self._faults[self._newest]
        return lines

    async def poll(self) -> None:
        """Poll the folder once, and load the newest file that can be taken."""
        try:
            await self._poll()
        except InboxUnavailableError as unavailable:
            if str(unavailable) != self._unavailable:
                self._log.warning("inbox unavailable", reason=str(unavailable), frames=frames(unavailable))
            self._unavailable = str(unavailable)
            self._set_waiting("unreachable", str(unavailable))
        else:
            self._unavailable = ""
        finally:
            self._listed.set()
            self._polled.set()
            self._poll_ended.set()

    async def _poll(self) -> None:
        stable = await self.stable_files.stable()
        self._listed.set()
        self._newest = stable[-1] if stable else None
        await self._write_pending_reports()
        if self._serving is None and stable:
            await self._restore(stable)
        self._verdicts = {
            inbox_file: self._verdicts[inbox_file] for inbox_file in stable if inbox_file in self._verdicts
        }
        self._faults = {inbox_file: self._faults[inbox_file] for inbox_file in stable if inbox_file in self._faults}
        tries = 0
        for inbox_file in reversed(stable):
            if inbox_file == self._serving:
                break
            if inbox_file in self._verdicts and not await self._is_accepted(inbox_file):
                continue
            await self._load(inbox_file)
            tries += 1
            if inbox_file == self._serving or tries == TRIES:
                break
        self._update_waiting()
        await self._report_older_files(stable)

    def _update_waiting(self) -> None:
        """Record why the newest file is not served, if it is not."""
        newest = self._newest
        if newest is None and self.stable_files.growing:
            self._set_waiting("settling", printable_name(self.stable_files.growing))
        elif self.stable_files.deferred:
            self._set_waiting("unread", printable_name(self.stable_files.deferred))
        elif newest is None and self._serving is None:
            self._set_waiting("no file", "")
        elif newest is None or newest == self._serving:
            self._waiting = {}
        elif newest in self._verdicts:
            self._set_waiting(self._verdicts[newest], printable_name(newest.name))

    async def _restore(self, stable: Sequence[InboxFile]) -> None:
        """After a restart: what answered before, and how large the register was, as the reports say."""
        for inbox_file in reversed(stable[-REMEMBERED:]):
            report = shrink_guard.parse_sidecar(await self.inbox.read_sidecar(inbox_file, REPORT_SUFFIX))
            self._sizes = self._sizes or shrink_guard.register_sizes(report)
            if report.get("taken") is True and report.get("stamp") == inbox_file.stamp:
                await self._load(inbox_file, again=True)
                if self._serving:
                    break

    async def _is_accepted(self, inbox_file: InboxFile) -> bool:
        return inbox_file in self._held and await shrink_guard.is_accepted(
            self.inbox, inbox_file, self._held[inbox_file]
        )

    async def _load(self, inbox_file: InboxFile, *, again: bool = False) -> None:
        """Load a file and answer from it, or report why it is not taken.

        Args:
            again: the file was served before this process started.

        Raises:
            InboxUnavailableError: the state of the file is unknown then.
        """
        index, content = RegisterIndex(), ""
        result: dict[str, Any] = {"rows": 0, "faults": []}
        try:
            async with self.inbox.opened(inbox_file) as file:
                result = await reader.read(file, self._job, index.take)
            content = str(result["content"])
            hold_reason = "" if result["faults"] or again else await self._reason_to_hold(inbox_file, result, content)
        except FileNotReadyError:
            self.stable_files.defer(inbox_file)
            return
        except UnreadableFileError as unreadable:
            hold_reason, result["faults"] = "", [_file_fault(str(unreadable))]
        except reader.ReaderError as reader_error:
            self._log.error(
                "file reader failed",
                file=printable_name(inbox_file.name),
                error=reader_error.error,
                frames=reader_error.frames,
            )
            hold_reason, result["faults"] = "", [_file_fault(str(reader_error))]
        except InboxUnavailableError:
            raise
        except Exception as error:
            self._log.error(
                "inbox file not read",
                file=printable_name(inbox_file.name),
                error=type(error).__name__,
                frames=frames(error),
            )
            hold_reason, result["faults"] = (
                "",
                [_file_fault(f"it cannot be read ({type(error).__name__}); the adapter's log says where")],
            )
        if hold_reason:
            result["why"] = hold_reason
            result["faults"] = [
                _file_fault(f"{hold_reason}; check it, then accept it with: lgsp adapter accept MANIFEST FILE")
            ]
            self._held[inbox_file] = content
        verdict = "held" if hold_reason else "refused" if result["faults"] else "taken"
        self._verdicts[inbox_file] = verdict
        self._faults[inbox_file] = [describe(fault) for fault in result["faults"][:EXPLAINED]]
        if verdict == "taken":
            self.index, self._serving, self._sizes = index, inbox_file, result["sizes"]
            self._without_key = result["withoutKey"]
        self._update_waiting()
        await self._report(inbox_file, verdict, result, content)

    async def _reason_to_hold(self, inbox_file: InboxFile, result: Mapping[str, Any], content: str) -> str:
        reason = shrink_guard.reason_to_hold(result["sizes"], result["rows"], self._sizes, self._share)
        return "" if reason and await shrink_guard.is_accepted(self.inbox, inbox_file, content) else reason

    async def _report(self, inbox_file: InboxFile, verdict: str, result: Mapping[str, Any], content: str) -> None:
        taken, faults = verdict == "taken", result["faults"]
        log = self._log.info if taken else self._log.warning
        log(f"inbox file {verdict}", file=printable_name(inbox_file.name), rows=result["rows"], faults=len(faults))
        report = {
            "file": printable_name(inbox_file.name),
            "taken": taken,
            "held": verdict == "held",
            "why": result.get("why", ""),
            "rows": result["rows"],
            "withoutKey": result.get("withoutKey", {}),
            "skipped": result.get("skipped", 0),
            "skippedLines": result.get("skippedLines", []),
            "notices": result.get("notices", []),
            "faults": faults,
            "register": self._sizes,
            "content": content,
            "stamp": inbox_file.stamp,
        }
        await self._write_report(inbox_file, report)

    async def _report_older_files(self, stable: Sequence[InboxFile]) -> None:
        """Report the files that came since and are not taken because the one that answers is newer, each once."""
        serving = self._serving
        if serving is None or serving not in stable:
            return
        older = stable[: stable.index(serving)]
        unknown = [inbox_file for inbox_file in older if inbox_file not in self._older | self._verdicts.keys()]
        self._older = set(older)
        for inbox_file in unknown[-REMEMBERED:]:
            report = shrink_guard.parse_sidecar(await self.inbox.read_sidecar(inbox_file, REPORT_SUFFIX))
            if report.get("stamp") != inbox_file.stamp:
                why = f"not taken: {printable_name(serving.name)} is newer"
                why += f" (modified {_local_time(serving)}, this file {_local_time(inbox_file)}); to use this file, save it again"
                self._log.warning(
                    "inbox file older", file=printable_name(inbox_file.name), newer=printable_name(serving.name)
                )
                head = {"file": printable_name(inbox_file.name), "taken": False, "held": False, "why": why}
                await self._write_report(inbox_file, {**head, "faults": [], "stamp": inbox_file.stamp})

    async def _write_report(self, inbox_file: InboxFile, report: Mapping[str, Any]) -> None:
        if self.writes_reports:
            self._pending_reports[inbox_file] = orjson.dumps(report, option=REPORT_OPTIONS)
            await self._write_pending_reports()

    async def _write_pending_reports(self) -> None:
        """Write the reports that could not be written yet; one that cannot keeps nothing else from being done."""
        for inbox_file, content in list(self._pending_reports.items()):
            try:
                await self.inbox.write_sidecar(inbox_file, REPORT_SUFFIX, content)
            except InboxUnavailableError as unavailable:
                if len(self._pending_reports) > REMEMBERED:
                    del self._pending_reports[inbox_file]
                self._log.warning(
                    "report not written",
                    file=printable_name(inbox_file.name),
                    reason=str(unavailable),
                    frames=frames(unavailable),
                )
                return
            del self._pending_reports[inbox_file]

    def _set_waiting(self, why: str, about: str) -> None:
        if self._waiting.get("why") != why or self._waiting.get("about") != about:
            self._waiting = {"why": why, "about": about, "whySince": round(time.time(), 3)}


def _local_time(inbox_file: InboxFile) -> str:
    return datetime.fromtimestamp(inbox_file.modified, VIETNAM).isoformat(" ", "seconds")


def _file_fault(fault: str) -> dict[str, Any]:
    return {"row": 0, "fault": fault}


REPORTED = 10
"""Faults of a file that operations see; the report beside the file has all."""
