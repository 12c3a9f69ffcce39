"""The pure parts of lanes: which message may be tried next, when again, and whether anything may be."""

import random
from collections import defaultdict

import hypothesis.strategies as st
from hypothesis import given, settings
from support.examples import examples

from lgsp_gateway.delivery.lanes import back_off
from lgsp_gateway.delivery.lanes.breaker import LONGEST_SECONDS, Breaker
from lgsp_gateway.delivery.lanes.consumer import read_arrival, read_pull_end
from lgsp_gateway.delivery.lanes.gateway_presence import owner
from lgsp_gateway.delivery.lanes.held_messages import Held, HeldMessages, State
from lgsp_gateway.delivery.lanes.lane import Delivery


def delivery(sequence: int) -> Delivery:
    return Delivery("W", "w.a", sequence, b"%d" % sequence, {}, 0.0, 1, 1)


class Simulation:
    """A server that delivers what it has in its order, what is handed back first, to a lane of one gateway."""

    def __init__(self, keys: list[str], draw: random.Random, window: int, concurrency: int) -> None:
        self.new = list(enumerate(keys, 1))
        self.back: list[tuple[int, str]] = []
        self.draw = draw
        self.window, self.concurrency = window, concurrency
        self.held = HeldMessages(window)
        self.running: list[Held] = []
        self.done: dict[str, list[int]] = defaultdict(list)
        self.now = 0.0
        self.most_in_memory = 0

    def run(self) -> None:
        """Do one thing after the other until nothing is left."""
        for _ in range(200 * (len(self.new) + 10)):
            if not (self.new or self.back or len(self.held)):
                return
            self._step()
        raise AssertionError(f"stands still with {[(one.sequence, one.state) for one in self.held]}")

    def _step(self) -> None:
        self.now += self.draw.random()
        what = self.draw.random()
        if what < 0.02:
            self.held.raise_barrier()
        elif what < 0.03:
            self._pause()
        if self.held.barrier and self.draw.random() < 0.3:
            self.held.lower_barrier()
        self.held.end_back_off(self.now)
        for _ in range(min(self.held.room(), self.draw.randrange(6))):
            self._deliver()
        while len(self.running) < self.concurrency and (taken := self.held.take()):
            assert not (taken.key and self.held.barrier)
            assert taken.key == "" or taken.key not in [one.key for one in self.running]
            assert taken.delivery
            self.running.append(taken)
        assert self.held.running == len(self.running)
        if len(self.running) < self.concurrency:
            self.held.make_room()
        self.back += [(one.sequence, one.key) for one in self.held.take_recalled()]
        if self.running and self.draw.random() < 0.8:
            self._finish(self.running.pop(self.draw.randrange(len(self.running))))
        in_memory = sum(one.state in (State.WAITING, State.RUNNING) for one in self.held)
        self.most_in_memory = max(self.most_in_memory, in_memory)
        assert all(one.delivery is None for one in self.held if one.state in (State.PARKED, State.RECALLED))

    def _deliver(self) -> None:
        if self.back or self.new:
            sequence, key = (self.back or self.new).pop(0)
            self.held.arrive(delivery(sequence), key, f"reply {sequence}", 0, 0.0)

    def _finish(self, held: Held) -> None:
        outcome = self.draw.random()
        if outcome < 0.6:
            self.done[held.key].append(held.sequence)
            self.held.settle(held)
            self.held.remove(held)
        elif held.key:
            self.held.back_off(held, self.now + self.draw.random() * 3)
        else:
            self.held.remove(held)
            self.back.append((held.sequence, held.key))

    def _pause(self) -> None:
        self.held.raise_barrier()  # until all that was handed back is here again
        self.back = [(one.sequence, one.key) for one in self.held.remove_idle()] + self.back
        self.back.sort()


@settings(max_examples=examples(300))
@given(
    st.lists(st.sampled_from(["", "a", "b", "c", "d"]), max_size=60),
    st.integers(0, 2**32),
    st.integers(1, 8),
    st.integers(1, 5),
)
def test_everything_is_done_and_each_key_in_its_order(
    keys: list[str], seed: int, window: int, concurrency: int
) -> None:
    simulation = Simulation(keys, random.Random(seed), window, concurrency)
    simulation.run()
    for key, done in simulation.done.items():
        expected = [sequence for sequence, other in enumerate(keys, 1) if other == key]
        assert (done if key else sorted(done)) == expected


def test_what_waits_behind_a_failed_message_takes_no_memory() -> None:
    held = HeldMessages(window=4)
    for sequence in range(1, 5):
        held.arrive(delivery(sequence), "k", "", sequence, 0.0)
    first = held.take()
    assert first
    assert held.take() is None
    assert held.room() == 0
    held.back_off(first, due=10.0)
    assert held.room() == 4
    assert {one.state for one in held} == {State.PARKED}
    held.end_back_off(9.0)
    assert held.take_recalled() == []
    held.end_back_off(10.0)
    assert [one.sequence for one in held.take_recalled()] == [1, 2, 3]


def test_those_behind_a_failed_message_stay_parked_when_they_come_again() -> None:
    held = HeldMessages(window=4)
    for sequence in (1, 2):
        held.arrive(delivery(sequence), "k", "", sequence, 0.0)
    first = held.take()
    assert first
    held.back_off(first, due=10.0)
    assert held.arrive(delivery(2), "k", "again", 9, 5.0).state is State.PARKED
    assert held.arrive(delivery(3), "k", "", 10, 5.0).state is State.PARKED
    assert held.take() is None


@given(st.integers(-3, 10**9), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_up_to_an_hour(attempt: int, drawn: float) -> None:
    longest = min(3600.0, 5.0 * 2.0 ** (max(attempt, 1) - 1)) if attempt < 30 else 3600.0
    assert back_off.delay(attempt, lambda: drawn) == drawn * longest


def test_a_breaker_lets_one_message_through_after_a_pause() -> None:
    breaker = Breaker(lambda: 0.0)
    assert breaker.allows(0.0)
    breaker.open(0.0, "no-adapter", 10)
    assert (breaker.allows(9.9), breaker.allows(10.0), breaker.reason) == (False, True, "no-adapter")
    breaker.begin()
    assert not breaker.allows(10.0), "one probe at a time"
    breaker.abandon()
    assert breaker.allows(10.0)
    breaker.close()
    assert (breaker.allows(0.0), breaker.reason) == (True, "")


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=30))
def test_the_pauses_of_a_breaker_grow(drawn: list[float]) -> None:
    now = 0.0
    numbers = iter(drawn)
    breaker = Breaker(lambda: next(numbers))
    for number in range(len(drawn)):
        breaker.open(now, "no-adapter")
        assert breaker.open_until is not None
        longest = min(LONGEST_SECONDS, 2.0**number)
        assert now + longest / 2 <= breaker.open_until <= now + longest
        now = breaker.open_until


def test_attempts_under_way_do_not_make_a_pause_longer() -> None:
    breaker = Breaker(lambda: 0.0)
    breaker.open(0.0, "no-adapter", 5)
    breaker.open(1.0, "no-adapter", 500)
    assert breaker.open_until == 5.0


@given(st.sets(st.text(min_size=1), min_size=2), st.lists(st.text(), min_size=1))
def test_only_the_lanes_of_a_gateway_that_goes_move(gateways: set[str], lanes: list[str]) -> None:
    gone = min(gateways)
    for lane in lanes:
        before, after = owner(lane, gateways), owner(lane, gateways - {gone})
        assert before in {after, gone}


def test_lanes_spread_over_the_gateways() -> None:
    owners = [owner(f"lane-{number}", ["a", "b", "c", "d"]) for number in range(1000)]
    assert all(200 < owners.count(gateway) < 300 for gateway in "abcd")


def test_both_forms_of_the_subject_of_an_acknowledgement_are_read() -> None:
    short = read_arrival(b"$JS.ACK.W.lane.2.10.15.1795866497973901153.7")
    long = read_arrival(b"$JS.ACK.hub.ACCOUNT.W.lane.2.10.15.1795866497973901153.7.random")
    assert short
    assert short == long
    assert (short.consumer, short.num_delivered, short.sequence, short.number) == (("W", "lane"), 2, 10, 15)
    assert read_arrival(b"_INBOX.abc.1") is None


def test_how_a_pull_ended_is_read() -> None:
    end = read_pull_end(b"NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 4\r\nNats-Pending-Bytes: 0\r\n\r\n")
    assert end
    assert (end.status, end.undelivered) == (408, 4)
    gone = read_pull_end(b"NATS/1.0 503\r\n\r\n")
    assert gone
    assert (gone.status, gone.undelivered) == (503, None)
    assert read_pull_end(b"NATS/1.0\r\nKey: a\r\n\r\n") is None
