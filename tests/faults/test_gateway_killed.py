"""The gateway dies or is stopped: what was answered is in the evidence, what was begun is finished."""

import asyncio
import signal
from collections import Counter
from typing import Any

import aiohttp
from support.waits import WORK_SECONDS, eventually
from support.workbench import Got, Workbench

from lgsp_adapters.adapter import Call


async def test_every_answered_call_survives_kill_9(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    answered: list[Got] = []

    async def load() -> None:
        async with asyncio.timeout(WORK_SECONDS):
            while True:
                answered.append(await bus.call())

    callers = [asyncio.create_task(load()) for _ in range(16)]
    await eventually(lambda: len(answered) >= 400)
    bus.gateway.signal(signal.SIGKILL)
    for result in await asyncio.gather(*callers, return_exceptions=True):
        assert isinstance(result, (aiohttp.ClientError, OSError))
    await bus.gateway.ended()
    await bus.gateway.start()
    assert (await bus.call()).status == 200
    written = Counter(entry["message"] for entry in await bus.entries())
    assert all(written[got.message] == 1 for got in answered if got.status == 200)


async def test_sigterm_finishes_what_was_begun(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    reached, may_finish = asyncio.Event(), asyncio.Event()

    async def slow(request: dict[str, Any], call: Call) -> dict[str, Any]:
        reached.set()
        await may_finish.wait()
        return {"ketQua": "KHOP"}

    await bus.serve(narrow=slow)
    under_way = asyncio.create_task(bus.call("narrow"))
    await reached.wait()
    bus.gateway.signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        while True:  # the server stops listening first
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", bus.port)
            except OSError:
                break
            writer.close()
    may_finish.set()
    got = await under_way
    assert (got.status, await bus.gateway.ended()) == (200, 0)
    await bus.gateway.start()
    assert (await bus.entry(got.message))["status"] == 200
