"""How much work that nobody waits for may be under way: as much as leaves the latency of calls near its base.

A call's latency beside what it is in calm says how much stands before it in the queues of this machine, whichever they are: the event loop,
the processors, the disk. LEDBAT (RFC 6817) takes the same measure so that bulk transfers yield to interactive traffic; the limit moves as the
window of TCP does, by additive increase and multiplicative decrease.
"""

from collections import deque
from math import inf

WINDOW_SECONDS = 0.1
"""How often the limit moves."""
MIN_SAMPLES = 3
"""Calls whose median counts; a single slow one says nothing of the others."""
MAX_SAMPLES = 64
"""Calls of one window that are looked at."""
SMOOTHING = 0.25
"""The share of the newest median in the latency: noise of single windows must not make the base."""
TOLERANCE = 2.0
"""The latency beside its base from which calls suffer."""
BASE_SECONDS = 60.0
BASES = 10
"""The base is the lowest latency of so many spans of so many seconds: long enough to have seen some calm, short enough for a machine that
became slower."""
IDLE_SECONDS = 1.0
"""Without calls, after which the limit doubles each window."""


class AdaptiveLimit:
    """A limit of concurrent background work. It has no clock: whoever uses it gives the time.

    Args:
        maximum: the limit while no call suffers.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._limit = maximum
        self._samples: list[float] = []
        self._window_began = -inf
        self._last_sample = -inf
        self._latency: float | None = None
        self._bases: deque[tuple[float, float]] = deque()

    def limit(self, now: float) -> int:
        """Return how much background work may be under way, at least 1.

        Args:
            now: seconds on a clock that never goes back.
        """
        idle = now - self._last_sample - IDLE_SECONDS
        if self._limit == self._maximum or idle <= 0:
            return self._limit
        return self._grown_in(idle)

    def add(self, now: float, latency: float) -> None:
        """Take the latency of a call that was answered.

        Args:
            latency: in any unit, without what its provider took.
        """
        if now - self._last_sample > IDLE_SECONDS:
            self._limit = self.limit(now)
            self._samples.clear()
            self._window_began = now
        self._last_sample = now
        samples = self._samples
        if len(samples) < MAX_SAMPLES:
            samples.append(latency)
        if now - self._window_began >= WINDOW_SECONDS and len(samples) >= MIN_SAMPLES:
            samples.sort()
            self._move(now, samples[len(samples) // 2])
            samples.clear()
            self._window_began = now

    def _grown_in(self, idle: float) -> int:
        doublings = min(int(idle / WINDOW_SECONDS), self._maximum.bit_length())
        return min(self._maximum, self._limit << doublings)

    def _move(self, now: float, median: float) -> None:
        self._latency = median if self._latency is None else self._latency + SMOOTHING * (median - self._latency)
        if self._latency > TOLERANCE * self._base(now, self._latency):
            self._limit = max(1, self._limit // 2)
        else:
            self._limit = min(self._maximum, self._limit + 1)

    def _base(self, now: float, latency: float) -> float:
        """Return the lowest latency of late, this one included."""
        bases = self._bases
        if not bases or now - bases[-1][0] >= BASE_SECONDS:
            bases.append((now, latency))
        elif latency < bases[-1][1]:
            bases[-1] = bases[-1][0], latency
        while now - bases[0][0] > BASES * BASE_SECONDS:
            bases.popleft()
        return min(base for _, base in bases)
