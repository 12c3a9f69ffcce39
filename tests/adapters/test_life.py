"""Adapters as processes before a system that fails: copies that are killed, manifests that change, systems that go away."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio
import yaml
from aiohttp import web
from support.preloaded import Preloaded
from support.waits import eventually, until_set
from support.workbench import CONTRACTS, Workbench

MANIFEST = {
    "service": "desk",
    "major": 1,
    "system": "provider",
    "kind": "http",
    "connection": {"url": ""},
    "operations": {
        name: {"path": "/ask/{request.soDinhDanh}", "answer": {"ketQua": "answer.said"}}
        for name in CONTRACTS[0]["operations"]  # type: ignore[attr-defined]
    },
}


class Office:
    """The system behind: answers after a moment, counts who asks, and can go away."""

    def __init__(self, folder: Path, bus: Workbench) -> None:
        self.folder = folder
        self.bus = bus
        self.asked = 0
        self.delay = 0.03
        self.copies: list[Preloaded] = []
        self.port = 0

    async def open(self) -> None:
        self.folder.mkdir(exist_ok=True)
        app = web.Application()
        app.router.add_get("/ask/{number}", self._answer)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.port = self.runner.addresses[0][1]

    async def _answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.delay)
        return web.json_response({"said": "KHOP"})

    def write(self, answer: str = "answer.said") -> Path:
        document = json.loads(json.dumps(MANIFEST).replace("answer.said", answer))
        document["connection"]["url"] = f"http://127.0.0.1:{self.port}"
        path = self.folder / "adapter.yaml"
        (self.folder / "unfinished").write_text(yaml.safe_dump(document))
        (self.folder / "unfinished").rename(path)
        return path

    async def copy(self) -> Preloaded:
        (self.folder / "keys").mkdir(exist_ok=True)
        (self.folder / "keys/provider.pem").write_bytes(self.bus.keys["provider"].to_pem())
        command = ["adapter", "run", str(self.folder / "adapter.yaml"), "--nats", self.bus.nats_url]
        command += ["--gateway", f"http://127.0.0.1:{self.bus.port}", "--keys", str(self.folder / "keys")]
        shutil.copytree(self.bus.catalog_folder, self.folder / "catalog", dirs_exist_ok=True)
        command += ["--catalog", str(self.folder / "catalog")]
        found = Preloaded(command, self.folder / f"copy-{len(self.copies)}.log")
        await found.start()
        self.copies.append(found)
        return found

    async def load(self, callers: int, until: asyncio.Event, operation: str = "read") -> list[int]:
        """Call again and again; the statuses of the answers."""
        statuses: list[int] = []

        async def caller() -> None:
            for _ in until_set(until):
                got = await self.bus.call(operation)
                statuses.append(got.status)

        await asyncio.gather(*(caller() for _ in range(callers)))
        return statuses


@pytest_asyncio.fixture
async def office(tmp_path: Path, bus: Workbench) -> AsyncIterator[Office]:
    found = Office(tmp_path, bus)
    await found.open()
    found.write()
    yield found
    for copy in found.copies:
        await copy.stop()
    await found.runner.cleanup()


async def test_a_copy_that_is_killed_under_load_fails_no_call(office: Office) -> None:
    copies = [await office.copy() for _ in range(3)]
    done = asyncio.Event()
    loading = asyncio.create_task(office.load(24, done))
    for copy in copies[:2]:
        before = office.asked
        async with asyncio.timeout(20):
            while office.asked < before + 200:
                await asyncio.sleep(0.01)
        await copy.kill()
    before = office.asked
    await eventually(lambda: office.asked >= before + 200)
    done.set()
    statuses = await loading
    assert set(statuses) == {200}
    assert len(statuses) > 500


async def test_a_changed_manifest_is_served_and_a_wrong_one_is_not(office: Office) -> None:
    copy = await office.copy()
    done = asyncio.Event()
    loading = asyncio.create_task(office.load(4, done))
    office.write("ansver.said")
    await eventually(lambda: "there is no variable ansver" in copy.log.read_text(), seen=copy.log.read_text)
    office.write("'MOI'")
    await office.bus.answers(lambda got: got.json["ketQua"] == "MOI")
    done.set()
    assert set(await loading) == {200}


async def test_a_drained_copy_stays_drained_when_its_manifest_changes(office: Office) -> None:
    copies = [await office.copy() for _ in range(2)]
    bus = office.bus

    async def shown() -> dict[str, dict[str, Any]]:
        items = (await bus.ask("GET", "/ops/adapters", system="operator")).json["items"]
        return {one["id"]: one for one in items if one["service"] == "desk"}

    await eventually(shown)
    drained = min(await shown())
    path = f"/ops/adapters/{drained}"
    assert (await bus.ask("POST", f"{path}/drain", {"reason": "thử"}, system="operator")).json["state"] == "drained"
    office.write("'MOI'")
    for copy in copies:
        await eventually(lambda copy=copy: "changed manifest served" in copy.log.read_text())
    assert {(await bus.call("read")).json["ketQua"] for _ in range(20)} == {"MOI"}
    assert (await shown())[drained]["operations"]["read"]["requests"] == 0
    assert (await shown())[drained]["state"] == "drained"
    assert (await bus.ask("POST", f"{path}/resume", {"reason": "thử"}, system="operator")).json["state"] == "serving"
    await eventually(lambda: _is_asked(bus, shown, drained))


async def _is_asked(bus: Workbench, shown: Callable[[], Awaitable[dict[str, dict[str, Any]]]], copy: str) -> bool:
    await bus.call("read")
    return (await shown())[copy]["operations"]["read"]["requests"] > 0


async def test_what_changes_while_nats_is_away_is_served_when_it_is_back(
    tmp_path: Path, breakable_bus: Workbench
) -> None:
    office = Office(tmp_path / "office", breakable_bus)
    await office.open()
    office.write()
    copy = await office.copy()
    assert (await office.bus.call("read")).json["ketQua"] == "KHOP"
    await office.bus.nats.stop()
    office.write("'MOI'")
    async with asyncio.timeout(20):
        while "waiting for the gateway" not in copy.log.read_text():  # which gives no token without NATS
            await asyncio.sleep(0.02)
    await office.bus.start_nats()
    async with asyncio.timeout(20):
        while "changed manifest served" not in copy.log.read_text():
            await asyncio.sleep(0.02)
    assert (await office.bus.call("read")).json["ketQua"] == "MOI"
    await copy.stop()
    await office.runner.cleanup()


async def test_a_changed_contract_is_kept_as_soon_as_the_manifest_does(office: Office) -> None:
    copy = await office.copy()
    contract = office.folder / "catalog/desk.yaml"
    document = yaml.safe_load(contract.read_text())
    document["version"] = "1.1.0"
    document["operations"]["extra"] = document["operations"]["read"]
    contract.write_text("service: desk\n")
    await eventually(lambda: re.search("/version|is required", copy.log.read_text()), seen=copy.log.read_text)
    contract.write_text(yaml.safe_dump(document))
    await eventually(
        lambda: "the contract's operation extra is missing; add it" in copy.log.read_text(), seen=copy.log.read_text
    )
    assert (await office.bus.call("read")).status == 200
    manifest = office.write()
    told = yaml.safe_load(manifest.read_text())
    told["operations"]["extra"] = told["operations"]["read"]
    manifest.write_text(yaml.safe_dump(told))
    await eventually(lambda: "changed manifest served" in copy.log.read_text(), seen=copy.log.read_text)
    assert (await office.bus.call("read")).status == 200


async def test_calls_that_fail_in_one_moment_do_not_close_the_way_for_the_next(office: Office) -> None:
    await office.copy()
    office.delay = 30
    held_up = await asyncio.gather(*(office.bus.call("read") for _ in range(24)))
    assert {got.code for got in held_up} == {"provider-timeout"}
    office.delay = 0
    assert {(await office.bus.call("read")).status for _ in range(24)} == {200}


async def test_a_system_that_is_gone_is_left_alone_and_found_again(office: Office) -> None:
    copy = await office.copy()
    await office.runner.cleanup()
    async with asyncio.timeout(20):
        while "circuit opened" not in copy.log.read_text():
            assert (await office.bus.call("read")).code == "provider-failed"
    office.delay = 30
    await office.open()
    assert (await office.bus.call("read")).code == "provider-failed"
    assert office.asked == 0
    office.delay = 0
    await office.bus.answers(lambda got: got.status == 200)
