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

from lgsp_adapters.connectors.rows.connector import Requests
from lgsp_adapters.host.identity import SystemIdentity
from lgsp_adapters.inboxes import shrink_guard
from lgsp_adapters.inboxes.inbox import reached
from lgsp_adapters.inboxes.inbox_file import REPORT, Drop, FolderGone, NotNow
from lgsp_adapters.inboxes.stable_files import Watched
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.renewed_token import Lease, RenewedToken
from lgsp_adapters.subprocess_reader import reader
from lgsp_adapters.tabular.limits import Unreadable
from lgsp_adapters.text.comparison import shown
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


class Feeder:
    """One folder and the service that it feeds."""

    def __init__(self, requests: Requests, manifest: Manifest, identity: SystemIdentity) -> None:
        self.background = Background()
        self._requests = requests
        self._folder = reached(manifest)
        self._service = manifest.service
        self._watched = Watched(self._folder, manifest.document["files"]["pattern"], feeds=manifest.service)
        self._identity = identity
        self._token: RenewedToken[str, None] = RenewedToken(self._taken)
        self._job = {
            "parser": "lgsp_adapters.connectors.rows.file_parser",
            "name": manifest.place.name,
            "text": manifest.place.text,
            "layout": asdict(requests.layout),
            "request": manifest.document["request"],
            "schema": requests.operation.request.document,
            "connection": manifest.tables,
        }
        self._done: set[Drop] = set()
        self._contents: dict[str, str] = {}
        self._gone = ""
        self._feeding: Task | None = None
        self._log = structlog.get_logger().bind(feeds=manifest.service)

    async def start(self) -> None:
        """Feed from now on."""
        self._session = self._identity.session(base_url=self._identity.gateway)
        self._feeding = self.background.every(f"feeding {self._service}", self._watched.pause, self._look, within=None)

    async def stop(self) -> None:
        """Stop; what is under way is asked again at the next start, and happens once."""
        if self._feeding:
            await self._feeding.stop()
        await self.background.stop()
        await self._session.close()
        await self._folder.close()

    async def take_over(self, changed: "Feeder") -> None:
        """Let another go on: it starts when this one has stopped, so that no row is under way in both."""
        await self.stop()
        await changed.start()

    async def _look(self) -> None:
        """Feed what is there and was not fed yet. What is wrong with one file keeps no other from being fed."""
        try:
            settled = await self._watched.settled()
            self._done.intersection_update(settled)
            for drop in settled:
                if drop not in self._done and await self._judged(drop):
                    self._done.add(drop)
            self._gone = ""
        except FolderGone as gone:
            if str(gone) != self._gone:
                self._log.warning("folder not reached", error=str(gone))
            self._gone = str(gone)

    async def _judged(self, drop: Drop) -> bool:
        """Feed a file. Is it done with? One that changes meanwhile is not.

        Raises:
            FolderGone: nothing is known of it then.
        """
        try:
            await self._feed(drop)
        except NotNow:
            self._watched.put_off(drop)
            return False
        except FolderGone:
            raise
        except Exception as error:
            self._log.error("drop not fed", file=shown(drop.name), error=type(error).__name__, frames=frames(error))
            said = {**_beginning(drop, ""), "finished": True}
            fault = f"it cannot be fed ({type(error).__name__}); the adapter's log says where"
            await self._write(drop, {**said, "faults": [{"row": 0, "fault": fault}]})
        return True

    async def _feed(self, drop: Drop) -> None:
        """All rows of a file that were not fed yet."""
        before = shrink_guard.document(await self._folder.beside(drop, REPORT))
        if before.get("finished") is True and before.get("stamp") == drop.stamp:
            self._contents.setdefault(str(before.get("content", "")), drop.name)
            return
        requests: list[dict[str, Any]] = []
        whole = ""
        try:
            async with self._folder.opened(drop) as file:
                last = await reader.read(file, self._job, lambda part: requests.extend(part["requests"]))
            content = str(last["content"])
        except Unreadable as unreadable:
            whole = str(unreadable)
        except reader.ReaderBroke as broke:
            self._log.error("reader broke", file=shown(drop.name), error=broke.error, frames=broke.frames)
            whole = str(broke)
        if whole:
            said = {**_beginning(drop, ""), "faults": [{"row": 0, "fault": whole}]}
            requests = []
        else:
            said = _so_far(before, drop, content, len(requests))
            if said["finished"]:
                self._contents.setdefault(content, drop.name)
                return
            if self._contents.setdefault(content, drop.name) != drop.name:
                said |= {"done": len(requests), "sameAs": shown(self._contents[content])}
        said["rows"] = len(requests)
        await self._send(drop, said, requests)
        said["finished"] = True
        await self._write(drop, said)
        log = self._log.warning if said["faults"] else self._log.info
        log("drop fed", file=shown(drop.name), rows=len(requests), sent=said["sent"], faults=len(said["faults"]))

    async def _send(self, drop: Drop, said: dict[str, Any], requests: list[dict[str, Any]]) -> None:
        name = drop.name.encode("utf-8", "surrogateescape")
        name_of_keys = drop.name if name.decode("utf-8", "replace") == drop.name else name.decode("latin-1")
        while said["done"] < len(requests):
            begin = said["done"]
            part = requests[begin : begin + AT_ONCE]
            found = await asyncio.gather(*(self._fed(request, name_of_keys) for request in part))
            faults = [
                {"row": begin + number, "line": part[number - 1]["line"], **fault}
                for number, fault in enumerate(found, 1)
                if fault
            ]
            said["faults"] = [*said["faults"], *faults][:MAX_FAULTS]
            said["sent"] += len(part) - len(faults)
            said["done"] += len(part)
            if said["done"] < len(requests):
                await self._write(drop, said)

    async def _write(self, drop: Drop, said: dict[str, Any]) -> None:
        await self._folder.write_beside(drop, REPORT, orjson.dumps(said, option=orjson.OPT_INDENT_2))

    async def _fed(self, request: dict[str, Any], name: str) -> dict[str, str] | None:
        """What is wrong with a row, or nothing when its call was answered."""
        if "fault" in request:
            column = {"column": request["column"]} if request.get("column") else {}
            return {**column, "fault": request["fault"]}
        body, key = request["body"].encode(), str(uuid.uuid5(KEYS, f"{name}/{request['said']}"))
        pause = 0.5
        while True:
            told = await self._asked(body, key)
            if not isinstance(told, float):
                return told
            await asyncio.sleep(told or pause)
            pause = min(pause * 2, LONGEST_WAIT)

    async def _asked(self, body: bytes, key: str) -> dict[str, str] | float | None:
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
            self._log.warning("not sent, trying again", error=type(error).__name__)
            return 0.0
        if answer.status < 300:
            return None
        code = _code(content)
        if answer.status == 401:
            self._token.refused(token)
            return 0.0
        if answer.status in AWAY or "Retry-After" in answer.headers:
            self._log.warning("not sent, trying again", code=code)
            after = answer.headers.get("Retry-After", "")
            return min(float(after), LONGEST_WAIT) if after.isdigit() else 0.0
        return {"fault": code, "message": answer.headers.get("Lgsp-Message-Id", "")}

    async def _taken(self, _: None) -> Lease[str]:
        token = await self._identity.token()
        return Lease(token.value, token.left)


def _so_far(said: dict[str, Any], drop: Drop, content: str, rows: int) -> dict[str, Any]:
    """What the report beside a file says of this content, or the beginning of one. Others write there, so it is looked at twice."""
    counts = [said.get(name) for name in ("done", "sent", "rows")]
    right = all(isinstance(count, int) and 0 <= count <= rows for count in counts)
    if said.get("content") == content and right and isinstance(said.get("faults"), list):
        return {**said, "finished": said.get("finished") is True, "stamp": drop.stamp}
    return _beginning(drop, content)


def _beginning(drop: Drop, content: str) -> dict[str, Any]:
    """A report on a file of which nothing was fed."""
    begun = {"finished": False, "rows": 0, "done": 0, "sent": 0, "faults": []}
    return {"file": shown(drop.name), "content": content, "stamp": drop.stamp, **begun}


def _code(content: bytes) -> str:
    """The code of a problem document."""
    try:
        return str(orjson.loads(content)["code"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "unintelligible"
