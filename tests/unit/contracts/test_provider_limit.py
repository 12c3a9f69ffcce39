"""The decision whether a request to a provider with a limit may begin."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_contracts.provider_limit import WINDOW_MS, Denial, ProviderLimit, ProviderUsage
from lgsp_contracts.time_zone import VIETNAM

NOON = int(datetime(2026, 11, 28, 12, tzinfo=VIETNAM).timestamp() * 1000)
MIDNIGHT = int(datetime(2026, 11, 29, tzinfo=VIETNAM).timestamp() * 1000)


def test_as_many_as_a_second_allows_at_once_and_the_next_when_the_first_is_a_second_old() -> None:
    usage, limit = ProviderUsage(), ProviderLimit(per_second=3)
    assert [usage.acquire(limit, f"{n}", NOON + n, 1000) for n in range(3)] == [None] * 3
    denial = usage.acquire(limit, "3", NOON + 10, 1000)
    assert denial == Denial("per-second", WINDOW_MS - 10)
    assert usage.acquire(limit, "3", NOON + WINDOW_MS - 1, 1000) == Denial("per-second", 1)
    assert usage.acquire(limit, "3", NOON + WINDOW_MS, 1000) is None
    assert usage.acquire(limit, "4", NOON + WINDOW_MS, 1000) == Denial("per-second", 1)


@given(st.lists(st.integers(0, 700), max_size=80), st.integers(1, 9))
def test_no_second_ever_has_more(pauses: list[int], most: int) -> None:
    usage, limit, now, begun = ProviderUsage(), ProviderLimit(per_second=most), NOON, []
    for number, pause in enumerate(pauses):
        now += pause
        if usage.acquire(limit, str(number), now, 1000) is None:
            begun.append(now)
        usage = ProviderUsage.from_bytes(usage.to_bytes())
    assert all(begun[n + most] - begun[n] >= WINDOW_MS for n in range(len(begun) - most))


def test_a_permit_is_released_or_expires_with_its_holder() -> None:
    usage, limit = ProviderUsage(), ProviderLimit(concurrent=2)
    assert usage.acquire(limit, "a", NOON, 5_000) is None
    assert usage.acquire(limit, "b", NOON, 9_000) is None
    assert usage.acquire(limit, "c", NOON, 5_000) == Denial("concurrent", 50)
    assert usage.release("a")
    assert not usage.release("a")
    assert usage.acquire(limit, "c", NOON, 5_000) is None
    assert usage.acquire(limit, "d", NOON + 4_999, 5_000) == Denial("concurrent", 50)
    assert usage.acquire(limit, "d", NOON + 5_000, 5_000) is None


def test_a_day_ends_at_midnight_in_vietnam() -> None:
    usage, limit = ProviderUsage(), ProviderLimit(per_day=2)
    assert usage.acquire(limit, "a", NOON, 1) is None
    assert usage.acquire(limit, "b", MIDNIGHT - 1, 1) is None
    assert usage.acquire(limit, "c", MIDNIGHT - 1, 1) == Denial("per-day", 1)
    assert usage.acquire(limit, "c", NOON, 1) == Denial("per-day", MIDNIGHT - NOON)
    assert usage.acquire(limit, "c", MIDNIGHT, 1) is None


def test_a_clock_that_was_ahead_blocks_nothing_and_forgets_no_day() -> None:
    usage, limit = ProviderUsage(), ProviderLimit(per_second=1, concurrent=1, per_day=1)
    assert usage.acquire(ProviderLimit(per_day=1), "a", NOON, 1) is None
    assert usage.acquire(limit, "b", NOON + 86_400_000, 3_600_000) is None
    assert usage.acquire(limit, "c", NOON, 1) == Denial("per-day", MIDNIGHT - NOON)
    assert usage.acquire(ProviderLimit(per_second=1, concurrent=1), "c", NOON, 1) is None


@pytest.mark.parametrize("document", [{"per-second": -1}, {"per-second": 1001}, {"concurrent": 1.5}, {"per-day": True}])
def test_a_limit_is_a_number_in_range(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        ProviderLimit.from_document(document)
    assert ProviderLimit.from_document({"per-day": 5}).document() == {"per-second": 0, "concurrent": 0, "per-day": 5}
