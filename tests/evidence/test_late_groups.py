"""A group whose acknowledgement did not come gets to disk later than anybody thinks: the tree is that of the stream all the same."""

import asyncio
import itertools
import signal
from collections.abc import Sequence
from typing import Any

import pytest
from support.waits import WORK_SECONDS, eventually
from support.workbench import Workbench

from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.read import checkpoint_stream, entry_stream
from lgsp_gateway.evidence.verify.merkle import Tree
from lgsp_gateway.evidence.verify.origins import origin_of
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import connect
from lgsp_runtime.nats.request_reply import NatsRequestReply

NAMES = itertools.count()
BATCH_BYTES = 512 * 1024


async def test_a_group_that_comes_late_stands_where_it_came(bus: Workbench) -> None:
    connection = await connect(bus.endpoint("gateway"), "test")
    name = f"late-{next(NAMES)}"
    publishing = NatsRequestReply()
    calls = await connect_for_calls(bus.endpoint("gateway"), "test calls")
    await publishing.start(calls)
    async with asyncio.timeout(WORK_SECONDS), Background() as background:
        signer = Signer(origin_of(name), b"k" * 32)
        publisher = CheckpointPublisher(publishing, name, signer)
        await publisher.start(connection, 1)
        publisher.start_signing(background)

        async def stored(entry: bytes) -> int:
            return int((await publishing.publish(entry_stream.subject_of(name), entry, {}, 5))["seq"])

        async def signed(size: int) -> None:
            async with asyncio.timeout(20):
                while (last := await checkpoint_stream.last(connection, name)) is None or last.record.size < size:
                    await asyncio.sleep(0.05)
            tree = Tree()
            for number in range(size):
                tree.append(b'{"message":"%d"}' % number)
            assert signer.key.verify(last.record.note).root == tree.root()

        publisher.on_batch_written(await stored(b'{"message":"0"}'), [b'{"message":"0"}'])
        await signed(1)
        publisher.mark_unsure("1")  # it is on its way
        publisher.on_batch_written(await stored(b'{"message":"1"}'), [b'{"message":"1"}'])
        await signed(2)  # the stream was read since
        late = await stored(b'{"message":"2"}')
        publisher.on_batch_written(await stored(b'{"message":"3"}'), [b'{"message":"3"}'])
        await asyncio.sleep(0)
        publisher.mark_settled("1")
        publisher.on_batch_written(late, [b'{"message":"2"}'])
        await signed(4)
        publisher.on_batch_written(await stored(b'{"message":"4"}'), [b'{"message":"4"}'])
        await signed(5)
    publishing.stop()
    await calls.close()
    await connection.close()


async def test_no_group_is_stranded_behind_one_that_could_not_be_sent(breakable_bus: Workbench) -> None:
    """NATS is gone while several full groups wait to be sent: each caller is told, though nobody writes after them."""
    publishing = NatsRequestReply()
    connection = await connect_for_calls(breakable_bus.endpoint("gateway"), "test", publishing.connection_lost)
    await publishing.start(connection)
    async with asyncio.timeout(20), Background() as background:
        publisher = CheckpointPublisher(publishing, "stranded", Signer("x/y", b"k" * 32))
        log = EvidenceLog(publishing, "evidence.stranded", publisher, batch_bytes=BATCH_BYTES, max_unwritten=1000)
        log.start(background)
        breakable_bus.nats.signal(signal.SIGSTOP)
        entry = b'{"status":404,"more":"%b"}' % (b"x" * (BATCH_BYTES // 3))
        written = [log.write(entry) for _ in range(40)]
        await breakable_bus.nats.kill()
        ends = await asyncio.gather(*written, return_exceptions=True)
        assert {end.code for end in ends if isinstance(end, Refusal)} == {"evidence-unavailable"}
        assert not [end for end in ends if not isinstance(end, Refusal)]
        assert log.unwritten == len(written)
    publishing.stop()
    await connection.close()


class CountedRequests(NatsRequestReply):
    """A connection that counts what is published."""

    asked = 0

    def ask(self, *arguments: Any, **named: Any) -> None:
        self.asked += 1
        super().ask(*arguments, **named)


async def test_calls_wait_for_a_stream_that_does_not_answer(breakable_bus: Workbench) -> None:
    """What is not acknowledged is sent again while its calls wait, and stored once."""
    publishing, name = CountedRequests(), f"held-{next(NAMES)}"
    calls = await connect_for_calls(breakable_bus.endpoint("gateway"), "test", publishing.connection_lost)
    await publishing.start(calls)
    async with asyncio.timeout(WORK_SECONDS), Background() as background:
        publisher = CheckpointPublisher(publishing, name, Signer("x/y", b"k" * 32))
        log = EvidenceLog(publishing, entry_stream.subject_of(name), publisher)
        log.start(background)
        breakable_bus.nats.signal(signal.SIGSTOP)
        first, second = log.write(b'{"number":1}'), log.write(b'{"number":2}')
        await eventually(lambda: publishing.asked > 2)
        assert not first.done()
        breakable_bus.nats.signal(signal.SIGCONT)
        await asyncio.gather(first, second)
        connection = await connect(breakable_bus.endpoint("gateway"), "test reading")
        stored = await entry_stream.first_of(connection, name)
        assert (await entry_stream.batch(connection, stored) or b"").startswith(b'{"number":1}')
        assert await entry_stream.first_after(connection, log.last_batch, name) == 0
    publishing.stop()
    await calls.close()
    await connection.close()


class BrokenPublisher(CheckpointPublisher):
    """A publisher with a defect that shows when a batch is acknowledged."""

    def on_batch_written(self, sequence: int, entries: Sequence[bytes]) -> None:
        raise ZeroDivisionError


class BusyRequests(NatsRequestReply):
    """A connection on which a call is under way, so that the log gathers and sends in a later turn of the event loop."""

    @property
    def awaited(self) -> int:
        return 1


class BrokenRequests(BusyRequests):
    """A connection with a defect that shows when a batch is sent."""

    def ask(self, *_: object, **__: object) -> None:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("requests", "publisher_type"),
    [(BusyRequests, BrokenPublisher), (BrokenRequests, CheckpointPublisher)],
    ids=["acknowledged", "sent"],
)
async def test_a_defect_of_the_log_lets_no_call_wait_for_ever(
    bus: Workbench, requests: type[NatsRequestReply], publisher_type: type[CheckpointPublisher]
) -> None:
    publishing = requests()
    connection = await connect_for_calls(bus.endpoint("gateway"), "test", publishing.connection_lost)
    await publishing.start(connection)
    async with asyncio.timeout(20), Background() as background:
        name = f"defect-{next(NAMES)}"
        log = EvidenceLog(
            publishing, entry_stream.subject_of(name), publisher_type(publishing, name, Signer("x/y", b"k" * 32))
        )
        log.start(background)
        ends = await asyncio.gather(*(log.write(b'{"status":404}') for _ in range(3)), return_exceptions=True)
        assert [end.code for end in ends if isinstance(end, Refusal)] == ["evidence-unavailable"] * 3
    publishing.stop()
    await connection.close()
