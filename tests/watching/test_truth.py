"""What is said of the bus is so: an index that stands still, a system that is well again, a folder that is not there."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from support.preloaded import Preloaded, run
from support.processes import free_port
from support.searched import Searched
from support.workbench import Workbench

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
    manifest = {
        "service": "desk",
        "major": 1,
        "system": "provider",
        "kind": "http",
        "connection": {"url": f"http://127.0.0.1:{port}"},
        "operations": {
            name: {"path": "/ask/{request.soDinhDanh}", "answer": {"ketQua": "answer.said"}}
            for name in ("read", "read-person", "register", "narrow", "wait")
        },
    }
    (tmp_path / "adapter.yaml").write_text(yaml.safe_dump(manifest))
    (tmp_path / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
    command = ["adapter", "run", str(tmp_path / "adapter.yaml"), "--nats", bus.nats_url, "--keys", str(tmp_path)]
    command += ["--gateway", f"http://127.0.0.1:{bus.port}", "--catalog", str(bus.catalog_folder)]
    adapter = await Preloaded(command, tmp_path / "adapter.log").start()
    try:
        assert (await bus.call()).status == 502
        assert "desk/read (unreachable, " in (await checks(bus))["upstreams"]
        runner = web.AppRunner(web.Application())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with asyncio.timeout(20):
            while "upstreams" in await checks(bus):
                await asyncio.sleep(0.2)
        await runner.cleanup()
    finally:
        await adapter.stop()


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
