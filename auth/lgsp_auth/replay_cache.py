"""What may be used once only: remembered for as long as it could be used again, at the same cost however much is remembered.

Everything is kept for the same span of monotonic time, so the order of arrival is the order of expiry: each use drops at most
a few that have expired, and none walks through all of them. A wall clock that jumps makes nothing count twice.
"""

import hashlib
from collections import deque
from collections.abc import Callable

_DROPPED_PER_USE = 8


class ReplayCache:
    """Remembers digests of one-time values.

    Args:
        seconds: for how long each is remembered.
        limit: how many are remembered in all.
        limit_per_owner: how many of one owner, so that nobody uses up what there is for all.
        clock: monotonic seconds.
    """

    def __init__(self, seconds: float, limit: int, limit_per_owner: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._limit = limit
        self._limit_per_owner = limit_per_owner
        self._clock = clock
        self._used: set[bytes] = set()
        self._by_owner: dict[str, int] = {}
        self._order: deque[tuple[float, bytes, str]] = deque()

    def __len__(self) -> int:
        return len(self._used)

    def is_full(self, owner: str) -> bool:
        """Can no further value of an owner be remembered now?"""
        self._drop_expired(_DROPPED_PER_USE)
        return len(self._used) >= self._limit or self._by_owner.get(owner, 0) >= self._limit_per_owner

    def use(self, owner: str, value: str) -> bool:
        """Use a value of an owner.

        Returns:
            False where it was used before.
        """
        self._drop_expired(_DROPPED_PER_USE)
        # 16 bytes of SHA-256: 2^64 tries for two values that are taken for the same.
        digest = hashlib.sha256(f"{owner}\0{value}".encode("utf-8", "surrogatepass")).digest()[:16]
        if digest in self._used:
            return False
        self._used.add(digest)
        self._by_owner[owner] = self._by_owner.get(owner, 0) + 1
        self._order.append((self._clock() + self._seconds, digest, owner))
        return True

    def _drop_expired(self, most: int) -> None:
        now = self._clock()
        while most and self._order and self._order[0][0] <= now:
            _, digest, owner = self._order.popleft()
            self._used.discard(digest)
            left = self._by_owner[owner] - 1
            if left:
                self._by_owner[owner] = left
            else:
                del self._by_owner[owner]
            most -= 1
