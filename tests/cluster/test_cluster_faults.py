"""Each part of a cluster killed, stopped or cut off under load: nothing that was answered, accepted or confirmed is lost. `-s` shows the pauses.

Times are shown and never asserted. NATS chooses a new leader four to nine seconds after it has heard of the last one, by constants of its own.
"""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio
from support.cluster_load import READ, ClusterLoad
from support.processes import Process
from support.waits import eventually
from support.workbench import NUMBER

from lgsp_gateway.local import nats_config

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

STOPPED_SECONDS = 20.0


@pytest_asyncio.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClusterLoad]:
    started = await ClusterLoad(tmp_path_factory.mktemp("cluster")).start()
    yield started
    await started.stop()


@asynccontextmanager
async def killed(process: Process) -> AsyncIterator[None]:
    await process.kill()
    yield
    await process.start(wait_ready="nats-server" not in process.command[0])


@asynccontextmanager
async def stopped(process: Process) -> AsyncIterator[None]:
    process.signal(signal.SIGSTOP)
    again = asyncio.get_running_loop().call_later(STOPPED_SECONDS, process.signal, signal.SIGCONT)
    yield
    await asyncio.sleep(max(0.0, again.when() - asyncio.get_running_loop().time()))


Fault = Callable[[Process], AbstractAsyncContextManager[None]]


async def process_of(cluster: ClusterLoad, part: str) -> Process:
    leader = await cluster.leader()
    return {
        "leader": cluster.bus.nats.each[leader],
        "another server": cluster.bus.nats.each[(leader + 1) % 3],
        "gateway": cluster.bus.gateways["second"],
        "adapter": cluster.adapters["adapter-1"],
    }[part]


@pytest.mark.parametrize("fault", [killed, stopped])
@pytest.mark.parametrize("part", ["leader", "another server", "gateway", "adapter"])
async def test_nothing_is_lost_with_a_part(cluster: ClusterLoad, part: str, fault: Fault) -> None:
    process = await process_of(cluster, part)
    async with cluster:
        await cluster.goes_on()
        async with fault(process):
            await cluster.goes_on(300)
            print("\n" + cluster.report(f"{part} {fault.__name__}"))
        await cluster.goes_on()
    await cluster.check()
    await cluster.is_whole()


@pytest.mark.parametrize("part", ["leader", "another server"])
async def test_nothing_is_lost_where_a_server_is_cut_off(cluster: ClusterLoad, part: str) -> None:
    leader = await cluster.leader()
    server = leader if part == "leader" else (leader + 1) % 3
    async with cluster:
        await cluster.goes_on()
        cluster.bus.routes.cut_off(server)
        try:
            await cluster.goes_on(300)  # each gateway goes to a server of the majority
            print("\n" + cluster.report(f"{part} cut off"))
        finally:
            cluster.bus.routes.heal()
        await cluster.goes_on()
    await cluster.is_whole()
    await cluster.check()


async def test_a_minority_refuses(cluster: ClusterLoad) -> None:
    await asyncio.gather(*(server.kill() for server in cluster.bus.nats.each[1:]))

    async def status() -> int:
        headers = {"Authorization": f"Bearer {cluster.bus.token('alpha')}"}
        async with cluster.bus.session.post(READ, json={"soDinhDanh": NUMBER}, headers=headers) as answer:
            return answer.status

    async def is_refused() -> bool:
        return await status() == 503

    await eventually(is_refused)
    assert {await status() for _ in range(20)} == {503}
    await asyncio.gather(*(cluster.bus.nats.start_one(number) for number in (1, 2)))
    async with cluster:
        await cluster.goes_on()
    await cluster.check()
    await cluster.is_whole()


async def test_a_server_with_an_empty_disk_catches_up(cluster: ClusterLoad) -> None:
    server = (await cluster.leader() + 1) % 3
    async with cluster:
        await cluster.goes_on()
        await cluster.bus.nats.each[server].kill()
        shutil.rmtree(nats_config.storage(cluster.bus.state, server + 1))
        await cluster.goes_on()
        await cluster.bus.nats.start_one(server)
        await cluster.goes_on()
    await cluster.check()
    await cluster.is_whole()
    other = cluster.bus.nats.each[(server + 1) % 3]
    async with cluster, killed(other):  # what it has caught up with is needed now
        await cluster.goes_on()
    await cluster.check()
    await cluster.is_whole()


async def test_nothing_is_lost_while_each_server_is_restarted(cluster: ClusterLoad) -> None:
    async with cluster:
        await cluster.goes_on()
        for number in range(3):
            await cluster.bus.nats.restart_one(number)
            await cluster.is_whole()
            await cluster.goes_on()
    print("\n" + cluster.report("servers restarted"))
    await cluster.check()
    assert set(cluster.reads.statuses) == {200}
    assert set(cluster.messages.statuses) == {202}


async def test_a_restart_of_each_gateway_and_adapter_is_not_noticed(cluster: ClusterLoad) -> None:
    async with cluster:
        await cluster.goes_on()
        for name in cluster.bus.gateways:
            await cluster.bus.restart(name)
        for adapter in cluster.adapters.values():
            await adapter.stop()
            await adapter.start()
            await cluster.goes_on()
    print("\n" + cluster.report("gateways and adapters restarted"))
    await cluster.check()
    assert set(cluster.reads.statuses) == {200}
    assert set(cluster.messages.statuses) == {202}
