"""A cache of used one-time values, kept for as long as they would be valid, at a constant cost per use.

All values are kept for the same span of monotonic time, so the order of insertion is the order of expiry: each use drops at most a few
expired values, and none iterates over all of them. A jump of the wall clock makes no value valid again.
"""

from collections import deque
from collections.abc import Callable

from lgsp_auth.one_time import OneTimeKind, OneTimeValue

_DROPPED_PER_USE = 8


class ReplayCache:
    """Remembers the used values of one kind.

    Args:
        clock: returns monotonic seconds.
    """

    def __init__(self, kind: OneTimeKind, clock: Callable[[], float]) -> None:
        self._kind = kind
        self._clock = clock
        self._used: set[bytes] = set()
        self._by_owner: dict[str, int] = {}
        self._order: deque[tuple[float, bytes, str]] = deque()

    def __len__(self) -> int:
        return len(self._used)

    def is_full(self, owner: str) -> bool:
        """Tell whether a limit is reached for an owner's values."""
        self._drop_expired(_DROPPED_PER_USE)
        return len(self._used) >= self._kind.limit or self._by_owner.get(owner, 0) >= self._kind.limit_per_owner

    def __contains__(self, value: OneTimeValue) -> bool:
        self._drop_expired(_DROPPED_PER_USE)
        return value.digest() in self._used

    def add(self, value: OneTimeValue) -> None:
        """Remember that a value was used."""
        digest, owner = value.digest(), value.owner
        if digest not in self._used:
            self._used.add(digest)
            self._by_owner[owner] = self._by_owner.get(owner, 0) + 1
            self._order.append((self._clock() + self._kind.seconds, digest, owner))

    def _drop_expired(self, limit: int) -> None:
        now = self._clock()
        while limit and self._order and self._order[0][0] <= now:
            _, digest, owner = self._order.popleft()
            self._used.discard(digest)
            remaining = self._by_owner[owner] - 1
            if remaining:
                self._by_owner[owner] = remaining
            else:
                del self._by_owner[owner]
            limit -= 1
