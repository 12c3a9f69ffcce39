"""Three NATS servers and two gateways, of which one each is lost while programs call: what was answered is there. The long faults: `test_cluster_faults.py`."""

from pathlib import Path

from support.cluster_load import ClusterLoad


async def test_a_lost_leader_and_a_lost_gateway_lose_nothing(tmp_path: Path) -> None:
    cluster = await ClusterLoad(tmp_path).start()
    try:
        async with cluster:
            await cluster.goes_on()
            leader = await cluster.leader()
            await cluster.bus.nats.each[leader].kill()
            await cluster.bus.gateways["second"].kill()
            await cluster.goes_on()
            await cluster.bus.nats.start_one(leader)
            await cluster.bus.gateways["second"].start()
            await cluster.goes_on()
        print(cluster.report())
        await cluster.check()
        await cluster.is_whole()
    finally:
        await cluster.stop()
