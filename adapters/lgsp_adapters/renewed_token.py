"""A token, of a provider's system or of the bus, taken when needed and renewed before it expires.

One renewal at a time: when a token runs out under load, one call takes the new one and the others wait for it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
C = TypeVar("C")

RENEW_BEFORE = 30.0
"""Seconds before the end at which a new token is taken, or a tenth of its life where that is shorter."""


@dataclass(frozen=True, slots=True)
class Lease(Generic[T]):
    """A token and how many seconds it counts from now."""

    value: T
    seconds: float


class RenewedToken(Generic[T, C]):
    """Holds the token of the moment.

    Args:
        take: asks for a new one; gets what needs it, such as a call with its deadline.
    """

    def __init__(self, take: Callable[[C], Awaitable[Lease[T]]]) -> None:
        self._take = take
        self._value: T | None = None
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self, call: C) -> T:
        """Return a token that is still valid, and take a new one where that is needed."""
        value = self._value
        if value is not None and time.monotonic() < self._renew_at:
            return value
        async with self._lock:
            if self._value is None or time.monotonic() >= self._renew_at:
                lease = await self._take(call)
                self._value = lease.value
                self._renew_at = time.monotonic() + lease.seconds - min(RENEW_BEFORE, lease.seconds / 10)
            return self._value

    def refused(self, value: T) -> None:
        """Record that a token was refused, so that the next call takes a new one, unless another has already."""
        if self._value is value:
            self._value = None
