"""Messages are stored in group commits: once, in order, and whoever is told so can rely on it, also when the server is killed."""

import asyncio
from collections.abc import AsyncIterator
from itertools import groupby

import pytest
from nats.aio.client import Client
from support.jetstream import JetStreamServer, make_stream, stored
from support.waits import until_set

from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage, Stored
from lgsp_problems import Refusal, RevisionConflict


@pytest.fixture
async def store(server: JetStreamServer, client: Client) -> AsyncIterator[GroupCommit]:
    await make_stream(client, "S", "s.>")
    async with server.bus() as (bus, _):
        store = GroupCommit(bus, "S")
        yield store
        await store.stop()


async def test_what_is_published_together_shares_a_batch(store: GroupCommit, client: Client) -> None:
    got = await asyncio.gather(*(store.publish(NewMessage(f"s.{n}", b"%d" % n)) for n in range(2500)))
    assert [one.sequence for one in got] == list(range(1, 2501))
    assert [payload for _, _, payload in await stored(client, "S")] == [b"%d" % n for n in range(2500)]
    assert store.batches == 3, "1,000 messages fit in a batch"


async def test_a_few_are_published_by_themselves_and_those_of_one_subject_as_a_batch(store: GroupCommit) -> None:
    few = await asyncio.gather(*(store.publish(NewMessage(f"s.{n}", b"x")) for n in range(4)))
    assert ([one.sequence for one in few], store.batches) == ([1, 2, 3, 4], 0)
    same = await asyncio.gather(*(store.publish(NewMessage("s.a", b"%d" % n)) for n in range(4)))
    assert ([one.sequence for one in same], store.batches) == ([5, 6, 7, 8], 1)


async def test_large_messages_are_divided_among_batches(store: GroupCommit) -> None:
    await asyncio.gather(*(store.publish(NewMessage("s.a", bytes(300_000))) for _ in range(9)))
    assert store.batches == 3


async def test_a_repeated_message_is_stored_once(store: GroupCommit, client: Client) -> None:
    first = await asyncio.gather(*(store.publish(NewMessage(f"s.{n}", b"x", message_id=f"id-{n}")) for n in range(3)))
    again = [store.publish(NewMessage(f"s.{n}", b"x", message_id=f"id-{n}")) for n in range(4)]
    again.append(store.publish(NewMessage("s.3", b"y", message_id="id-3")))
    got = await asyncio.gather(*again)
    assert got[:3] == [Stored(one.sequence, duplicate=True) for one in first]
    assert got[3:] == [Stored(4), Stored(4, duplicate=True)]
    assert [payload for _, _, payload in await stored(client, "S")] == [b"x"] * 4


async def test_a_condition_refuses_its_own_message_alone(store: GroupCommit) -> None:
    made = store.publish(NewMessage("s.a", b"1", expected_last=0))
    other = store.publish(NewMessage("s.b", b"1"))
    assert [(await made).sequence, (await other).sequence] == [1, 2]
    late = store.publish(NewMessage("s.a", b"2", expected_last=0))
    changed = store.publish(NewMessage("s.b", b"2", expected_last=2))
    again = store.publish(NewMessage("s.b", b"3", expected_last=3))
    with pytest.raises(RevisionConflict):
        await late
    assert [(await changed).sequence, (await again).sequence] == [3, 4]


async def test_what_is_too_large_is_refused(store: GroupCommit) -> None:
    small, large = store.publish(NewMessage("s.a", b"1")), store.publish(NewMessage("s.a", bytes(5 * 1024 * 1024)))
    assert (await small).sequence == 1
    with pytest.raises(Refusal) as refused:
        await large
    assert refused.value.code == "too-large"


async def test_nothing_is_lost_or_stored_twice_while_the_server_is_killed(
    server: JetStreamServer, store: GroupCommit
) -> None:
    """16 publishers on 4 subjects; each payload says who published it as which."""
    acknowledged: dict[bytes, int] = {}
    refused: set[bytes] = set()
    stop = asyncio.Event()

    async def publish(who: int) -> None:
        for number, _ in enumerate(until_set(stop)):
            payload = b"%d/%d" % (who, number)
            try:
                acknowledged[payload] = (await store.publish(NewMessage(f"s.{who % 4}", payload))).sequence
            except Refusal:
                refused.add(payload)

    publishers = [asyncio.create_task(publish(who)) for who in range(16)]
    for _ in range(4):
        before = len(acknowledged)
        async with asyncio.timeout(20):
            while len(acknowledged) < before + 300:
                await asyncio.sleep(0.01)
        await server.kill()
    stop.set()
    await asyncio.gather(*publishers)
    async with server.client() as client:
        found = await stored(client, "S")
    at = {payload: sequence for sequence, _, payload in found}
    assert len(at) == len(found), "something is stored twice"
    assert {payload: at.get(payload) for payload in acknowledged} == acknowledged
    assert at.keys() <= acknowledged.keys() | refused
    by_publisher = sorted(found, key=lambda one: int(one[2].split(b"/")[0]))
    for _, of_one in groupby(by_publisher, key=lambda one: one[2].split(b"/")[0]):
        numbers = [int(payload.split(b"/")[1]) for _, _, payload in of_one]
        assert numbers == sorted(numbers)
