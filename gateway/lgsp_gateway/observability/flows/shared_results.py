"""Results that many wait for and that are computed once: never at the same time, and for a small share of the time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")

REST = 20
"""A result is kept for at least so many times as long as it took: computing takes less than a twentieth of the time."""
MAX_REST_SECONDS = 10.0
"""For how long at most, for that reason: on a busy machine much of the time is waiting."""
MAX_RESULTS = 64
"""Kept at the same time; the one that was asked for least recently goes first."""


@dataclass(slots=True)
class _Shared(Generic[Result]):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    result: Result | None = None
    valid_until: float = 0.0


class SharedResults(Generic[Key, Result]):
    """Computes a result for each key, when it is asked for and the last one is too old.

    Args:
        compute: the result for a key, never None.
        seconds: how long a result for a key is good, at least.
    """

    def __init__(self, compute: Callable[[Key], Awaitable[Result]], seconds: Callable[[Key], float]) -> None:
        self._compute = compute
        self._seconds = seconds
        self._shared: OrderedDict[Key, _Shared[Result]] = OrderedDict()

    async def get(self, key: Key) -> Result:
        """Return the result for a key, which may be some seconds old.

        Raises:
            Exception: what `compute` raises.
        """
        shared = self._shared.setdefault(key, _Shared())
        self._shared.move_to_end(key)
        if len(self._shared) > MAX_RESULTS:
            self._shared.popitem(last=False)
        async with shared.lock:
            began = time.monotonic()
            if shared.result is None or began >= shared.valid_until:
                shared.result = await self._compute(key)
                now = time.monotonic()
                shared.valid_until = now + max(self._seconds(key), min(REST * (now - began), MAX_REST_SECONDS))
            return shared.result
