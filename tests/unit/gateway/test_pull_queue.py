"""The queue of a pull subscription: one worker at a time has an event, and what is not acknowledged comes again."""

import pytest

from lgsp_contracts.names import EventName
from lgsp_gateway.delivery.subscriptions.pull_queue import PullQueue, Token
from lgsp_gateway.delivery.subscriptions.subscribed_event import StoredEvent

ME, OTHER = "019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11", "019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a12"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def event(position: int) -> StoredEvent:
    return StoredEvent(position, EventName("closed"), {}, b"{}", 0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> PullQueue:
    return PullQueue(ME, clock)


async def test_an_event_belongs_to_one_worker_until_its_time_is_over(queue: PullQueue, clock: Clock) -> None:
    held = queue.hold(event(1))
    first = queue.hand_out(next(queue.free()), 30)
    assert not list(queue.free())
    clock.now += 31
    assert [one.stored.position for one in queue.free()] == [1]
    second = queue.hand_out(held, 30)
    assert held.handed_out == 2
    assert not queue.give_back(first, 0), "the first worker has it no more"
    assert queue.give_back(second, 5)
    assert not list(queue.free())
    clock.now += 5
    assert list(queue.free()) == [held]


async def test_a_late_acknowledgement_counts(queue: PullQueue, clock: Clock) -> None:
    held = queue.hold(event(1))
    late = queue.hand_out(held, 30)
    clock.now += 31
    queue.hand_out(held, 30)
    assert queue.acknowledge([late]) == [held]
    assert held.settled.result() == "acknowledged"


async def test_what_another_gateway_handed_out_is_acknowledged_before_it_comes_here(queue: PullQueue) -> None:
    assert queue.acknowledge([Token(ME, 0, 7, "abc")]) == []
    assert queue.hold(event(7)).settled.result() == "acknowledged"
    assert not queue.hold(event(8)).settled.done()


async def test_an_acknowledgement_of_before_a_replay_says_nothing_of_what_comes_again(clock: Clock) -> None:
    queue = PullQueue(ME, clock, generation=1)
    late = Token(ME, 0, 7, "abc")
    assert queue.acknowledge([late]) == []
    held = queue.hold(event(7))
    assert queue.acknowledge([late]) == []
    assert not queue.give_back(late, 0)
    assert not held.settled.done()


async def test_events_are_let_go_when_nobody_asks(queue: PullQueue) -> None:
    taken, free = queue.hold(event(1)), queue.hold(event(2))
    queue.hand_out(taken, 30)
    queue.end_idle()
    assert free.settled.result() == "idle"
    assert not taken.settled.done()
