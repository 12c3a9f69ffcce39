"""Feeds a service from a folder: each row of each file that is dropped becomes one call, in the name of the office's system.

No row is lost and none is sent twice. How far a file has come is written beside it after every `AT_ONCE` rows, in the report; what was
on its way when the process died is asked again under the same `Idempotency-Key`, so that the bus gives the first answer. The key is made
of the file's name and the request, so a file that is dropped again with some rows mended sends those alone (within the day for which
the bus keeps keys). The same content under another name is not sent at all. A bus that is away, a provider that is
down and a quota that is spent are waited for; what is refused otherwise stands in the report, by row and code and without a value.
"""

import asyncio
import uuid
from dataclasses import asdict
from typing import Any

import aiohttp
import orjson
import structlog

from lgsp_adapters.connectors.rows.connector import RowRequests
from lgsp_adapters.host.identity import SystemIdentity
from lgsp_adapters.inboxes import shrink_guard
from lgsp_adapters.inboxes.inbox import open_inbox
from lgsp_adapters.inboxes.inbox_file import REPORT_SUFFIX, FileNotReadyError, InboxFile, InboxUnavailableError
from lgsp_adapters.inboxes.stable_files import StableFiles
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.renewed_token import Lease, RenewedToken
from lgsp_adapters.subprocess_reader import reader
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.text.comparison import printable_name
from lgsp_problems import Refusal
from lgsp_runtime.background import Background, Task
from lgsp_runtime.error_frames import frames

AT_ONCE = 16
"""Calls that are under way at the same time."""

KEYS = uuid.UUID("7d1f0c52-9a55-4b0e-8f0e-2f6f3f1b6a11")
MARGIN_SECONDS = 10.0
LONGEST_WAIT = 60.0
AWAY = (429, 503)


MAX_FAULTS = 1000
"""That a report names; what comes on top is counted."""


class RowImporter:
    """One folder and the service that it feeds."""

    def __init__(self, requests: RowRequests, manifest: Manifest, identity: SystemIdentity) -> None:
        self.background = Background()
        self._requests = requests
        self._inbox = open_inbox(manifest)
        self._service = manifest.service
        self._stable_files = StableFiles(self._inbox, manifest.document["files"]["pattern"], service=manifest.service)
        self._identity = identity
        self._token: RenewedToken[str, None] = RenewedToken(self._take_token)
        self._job = {
            "parser": "lgsp_adapters.connectors.rows.file_parser",
            "name": manifest.place.name,
            "text": manifest.place.text,
            "layout": asdict(requests.layout),
            "request": manifest.document["request"],
            "schema": requests.operation.request.document,
            "connection": manifest.tables,
        }
        self._done: set[InboxFile] = set()
        self._contents: dict[str, str] = {}
        self._unavailable = ""
        self._importing: Task | None = None
        self._log = structlog.get_logger().bind(service=manifest.service)

    async def start(self) -> None:
        """Feed from now on."""
        self._session = self._identity.session(base_url=self._identity.gateway)
        self._importing = self.background.run_every(
            f"import of rows for {self._service}", self._stable_files.pause, self._poll, within=None
        )

    async def stop(self) -> None:
        """Stop; what is under way is asked again at the next start, and happens once."""
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
        """Feed what is there and was not fed yet. What is wrong with one file keeps no other from being fed."""
        try:
            settled = await self._stable_files.stable()
            self._done.intersection_update(settled)
            for inbox_file in settled:
                if inbox_file not in self._done and await self._is_done(inbox_file):
                    self._done.add(inbox_file)
            self._unavailable = ""
        except InboxUnavailableError as unavailable:
            if str(unavailable) != self._unavailable:
                self._log.warning("inbox unavailable", reason=str(unavailable), frames=frames(unavailable))
            self._unavailable = str(unavailable)

    async def _is_done(self, inbox_file: InboxFile) -> bool:
        """Feed a file. Is it done with? One that changes meanwhile is not.

        Raises:
            InboxUnavailableError: nothing is known of it then.
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
            said = {**_new_report(inbox_file, ""), "finished": True}
            fault = f"it cannot be imported ({type(error).__name__}); the adapter's log says where"
            await self._write(inbox_file, {**said, "faults": [{"row": 0, "fault": fault}]})
        return True

    async def _import_file(self, inbox_file: InboxFile) -> None:
        """All rows of a file that were not fed yet."""
        before = shrink_guard.parse_sidecar(await self._inbox.read_sidecar(inbox_file, REPORT_SUFFIX))
        if before.get("finished") is True and before.get("stamp") == inbox_file.stamp:
            self._contents.setdefault(str(before.get("content", "")), inbox_file.name)
            return
        requests: list[dict[str, Any]] = []
        whole = ""
        try:
            async with self._inbox.opened(inbox_file) as file:
                last = await reader.read(file, self._job, lambda part: requests.extend(part["requests"]))
            content = str(last["content"])
        except UnreadableFileError as unreadable:
            whole = str(unreadable)
        except reader.ReaderError as broke:
            self._log.error(
                "file reader failed", file=printable_name(inbox_file.name), error=broke.error, frames=broke.frames
            )
            whole = str(broke)
        if whole:
            said = {**_new_report(inbox_file, ""), "faults": [{"row": 0, "fault": whole}]}
            requests = []
        else:
            said = _continued_report(before, inbox_file, content, len(requests))
            if said["finished"]:
                self._contents.setdefault(content, inbox_file.name)
                return
            if self._contents.setdefault(content, inbox_file.name) != inbox_file.name:
                said |= {"done": len(requests), "sameAs": printable_name(self._contents[content])}
        said["rows"] = len(requests)
        await self._send(inbox_file, said, requests)
        said["finished"] = True
        await self._write(inbox_file, said)
        log = self._log.warning if said["faults"] else self._log.info
        log(
            "inbox file imported",
            file=printable_name(inbox_file.name),
            rows=len(requests),
            sent=said["sent"],
            faults=len(said["faults"]),
        )

    async def _send(self, inbox_file: InboxFile, said: dict[str, Any], requests: list[dict[str, Any]]) -> None:
        name = inbox_file.name.encode("utf-8", "surrogateescape")
        name_of_keys = inbox_file.name if name.decode("utf-8", "replace") == inbox_file.name else name.decode("latin-1")
        while said["done"] < len(requests):
            begin = said["done"]
            part = requests[begin : begin + AT_ONCE]
            found = await asyncio.gather(*(self._import_row(request, name_of_keys) for request in part))
            faults = [
                {"row": begin + number, "line": part[number - 1]["line"], **fault}
                for number, fault in enumerate(found, 1)
                if fault
            ]
            said["faults"] = [*said["faults"], *faults][:MAX_FAULTS]
            said["sent"] += len(part) - len(faults)
            said["done"] += len(part)
            if said["done"] < len(requests):
                await self._write(inbox_file, said)

    async def _write(self, inbox_file: InboxFile, said: dict[str, Any]) -> None:
        await self._inbox.write_sidecar(inbox_file, REPORT_SUFFIX, orjson.dumps(said, option=orjson.OPT_INDENT_2))

    async def _import_row(self, request: dict[str, Any], name: str) -> dict[str, str] | None:
        """What is wrong with a row, or nothing when its call was answered."""
        if "fault" in request:
            column = {"column": request["column"]} if request.get("column") else {}
            return {**column, "fault": request["fault"]}
        body, key = request["body"].encode(), str(uuid.uuid5(KEYS, f"{name}/{request['said']}"))
        pause = 0.5
        while True:
            told = await self._call_service(body, key)
            if not isinstance(told, float):
                return told
            await asyncio.sleep(told or pause)
            pause = min(pause * 2, LONGEST_WAIT)

    async def _call_service(self, body: bytes, key: str) -> dict[str, str] | float | None:
        """Nothing for an answer, a fault for a refusal, or the seconds to wait before it is asked again (0: as long as seems fit)."""
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
        if answer.status in AWAY or "Retry-After" in answer.headers:
            self._log.warning("row not sent, trying again", code=code)
            after = answer.headers.get("Retry-After", "")
            return min(float(after), LONGEST_WAIT) if after.isdigit() else 0.0
        return {"fault": code, "message": answer.headers.get("Lgsp-Message-Id", "")}

    async def _take_token(self, _: None) -> Lease[str]:
        token = await self._identity.token()
        return Lease(token.value, token.left)


def _continued_report(said: dict[str, Any], inbox_file: InboxFile, content: str, rows: int) -> dict[str, Any]:
    """What the report beside a file says of this content, or the beginning of one. Others write there, so it is looked at twice."""
    counts = [said.get(name) for name in ("done", "sent", "rows")]
    right = all(isinstance(count, int) and 0 <= count <= rows for count in counts)
    if said.get("content") == content and right and isinstance(said.get("faults"), list):
        return {**said, "finished": said.get("finished") is True, "stamp": inbox_file.stamp}
    return _new_report(inbox_file, content)


def _new_report(inbox_file: InboxFile, content: str) -> dict[str, Any]:
    """A report on a file of which nothing was fed."""
    begun = {"finished": False, "rows": 0, "done": 0, "sent": 0, "faults": []}
    return {"file": printable_name(inbox_file.name), "content": content, "stamp": inbox_file.stamp, **begun}


def _problem_code(content: bytes) -> str:
    """The code of a problem document."""
    try:
        return str(orjson.loads(content)["code"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "unintelligible"
