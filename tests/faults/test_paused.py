"""A process that stands still for a while, as a machine does under a snapshot or a slow disk: nothing stays broken afterwards."""

import asyncio
import collections
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from support.preloaded import Preloaded, run
from support.processes import Process
from support.searched import Searched
from support.waits import until_set
from support.workbench import TEXT, Workbench, document

PAUSED = ("nats", "gateway", "adapter", "indexer")


class Whole:
    """A bus of real processes, called all the time."""

    def __init__(self, searched: Searched, adapter: Process) -> None:
        self.searched = searched
        self.bus = searched.bus
        self.processes = {
            "nats": self.bus.nats,
            "gateway": self.bus.gateway,
            "adapter": adapter,
            "indexer": searched.indexer,
        }
        self.answered: list[str] = []
        self._stop = asyncio.Event()
        self._callers = [asyncio.create_task(self._call()) for _ in range(4)]
        self.changes = 0

    async def _call(self) -> None:
        for _ in until_set(self._stop):
            try:
                got = await self.bus.call()
            except (aiohttp.ClientError, OSError, TimeoutError):
                continue
            if got.status == 200:
                self.answered.append(got.message)
            await asyncio.sleep(0.02)

    async def answers(self, number: int = 20) -> None:
        """Wait until calls are answered again."""
        async with asyncio.timeout(20):
            before = len(self.answered)
            while len(self.answered) < before + number:
                await asyncio.sleep(0.02)

    async def pause(self, name: str, seconds: float) -> None:
        """Let a process stand still."""
        self.processes[name].signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.processes[name].signal(signal.SIGCONT)

    async def works(self) -> None:
        """All of it does its work: calls, registry, adapters seen, search."""
        await self.answers()
        async with asyncio.timeout(20):
            await self.bus.ready()
            self.changes += 1
            name = f"H49.{100 + self.changes}"
            while (await self.bus.registry("GET", f"agencies/{name}")).status != 200:
                await self.bus.registry("POST", "agencies", document("Agency", name, title=TEXT))
            await self.searched.indexed(self.answered[-1])
            while True:
                checks = await self._ops("checks")
                wrong = {one["check"]: one["detail"]["en"] for one in checks if not one["ok"]}
                if set(wrong) <= {"adapters"} and "desk" not in wrong.get("adapters", ""):
                    break
                await asyncio.sleep(0.2)

    async def _ops(self, what: str) -> Any:
        headers = {"Authorization": f"Bearer {self.bus.token('operator')}"}
        async with self.bus.session.get(f"/ops/{what}", headers=headers) as answer:
            return (await answer.json())["items"]

    async def whole(self, folder: Path) -> None:
        """Every answered call stands in the evidence once, and that is whole."""
        self._stop.set()
        await asyncio.gather(*self._callers)
        await self.searched.indexed(self.answered[-1])
        for process in self.processes.values():
            assert "encountered error" not in process.log.read_text(
                errors="replace"
            )  # nats-py reads no more after that
        await self.bus.gateway.stop()  # signs what is left
        await self.bus.gateway.start()
        url = f"http://127.0.0.1:{self.bus.port}"
        code, _, err = await run("evidence", "export", str(folder), "--url", url, "--token", self.bus.token("auditor"))
        assert code == 0, err
        code, out, err = await run("evidence", "verify", str(folder))
        assert (code, "whole" in out) == (0, True), err
        entries = [orjson.loads(line) for line in (folder / "bench.jsonl").read_bytes().splitlines()]
        times = collections.Counter(entry["message"] for entry in entries if entry["status"] == 200)
        assert {message: times[message] for message in self.answered} == dict.fromkeys(self.answered, 1)

    async def stop(self) -> None:
        """End all of it, also what stands still."""
        self._stop.set()
        for process in self.processes.values():
            process.signal(signal.SIGCONT)
        await asyncio.gather(*self._callers)
        await self.processes["adapter"].stop()


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    address = str(tmp_path / "index.db")
    bus = await Workbench(tmp_path).start("--index", address)
    searched = Searched(bus, tmp_path, address)
    await searched.indexer.start()
    (tmp_path / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
    told = {"service": "desk", "major": 1, "system": "provider", "kind": "mock"}
    (tmp_path / "adapter.yaml").write_text(json.dumps(told))
    command = ["adapter", "run", str(tmp_path / "adapter.yaml"), "--nats", bus.nats_url, "--keys", str(tmp_path)]
    command += ["--gateway", f"http://127.0.0.1:{bus.port}", "--catalog", str(bus.catalog_folder)]
    adapter = await Preloaded(command, tmp_path / "adapter.log").start()
    found = Whole(searched, adapter)
    yield found
    await found.stop()
    await searched.stop()


async def test_each_process_pauses_for_a_moment(whole: Whole, tmp_path: Path) -> None:
    await whole.answers()
    for name in PAUSED:
        await whole.pause(name, 0.6)
        await whole.answers()
    await whole.works()
    await whole.whole(tmp_path / "export")


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_any_process_pauses_for_any_time(whole: Whole, tmp_path: Path) -> None:
    seed = int(os.environ.get("LGSP_SEED", random.SystemRandom().randrange(2**32)))
    print(f"LGSP_SEED={seed}")
    chosen = random.Random(seed)
    for _ in range(12):
        name, seconds = chosen.choice(PAUSED), chosen.choice((0.3, 1, 3, 7, 12, 20)) * chosen.uniform(0.8, 1)
        print(f"{name} stands still for {seconds:.1f} s")
        await whole.pause(name, seconds)
        await whole.works()
    await whole.whole(tmp_path / "export")
