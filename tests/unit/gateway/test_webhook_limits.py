"""The breaker and the limiter of a webhook endpoint, with a clock that the test moves."""

import asyncio
from collections.abc import Callable

import pytest

from lgsp_gateway.delivery.webhooks.breaker import (
    FAILURES_TO_OPEN,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    EndpointBreaker,
)
from lgsp_gateway.delivery.webhooks.limiter import EndpointLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def middle() -> float:
    return 0.5


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(clock: Callable[[], float]) -> EndpointBreaker:
    breaker = EndpointBreaker(clock, middle)
    outcomes = [breaker.record_failure() for _ in range(FAILURES_TO_OPEN) if not breaker.admit()]
    assert outcomes == [False] * (FAILURES_TO_OPEN - 1) + [True]
    return breaker


def test_it_opens_after_failures_in_a_row_only(clock: Clock) -> None:
    breaker = EndpointBreaker(clock, middle)
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            breaker.record_failure()
        breaker.record_success()
    assert not breaker.is_open
    assert breaker.admit() == 0


def test_half_open_it_admits_one_request_and_closes_when_that_succeeds(clock: Clock) -> None:
    breaker = opened(clock)
    assert breaker.admit() == pytest.approx(SHORTEST_SECONDS)
    clock.now += SHORTEST_SECONDS
    assert breaker.admit() == 0
    assert breaker.admit() > 0
    assert breaker.record_success()
    assert [breaker.admit(), breaker.admit()] == [0, 0]


def test_its_pauses_grow_up_to_a_limit(clock: Clock) -> None:
    breaker, pauses = opened(clock), []
    for _ in range(20):
        pauses.append(breaker.admit())
        clock.now += pauses[-1]
        assert breaker.admit() == 0
        assert not breaker.record_failure()
    assert pauses == sorted(pauses)
    assert pauses[:3] == pytest.approx([SHORTEST_SECONDS * 2**number for number in range(3)])
    assert pauses[-1] == pytest.approx(LONGEST_SECONDS)


def test_late_failures_of_requests_from_before_do_not_lengthen_its_pause(clock: Clock) -> None:
    breaker = opened(clock)
    for _ in range(10):
        breaker.record_failure()
    assert breaker.admit() == pytest.approx(SHORTEST_SECONDS)


def test_a_probe_that_comes_to_nothing_lets_another_one_follow(clock: Clock) -> None:
    breaker = opened(clock)
    clock.now += SHORTEST_SECONDS
    assert breaker.admit() == 0
    breaker.record_unknown()
    assert breaker.admit() == 0


def test_what_the_endpoint_asks_for_is_waited_for(clock: Clock) -> None:
    breaker = EndpointBreaker(clock, middle)
    breaker.record_failure(30)
    assert breaker.admit() == 30
    clock.now += 30
    assert breaker.admit() == 0


def test_starts_keep_their_distance_and_what_would_wait_too_long_reserves_nothing(clock: Clock) -> None:
    limiter = EndpointLimiter(clock)
    limiter.set_limits(100, 10)
    waits = [limiter.reserve_start(0.25) for _ in range(5)]
    assert waits == [pytest.approx(0), pytest.approx(0.1), pytest.approx(0.2), None, None]
    assert limiter.seconds_to_start() == pytest.approx(0.3)
    clock.now += 10
    assert limiter.reserve_start(0) == 0


async def test_slots_are_given_in_order_and_a_higher_limit_gives_more(clock: Clock) -> None:
    limiter, order = EndpointLimiter(clock), []
    limiter.set_limits(1, 10)
    assert await limiter.take_slot(0)

    async def wait(number: int) -> None:
        assert await limiter.take_slot(10)
        order.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    limiter.release()
    await waiting[0]
    limiter.set_limits(3, 10)
    await asyncio.gather(*waiting)
    assert (order, limiter.active) == ([0, 1, 2], 3)
    assert not await limiter.take_slot(0)


async def test_a_request_that_stops_waiting_keeps_no_slot(clock: Clock) -> None:
    limiter = EndpointLimiter(clock)
    limiter.set_limits(1, 10)
    assert await limiter.take_slot(0)
    cancelled = asyncio.create_task(limiter.take_slot(10))
    late = asyncio.create_task(limiter.take_slot(10))
    await asyncio.sleep(0)
    limiter.release()  # gives the slot to a task that is cancelled before it runs again
    cancelled.cancel()
    assert await late
    late_slots = limiter.active
    limiter.release()
    assert (late_slots, limiter.active) == (1, 0)
