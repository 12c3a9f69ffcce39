"""A wall clock that jumps for a moment and comes back locks nobody out: not by a quota, not by the budget of an address."""

import asyncio
from pathlib import Path

import pytest
from faults.test_degraded_storage import faketime
from support.processes import LGSP, Process
from support.workbench import Workbench, grant


@pytest.mark.parametrize("jump", [86400, -86400, -3600], ids=lambda seconds: f"{seconds}s")
async def test_calls_and_tokens_go_on_when_a_clock_has_come_back(
    breakable_bus: Workbench, tmp_path: Path, jump: int
) -> None:
    bus = breakable_bus
    await bus.serve()
    system = {"agency": "H49.1", "title": {"vi": "Thử", "en": "Try"}}
    made = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": "hasty"}, "spec": system}
    assert (await bus.registry("POST", "systems", made)).status == 201
    granted = grant("hasty", "hasty", read=["*"])
    granted["spec"]["quota"] = {"requests": 10, "per": "second", "daily": 1000}
    assert (await bus.registry("POST", "grants", granted)).status == 201
    offset = tmp_path / "offset"
    offset.write_text("+0")
    await bus.gateway.stop()
    jumping = {
        "LD_PRELOAD": faketime(),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    bus.gateway = await Process([*LGSP, *bus.gateway.command], bus.gateway.log, jumping).start()
    headers = {"Authorization": f"Bearer {bus.token('hasty', life=200_000)}"}
    assert (await bus.call(headers=headers)).status == 200

    offset.write_text(f"{jump:+d}")
    during = [await bus.call(headers=headers) for _ in range(30)]
    strangers = await asyncio.gather(*(bus.call(headers={"Authorization": f"Bearer a.b.{n}"}) for n in range(150)))
    assert 200 not in {got.status for got in strangers}
    assert {got.status for got in during} <= {200, 401, 429, 504}  # for an adapter, the deadline is long over
    offset.write_text("+0")

    async with asyncio.timeout(10):  # the budget of 127.0.0.1 is refilled at 20 a second
        while (await bus.call(headers=headers)).status != 200:
            await asyncio.sleep(0.2)
