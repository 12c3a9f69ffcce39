"""Calls a service for each row of each file in an inbox, in the name of the office's system.

No row is lost and none is sent twice. How far a file has come is written beside it after every `CONCURRENT_CALLS` rows, in the report; what was
on its way when the process died is sent again under the same `Idempotency-Key`, so that the bus returns the first answer. The key is made
of the file's name and the request, so a file that is dropped again with some rows corrected sends those alone (within the day for which
the bus keeps keys). The same content under another name is not sent at all. It waits for a bus or a provider that is down
and for a quota that is used up; what is refused otherwise stands in the report, by row and code and without a value.
"""

import asyncio
import uuid
from typing import Any

import aiohttp
import orjson
import structlog

from lgsp_adapters.connectors.rows.connector import RowRequests
from lgsp_adapters.host.identity import SystemIdentity
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
from lgsp_adapters.renewed_token import Lease, RenewedToken
from lgsp_adapters.subprocess_reader import reader
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.text.comparison import printable_name
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.error_frames import frames

CONCURRENT_CALLS = 16
"""Calls in flight at the same time."""

KEYS = uuid.UUID("7d1f0c52-9a55-4b0e-8f0e-2f6f3f1b6a11")
MARGIN_SECONDS = 10.0
LONGEST_WAIT = 60.0
RETRY_STATUSES = (429, 503)


_REFERENCE = ("row", "sheet", "line")
"""Where a row stands in its file."""

MAX_FAULTS = 1000
"""Faults that a report lists; further ones are left out."""


class RowImporter:
    """One inbox and the service that is called for its rows."""

    def __init__(self, requests: RowRequests, manifest: Manifest, identity: SystemIdentity) -> None:
        self.background = Background()
        self._requests = requests
        self._inbox = open_inbox(manifest)
        self._service = manifest.service
        self._stable_files = StableFiles(self._inbox, manifest.document["files"]["pattern"], service=manifest.service)
        self._identity = identity
        self._token: RenewedToken[str, None] = RenewedToken(self._take_token)
        self._job = requests.reading_job
        self._done: set[InboxFile] = set()
        self._contents: dict[str, str] = {}
        self._unavailable = ""
        self._importing: Task | None = None
        self._log = structlog.get_logger().bind(service=manifest.service)

    async def start(self) -> None:
        """Start importing."""
        self._session = self._identity.session(base_url=self._identity.gateway)
        self._importing = self.background.run_every(
            f"import of rows for {self._service}", self._stable_files.pause, self._poll, within=None
        )

    async def stop(self) -> None:
        """Stop; calls under way are repeated at the next start under the same key, and take effect once."""
        if self._importing:
            await self._importing.stop()
        await self.background.stop()
        await self._session.close()
        await self._inbox.close()

    async def take_over(self, changed: "RowImporter") -> None:
        """Let another go on: it starts when this one has stopped, so that no row is under way in both."""
        await self.stop()
        await changed.start()

    async def _poll(self) -> None:
        """Import the files that were not imported yet. A fault in one file keeps no other from being imported."""
        try:
            stable = await self._stable_files.stable()
            self._done.intersection_update(stable)
            for inbox_file in stable:
                if inbox_file not in self._done and await self._is_done(inbox_file):
                    self._done.add(inbox_file)
            self._unavailable = ""
        except InboxUnavailableError as unavailable:
            if str(unavailable) != self._unavailable:
                self._log.warning("inbox unavailable", reason=str(unavailable), frames=frames(unavailable))
            self._unavailable = str(unavailable)

    async def _is_done(self, inbox_file: InboxFile) -> bool:
        """Import a file; return whether it is done, which one that changes meanwhile is not.

        Raises:
            InboxUnavailableError: the state of the file is unknown then.
        """
        try:
            await self._import_file(inbox_file)
        except FileNotReadyError:
            self._stable_files.defer(inbox_file)
            return False
        except InboxUnavailableError:
            raise
        except Exception as error:
            self._log.error(
                "inbox file not imported",
                file=printable_name(inbox_file.name),
                error=type(error).__name__,
                frames=frames(error),
            )
            report = {**_new_report(inbox_file, ""), "finished": True}
            fault = f"it cannot be imported ({type(error).__name__}); the adapter's log says where"
            await self._write(inbox_file, {**report, "faults": [{"row": 0, "fault": fault}]})
        return True

    async def _import_file(self, inbox_file: InboxFile) -> None:
        """Import the rows of a file that were not imported yet."""
        previous = shrink_guard.parse_sidecar(await self._inbox.read_sidecar(inbox_file, REPORT_SUFFIX))
        if previous.get("finished") is True and previous.get("stamp") == inbox_file.stamp:
            self._contents.setdefault(str(previous.get("content", "")), inbox_file.name)
            return
        requests: list[dict[str, Any]] = []
        file_fault = ""
        try:
            async with self._inbox.opened(inbox_file) as file:
                last = await reader.read(file, self._job, lambda part: requests.extend(part["requests"]))
            content = str(last["content"])
        except UnreadableFileError as unreadable:
            file_fault = str(unreadable)
        except reader.ReaderError as reader_error:
            self._log.error(
                "file reader failed",
                file=printable_name(inbox_file.name),
                error=reader_error.error,
                frames=reader_error.frames,
            )
            file_fault = str(reader_error)
        if file_fault:
            report = {**_new_report(inbox_file, ""), "faults": [{"row": 0, "fault": file_fault}]}
            requests = []
        else:
            report = _continued_report(previous, inbox_file, content, len(requests))
            if report["finished"]:
                self._contents.setdefault(content, inbox_file.name)
                return
            if self._contents.setdefault(content, inbox_file.name) != inbox_file.name:
                report |= {"done": len(requests), "sameAs": printable_name(self._contents[content])}
            report |= {"skipped": last["skipped"], "skippedLines": last["skippedLines"]}
        report["rows"] = len(requests)
        await self._send(inbox_file, report, requests)
        report["finished"] = True
        await self._write(inbox_file, report)
        log = self._log.warning if report["faults"] else self._log.info
        log(
            "inbox file imported",
            file=printable_name(inbox_file.name),
            rows=len(requests),
            sent=report["sent"],
            faults=len(report["faults"]),
        )

    async def _send(self, inbox_file: InboxFile, report: dict[str, Any], requests: list[dict[str, Any]]) -> None:
        name = inbox_file.name.encode("utf-8", "surrogateescape")
        name_of_keys = inbox_file.name if name.decode("utf-8", "replace") == inbox_file.name else name.decode("latin-1")
        while report["done"] < len(requests):
            begin = report["done"]
            part = requests[begin : begin + CONCURRENT_CALLS]
            results = await asyncio.gather(*(self._import_row(request, name_of_keys) for request in part))
            faults = [
                {**{name: request[name] for name in _REFERENCE if name in request}, **fault}
                for request, fault in zip(part, results, strict=True)
                if fault
            ]
            report["faults"] = [*report["faults"], *faults][:MAX_FAULTS]
            report["sent"] += len(part) - len(faults)
            report["done"] += len(part)
            if report["done"] < len(requests):
                await self._write(inbox_file, report)

    async def _write(self, inbox_file: InboxFile, report: dict[str, Any]) -> None:
        await self._inbox.write_sidecar(inbox_file, REPORT_SUFFIX, orjson.dumps(report, option=REPORT_OPTIONS))

    async def _import_row(self, request: dict[str, Any], name: str) -> dict[str, str] | None:
        """Import a row; return its fault, or None when its call was answered."""
        if "fault" in request:
            return {name: request[name] for name in ("column", "fault", "manifest") if request.get(name)}
        body, key = request["body"].encode(), str(uuid.uuid5(KEYS, f"{name}/{request['digest']}"))
        pause = 0.5
        while True:
            outcome = await self._call_service(body, key)
            if not isinstance(outcome, float):
                return outcome
            await asyncio.sleep(outcome or pause)
            pause = min(pause * 2, LONGEST_WAIT)

    async def _call_service(self, body: bytes, key: str) -> dict[str, str] | float | None:
        """Call the service; return None for an answer, a fault for a refusal, or the seconds to wait before a retry (0: back off)."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, "Accept-Language": "en"}
        if self._requests.purpose:
            headers["Lgsp-Purpose"] = self._requests.purpose
        timeout = aiohttp.ClientTimeout(total=self._requests.operation.timeout + MARGIN_SECONDS)
        try:
            token = await self._token.get(None)
            headers["Authorization"] = f"Bearer {token}"
            async with self._session.post(self._requests.path, data=body, headers=headers, timeout=timeout) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, ConnectionError, Refusal) as error:
            self._log.warning("row not sent, trying again", error=type(error).__name__, frames=frames(error))
            return 0.0
        if answer.status < 300:
            return None
        code = _problem_code(content)
        if answer.status == 401:
            self._token.refused(token)
            return 0.0
        if answer.status in RETRY_STATUSES or "Retry-After" in answer.headers:
            self._log.warning("row not sent, trying again", code=code)
            after = answer.headers.get("Retry-After", "")
            return min(float(after), LONGEST_WAIT) if after.isdigit() else 0.0
        return {"fault": code, "message": answer.headers.get("Lgsp-Message-Id", "")}

    async def _take_token(self, _: None) -> Lease[str]:
        token = await self._identity.token()
        return Lease(token.value, token.left)


def _continued_report(report: dict[str, Any], inbox_file: InboxFile, content: str, rows: int) -> dict[str, Any]:
    """Continue the report beside a file, or start a new one where it is about another content. Others write there, so it is validated."""
    counts = [report.get(name) for name in ("done", "sent", "rows")]
    plausible = all(isinstance(count, int) and 0 <= count <= rows for count in counts)
    if report.get("content") == content and plausible and isinstance(report.get("faults"), list):
        return {**report, "finished": report.get("finished") is True, "stamp": inbox_file.stamp}
    return _new_report(inbox_file, content)


def _new_report(inbox_file: InboxFile, content: str) -> dict[str, Any]:
    """Make the report on a file of which nothing was imported."""
    progress = {"finished": False, "rows": 0, "done": 0, "sent": 0, "faults": []}
    return {"file": printable_name(inbox_file.name), "content": content, "stamp": inbox_file.stamp, **progress}


def _problem_code(content: bytes) -> str:
    """Return the code of a problem document."""
    try:
        return str(orjson.loads(content)["code"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "unintelligible"
