"""Quotas, counted across all gateways."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest_asyncio
from support.processes import free_port
from support.waits import WORK_SECONDS
from support.workbench import NUMBER, Workbench, grant

from lgsp_auth.policy import Grant, Quota
from lgsp_gateway.calls.quotas import Quotas
from lgsp_problems import Refusal
from lgsp_runtime.nats.request_reply import NatsRequestReply


@pytest_asyncio.fixture(scope="module")
async def two_gateways(bus: Workbench) -> AsyncIterator[list[aiohttp.ClientSession]]:
    port = free_port()
    second = bus.another_gateway("quota-second", port)
    await second.start()
    adapter = await bus.serve()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield [bus.session, session]
    await bus.unserve(adapter)
    await second.stop()


async def limited(bus: Workbench, name: str, **quota: Any) -> dict[str, str]:
    """A system of its own under a quota of its own."""
    system = {"agency": "H49.1", "title": {"vi": "Thử", "en": "Try"}}
    made = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": name}, "spec": system}
    assert (await bus.registry("POST", "systems", made)).status == 201
    granted = grant(name, name, read=["*"])
    granted["spec"]["quota"] = quota
    assert (await bus.registry("POST", "grants", granted)).status == 201
    return {"Authorization": f"Bearer {bus.token(name)}"}


async def call(session: aiohttp.ClientSession, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    async with session.post("/services/desk/v1/read", json={"soDinhDanh": NUMBER}, headers=headers) as answer:
        await answer.read()
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}


async def test_two_gateways_together_let_no_more_through_than_the_quota(
    bus: Workbench, two_gateways: list[aiohttp.ClientSession]
) -> None:
    """Exact within 2%: never more, and at least 98% when both are under load."""
    headers = await limited(bus, "busy", requests=1000, per="day")
    passed = [0, 0]

    async def load(gateway: int) -> None:
        async with asyncio.timeout(WORK_SECONDS):
            while (await call(two_gateways[gateway], headers))[0] == 200:
                passed[gateway] += 1

    await asyncio.gather(*(load(number % 2) for number in range(16)))
    assert 980 <= sum(passed) <= 1000
    assert min(passed) > 100
    for session in two_gateways:
        status, said = await call(session, headers)
        assert status == 429
        assert said["ratelimit"].startswith('"grant";r=0;t=')
        assert said["ratelimit-policy"] == '"grant";q=1000;w=86400'
        assert int(said["retry-after"]) > 0


async def test_a_small_quota_is_exact(bus: Workbench, two_gateways: list[aiohttp.ClientSession]) -> None:
    headers = await limited(bus, "small", requests=7, per="day")
    statuses = [(await call(two_gateways[number % 2], headers))[0] for number in range(12)]
    assert statuses == [200] * 7 + [429] * 5


async def test_rate_and_daily_quota_both_hold(bus: Workbench, two_gateways: list[aiohttp.ClientSession]) -> None:
    headers = await limited(bus, "daily", requests=1000, per="hour", daily=5)
    answers = [await call(two_gateways[0], headers) for _ in range(7)]
    assert [status for status, _ in answers] == [200] * 5 + [429] * 2
    assert answers[0][1]["ratelimit-policy"] == '"grant";q=1000;w=3600, "daily";q=5;w=86400'
    assert '"daily";r=0' in answers[5][1]["ratelimit"]


async def test_a_quota_outlives_a_gateway(bus: Workbench, two_gateways: list[aiohttp.ClientSession]) -> None:
    headers = await limited(bus, "lasting", requests=5, per="day")
    assert [(await call(two_gateways[0], headers))[0] for _ in range(6)] == [200] * 5 + [429]
    port = free_port()
    third = bus.another_gateway("quota-third", port)
    await third.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        assert (await call(session, headers))[0] == 429
    await third.stop()


async def test_a_changed_quota_counts_at_once(bus: Workbench, two_gateways: list[aiohttp.ClientSession]) -> None:
    headers = await limited(bus, "raised", requests=2, per="day")
    assert [(await call(two_gateways[0], headers))[0] for _ in range(3)] == [200, 200, 429]
    last = await bus.registry("GET", "grants/raised")
    document = {**last.json, "spec": {**last.json["spec"], "quota": {"requests": 4, "per": "day"}}}
    put = await bus.registry("PUT", "grants/raised", document, headers={"If-Match": last.headers["ETag"]})
    assert put.status == 200
    assert [(await call(two_gateways[0], headers))[0] for _ in range(3)] == [200, 200, 429]


async def test_what_a_lease_brought_may_be_gone_before_those_who_waited_wake() -> None:
    """Many calls at once on a quota that is taken call by call: each is answered, and the loop is never held up."""

    class Counter(NatsRequestReply):
        total = 0

        async def publish(self, *_: Any) -> dict[str, Any]:
            await asyncio.sleep(0)
            self.total += 1
            return {"val": str(self.total)}

    quotas = Quotas(Counter())
    grant = Grant("g", "c", "s", 1, {}, frozenset(), "", 0, 2**40, Quota(100, 3600))
    taken = 0

    async def call() -> None:
        nonlocal taken
        for _ in range(20):
            with contextlib.suppress(Refusal):
                quotas.try_take(grant, 1e9) or await quotas.take(grant, 1e9)
                taken += 1
            await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await asyncio.gather(*(call() for _ in range(30)))
    assert taken == 100
