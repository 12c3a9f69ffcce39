"""A circuit breaker before a system that does not answer: nobody waits for what is known to be down.

Own code, since the libraries for it keep a state per decorated function, know no deadline, and would be most of what stands
here: a count and a time.
"""

import time

IN_A_ROW = 10
"""Failures one after the other, of all operations, after which the system is left alone."""

REST_SECONDS = 2.0
"""How long; then one call tries it, and its outcome decides for the others."""


class Breaker:
    """One system's."""

    def __init__(self) -> None:
        self._failures = 0
        self._try_at = 0.0

    def allows(self) -> bool:
        """May a call go to it? While it rests, one call in each `REST_SECONDS` may."""
        if self._failures < IN_A_ROW:
            return True
        now = time.monotonic()
        if now < self._try_at:
            return False
        self._try_at = now + REST_SECONDS
        return True

    def well(self) -> None:
        """It answered, whatever it said."""
        self._failures = 0

    def ill(self) -> None:
        """It did not answer, or not in time."""
        self._failures += 1
        if self._failures == IN_A_ROW:
            self._try_at = time.monotonic() + REST_SECONDS
