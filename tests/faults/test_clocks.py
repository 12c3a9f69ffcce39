"""A clock that jumps for a moment, of a gateway or of an adapter's machine: afterwards all is as it was, and nobody was let in early."""

import asyncio
import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.test_degraded_storage import faketime
from support.processes import LGSP, Process
from support.workbench import TEXT, Workbench, document, grant


def jumping(folder: Path) -> tuple[dict[str, str], Callable[[int], None]]:
    """The environment of a process whose clock is put forward and back, and what does that, by seconds."""
    offset = folder / "offset"
    offset.write_text("+0")
    environment = {
        "LD_PRELOAD": faketime(),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    return environment, lambda seconds: offset.write_text(f"{seconds:+d}") and None


async def test_a_grant_that_begins_tomorrow_does_not_begin_by_a_jump(breakable_bus: Workbench, tmp_path: Path) -> None:
    bus = breakable_bus
    await bus.serve()
    assert (
        await bus.registry("POST", "systems", document("System", "early", agency="H49.1", title=TEXT))
    ).status == 201
    granted = grant("early", "early", read=["*"])
    tomorrow = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=7))).date() + datetime.timedelta(days=1)
    granted["spec"]["validFrom"] = tomorrow.isoformat()
    assert (await bus.registry("POST", "grants", granted)).status == 201
    await bus.gateway.stop()
    environment, jump = jumping(tmp_path)
    bus.gateway = await Process([*LGSP, *bus.gateway.command], bus.gateway.log, environment).start()
    headers = {"Authorization": f"Bearer {bus.token('early', life=400_000)}"}
    assert (await bus.call(headers=headers)).code == "not-granted"
    jump(86400)
    assert (await bus.call(headers=headers)).code in (
        "",
        "provider-timeout",
    )  # tomorrow it may, and for an adapter it is late
    jump(0)
    assert (await bus.call(headers=headers)).code == "not-granted"


@pytest.mark.parametrize("seconds", [86400, -86400, -3600])
async def test_an_adapter_answers_at_once_when_its_clock_has_come_back(
    breakable_bus: Workbench, tmp_path: Path, seconds: int
) -> None:
    bus = breakable_bus
    (tmp_path / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
    told = {"service": "desk", "major": 1, "system": "provider", "kind": "mock"}
    (tmp_path / "adapter.yaml").write_text(json.dumps(told))
    command = [*LGSP, "adapter", "run", str(tmp_path / "adapter.yaml"), "--nats", bus.nats_url, "--keys", str(tmp_path)]
    command += ["--gateway", f"http://127.0.0.1:{bus.port}", "--catalog", str(bus.catalog_folder)]
    environment, jump = jumping(tmp_path)
    adapter = await Process(command, tmp_path / "adapter.log", environment).start()
    try:
        assert (await bus.call()).status == 200
        jump(seconds)
        during = await asyncio.gather(*(bus.call() for _ in range(20)))
        assert {got.code for got in during} <= {"", "provider-timeout"}
        jump(0)
        assert {got.code for got in await asyncio.gather(*(bus.call() for _ in range(20)))} == {""}
    finally:
        await adapter.stop()
