"""A bucket that gateways hold in memory: what one writes all have, also after the server was killed or a connection lost."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from support.waits import eventually
from support.workbench import Workbench

from lgsp_gateway.delivery.replicated_bucket import BucketEntry, ReplicatedBucket
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_problems import Refusal, RevisionConflict
from lgsp_runtime.background import Background
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import connect
from lgsp_runtime.nats.request_reply import NatsRequestReply


class Holder:
    """The bucket as one gateway has it."""

    def __init__(self) -> None:
        self.values: dict[str, bytes | None] = {}
        self.entries: list[BucketEntry] = []

    def apply(self, entry: BucketEntry) -> None:
        self.entries.append(entry)
        self.values[entry.key] = entry.value

    async def start(
        self, bench: Workbench, name: str, stack: AsyncExitStack, cipher: PayloadCipher | None = None
    ) -> "Holder":
        background = await stack.enter_async_context(Background())
        connection = await connect(bench.endpoint("gateway"), "test bucket", background=background)
        stack.push_async_callback(connection.close)
        bus = NatsRequestReply()
        calls = await connect_for_calls(bench.endpoint("gateway"), "test bucket calls", bus.connection_lost)
        stack.push_async_callback(calls.close)
        stack.push_async_callback(background.stop)
        await bus.start(calls)
        stack.callback(bus.stop)
        self.bucket = ReplicatedBucket(name, bus, self.apply, cipher)
        await self.bucket.start(connection, 1, background)
        return self


async def test_what_one_writes_all_have(bus: Workbench) -> None:
    async with AsyncExitStack() as stack:
        one, two = [await Holder().start(bus, "TEST_SHARED", stack) for _ in range(2)]
        first = await one.bucket.put("a", b"1", 0)
        assert one.values == {"a": b"1"}, "whoever wrote has it in memory when the write returns"
        await eventually(lambda: two.values == {"a": b"1"})
        second = await two.bucket.put("a", b"2", first)
        with pytest.raises(RevisionConflict):
            await one.bucket.put("a", b"3", first)
        with pytest.raises(RevisionConflict):
            await one.bucket.put("a", b"3", 0)
        assert await one.bucket.read("a") == BucketEntry("a", second, b"2")
        assert await one.bucket.read("b") == BucketEntry("b", 0, None), "there never was one"
        await one.bucket.delete("a", second)
        assert (await one.bucket.read("a")).value is None
        await eventually(lambda: two.values == {"a": None})
        late = await Holder().start(bus, "TEST_SHARED", stack)
        assert late.values.get("a") is None


async def test_nothing_is_missed_when_the_server_is_killed(breakable_bus: Workbench) -> None:
    async with AsyncExitStack() as stack:
        one, two = [await Holder().start(breakable_bus, "TEST_KILLED", stack) for _ in range(2)]
        await one.bucket.put("kept", b"1", 0)
        await breakable_bus.nats.kill()
        with pytest.raises(Refusal) as refused:
            await asyncio.wait_for(one.bucket.put("refused", b"1", 0), 20)
        assert refused.value.code == "bus-unavailable"
        await breakable_bus.start_nats()

        async def written() -> bool:
            try:
                await one.bucket.put("after", b"2", 0)
            except RevisionConflict:
                return True
            except Refusal:
                return False
            return True

        await eventually(written)
        await eventually(lambda: two.values.get("after") == b"2" and two.values.get("kept") == b"1")
        assert [entry.revision for entry in two.entries] == sorted({entry.revision for entry in two.entries})


async def test_a_value_is_read_once_its_key_has_come(bus: Workbench) -> None:
    keys = {1: b"1" * 32}
    newer = PayloadCipher(lambda: {**keys, 2: b"2" * 32})
    async with AsyncExitStack() as stack:
        one = await Holder().start(bus, "TEST_KEYS", stack, newer)
        two = await Holder().start(bus, "TEST_KEYS", stack, PayloadCipher(lambda: dict(keys)))
        first = await one.bucket.put("kept", b"1", 0)
        await one.bucket.put("changed", b"1", 0)
        await one.bucket.delete("kept", first, b"why")
        late = await Holder().start(bus, "TEST_KEYS", stack, PayloadCipher(lambda: dict(keys)))
        await eventually(lambda: two.bucket.revision == late.bucket.revision == one.bucket.revision)
        assert two.values == late.values == {}
        keys[2] = b"2" * 32
        for holder in (two, late):
            await eventually(lambda holder=holder: holder.values == {"kept": None, "changed": b"1"})
            assert sorted(entry.key for entry in holder.entries) == ["changed", "kept"], "each once"
