"""A bus on one NATS server becomes one on three, as docs/operate/run-the-bus.md describes it: what was there is there."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from support.later import send
from support.nats_servers import NatsServers
from support.preloaded import run
from support.processes import free_port
from support.waits import eventually
from support.workbench import NUMBER, Workbench, idempotency_key

from lgsp_contracts.names import gateway_name
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.local import nats_config
from lgsp_gateway.local.nats_config import LocalServer
from lgsp_gateway.operate.nats_users import GATEWAY, SYSTEM
from lgsp_gateway.operate.stream_copy import CopiedStream, Side, copy_streams
from lgsp_problems import Refusal
from lgsp_runtime.nats.connection import NatsEndpoint, connect


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Workbench]:
    bench = await Workbench(tmp_path, servers=1).start()
    yield bench
    await bench.stop()


async def start_three(bus: Workbench, folder: Path) -> tuple[NatsServers, str]:
    """Start a cluster that `lgsp nats config` configures, with the users of the server that is there."""
    to = folder / "nats"
    shutil.copytree(nats_config.passwords(bus.state), to / "passwords")
    ports, routes = [free_port() for _ in range(3)], [f"127.0.0.1:{free_port()}" for _ in range(3)]
    servers = []
    for number, port in enumerate(ports):
        name = f"nats-{number + 1}"
        options = [
            "--to",
            str(to),
            "--store",
            str(folder / name),
            "--max-storage",
            "1GiB",
            "--keys",
            str(bus.state.keys),
        ]
        options += ["--listen", f"127.0.0.1:{port}", "--cluster-listen", routes[number]]
        options += [option for route in routes for option in ("--cluster", route)]
        code, _, err = await run("nats", "config", name, *options)
        assert code == 0, err
        servers.append(LocalServer(name, port, to / f"{name}.conf"))
    cluster = NatsServers(servers, folder)
    await cluster.start()
    return cluster, ",".join(f"nats://127.0.0.1:{port}" for port in ports)


async def test_nothing_is_lost(bus: Workbench, tmp_path: Path) -> None:
    key = idempotency_key()
    adapter = await bus.serve()
    answered = [(await bus.call()).message for _ in range(20)]
    keyed = await bus.call("register", headers={"Idempotency-Key": key})
    await bus.unserve(adapter)
    waiting = [(await send(bus, "read", {"soDinhDanh": NUMBER, "hoVaTen": "A"})).message for _ in range(20)]
    before = await bus.registry("GET", "systems/alpha")
    cluster, url = await start_three(bus, tmp_path / "cluster")
    copying = ["nats", "copy", "--source", bus.nats_url, "--target", url]
    copying += ["--nats-passwords", str(nats_config.passwords(bus.state))]
    try:
        code, _, err = await run(*copying)
        assert (code, "Processes still use the source NATS: gateway bench" in err) == (1, True), err
        await bus.gateway.stop()
        code, out, err = await run(*copying)
        assert code == 0, err
        assert "LGSP_EVIDENCE: " in out
        code, _, err = await run(*copying)
        assert (code, "use a cluster that is empty" in err) == (1, True), err
        await bus.nats.stop()
        bus.nats, bus.nats_ports = cluster, [server.port for server in cluster.servers]
        bus.gateway = bus.another_gateway("bench", bus.port)
        await bus.gateway.start()
        after = await bus.registry("GET", "systems/alpha")
        assert (after.headers["ETag"], after.json) == (before.headers["ETag"], before.json)
        assert {*answered, keyed.message} <= {entry.get("message") for entry in await bus.entries()}
        again = await bus.call("register", headers={"Idempotency-Key": key})
        assert (again.status, again.body) == (200, keyed.body), "a key that was used is known"
        await bus.serve()

        async def all_answered() -> bool:
            states = [(await bus.ask("GET", f"/messages/{message}")).json["state"] for message in waiting]
            return set(states) == {"answered"}

        await eventually(all_answered)
        code, _, err = await run(
            "evidence", "verify", "--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")
        )
        assert code == 0, err
    finally:
        if bus.nats is not cluster:
            await cluster.stop()


async def test_what_is_written_meanwhile_is_noticed(bus: Workbench, tmp_path: Path) -> None:
    """A supervisor starts a gateway again while the streams are copied: what it accepted would be in the source alone."""
    await bus.gateway.stop()
    cluster, url = await start_three(bus, tmp_path / "cluster")
    passwords, subject = nats_config.passwords(bus.state), entry_stream.subject_of(gateway_name("bench"))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(cluster.stop)

        async def connected(address: str, user: str) -> Client:
            client = await connect(NatsEndpoint.with_password_file(address, user, passwords / user), "test")
            stack.push_async_callback(client.close)
            return client

        source, target = [
            Side(await connected(address, GATEWAY), await connected(address, SYSTEM)) for address in (bus.nats_url, url)
        ]

        async def has_leader() -> bool:
            try:
                await target.bus.request("$JS.API.STREAM.LIST", b"{}", timeout=1)
            except NatsError:
                return False
            return True

        await eventually(has_leader)
        late = list[asyncio.Task[object]]()

        def report(copied: CopiedStream) -> None:
            if copied.name == entry_stream.STREAM:
                late.append(asyncio.create_task(source.bus.jetstream().publish(subject, b"late")))

        with pytest.raises(Refusal, match=entry_stream.STREAM):
            await copy_streams(source, target, 3, report)
        await asyncio.gather(*late)
