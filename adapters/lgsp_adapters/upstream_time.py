"""Measures how long a call waits for the system behind its adapter: what the adapter tells the gateway, and the page of a message shows."""

import time
from types import TracebackType


class UpstreamTime:
    """The time that one call waits for the system: `with call.upstream_time:` around each wait. What overlaps counts once."""

    __slots__ = ("_since", "_total", "_waits")

    def __init__(self) -> None:
        self._waits = 0
        self._since = 0
        self._total = -1

    def __enter__(self) -> None:
        if self._waits == 0:
            self._since = time.perf_counter_ns()
        self._waits += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waits -= 1
        if self._waits == 0:
            self._total = max(self._total, 0) + time.perf_counter_ns() - self._since

    @property
    def milliseconds(self) -> float | None:
        """Return how long the call has waited; None where nothing was measured: whether the system was asked is not known then."""
        return None if self._total < 0 else self._total / 1_000_000
