"""What counts once: bounded, and forgotten when it can no longer be used."""

from lgsp_auth.one_time import OneTimeKind, OneTimeValue
from lgsp_auth.replay_cache import ReplayCache
from lgsp_problems import Refusal


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def kind(seconds: int, limit: int, limit_per_owner: int) -> OneTimeKind:
    def refusal() -> Refusal:
        return Refusal("malformed", vi="x", en="x")

    return OneTimeKind("try", seconds, limit, limit_per_owner, refusal, refusal)


class Cache:
    """A cache, asked and told in one step."""

    def __init__(self, kind: OneTimeKind, clock: Clock) -> None:
        self._kind = kind
        self.cache = ReplayCache(kind, clock)

    def use(self, owner: str, identifier: str) -> bool:
        value = OneTimeValue(self._kind, owner, identifier)
        if value in self.cache:
            return False
        self.cache.add(value)
        return True


def test_a_value_counts_once_for_each_owner_until_its_time_is_over() -> None:
    clock = Clock()
    cache = Cache(kind(60, 100, 100), clock)
    assert cache.use("alpha", "1")
    assert cache.use("beta", "1")
    assert not cache.use("alpha", "1")
    clock.now = 59.9
    assert not cache.use("alpha", "1")
    clock.now = 60.0
    assert cache.use("alpha", "1")


def test_one_owner_does_not_use_up_what_there_is_for_all() -> None:
    clock = Clock()
    cache = Cache(kind(60, 15, 10), clock)
    for number in range(10):
        assert not cache.cache.is_full("alpha")
        cache.use("alpha", str(number))
    assert cache.cache.is_full("alpha")
    assert not cache.cache.is_full("beta")
    for number in range(5):
        cache.use("beta", str(number))
    assert cache.cache.is_full("beta")
    clock.now = 60.0
    for _ in range(2):
        cache.cache.is_full("alpha")
    assert not cache.cache.is_full("alpha")
    assert len(cache.cache) == 0


def test_no_use_looks_through_all_that_has_expired() -> None:
    clock = Clock()
    cache = Cache(kind(60, 200_000, 200_000), clock)
    for number in range(100_000):
        cache.use("alpha", str(number))
    clock.now = 61.0
    assert cache.use("alpha", "new")
    assert len(cache.cache) > 99_000
