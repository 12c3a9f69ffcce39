"""What is said of the bus is so: an index that stands still, a system that is well again, a folder that is not there."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from support.preloaded import Preloaded, run
from support.processes import LGSP, Process, free_port
from support.searched import Searched
from support.workbench import CONTRACTS, Workbench

HEADER = "Lgsp-Index-Stale-Since"


async def checks(bus: Workbench) -> dict[str, str]:
    """What is wrong, by the check that says so."""
    headers = {"Authorization": f"Bearer {bus.token('operator')}"}
    async with bus.session.get("/ops/checks", headers=headers) as answer:
        items: list[dict[str, Any]] = (await answer.json())["items"]
    return {one["check"]: one["detail"]["en"] for one in items if not one["ok"]}


async def test_an_index_that_stands_still_says_since_when(searched: Searched) -> None:
    bus = searched.bus
    await searched.indexed((await bus.call()).message)
    assert HEADER not in (await searched.get()).headers
    searched.indexer.signal(signal.SIGSTOP)
    missed = (await bus.call()).message
    async with asyncio.timeout(20):
        while HEADER not in (got := await searched.get(message=missed)).headers:
            await asyncio.sleep(0.2)
    assert got.json["items"] == []
    token = ("--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor"))
    code, out, err = await run("evidence", "search", "--message", missed, *token)
    assert (code, out) == (0, "")
    assert "The search index stands still: what was written since" in err
    searched.indexer.signal(signal.SIGCONT)
    await searched.indexed(missed)
    assert HEADER not in (await searched.get()).headers


async def test_a_system_that_is_well_again_is_seen_without_a_call(bus: Workbench, tmp_path: Path) -> None:
    port = free_port()
    asked = operations(path="/ask/{request.soDinhDanh}", answer={"ketQua": "answer.said"})
    url = f"http://127.0.0.1:{port}"
    async with adapter(bus, tmp_path, kind="http", connection={"url": url}, operations=asked):
        assert (await bus.call()).status == 502
        assert "desk/read (unreachable: " in (await checks(bus))["upstreams"]
        runner = web.AppRunner(web.Application())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with asyncio.timeout(20):
            while "upstreams" in await checks(bus):
                await asyncio.sleep(0.2)
        await runner.cleanup()


async def test_doctor_says_that_there_is_no_folder(tmp_path: Path) -> None:
    code, out, _ = await run("doctor", "--state-dir", str(tmp_path / "none"))
    assert code == 1
    assert f"There is no folder {tmp_path / 'none'}" in out
    assert "key files" not in out


async def test_doctor_says_that_a_process_stands_still_and_that_keys_are_missing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        os.kill(child.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        running = {"processes": {"indexer": child.pid}, "pids": [child.pid], "url": "http://127.0.0.1:9"}
        (tmp_path / "running.json").write_text(json.dumps(running))
        code, out, _ = await run("doctor", "--state-dir", str(tmp_path))
        child.kill()
    assert code == 1
    assert "Standing still (SIGSTOP): indexer" in out
    assert f"There are no keys in {tmp_path / 'keys'}" in out


@asynccontextmanager
async def adapter(bus: Workbench, folder: Path, **told: Any) -> AsyncIterator[Process]:
    """An adapter process for `desk` by a manifest."""
    manifest = {"service": "desk", "major": 1, "system": "provider", **told}
    (folder / "adapter.yaml").write_text(yaml.safe_dump(manifest))
    (folder / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
    command = ["adapter", "run", str(folder / "adapter.yaml"), "--nats", bus.nats_url, "--keys", str(folder)]
    command += ["--gateway", f"http://127.0.0.1:{bus.port}", "--catalog", str(bus.catalog_folder)]
    if told["kind"] == "python":  # it is found by what a fresh interpreter is told
        started = Process([*LGSP, *command], folder / "adapter.log", {"PYTHONPATH": str(folder)})
    else:
        started = Preloaded(command, folder / "adapter.log")
    await started.start()
    yield started
    await started.stop()


def operations(**told: Any) -> dict[str, Any]:
    return dict.fromkeys(CONTRACTS[0]["operations"], told)


async def test_old_data_is_told_of(bus: Workbench, tmp_path: Path) -> None:
    drops = tmp_path / "drops"
    drops.mkdir()
    (drops / "1.csv").write_text("Số;Kết quả\n022093001234;KHOP\n;KHOP\n")
    asked = operations(find={"Số": "request.soDinhDanh"}, none="person-not-found", answer={"ketQua": 'row."Kết quả"'})
    files = {"pattern": "*.csv", "format": "csv", "delimiter": ";"}
    async with adapter(bus, tmp_path, kind="files", connection={"folder": str(drops)}, files=files, operations=asked):
        async with asyncio.timeout(20):
            while (await bus.call()).status != 200:
                await asyncio.sleep(0.1)
        async with asyncio.timeout(20):
            while "desk (1.csv: 1)" not in (await checks(bus)).get("data keys", ""):
                await asyncio.sleep(0.1)
        assert "data" not in await checks(bus)
        (drops / "2.csv").write_bytes(b"S\xff\xfe\x00;")
        async with asyncio.timeout(20):
            while "desk (1.csv, " not in (await checks(bus)).get("data", ""):
                await asyncio.sleep(0.1)


async def test_tasks_of_adapters_that_fail_are_told_of(bus: Workbench, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from lgsp_adapters.adapter import Adapter\n"
        "class Own(Adapter):\n"
        "    async def open(self):\n"
        "        self.background.run_every('own looking', 0.1, self.fails, within=1)\n"
        "    async def fails(self):\n"
        "        raise KeyError('022093001234')\n"
        "    def method(self, operation):\n"
        "        return self.read\n"
        "    async def read(self, request, call):\n"
        "        return {'ketQua': 'KHOP'}\n"
    )
    async with adapter(bus, tmp_path, kind="python", adapter="own:Own") as process, asyncio.timeout(20):
        assert (await bus.call()).status == 200
        while "desk: own looking (KeyError)" not in (await checks(bus)).get("adapter tasks", ""):
            await asyncio.sleep(0.1)
        log = process.log.read_text()
        assert "own.py" in log
        assert "022093001234" not in log
