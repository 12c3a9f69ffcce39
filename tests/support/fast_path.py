"""Which way requests took through a gateway, and a canary: a module about the fast path fails where nothing takes it."""

import re
from collections.abc import AsyncIterator

import pytest_asyncio

from support.workbench import FAST_PATH, Workbench


async def ways(bus: Workbench, port: int | None = None) -> dict[str, int]:
    """Requests of a gateway by the way they took: cached, recognised, delegated, kept."""
    async with bus.session.get(f"http://127.0.0.1:{port or bus.port}/metrics") as answer:
        text = await answer.text()
    return {way: int(float(n)) for way, n in re.findall(r'lgsp_http_requests_total\{way="(\w+)"\} (\S+)', text)}


@pytest_asyncio.fixture(scope="module", autouse=True)
async def canary(bus: Workbench) -> AsyncIterator[None]:
    """At the end of a module, calls have taken the fast path, or, where it is off, none has."""
    before = await ways(bus)
    yield
    after = await ways(bus)
    fast = sum(after[way] - before[way] for way in ("cached", "recognised"))
    assert (fast > 0) == (FAST_PATH == "on"), f"{fast} calls on the fast path, which is {FAST_PATH}"
