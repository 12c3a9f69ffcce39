"""What the bus reads by goes away under it: its consumers are deleted, its servers forget it. It begins anew by itself."""

import asyncio

from support.searched import Searched
from support.waits import WORK_SECONDS
from support.workbench import OWNER, Workbench

from lgsp_runtime.nats.connection import NatsEndpoint, connect


async def delete_consumers(bus: Workbench, stream: str) -> int:
    """Delete all consumers of a stream, as an operator of NATS can: how many there were."""
    connection = await connect(NatsEndpoint(bus.nats_url, "owner-of-the-disk", OWNER), "test")
    jetstream = connection.jetstream()
    consumers = await jetstream.consumers_info(stream)
    for consumer in consumers:
        await jetstream.delete_consumer(stream, consumer.name)
    await connection.close()
    return len(consumers)


async def test_the_indexer_goes_on_without_its_consumer(searched: Searched) -> None:
    await searched.indexed((await searched.bus.call()).message)
    for _ in range(3):
        assert await delete_consumers(searched.bus, "LGSP_EVIDENCE")
        sent = [await searched.bus.call() for _ in range(5)]
        await searched.indexed(sent[-1].message)
    assert len(await searched.items(consumer="alpha")) == 16


async def test_what_reads_the_evidence_on_goes_on_without_its_consumer(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    headers = {"Authorization": f"Bearer {bus.token('auditor')}"}
    async with (
        asyncio.timeout(WORK_SECONDS),
        bus.session.get("/evidence/entries?after=0&follow=true", headers=headers) as answer,
    ):
        await bus.call()
        await answer.content.readuntil(b"\n\n")
        assert await delete_consumers(bus, "LGSP_EVIDENCE")
        sent = await bus.call()
        while sent.message.encode() not in await answer.content.readuntil(b"\n\n"):
            pass
