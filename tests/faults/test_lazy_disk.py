"""`--allow-lazy-disk` lets a gateway run where NATS does not sync each message, and changes nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.changes import Changes
from support.workbench import CONTRACTS, TEXT, Workbench

from lgsp_adapters.adapter import Call
from lgsp_runtime.nats.connection import NatsEndpoint, connect


class LazyBus(Workbench):
    """A bus whose NATS syncs by and by, as JetStream does by default."""

    async def start_nats(self) -> None:
        file = self.state.nats / "nats.conf"
        config = json.loads(file.read_text())
        config["jetstream"]["sync_interval"] = "10s"
        file.write_text(json.dumps(config))
        await super().start_nats()


@pytest_asyncio.fixture(params=["lazy", "synced"])
async def allowed(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Workbench]:
    """A gateway that may run on either."""
    bus = await (LazyBus if request.param == "lazy" else Workbench)(tmp_path).start("--allow-lazy-disk")
    yield bus
    await bus.stop()


async def test_a_gateway_refuses_a_lazy_disk(tmp_path: Path) -> None:
    bus = LazyBus(tmp_path)
    with pytest.raises(AssertionError, match="does not sync each message to disk"):
        await bus.start()
    await bus.nats.stop()


async def test_calls_of_an_adapter_that_dies_go_to_another(allowed: Workbench) -> None:
    bus, reached = allowed, asyncio.Event()

    async def never(request: dict[str, Any], call: Call) -> dict[str, Any]:
        reached.set()
        await asyncio.Event().wait()
        return {}

    dying = await bus.serve(wait=never)
    under_way = asyncio.create_task(bus.call("wait"))
    await reached.wait()
    await bus.serve()
    await bus.cut(dying)
    got = await under_way
    assert (got.status, got.json) == (200, {"ketQua": "KHOP"})


async def test_a_connection_whose_right_has_gone_is_closed(allowed: Workbench) -> None:
    bus, changes, left = allowed, Changes(allowed), asyncio.Event()
    assert (await changes.put("System", "leaving", agency="H49.1", title=TEXT)).status == 201
    given = {**CONTRACTS[0], "service": "given", "provider": "leaving"}
    assert (await changes.put("Service", "given-v1", contract=given)).status == 201

    async def lost() -> None:
        left.set()

    leaving = await connect(
        NatsEndpoint(bus.nats_url, token=lambda: bus.token("leaving")), "leaving", on_disconnected=lost
    )
    got = await bus.registry("POST", "systems/leaving/end-tokens", {"reason": "x"})
    assert got.status == 200
    await asyncio.wait_for(left.wait(), 10)
    await leaving.close()
