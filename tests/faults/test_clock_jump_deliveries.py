"""A wall clock that jumps while messages and events wait: none of them ends early, none is tried without end."""

import re
from pathlib import Path
from typing import Any

import pytest
from faults.test_clocks import jumping
from support.later import send, state, until
from support.processes import LGSP, Process
from support.subscribing import subscribed_bus
from support.waits import eventually
from support.workbench import Workbench

from lgsp_adapters.adapter import Call, UpstreamFailed

MAX_TRIES = 8
"""By the back-off, fewer than this fit into the few seconds of a test."""


async def _attempts(bus: Workbench) -> float:
    """Return how many attempts at messages the gateway has counted."""
    async with bus.session.get("/metrics") as answer:
        found = re.findall(r"^lgsp_message_attempts_total\{.*\} (\S+)$", await answer.text(), re.MULTILINE)
    return sum(map(float, found))


@pytest.mark.long
@pytest.mark.parametrize("seconds", [3600, -3600, 86400, -86400])
async def test_what_waits_is_delivered_when_a_clock_has_jumped(tmp_path: Path, seconds: int) -> None:
    events = await subscribed_bus(tmp_path)
    bus, tried = events.bus, list[str]()

    async def fail(request: dict[str, Any], call: Call) -> dict[str, Any]:
        tried.append(call.context.key)
        raise UpstreamFailed("unintelligible", "away")

    try:
        await bus.gateway.stop()
        environment, jump = jumping(tmp_path)
        bus.gateway = await Process([*LGSP, *bus.gateway.command], bus.gateway.log, environment).start()
        made = await events.subscribe()
        position = await events.publish(kept="1800s")
        adapter = await bus.serve(read=fail)
        message = (await send(bus, "read")).message
        await eventually(lambda: bool(tried))
        jump(seconds)
        before = await _attempts(bus)

        async def is_tried_again() -> bool:  # an adapter whose clock is ahead takes the call for late
            return await _attempts(bus) > before

        await eventually(is_tried_again)
        jump(0)
        assert len(tried) <= MAX_TRIES, tried
        assert (await state(bus, message))["state"] == "delivering"
        await bus.unserve(adapter)
        await bus.serve()
        assert (await until(bus, message, "answered"))["attemptCount"] <= MAX_TRIES
        (item,) = await events.pull(made["id"])
        assert item["event"]["id"] == events.published[-1], position
        await events.acknowledge(made["id"], [item])
        assert (await bus.ask("GET", "/dead-letters")).json["items"] == []
    finally:
        await events.stop()
