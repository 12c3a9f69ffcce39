"""Delivery: what is accepted, delivered and drained, beside what nats-py does without any of it. `./lgsp bench run`.

`LGSP_BENCH_BACKLOG` messages are drained (1,000,000 where nothing is said).
"""

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from support.jetstream import JetStreamServer, lanes_at, make_stream
from support.waits import eventually
from support.workbench import NUMBER, Workbench

from bench import history
from bench.bench_whole import MANY
from bench.message_sides import Measured, Side, measured, percentile, receiver, sender, until_quiet
from lgsp_gateway.delivery.lanes.lane import Delivery, Done, LaneConfig, Outcome
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage

CONCURRENT = 64
SECONDS = 3.0
ROUNDS = 3
SUBSCRIPTIONS = 1000
BACKLOG = int(os.environ.get("LGSP_BENCH_BACKLOG", "1000000"))
BODY = bytes(1000)


@asynccontextmanager
async def server_with(folder: Path, *streams: str) -> AsyncIterator[JetStreamServer]:
    """A server that syncs each message, with streams of their names' subjects."""
    server = JetStreamServer(folder)
    await server.start()
    async with server.client() as client:
        for stream in streams:
            await make_stream(client, stream, f"{stream}.>", retention="workqueue" if stream == "W" else "limits")
    try:
        yield server
    finally:
        await server.process.stop()


async def rate_of(publish: Callable[[str], Awaitable[object]], seconds: float = SECONDS) -> float:
    """Publish from many at the same time; return how many a second."""
    end, published = time.perf_counter() + seconds, 0

    async def publisher(who: int) -> None:
        nonlocal published
        number = 0
        while time.perf_counter() < end:
            number += 1
            await publish(f"{who}.{number}")
            published += 1

    began = time.perf_counter()
    await asyncio.gather(*(publisher(who) for who in range(CONCURRENT)))
    return published / (time.perf_counter() - began)


def megabytes() -> float:
    """Return the memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


async def test_group_commits_beside_single_publishes(tmp_path: Path) -> None:
    async with server_with(tmp_path, "W", "bare") as server, server.client() as client, server.bus() as (bus, _):
        store, jetstream = GroupCommit(bus, "W"), client.jetstream()
        ratios = []
        for number in range(ROUNDS):

            async def bare(subject: str, number: int = number) -> None:
                await jetstream.publish(f"bare.{subject}", BODY, headers={"Nats-Msg-Id": f"{number} {subject}"})

            its = await rate_of(bare)
            mine = await rate_of(lambda subject: store.publish(NewMessage(f"W.{subject}", BODY)))
            ratios.append(mine / its)
        history.record("group commits of 64, beside bare publishes", sorted(ratios)[ROUNDS // 2], "×", "≥ 0.9")


async def test_one_event_to_a_thousand_lanes(tmp_path: Path) -> None:
    async with server_with(tmp_path, "events", "bare") as server, server.client() as client, server.bus() as (bus, _):
        store, jetstream = GroupCommit(bus, "events"), client.jetstream()
        got = 0

        async def handler(_: Delivery) -> Outcome:
            nonlocal got
            got += 1
            return Done()

        async with lanes_at(server.endpoint, "bench") as lanes:
            before = megabytes()
            for number in range(SUBSCRIPTIONS):
                lanes.serve(LaneConfig(f"subscription-{number}", "events", ("events.a",)), handler)
            await lanes.start()
            await store.publish(NewMessage("events.a", BODY))
            await eventually(lambda: got == SUBSCRIPTIONS, within=120)
            history.record("memory of 1,000 lanes", megabytes() - before, "MB")
            used = time.process_time()
            await asyncio.sleep(5)
            history.record("a core that 1,000 idle lanes take", (time.process_time() - used) / 5 * 100, "%")
            ratios = []
            for number in range(1, ROUNDS + 1):
                began = time.perf_counter()
                await store.publish(NewMessage("events.a", BODY))
                await eventually(lambda number=number: got == SUBSCRIPTIONS * (number + 1), within=120)  # type: ignore[misc]
                mine = SUBSCRIPTIONS / (time.perf_counter() - began)

                async def bare(subject: str, number: int = number) -> None:
                    await jetstream.publish(f"bare.{number}.{subject}", BODY)

                ratios.append(mine / await rate_of(bare, 1.0))
        history.record("one event to 1,000 lanes, beside bare publishes", sorted(ratios)[ROUNDS // 2], "×", "≥ 0.5")


async def test_a_backlog_is_drained_without_growing_memory(tmp_path: Path) -> None:
    async with server_with(tmp_path, "W") as server, server.bus() as (bus, _):
        store = GroupCommit(bus, "W")
        for first in range(0, BACKLOG, 10_000):
            numbers = range(first, min(first + 10_000, BACKLOG))
            await asyncio.gather(*(store.publish(NewMessage(f"W.k{n % 500}", b"%d" % n)) for n in numbers))
        sizes: list[float] = []
        seen, last = 0, dict.fromkeys((f"W.k{key}" for key in range(500)), -1)

        async def handler(delivery: Delivery) -> Outcome:
            nonlocal seen
            number = int(delivery.payload)
            assert number > last[delivery.subject], "out of order"
            last[delivery.subject] = number
            seen += 1
            if seen % max(BACKLOG // 20, 1) == 0:
                sizes.append(megabytes())
            return Done()

        async with lanes_at(server.endpoint, "bench") as lanes:
            config = LaneConfig("drain", "W", ("W.>",), lambda one: one.subject, concurrency=32, window=256)
            lanes.serve(config, handler)
            began = time.perf_counter()
            await lanes.start()
            await eventually(lambda: seen >= BACKLOG, within=3600, seen=lambda: seen)
        seconds = time.perf_counter() - began
        history.record(f"a backlog of {BACKLOG:,} drained", BACKLOG / seconds, "messages/s")
        history.record("memory from the first twentieth of it to the last", sizes[-1] - sizes[0], "MB", "no growth")


@asynccontextmanager
async def divided_bus(folder: Path) -> AsyncIterator[Workbench]:
    """A bus on which one gateway answers and another one delivers."""
    bus = await Workbench(folder / "bus", MANY).start("--roles", "http")
    try:
        await bus.start_deliverer()
        yield bus
    finally:
        await bus.stop()


async def bare_rate(folder: Path) -> float:
    """Single publishes of nats-py from 64 at the same time, to a server with the same setting."""
    async with server_with(folder, "bare") as server, server.client() as client:
        jetstream = client.jetstream()
        return await rate_of(lambda subject: jetstream.publish(f"bare.{subject}", BODY))


async def test_accepted_messages_and_their_delivery(tmp_path: Path) -> None:
    """Accepted with no adapter there, so that nothing is delivered meanwhile; then delivered at half the rate at which they were accepted.

    Sender, receiver and this process are three: on two cores they share those with two gateways and nats-server.
    """
    bare = await bare_rate(tmp_path)
    async with divided_bus(tmp_path) as bus, sender(bus, tmp_path) as sending:
        await sending.tell("0 1")
        accepted = await sending.tell(f"0 {SECONDS}")
        assert accepted["refused"] == 0
        rate = accepted["rate"]
        history.record("accepted messages of 64 connections, beside bare publishes", rate / bare, "×", "≥ 0.7")
        history.record("accepted messages of 64 connections", rate, "messages/s")
        async with receiver(bus, tmp_path) as receiving:
            waited = await received_so_far(receiving)
            history.record("a backlog of accepted messages delivered", waited, "messages/s")
            both = await measured(bus, sending, receiving, 0)
            history.record("accepted while they are delivered", both.rate, "messages/s")
            history.record("delivered while they are accepted", both.delivered, "messages/s")
            half = await measured(bus, sending, receiving, rate / 2)
            history.record("load of the next, of what was accepted alone", half.rate / rate, "×", "about 0.5")
            record_delays("at half of what is accepted", half)
            calm = await measured(bus, sending, receiving, min(both.rate, both.delivered) / 2)
            record_delays("at half of what is accepted and delivered", calm)


async def received_so_far(receiving: Side) -> float:
    """Wait until the backlog is delivered; return how many a second that was."""
    while not await receiving.tell("count"):
        await asyncio.sleep(0.1)
    await until_quiet(receiving)
    times = sorted(at for _, at in await receiving.tell("times"))
    return len(times) / (times[-1] - times[0])


def record_delays(when: str, run: Measured) -> None:
    """Keep how long messages took, and what they cost."""
    history.record(f"p50 from 202 to delivery, {when}", percentile(run.delays.from_accepted, 50), "ms")
    history.record(f"p99 from 202 to delivery, {when}", percentile(run.delays.from_accepted, 99), "ms", "< 50")
    history.record(f"p99 from being due to delivery, {when}", percentile(run.delays.from_due, 99), "ms")
    for name, microseconds in run.processor.items():
        history.record(f"processor time of a message in the {name}, {when}", microseconds, "µs")


async def test_calls_of_others_while_one_floods(tmp_path: Path) -> None:
    async with (
        divided_bus(tmp_path) as bus,
        receiver(bus, tmp_path) as receiving,
        sender(bus, tmp_path) as sending,
    ):

        async def p99_of_calls() -> float:
            took = []
            end = time.perf_counter() + 2 * SECONDS
            while time.perf_counter() < end:
                began = time.perf_counter()
                got = await bus.call("read", {"soDinhDanh": NUMBER, "hoVaTen": "0"}, system="beta")
                assert got.status == 200, got.body
                took.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(0.005)
            return percentile(sorted(took), 99)

        quiet = await p99_of_calls()
        flood = asyncio.create_task(sending.tell("0 8"))
        await asyncio.sleep(1.5)
        flooded = await p99_of_calls()
        history.record("messages that flood", (await flood)["rate"], "messages/s")
        history.record("p99 of others' calls", quiet, "ms")
        history.record("p99 of others' calls while one floods, beside before", flooded / quiet, "×", "≤ 1.5")
        await until_quiet(receiving)
