"""A circuit breaker before a system that does not answer: calls fail at once while it is known to be down.

Own code, since the libraries for it keep a state per decorated function, know no deadline, and would be most of what stands
here: a count and two times.
"""

import time
from collections.abc import Mapping

IN_A_ROW = 10
"""Failures one after the other, of all operations, after which the system may be left alone."""

FOR_SECONDS = 1.0
"""How long they must have lasted. Calls that run side by side fail together when anything stops for a moment, this process
too: ten of 24 that were late within 20 ms cost a healthy system two seconds of its calls (observed)."""

REST_SECONDS = 2.0
"""How long it is left alone; then one call tries it, and its outcome decides for the others."""


class CircuitBreaker:
    """The circuit breaker of one system."""

    def __init__(self) -> None:
        self._failures = 0
        self._since = 0.0
        self._try_at = 0.0  # while the circuit is open
        self._changed_at = time.time()

    def allows(self) -> bool:
        """Tell whether a call may go to the system. While the circuit is open, one call in each `REST_SECONDS` may."""
        if not self._try_at:
            return True
        now = time.monotonic()
        if now < self._try_at:
            return False
        self._try_at = now + REST_SECONDS
        return True

    def record_success(self) -> None:
        """Record that the system answered, with whatever result."""
        self._failures = 0
        if self._try_at:
            self._try_at, self._changed_at = 0.0, time.time()

    def record_failure(self) -> bool:
        """Record that the system did not answer in time; return whether that opened the circuit."""
        now = time.monotonic()
        if not self._failures:
            self._since = now
        self._failures += 1
        if self._try_at or self._failures < IN_A_ROW or now - self._since < FOR_SECONDS:
            return False
        self._try_at, self._changed_at = now + REST_SECONDS, time.time()
        return True

    def status(self) -> Mapping[str, object]:
        """Return whether the circuit is open, and since when (seconds since 1970)."""
        return {"open": bool(self._try_at), "since": round(self._changed_at, 3)}
