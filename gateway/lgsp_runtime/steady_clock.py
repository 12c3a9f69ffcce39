"""The time for what cannot be undone, such as deleting what is old, while the clock of the wall may jump ahead."""

import time


class SteadyClock:
    """Says the time of the wall, but never a later one than it was at first plus what has passed since.

    A clock that is ahead for a moment makes nothing old. One that is put right by some seconds is late here by as much, which
    deletes a little later.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds since 1970."""
        return min(time.time(), time.monotonic() + self._offset)
