"""A clock for what cannot be undone, such as deleting old data, while the system clock may jump ahead."""

import time


class SteadyClock:
    """Tells the time of the system clock, but never a later one than at its creation plus the time that has passed since.

    A system clock that is ahead for a moment makes nothing old. Where it is corrected by some seconds, this clock is late by as much, and
    something is deleted a little later.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return min(time.time(), time.monotonic() + self._offset)
