"""Plays working days on the demo bus: each call, event and message goes through the bus's own API with the keys of the demo's systems."""

import asyncio
import contextlib
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import orjson

from lgsp_contracts import catalog as catalogs
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.local.traffic import day as days
from lgsp_gateway.local.traffic.day import Action, Birth, Call, Document, DossierStep, Fault
from lgsp_gateway.local.traffic.system_client import SystemClient

WORKERS = 64
"""Requests at the same time, at most: what is slow keeps some of them busy, and the others go on."""
SECONDS = 30.0
"""How long one request may take."""
_SUBSCRIPTIONS = (
    ("tiem-chung", "civil-registration", "birth-registered", "lien-thong-khai-sinh", ("vaccination", "register-child")),
    (
        *("cong-dvcqg", "one-stop-dossiers", "dossier-changed", "dong-bo-ho-so"),
        ("national-portal", "synchronize-dossier"),
    ),
)
"""Who receives which events for which purpose, by which operation of its own."""
_BIRTH_COLUMNS = (
    *("so_dang_ky", "ngay_dang_ky", "noi_dang_ky", "so_dinh_danh", "ho_ten", "ngay_sinh", "gioi_tinh", "noi_sinh"),
    *("me_ho_ten", "me_so_dinh_danh", "cap_nhat"),
)


@dataclass(frozen=True, slots=True)
class DemoBus:
    """The running demo: the gateway's address, those of its sandbox servers by name, and its folder."""

    url: str
    sandboxes: Mapping[str, str]
    state: StateDir


class TrafficPlayer:
    """Plays one day after another.

    Args:
        seed: the same seed plays the same days.
        report: is told what begins and ends.
    """

    def __init__(self, bus: DemoBus, seed: int, report: Callable[[str], None]) -> None:
        self._bus = bus
        self._seed = seed
        self._report = report
        self._examples = catalogs.load(catalogs.shipped_folder())
        self._clients: dict[str, SystemClient] = {}
        self._run = uuid.uuid4().hex[:6]
        """Tells the births, dossiers and documents of this run from those that are there."""

    async def play(self) -> None:
        """Play until it is cancelled. What has gone wrong in a system behind an adapter ends with it."""
        queue: asyncio.Queue[Action] = asyncio.Queue(maxsize=10 * WORKERS)
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(self._bus.url, timeout=timeout) as session:
            try:
                await self._subscribe(session)
                await asyncio.gather(self._plan(queue), *(self._work(session, queue) for _ in range(WORKERS)))
            finally:
                await self._end_faults(session)

    async def _plan(self, queue: "asyncio.Queue[Action]") -> None:
        """Put each action into the queue when its time comes; what no worker is free for is left out."""
        number, began, played = 0, time.monotonic(), 0
        while True:
            for minute in days.day(self._seed, number):
                for line in minute.words:
                    self._report(line)
                for position, action in enumerate(minute.actions):
                    due = began + (played + position / len(minute.actions)) / days.MINUTES_PER_SECOND
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    with contextlib.suppress(asyncio.QueueFull):
                        queue.put_nowait(action)
                played += 1
                await asyncio.sleep(max(0.0, began + played / days.MINUTES_PER_SECOND - time.monotonic()))
            number += 1

    async def _work(self, session: aiohttp.ClientSession, queue: "asyncio.Queue[Action]") -> None:
        while True:
            action = await queue.get()
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):  # a bus that is away comes back
                await self._do(session, action)

    async def _do(self, session: aiohttp.ClientSession, action: Action) -> None:
        match action:
            case Call():
                await self._call(session, action)
            case Birth():
                await asyncio.to_thread(self._register_birth, action.number)
            case DossierStep():
                await self._publish_dossier(session, action.number)
            case Document():
                await self._send_document(session, action.number)
            case Fault():
                await self._set_fault(session, action)

    def _client(self, session: aiohttp.ClientSession, system: str) -> SystemClient:
        if system not in self._clients:
            key = self._bus.state.credentials / f"{system}.pem"
            self._clients[system] = SystemClient(session, self._bus.url, system, key)
        return self._clients[system]

    def _example(self, service: str, operation: str) -> Any:
        return self._examples[service, 1].operations[operation].example.request

    async def _call(self, session: aiohttp.ClientSession, call: Call) -> None:
        path = f"/services/{call.service}/v1/{call.operation}"
        headers = {"Lgsp-Purpose": call.purpose}
        await self._client(session, call.system).send(
            "POST", path, self._example(call.service, call.operation), **headers
        )

    async def _publish_dossier(self, session: aiohttp.ClientSession, number: int) -> None:
        service, event = "one-stop-dossiers", "dossier-changed"
        example = self._examples[service, 1].events[event].example
        data = {**example, "maHoSo": f"H49.14-261127-{number % 10_000:04}"}
        headers = {
            "ce-specversion": "1.0",
            "ce-id": f"{self._run}-{number}",
            "ce-source": "/systems/mot-cua",
            "ce-type": f"lgsp.{service}.v1.{event}",
        }
        await self._client(session, "mot-cua").send("POST", f"/events/{service}/v1/{event}", data, **headers)

    async def _send_document(self, session: aiohttp.ClientSession, number: int) -> None:
        """Upload a file and send a document with it, without waiting for the other office."""
        client = self._client(session, "van-ban-tai-chinh")
        named = {"Content-Type": "application/pdf", "Content-Disposition": f'attachment; filename="{number}.pdf"'}
        status, content = await client.send("POST", "/files", b"%PDF-1.4\n%%EOF\n", **named)
        if status >= 300:
            return
        example = self._example("documents", "send-document")
        file = {**example["tepDinhKem"][0], "tep": orjson.loads(content)["href"]}
        document = {**example, "maTaiLieu": str(uuid.uuid4()), "soVanBan": str(number % 1000), "tepDinhKem": [file]}
        headers = {"Lgsp-Purpose": "trao-doi-van-ban", "Prefer": "respond-async"}
        await client.send("POST", "/services/documents/v1/send-document", document, **headers)

    def _register_birth(self, number: int) -> None:
        """Write a row as the office's program does."""
        now = datetime.now(VIETNAM)
        born = now - timedelta(days=2)
        values = (
            *(
                f"KS-{self._run}-{number}",
                f"{now:%Y-%m-%d}",
                "Ủy ban nhân dân phường Hạ Long",
                f"0222{number % 10**8:08}",
            ),
            *(
                "Nguyễn Bảo An",
                f"{born:%Y-%m-%d}",
                "NU",
                "Bệnh viện Sản Nhi Quảng Ninh",
                "Trần Thị Bình",
                "022193004321",
            ),
            f"{now:%Y-%m-%d %H:%M:%S}",
        )
        columns, marks = ", ".join(_BIRTH_COLUMNS), ", ".join("?" * len(_BIRTH_COLUMNS))
        with closing(sqlite3.connect(self._bus.state.sandbox / "civil-registration.sqlite", timeout=10)) as connection:
            connection.execute(f"INSERT INTO khai_sinh ({columns}) VALUES ({marks})", values)  # noqa: S608 - our own names
            connection.commit()

    async def _set_fault(self, session: aiohttp.ClientSession, fault: Fault) -> None:
        url = f"{self._bus.sandboxes[fault.sandbox]}/_sandbox/faults"
        method = "POST" if fault.settings else "DELETE"
        async with session.request(method, url, json=dict(fault.settings) or None) as answer:
            await answer.read()

    async def _end_faults(self, session: aiohttp.ClientSession) -> None:
        for sandbox in ("population", "insurance"):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                await self._set_fault(session, Fault(sandbox, {}, ""))

    async def _subscribe(self, session: aiohttp.ClientSession) -> None:
        """Subscribe the receivers of events, where they are not yet."""
        for system, service, event, purpose, (own_service, operation) in _SUBSCRIPTIONS:
            client = self._client(session, system)
            _, content = await client.send("GET", "/subscriptions")
            if event.encode() in content:
                continue
            delivery = {"kind": "adapter", "service": own_service, "major": 1, "operation": operation}
            wish = {"name": event, "service": service, "major": 1, "events": [event], "purpose": purpose}
            await client.send("POST", "/subscriptions", {**wish, "delivery": delivery})
