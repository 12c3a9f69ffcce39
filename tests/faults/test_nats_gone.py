"""NATS dies, for real: no call hangs, no answered call loses its evidence, and the bus works again by itself."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from nats.js.api import DiscardPolicy
from support.waits import eventually, until_set
from support.workbench import Got, Workbench

from lgsp_adapters.adapter import Call
from lgsp_gateway.evidence.read import entry_stream
from lgsp_runtime.nats.connection import connect


async def back(bus: Workbench) -> None:
    """NATS is up again, and gateway and adapter have found it."""
    await bus.start_nats()
    await asyncio.wait_for(bus.ready(), 20)
    async with asyncio.timeout(20):
        while (await bus.call()).status != 200:
            await asyncio.sleep(0.02)


async def test_nats_dies_in_the_middle_of_a_call(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    reached = asyncio.Event()

    async def never(request: dict[str, Any], call: Call) -> dict[str, Any]:
        reached.set()
        await asyncio.Event().wait()
        return {}

    await bus.serve(narrow=never)
    assert (await bus.call()).status == 200
    under_way = asyncio.create_task(bus.call("narrow"))
    await reached.wait()
    await bus.nats.kill()
    got = await asyncio.wait_for(under_way, 10)
    assert (got.status, got.code) == (503, "bus-unavailable") or (got.status, got.code) == (503, "evidence-unavailable")
    assert int(got.headers["Retry-After"]) > 0

    meanwhile = await asyncio.wait_for(bus.call(), 20)
    assert meanwhile.status == 503
    async with bus.session.get("/livez") as answer:
        assert answer.status == 200
    async with bus.session.get("/readyz") as answer:
        assert answer.status == 503
        assert "[-] nats failed" in await answer.text()

    await back(bus)
    outcomes = Counter((entry["message"], entry["status"]) for entry in await bus.entries())
    for refused in (got, meanwhile):
        assert [status for message, status in outcomes if message == refused.message] in ([503], [200, 503])
    assert max(outcomes.values()) == 1


async def test_every_answered_call_is_written_once_when_nats_is_killed_under_load(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    answered: list[Got] = []
    stop = asyncio.Event()

    async def load() -> None:
        for _ in until_set(stop):
            got = await bus.call()
            answered.append(got)
            if got.status != 200:
                await asyncio.sleep(0.02)

    callers = [asyncio.create_task(load()) for _ in range(16)]
    for _ in range(3):
        target = len(answered) + 200
        async with asyncio.timeout(20):
            while len(answered) < target:
                await asyncio.sleep(0)
        await bus.nats.kill()
        await back(bus)
    stop.set()
    await asyncio.gather(*callers)
    await asyncio.wait_for(bus.ready(), 20)
    assert {got.status for got in answered} <= {200, 503}
    written = Counter(entry["message"] for entry in await bus.entries() if entry["status"] == 200)
    good = [got.message for got in answered if got.status == 200]
    assert len(good) > 500
    assert all(written[message] == 1 for message in good)
    withheld = {entry["message"] for entry in await bus.entries() if entry["outcome"] == "evidence-unavailable"}
    assert set(written) - {got.message for got in answered if got.status == 200} <= withheld | await _own_calls(bus)


async def _own_calls(bus: Workbench) -> set[str]:
    """Messages that `back` sent to see whether the bus works again: they were answered too, to nobody who kept them."""
    return {entry["message"] for entry in await bus.entries() if entry["consumer"] == "alpha"}


async def test_when_the_stream_is_full_nothing_passes(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    assert (await bus.call()).status == 200
    connection = await connect(bus.endpoint("gateway"), "test")
    config = (await connection.jetstream().stream_info(entry_stream.STREAM)).config
    config.max_msgs, config.discard = 1, DiscardPolicy.NEW
    await connection.jetstream().update_stream(config)
    got = await bus.call()
    assert (got.status, got.code) == (503, "evidence-unavailable")
    config.max_msgs = -1
    await connection.jetstream().update_stream(config)
    await asyncio.wait_for(bus.ready(), 10)
    assert (await bus.call()).status == 200
    await connection.close()


async def test_without_a_stream_nothing_passes(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    await bus.drop_stream(entry_stream.STREAM)
    got = await bus.call(headers={"Accept-Language": "en"})
    assert (got.status, got.code) == (503, "evidence-unavailable")
    assert "KHOP" not in got.body.decode()
    assert "gives no answer" in got.json["detail"]
    connection = await connect(bus.endpoint("gateway"), "test")
    await entry_stream.ensure(connection, 1)
    await connection.close()
    await asyncio.wait_for(bus.ready(), 10)
    async with asyncio.timeout(10):
        while (await bus.call()).status != 200:  # the adapter lost its connection too
            await asyncio.sleep(0.1)
    statuses = [entry["status"] for entry in await bus.entries() if entry["message"] == got.message]
    assert statuses == [200, 503]


@pytest.mark.parametrize("lost", ["gateway bench", "gateway bench calls"])
async def test_one_of_the_gateways_connections_is_lost_and_the_other_is_not(
    breakable_bus: Workbench, lost: str
) -> None:
    """Without the one for calls, calls are refused until it is back; without the other, they go on."""
    bus = breakable_bus
    await bus.serve()
    answered: list[Got] = []
    stop = asyncio.Event()

    async def load() -> None:
        for _ in until_set(stop):
            got = await bus.call()
            answered.append(got)

    callers = [asyncio.create_task(load()) for _ in range(8)]
    for _ in range(3):
        target = len(answered) + 200
        async with asyncio.timeout(20):
            while len(answered) < target:
                await asyncio.sleep(0)
        await kick(bus, lost)
    target = len(answered) + 200
    await eventually(lambda: len(answered) >= target)
    stop.set()
    await asyncio.gather(*callers)
    await asyncio.wait_for(bus.ready(), 20)
    assert (await bus.call()).status == 200
    log = [json.loads(line) for line in bus.gateway.log.read_text().splitlines() if line.startswith("{")]
    assert [line["connection"] for line in log if line["event"] == "nats connection lost"] == [lost] * 3
    refused = {got.code for got in answered if got.status != 200}
    assert refused <= ({"bus-unavailable", "evidence-unavailable"} if lost.endswith("calls") else set())
    written = Counter(entry["message"] for entry in await bus.entries() if entry["status"] == 200)
    assert all(written[got.message] == 1 for got in answered if got.status == 200)


async def kick(bus: Workbench, name: str) -> None:
    """Have the server end a connection, and return when its client has made the next one."""
    system = await connect(bus.endpoint("system"), "test")

    async def found() -> tuple[str, list[int]]:
        told = json.loads((await system.request("$SYS.REQ.SERVER.PING.CONNZ", b"{}", timeout=5)).data)
        cids = [one["cid"] for one in told["data"]["connections"] if one.get("name") == name]
        return told["server"]["id"], cids

    server, before = await found()
    assert len(before) == 1
    await system.request(f"$SYS.REQ.SERVER.{server}.KICK", json.dumps({"cid": before[0]}).encode(), timeout=5)
    async with asyncio.timeout(20):
        while (await found())[1] in (before, []):
            await asyncio.sleep(0.01)
    await system.close()
