"""The password of the gateways' NATS user is changed while they answer: once the server has it too, they come back with it by themselves."""

import asyncio
from pathlib import Path

from support.waits import eventually, until_set
from support.workbench import Workbench

from lgsp_gateway.local import nats_config
from lgsp_gateway.operate import nats_users


async def test_a_changed_nats_password_needs_no_restart_of_gateways(tmp_path: Path) -> None:
    bus = await Workbench(tmp_path).start()
    try:
        await bus.serve()
        stop, statuses = asyncio.Event(), list[int]()

        async def call() -> None:
            for _ in until_set(stop):
                statuses.append((await bus.call()).status)

        caller = asyncio.create_task(call())
        await eventually(lambda: len(statuses) > 20)
        folder, config = nats_config.passwords(bus.state), bus.state.nats / "nats.conf"
        gateway = bus.gateway.process.pid
        changed = nats_users.change_password(folder, nats_users.GATEWAY, [config])
        assert changed in config.read_text()
        await bus.nats.stop()
        await bus.start_nats()
        seen = len(statuses)
        await eventually(lambda: statuses[-1] == 200 and len(statuses) > seen + 50)
        await bus.ready()
        stop.set()
        await caller
        assert bus.gateway.process.pid == gateway
        assert bus.gateway.process.returncode is None
        assert set(statuses) <= {200, 503}
    finally:
        await bus.stop()
