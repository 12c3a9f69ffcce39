"""Every gateway follows the registry, through lost connections and killed servers."""

import asyncio
import time

import aiohttp
from support.processes import free_port
from support.waits import WORK_SECONDS, eventually
from support.workbench import Workbench, grant

from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.store import SUBJECTS
from lgsp_runtime.nats.connection import connect


async def test_a_change_is_in_force_on_every_gateway(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    port = free_port()
    second = bus.another_gateway("second", port)
    await second.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as other:
        headers = {"Authorization": f"Bearer {bus.token('gamma')}"}

        async def status() -> int:
            async with other.post(
                "/services/desk/v1/read", json={"soDinhDanh": "022093001234"}, headers=headers
            ) as got:
                return got.status

        delays = []
        for _ in range(10):
            assert await status() == 403
            made = await bus.registry("POST", "grants", grant("gamma", "gamma", read=["*"]))
            assert made.status == 201
            async with asyncio.timeout(20):
                while await status() == 403:
                    pass
            assert await status() == 200, "a canary: what is revoked below was in force"
            tag = {"If-Match": made.headers["ETag"]}
            assert (await bus.registry("DELETE", "grants/gamma", headers=tag, session=bus.session)).status == 204
            began = time.monotonic()
            async with asyncio.timeout(20):
                while await status() == 200:
                    pass
            assert await status() == 403
            delays.append(time.monotonic() - began)
        print(f"revocation seen by the other gateway after {max(delays) * 1000:.1f} ms at most")
    await second.stop()


async def test_a_gateway_catches_up_before_it_is_ready_again(breakable_bus: Workbench) -> None:
    """What changed while a gateway was cut off is in force when it says that it is ready."""
    bus = breakable_bus
    await bus.serve()
    assert (await bus.call(system="gamma")).code == "not-granted"
    port = free_port()
    second = bus.another_gateway("second", port)
    await second.start()
    second.signal(19)  # SIGSTOP: cut off, with its connection open
    for number in range(30):
        assert (await bus.registry("POST", "grants", grant(f"gamma-{number}", "gamma", read=["*"]))).status == 201
    second.signal(18)  # SIGCONT
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as other:
        found = 0
        async with asyncio.timeout(20):
            while found < 30:
                got = await bus.registry("GET", "grants?consumer=gamma", session=other)
                found = len(got.json["items"])
    await second.stop()


async def test_what_is_known_is_served_for_a_while(breakable_bus: Workbench) -> None:
    """Without NATS tokens and catalogue are served from what is known, until that is too old; health always."""
    bus = breakable_bus
    port = free_port()
    second = bus.another_gateway("second", port)
    second.command += ["--stale-seconds", "1"]
    await second.start()
    headers = {"Authorization": f"Bearer {bus.token('alpha')}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as other:

        async def status(path: str) -> int:
            async with other.get(path, headers=headers) as answer:
                return answer.status

        assert await status("/catalog/services") == 200
        await bus.nats.kill()
        assert await status("/catalog/services") == 200
        async with asyncio.timeout(10):
            while await status("/catalog/services") == 200:
                await asyncio.sleep(0.02)
        assert await status("/catalog/services") == 503
        assert (await status("/livez"), await status("/readyz"), await status("/metrics")) == (200, 503, 200)
        await bus.start_nats()
        async with asyncio.timeout(20):
            while await status("/readyz") != 200:
                await asyncio.sleep(0.02)
        assert await status("/catalog/services") == 200
    await second.stop()


async def test_no_acknowledged_change_is_lost_when_nats_and_the_gateway_are_killed(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    acknowledged = []

    async def write() -> None:
        number = 0
        async with asyncio.timeout(WORK_SECONDS):
            while True:
                number += 1
                name = f"gamma-{number}"
                got = await bus.registry("POST", "grants", grant(name, "gamma", read=["*"]))
                if got.status == 201:
                    acknowledged.append(name)

    writer = asyncio.create_task(write())
    for _ in range(2):
        target = len(acknowledged) + 20
        async with asyncio.timeout(20):
            while len(acknowledged) < target:
                await asyncio.sleep(0)
        await bus.nats.kill()
        await bus.start_nats()
        await asyncio.wait_for(bus.ready(), 20)
    target = len(acknowledged) + 20
    await eventually(lambda: len(acknowledged) >= target)
    await bus.gateway.kill()
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await bus.gateway.start()
    got = await bus.registry("GET", "grants?consumer=gamma&limit=1000")
    assert set(acknowledged) <= {item["metadata"]["name"] for item in got.json["items"]}


async def test_a_document_that_cannot_be_read_is_not_in_force_and_stops_no_other(breakable_bus: Workbench) -> None:
    """Written by another version of the bus, say: the registry goes on, and doctor names it."""
    bus = breakable_bus
    await bus.serve()
    odd = {**grant("odd", "beta", read=["*"])["spec"], "validUntil": "0000-99-99", "quota": {"requests": None}}
    status = {"phase": "in-force"}
    connection = await connect(bus.endpoint("gateway"), "test")
    jetstream = connection.jetstream()
    for name in ("odd", "alpha-desk"):
        data = DocumentVersion.of("Grant", DocumentName(name), odd, 0, 0, "test", "", status).data
        await jetstream.publish(f"{SUBJECTS}Grant.{name}", data)
    await connection.close()
    headers = {"Authorization": f"Bearer {bus.token('operator')}", "Accept-Language": "en"}
    async with asyncio.timeout(20):
        while (await bus.call()).status != 403:  # what was granted by it is no longer, rather than for ever
            await asyncio.sleep(0.05)
    system = {"agency": "H49.1", "title": {"vi": "Thử", "en": "Try"}}
    made = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": "later"}, "spec": system}
    assert (await bus.registry("POST", "systems", made)).status == 201
    assert (await bus.call(system="later")).code == "not-granted"
    async with bus.session.get("/ops/checks", headers=headers) as answer:
        [said] = [found for found in (await answer.json())["items"] if found["check"] == "registry"]
    assert "Grant alpha-desk, Grant odd" in str(said)
    assert "snapshot.py" in bus.gateway.log.read_text()
    await bus.gateway.kill()
    await bus.gateway.start()
    assert (await bus.call(system="beta")).status == 200
