"""Whatever is killed, every answered call is in the log exactly once, and the tree is whole."""

import asyncio
import collections
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from support.preloaded import run
from support.waits import until_set
from support.workbench import Workbench


@pytest.mark.parametrize("killed", ["gateway", "nats", "both", "stopped"])
async def test_the_log_is_whole(breakable_bus: Workbench, tmp_path: Path, killed: str) -> None:
    bus = breakable_bus
    await bus.serve()
    answered: list[str] = []
    stop = asyncio.Event()

    async def load() -> None:
        for _ in until_set(stop):
            try:
                got = await bus.call()
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.02)
                continue
            if got.status == 200:
                answered.append(got.message)
            else:
                await asyncio.sleep(0.02)

    loads = [asyncio.create_task(load()) for _ in range(8)]
    await _more(answered, 300)
    await _kill(bus, killed)
    await _more(answered, 300)
    stop.set()
    await asyncio.gather(*loads)
    await bus.gateway.stop()  # signs what is left
    await bus.gateway.start()
    folder = tmp_path / "export"
    url = f"http://127.0.0.1:{bus.port}"
    code, _, err = await run("evidence", "export", str(folder), "--url", url, "--token", bus.token("auditor"))
    assert code == 0, err
    code, out, err = await run("evidence", "verify", str(folder))
    assert (code, "whole" in out) == (0, True), err
    entries: list[dict[str, Any]] = [orjson.loads(line) for line in (folder / "bench.jsonl").read_bytes().splitlines()]
    times = collections.Counter(entry["message"] for entry in entries if entry["status"] == 200)
    assert {message: times[message] for message in answered} == dict.fromkeys(answered, 1)


async def _kill(bus: Workbench, killed: str) -> None:
    if killed == "stopped":
        await bus.gateway.stop()
        await bus.gateway.start()
    if killed in ("gateway", "both"):
        await bus.gateway.kill()
    if killed in ("nats", "both"):
        await bus.nats.kill()
        await bus.start_nats()
    if killed in ("gateway", "both"):
        await bus.gateway.start()


async def _more(answered: list[str], number: int) -> None:
    least = len(answered) + number
    async with asyncio.timeout(20):
        while len(answered) < least:
            await asyncio.sleep(0.02)
