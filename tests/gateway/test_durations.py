"""Where the time of a call went: what the adapter tells of it stands in the evidence, and what cannot be true costs nothing."""

import asyncio
from typing import Any

import pytest
from support.later import entries_of, send, until
from support.workbench import NUMBER, Workbench

from lgsp_adapters.adapter import Call
from lgsp_runtime.nats.connection import connect

ANSWER = b'{"ketQua":"KHOP"}'
WAIT = 0.03
"""Seconds that the system behind the adapter takes."""


async def ask_two_systems(request: dict[str, Any], call: Call) -> dict[str, Any]:
    """Wait for two systems at the same time, which counts once, and work for as long."""

    async def ask() -> None:
        with call.upstream_time:
            await asyncio.sleep(WAIT)

    await asyncio.gather(ask(), ask())
    await asyncio.sleep(WAIT)
    return {"ketQua": "KHOP"}


async def ask_unmeasured(request: dict[str, Any], call: Call) -> dict[str, Any]:
    return {"ketQua": "KHOP"}


async def test_the_time_of_a_call_is_split_between_gateway_nats_adapter_and_system(bus: Workbench) -> None:
    adapter = await bus.serve(read=ask_two_systems)
    try:
        entry = await bus.entry((await bus.call()).message)
        message = (await send(bus, "read", {"soDinhDanh": NUMBER})).message
        await until(bus, message, "answered")
        _, attempt = await entries_of(bus, message)
    finally:
        await bus.unserve(adapter)
    for one in (entry, attempt):
        assert one["upstreamMs"] >= WAIT * 1000
        assert one["upstreamMs"] + WAIT * 1000 <= one["adapterMs"] <= one["providerMs"]
    assert entry["providerMs"] <= entry["totalMs"]


async def test_an_adapter_that_does_not_measure_its_system_tells_its_own_time_alone(bus: Workbench) -> None:
    adapter = await bus.serve(read=ask_unmeasured)
    try:
        entry = await bus.entry((await bus.call()).message)
    finally:
        await bus.unserve(adapter)
    assert 0 <= entry["adapterMs"] <= entry["providerMs"]
    assert "upstreamMs" not in entry


@pytest.mark.parametrize(
    ("claimed", "believed"),
    [
        (b"", set()),
        (b',"adapterMs":-1,"upstreamMs":-1', set()),
        (b',"adapterMs":70000000,"upstreamMs":1', set()),
        (b',"adapterMs":NaN,"upstreamMs":NaN', set()),
        (b',"adapterMs":Infinity', set()),
        (b',"adapterMs":1e999', set()),
        (b',"adapterMs":"1","upstreamMs":[]', set()),
        (b',"adapterMs":true', set()),
        (b',"upstreamMs":0.01', set()),
        (b',"adapterMs":0.01,"upstreamMs":0.02', {"adapterMs"}),
        (b',"adapterMs":0.01,"upstreamMs":NaN', {"adapterMs"}),
        (b',"adapterMs":0,"upstreamMs":0', {"adapterMs", "upstreamMs"}),
    ],
    ids=lambda given: given.decode() if isinstance(given, bytes) else "",
)
async def test_a_claim_that_cannot_be_true_costs_nothing(bus: Workbench, claimed: bytes, believed: set[str]) -> None:
    connection = await connect(bus.endpoint("provider"), "raw")

    async def respond(message: Any) -> None:
        await message.respond(b'{"status":"answered"%b}\n%b' % (claimed, ANSWER))

    await connection.subscribe("svc.desk.v1.read", queue="desk", cb=respond)
    await connection.flush()
    got = await bus.call()
    await connection.close()
    assert (got.status, got.json) == (200, {"ketQua": "KHOP"})
    assert {"adapterMs", "upstreamMs"} & (await bus.entry(got.message)).keys() == believed
