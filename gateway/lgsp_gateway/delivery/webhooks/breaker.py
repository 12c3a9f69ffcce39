"""The circuit breaker of one endpoint in one gateway: an endpoint that is down is asked by one request at a time, not by all that wait."""

from collections.abc import Callable

from lgsp_gateway.delivery.lanes import back_off

FAILURES_TO_OPEN = 5
"""Failures in a row after which it opens."""
SHORTEST_SECONDS = 5.0
LONGEST_SECONDS = 600.0


class EndpointBreaker:
    """Open after failures in a row; then half-open: one request is tried after each pause, and pauses grow until one succeeds.

    Args:
        clock: returns monotonic seconds.
        random: draws from [0, 1); pauses differ by a fifth, so that gateways do not probe together.
    """

    def __init__(self, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random
        self._failures = 0
        self._opened = 0
        self._probe_at = 0.0
        self._not_before = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Tell whether it is open or half-open."""
        return self._opened > 0

    def admit(self) -> float:
        """Admit a request, or return the seconds until one may be admitted.

        Returns:
            0 where the request may be sent; its result must then be recorded.
        """
        now = self._clock()
        if now < self._not_before:
            return self._not_before - now
        if not self.is_open:
            return 0.0
        if now < self._probe_at:
            return self._probe_at - now
        if self._probing:
            return SHORTEST_SECONDS
        self._probing = True
        return 0.0

    def record_success(self) -> bool:
        """Record that the endpoint works; tell whether that closed the breaker."""
        was_open = self.is_open
        self._failures = self._opened = 0
        self._probing = False
        return was_open

    def record_failure(self, wait: float | None = None) -> bool:
        """Record that the endpoint failed; tell whether that opened the breaker.

        Args:
            wait: seconds that the endpoint asked to be left alone for.
        """
        now = self._clock()
        if wait:
            self._not_before = max(self._not_before, now + wait)
        self._failures += 1
        if self._failures < FAILURES_TO_OPEN or (self.is_open and not self._probing):
            return False
        opened_now = not self.is_open
        self._probing = False
        pause = back_off.doubled(self._opened, SHORTEST_SECONDS, LONGEST_SECONDS)
        self._opened += 1
        self._probe_at = now + pause * (0.8 + 0.4 * self._random())
        return opened_now

    def record_unknown(self) -> None:
        """Record that a request came to nothing that says something about the endpoint."""
        self._probing = False
