"""Feeds a service from a folder: each row of each file that is dropped becomes one call, in the name of the office's system.

No row is lost and none is sent twice. How far a file has come is written beside it after every `AT_ONCE` rows, in the report; what was
on its way when the process died is asked again under the same `Idempotency-Key`, so that the bus gives the first answer. The key is made
of the file's name and the request, so a file that is dropped again with some rows mended sends those alone (within the day for which
the bus keeps keys). The same content under another name is not sent at all. A bus that is away, a provider that is
down and a quota that is spent are waited for; what is refused otherwise stands in the report, by row and code and without a value.
"""

import asyncio
import hashlib
import time
import uuid
from collections import Counter
from typing import Any

import aiohttp
import orjson
import structlog

from lgsp_adapters.folders.folder import Drop, FolderGone, reached
from lgsp_adapters.folders.watching import Watched
from lgsp_adapters.kinds import tables
from lgsp_adapters.kinds.rows import BadRow, Requests
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.renewed_token import Lease, RenewedToken
from lgsp_adapters.serving.identity import SystemIdentity
from lgsp_problems import Refusal

AT_ONCE = 16
"""Calls that are under way at the same time."""

KEYS = uuid.UUID("7d1f0c52-9a55-4b0e-8f0e-2f6f3f1b6a11")
MARGIN_SECONDS = 10.0
LONGEST_WAIT = 60.0
AWAY = (429, 503)


class Feeder:
    """One folder and the service that it feeds."""

    def __init__(self, requests: Requests, manifest: Manifest, identity: SystemIdentity) -> None:
        self._requests = requests
        self._folder = reached(manifest)
        self._watched = Watched(self._folder, manifest.document["files"]["pattern"])
        self._identity = identity
        self._token: RenewedToken[str, None] = RenewedToken(self._taken)
        self._done: set[Drop] = set()
        self._contents: dict[str, str] = {}
        self._feeding: asyncio.Task[None] | None = None
        self._log = structlog.get_logger().bind(feeds=manifest.service)

    async def start(self) -> None:
        """Feed from now on."""
        self._session = aiohttp.ClientSession(self._identity.gateway)
        self._feeding = asyncio.create_task(self._feed_on())

    async def stop(self) -> None:
        """Stop; what is under way is asked again at the next start, and happens once."""
        if self._feeding:
            self._feeding.cancel()
            await asyncio.wait([self._feeding])
        await self._session.close()
        await self._folder.close()

    async def take_over(self, changed: "Feeder") -> None:
        """Let another go on: it starts when this one has stopped, so that no row is under way in both."""
        await self.stop()
        await changed.start()

    async def _feed_on(self) -> None:
        while True:
            try:
                settled = await self._watched.settled()
                self._done.intersection_update(settled)
                for drop in settled:
                    if drop not in self._done:
                        await self._feed(drop)
                        self._done.add(drop)
            except FolderGone as gone:
                self._log.warning("folder not reached", error=str(gone))
            await asyncio.sleep(self._folder.look_seconds)

    async def _feed(self, drop: Drop) -> None:
        """All rows of a file that were not fed yet."""
        try:
            async with self._folder.local(drop) as path:
                content = await asyncio.to_thread(lambda: hashlib.sha256(path.read_bytes()).hexdigest())
                said = await self._said(drop, content)
                if said["finished"]:
                    self._contents.setdefault(content, drop.name)
                    return
                rows = await asyncio.to_thread(tables.read, path, self._requests.layout)
                told = await asyncio.to_thread(self._told, drop.name, rows)
        except tables.Unreadable as unreadable:
            said["faults"] = [{"row": 0, "fault": str(unreadable)}]
            told = []
        except OSError as error:  # it was taken away again
            raise FolderGone(type(error).__name__) from None
        said["rows"] = len(told)
        if self._contents.setdefault(content, drop.name) != drop.name:
            said |= {"done": len(told), "sameAs": self._contents[content]}
        while said["done"] < len(told):
            begin = said["done"]
            part = told[begin : begin + AT_ONCE]
            found = await asyncio.gather(*(self._fed(body, key) for body, key in part))
            faults = [{"row": begin + number, **fault} for number, fault in enumerate(found, 1) if fault]
            said["faults"] += faults
            said["sent"] += len(part) - len(faults)
            said["done"] += len(part)
            if said["done"] < len(told):
                await self._write(drop, said)
        said["finished"] = True
        await self._write(drop, said)
        log = self._log.warning if said["faults"] else self._log.info
        log("drop fed", file=drop.name, rows=len(told), sent=said["sent"], faults=len(said["faults"]))

    async def _said(self, drop: Drop, content: str) -> dict[str, Any]:
        """What the report beside a file says of this content, or the beginning of one."""
        report = await self._folder.report(drop)
        try:
            said: Any = orjson.loads(report or b"{}")
        except orjson.JSONDecodeError:
            said = {}
        if isinstance(said, dict) and said.get("content") == content:
            return said
        return {"file": drop.name, "content": content, "finished": False, "rows": 0, "done": 0, "sent": 0, "faults": []}

    async def _write(self, drop: Drop, said: dict[str, Any]) -> None:
        await self._folder.write_report(drop, orjson.dumps(said, option=orjson.OPT_INDENT_2))

    def _told(self, name: str, rows: list[tables.Row]) -> list[tuple[bytes | BadRow, str]]:
        """What each row is made into, and its key: rows that say the same are told apart by how often it was said before."""
        found: list[tuple[bytes | BadRow, str]] = []
        seen: Counter[str] = Counter()
        for row in rows:
            try:
                body = self._requests.made(row)
            except BadRow as bad:
                found.append((bad, ""))
                continue
            digest = hashlib.sha256(body).hexdigest()
            found.append((body, str(uuid.uuid5(KEYS, f"{name}/{digest}/{seen[digest]}"))))
            seen[digest] += 1
        return found

    async def _fed(self, body: bytes | BadRow, key: str) -> dict[str, str] | None:
        """What is wrong with a row, or nothing when its call was answered."""
        if isinstance(body, BadRow):
            return {"fault": str(body)}
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
        return Lease(token.value, token.expires - time.time())


def _code(content: bytes) -> str:
    """The code of a problem document."""
    try:
        return str(orjson.loads(content)["code"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "unintelligible"
