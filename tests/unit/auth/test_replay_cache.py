"""What counts once: bounded, and forgotten when it can no longer be used."""

from lgsp_auth.replay_cache import ReplayCache


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_value_counts_once_for_each_owner_until_its_time_is_over() -> None:
    clock = Clock()
    cache = ReplayCache(60, 100, 100, clock)
    assert cache.use("alpha", "1")
    assert cache.use("beta", "1")
    assert not cache.use("alpha", "1")
    clock.now = 59.9
    assert not cache.use("alpha", "1")
    clock.now = 60.0
    assert cache.use("alpha", "1")


def test_one_owner_does_not_use_up_what_there_is_for_all() -> None:
    clock = Clock()
    cache = ReplayCache(60, 15, 10, clock)
    for number in range(10):
        assert not cache.is_full("alpha")
        cache.use("alpha", str(number))
    assert cache.is_full("alpha")
    assert not cache.is_full("beta")
    for number in range(5):
        cache.use("beta", str(number))
    assert cache.is_full("beta")
    clock.now = 60.0
    for _ in range(2):
        cache.is_full("alpha")
    assert not cache.is_full("alpha")
    assert len(cache) == 0


def test_no_use_looks_through_all_that_has_expired() -> None:
    clock = Clock()
    cache = ReplayCache(60, 200_000, 200_000, clock)
    for number in range(100_000):
        cache.use("alpha", str(number))
    clock.now = 61.0
    assert cache.use("alpha", "new")
    assert len(cache) > 99_000
