"""Work that nobody waits for yields as soon as calls take longer than in calm, and comes back."""

from collections.abc import Iterator
from itertools import count, pairwise

from lgsp_gateway.calls.adaptive_limit import BASE_SECONDS, BASES, AdaptiveLimit

MAXIMUM = 256
CALM, SLOW = 1.0, 4.0


def calls(limit: AdaptiveLimit, times: Iterator[float], latency: float, seconds: float) -> list[int]:
    """Answer a hundred calls a second; return the limit after each."""
    limits = []
    for _ in range(int(seconds * 100)):
        now = next(times)
        limit.add(now, latency)
        limits.append(limit.limit(now))
    return limits


def clock() -> Iterator[float]:
    return (number / 100 for number in count())


def test_without_calls_nothing_is_limited() -> None:
    assert AdaptiveLimit(MAXIMUM).limit(0.0) == MAXIMUM


def test_calls_that_are_as_fast_as_in_calm_limit_nothing() -> None:
    assert set(calls(AdaptiveLimit(MAXIMUM), clock(), CALM, 5)) == {MAXIMUM}


def test_calls_that_suffer_reduce_the_limit_to_one_and_no_further() -> None:
    limit, times = AdaptiveLimit(MAXIMUM), clock()
    calls(limit, times, CALM, 1)
    limits = calls(limit, times, SLOW, 3)
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == 1


def test_the_limit_grows_one_by_one_while_calls_are_there_and_do_not_suffer() -> None:
    limit, times = AdaptiveLimit(MAXIMUM), clock()
    calls(limit, times, CALM, 1)
    calls(limit, times, SLOW, 3)
    limits = calls(limit, times, CALM, 2)
    assert {after - before for before, after in pairwise(limits)} == {0, 1}
    assert 10 < limits[-1] < 30


def test_a_single_slow_call_reduces_nothing() -> None:
    limit, times = AdaptiveLimit(MAXIMUM), clock()
    calls(limit, times, CALM, 1)
    calls(limit, times, 100 * SLOW, 0.01)
    assert calls(limit, times, CALM, 1)[-1] == MAXIMUM


def test_full_speed_is_back_within_three_seconds_of_the_last_call() -> None:
    limit, times = AdaptiveLimit(MAXIMUM), clock()
    calls(limit, times, CALM, 1)
    calls(limit, times, SLOW, 3)
    last = next(times)
    assert limit.limit(last + 0.5) == 1
    assert 1 < limit.limit(last + 1.5) < MAXIMUM
    assert limit.limit(last + 3) == MAXIMUM


def test_a_call_after_a_pause_does_not_take_the_recovery_back() -> None:
    limit, times = AdaptiveLimit(MAXIMUM), clock()
    calls(limit, times, CALM, 1)
    calls(limit, times, SLOW, 3)
    later = next(times) + 3
    limit.add(later, CALM)
    assert limit.limit(later) == MAXIMUM


def test_what_is_calm_is_learned_anew_where_the_machine_has_become_slower() -> None:
    limit, times = AdaptiveLimit(MAXIMUM), clock()
    calls(limit, times, CALM, 1)
    slower = calls(limit, times, SLOW, BASES * BASE_SECONDS + BASE_SECONDS)
    assert slower[500] == 1
    assert slower[-1] > 1
