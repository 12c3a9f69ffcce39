"""What lanes promise: everything is tried until it is settled, in order where it matters, and no lane waits for another."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from support.jetstream import JetStreamServer, api, lanes_at, make_stream
from support.waits import eventually

from lgsp_gateway.delivery.lanes.lane import Dead, Delivery, Done, LaneConfig, Outcome, PauseLane, RetryAfter
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnknownKeyError


def key_of(delivery: Delivery) -> str:
    return delivery.headers.get("Key", "")


def config(name: str = "lane", filters: tuple[str, ...] = ("w.>",), **more: object) -> LaneConfig:
    return LaneConfig(name, "W", filters, ordering_key=key_of, **more)  # type: ignore[arg-type]


@pytest.fixture
async def work(client: Client) -> Client:
    await make_stream(client, "W", "w.>", retention="workqueue")
    return client


@pytest.fixture
async def lanes(server: JetStreamServer, work: Client) -> AsyncIterator[Lanes]:
    async with lanes_at(server.endpoint, "a") as lanes:
        yield lanes


async def put(client: Client, subject: str, payload: bytes, key: str = "") -> None:
    await client.jetstream().publish(subject, payload, headers={"Key": key} if key else None)


async def left(client: Client) -> int:
    return int((await api(client, "STREAM.INFO.W"))["state"]["messages"])


async def emptied(client: Client) -> None:
    async def is_empty() -> bool:
        return await left(client) == 0

    await eventually(is_empty)


async def test_what_is_done_or_dead_is_gone(lanes: Lanes, work: Client) -> None:
    tried: list[bytes] = []

    async def handler(delivery: Delivery) -> Outcome:
        tried.append(delivery.payload)
        return Dead("not-granted") if delivery.payload == b"bad" else Done()

    lanes.serve(config(), handler)
    await lanes.start()
    for payload in (b"1", b"bad", b"2"):
        await put(work, "w.a", payload)
    await emptied(work)
    assert sorted(tried) == [b"1", b"2", b"bad"]


async def test_a_failed_message_holds_those_with_its_key_alone(lanes: Lanes, work: Client) -> None:
    tried: list[str] = []

    async def handler(delivery: Delivery) -> Outcome:
        tried.append(f"{delivery.payload.decode()}#{delivery.attempt}")
        return RetryAfter(0.5, "provider-failed") if tried[-1] in ("a1#1", "x#1") else Done()

    lanes.serve(config(), handler)
    await lanes.start()
    for payload, key in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("x", ""), ("a3", "a"), ("b2", "b")):
        await put(work, "w.a", payload.encode(), key)
    await emptied(work)
    assert [one for one in tried if one[0] == "a"] == ["a1#1", "a1#2", "a2#1", "a3#1"]
    assert [one for one in tried if one[0] == "b"] == ["b1#1", "b2#1"]
    assert tried.index("b2#1") < tried.index("a1#2")
    assert [one for one in tried if one[0] == "x"] == ["x#1", "x#2"]


async def test_a_key_whose_first_message_fails_does_not_fill_the_lane(lanes: Lanes, work: Client) -> None:
    done: list[bytes] = []
    mended = asyncio.Event()

    async def handler(delivery: Delivery) -> Outcome:
        if delivery.payload == b"k0" and not mended.is_set():
            return RetryAfter(0.2, "provider-failed")
        done.append(delivery.payload)
        return Done()

    lanes.serve(config(window=4, concurrency=2), handler)
    await lanes.start()
    for number in range(60):
        await put(work, "w.a", b"k%d" % number, "k")
    await put(work, "w.a", b"other", "o")
    await eventually(lambda: done == [b"other"])
    mended.set()
    await emptied(work)
    assert done[1:] == [b"k%d" % number for number in range(60)]


async def test_no_more_are_tried_at_a_time_than_the_lane_allows(lanes: Lanes, work: Client) -> None:
    running = most = 0

    async def handler(_: Delivery) -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return Done()

    lanes.serve(config(concurrency=3), handler)
    await lanes.start()
    await asyncio.gather(*(put(work, "w.a", b"x") for _ in range(50)))
    await emptied(work)
    assert most == 3


async def test_a_paused_lane_tries_one_message_first(lanes: Lanes, work: Client) -> None:
    tried: list[bytes] = []
    reachable = False

    async def handler(delivery: Delivery) -> Outcome:
        tried.append(delivery.payload)
        return Done() if reachable else PauseLane("no-adapter", 0.3)

    lanes.serve(config(concurrency=1), handler)
    await lanes.start()
    for number in range(5):
        await put(work, "w.a", b"%d" % number, "k")
    await eventually(lambda: len(tried) == 3)
    assert set(tried) == {b"0"}, "each pause ends with a single attempt"

    def has_handed_back() -> bool:
        [state] = lanes.states()
        return (state.pause_reason, state.waiting, state.running) == ("no-adapter", 0, 0)

    await eventually(has_handed_back)
    reachable = True
    await emptied(work)
    assert tried[-5:] == [b"%d" % number for number in range(5)]


@pytest.mark.parametrize("key", ["", "k"])
async def test_messages_that_always_fail_do_not_keep_the_others_waiting(lanes: Lanes, work: Client, key: str) -> None:
    tried: list[bytes] = []

    async def handler(delivery: Delivery) -> Outcome:
        tried.append(delivery.payload)
        return PauseLane("provider-failed", 0.2, failed=True) if delivery.payload.startswith(b"bad") else Done()

    lanes.serve(config(), handler)
    await lanes.start()
    for number in range(3):
        await put(work, "w.a", b"bad%d" % number, key and f"{key}{number}")
    await eventually(lambda: len(tried) >= 3)
    for number in range(5):
        await put(work, "w.a", b"good%d" % number, key and f"good{number}")
    await eventually(lambda: {b"good%d" % number for number in range(5)} <= set(tried))


async def test_a_pause_can_be_ended(lanes: Lanes, work: Client) -> None:
    tried = asyncio.Event()
    reachable = False

    async def handler(_: Delivery) -> Outcome:
        tried.set()
        return Done() if reachable else PauseLane("no-adapter", 3600)

    lanes.serve(config(), handler)
    await lanes.start()
    await put(work, "w.a", b"x")
    await asyncio.wait_for(tried.wait(), 20)
    reachable = True
    lanes.resume("lane")
    await emptied(work)


async def test_a_handler_that_raises_or_hangs_has_failed(lanes: Lanes, work: Client) -> None:
    tried = defaultdict[bytes, int](int)

    async def handler(delivery: Delivery) -> Outcome:
        tried[delivery.payload] += 1
        if delivery.payload == b"raises":
            raise ValueError
        if delivery.payload == b"hangs":
            await asyncio.Event().wait()
        return Done()

    lanes.serve(config(attempt_seconds=0.2), handler)
    await lanes.start()
    for payload in (b"raises", b"hangs", b"good"):
        await put(work, "w.a", payload)
    await eventually(lambda: set(tried) == {b"raises", b"hangs", b"good"})

    async def two_left() -> bool:
        return await left(work) == 2

    await eventually(two_left)


async def test_a_lane_that_stands_still_slows_no_other(lanes: Lanes, work: Client) -> None:
    done: list[bytes] = []

    enough = asyncio.Event()

    async def slow(_: Delivery) -> Outcome:
        await enough.wait()
        return Done()

    async def handler(delivery: Delivery) -> Outcome:
        done.append(delivery.payload)
        return Done()

    lanes.serve(config("slow", ("w.slow.>",)), slow)
    lanes.serve(config("fast", ("w.fast.>",)), handler)
    await lanes.start()
    for number in range(100):
        await put(work, "w.slow.a", b"x")
        await put(work, "w.fast.a", b"%d" % number, "k")
    await eventually(lambda: len(done) == 100)
    enough.set()


@pytest.mark.long
async def test_a_slow_attempt_is_made_once(lanes: Lanes, work: Client) -> None:
    """It takes longer than the server waits for an acknowledgement, but for the lane saying that it works on it."""
    tried: list[bytes] = []

    async def handler(delivery: Delivery) -> Outcome:
        tried.append(delivery.payload)
        if delivery.payload == b"1":
            await asyncio.sleep(6)
        return Done()

    lanes.serve(config(), handler)
    await lanes.start()
    for payload in (b"1", b"2"):
        await put(work, "w.a", payload, "k")
    await emptied(work)
    assert tried == [b"1", b"2"]


async def test_what_a_missing_key_encrypts_waits_for_it_and_is_not_overtaken(
    server: JetStreamServer, work: Client
) -> None:
    keys, both = {1: bytes(32)}, {1: bytes(32), 2: bytes([1] * 32)}
    seen: list[bytes] = []

    async def handler(delivery: Delivery) -> Outcome:
        seen.append(delivery.payload)
        return Done() if delivery.payload else Dead("malformed")

    for payload, known in ((b"1", keys), (b"2", both), (b"3", keys)):
        await put(work, "w.a", PayloadCipher(lambda known=known: known).encrypt("w.a", payload), "k")  # type: ignore[misc]
    async with lanes_at(server.endpoint, "a", PayloadCipher(lambda: keys)) as lanes:
        lanes.serve(config(), handler)
        await lanes.start()
        await eventually(lambda: [one.pause_reason for one in lanes.states()] == [UnknownKeyError.CODE])
        assert b"" not in seen
        keys[2] = both[2]
        await emptied(work)
    assert seen == [b"1", b"2", b"3"]


async def test_a_lane_goes_on_when_its_consumer_was_deleted(lanes: Lanes, work: Client) -> None:
    done: list[bytes] = []

    async def handler(delivery: Delivery) -> Outcome:
        done.append(delivery.payload)
        return Done()

    lanes.serve(config(), handler)
    await lanes.start()
    await put(work, "w.a", b"1", "k")
    await eventually(lambda: done == [b"1"])
    await api(work, "CONSUMER.DELETE.W.lane")
    await put(work, "w.a", b"2", "k")
    await emptied(work)
    assert done == [b"1", b"2"]


async def test_a_lane_that_one_gateway_announces_is_served(server: JetStreamServer, lanes: Lanes, work: Client) -> None:
    done: list[bytes] = []

    async def handler(delivery: Delivery) -> Outcome:
        done.append(delivery.payload)
        return Done()

    def make(name: str) -> tuple[LaneConfig, object]:
        return config(name, (f"w.{name.removeprefix('work_')}.>",)), handler

    async with lanes_at(server.endpoint, "b") as others:
        for one in (lanes, others):
            one.discover("W", "work_", make)  # type: ignore[arg-type]
            await one.start()
        for number in range(8):
            await lanes.announce("W", f"work_{number}")
            assert (await api(work, f"CONSUMER.INFO.W.work_{number}"))["name"], (
                "its messages are delivered if all are killed now"
            )
            await put(work, f"w.{number}.a", b"%d" % number)
        await emptied(work)
        assert len(done) == 8
        await eventually(lambda: len(list(others.states())) == 8)
        served = [[state.name for state in one.states() if state.served_here] for one in (lanes, others)]
        assert sorted(served[0] + served[1]) == sorted(f"work_{number}" for number in range(8))


async def test_what_is_under_way_when_a_gateway_stops_is_not_handed_back(server: JetStreamServer, work: Client) -> None:
    """It may come once more to the gateway that stops, such as by a request of before, while it is done there."""
    tried: list[bytes] = []
    began, may_end = asyncio.Event(), asyncio.Event()

    async def handler(delivery: Delivery) -> Outcome:
        tried.append(delivery.payload)
        began.set()
        await may_end.wait()
        return Done()

    async with lanes_at(server.endpoint, "b") as others:
        async with lanes_at(server.endpoint, "a") as lanes:
            lanes.serve(config(), handler)
            await lanes.start()
            await put(work, "w.a", b"1", "k")
            await asyncio.wait_for(began.wait(), 10)
            others.serve(config(), handler)
            stopping = asyncio.create_task(lanes.stop())
            await eventually(lambda: not next(lanes.states()).served_here)
            await work.publish("$JS.ACK.W.lane.1.1.1.0.0", b"-NAK")

            await put(work, "w.a", b"2", "k")
            await others.start()

            async def came_again() -> bool:
                return int((await api(work, "CONSUMER.INFO.W.lane"))["delivered"]["consumer_seq"]) > 4

            await eventually(came_again)
            may_end.set()
            await stopping
        await emptied(work)
    assert tried == [b"1", b"2"]


async def test_lanes_move_when_a_gateway_stops(server: JetStreamServer, lanes: Lanes, work: Client) -> None:
    done: list[bytes] = []

    async def handler(delivery: Delivery) -> Outcome:
        await asyncio.sleep(0.001)
        done.append(delivery.payload)
        return Done()

    names = [f"lane-{number}" for number in range(6)]
    for name in names:
        lanes.serve(config(name, (f"w.{name}.>",)), handler)
    await lanes.start()
    async with lanes_at(server.endpoint, "b") as others:
        for name in names:
            others.serve(config(name, (f"w.{name}.>",)), handler)
        await others.start()
        for number in range(100):
            for name in names:
                await put(work, f"w.{name}.a", b"%s/%d" % (name.encode(), number), "k")
    await emptied(work)
    for name in names:
        of_one = [payload for payload in done if payload.startswith(name.encode() + b"/")]
        assert of_one == [b"%s/%d" % (name.encode(), number) for number in range(100)], "a stop repeats nothing"
