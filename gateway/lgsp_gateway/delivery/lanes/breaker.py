"""Decides whether a lane may try anything now, after its destination could not be reached. Pure.

Closed, everything passes. Open, nothing does for a while. Half-open, one message is tried: where it reaches the destination the breaker
closes, otherwise it opens for longer.

The bus has four things of this kind, which differ in what opens them and in what passes while they are open; one class for all would have
more parameters than each has lines, so they share the growth of their pauses (`back_off.doubled`) alone:

* this one: its handler says that the destination is away, at once and for how long; no failures are counted.
* `messages/provider_health.py`: failures in a row tell a lane's handler when to say so. It tries nothing itself, the lane does.
* `webhooks/breaker.py`: failures in a row of an endpoint that several lanes share; a Retry-After holds also while it is closed, and whoever
  is not admitted is told how long to wait.
* `lgsp_adapters/host/circuit_breaker.py`: failures in a row that have lasted a while, before a person's call: nobody waits, calls fail at
  once, and one in each fixed pause passes. Adapters know nothing of the gateway's packages.
"""

from collections.abc import Callable

from lgsp_gateway.delivery.lanes import back_off

SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
"""Of the pauses that nobody gave a length; each is doubled, and shortened at random by up to a half."""


class Breaker:
    """The breaker of one lane.

    Args:
        random: draws from [0, 1).
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._pauses = 0
        self._probing = False
        self.open_until: float | None = None
        """The end of the pause, as the caller's clock counts; also while it is half-open. None where it is closed."""
        self.reason = ""

    def is_open(self, now: float) -> bool:
        """Tell whether nothing may be tried."""
        return self.open_until is not None and now < self.open_until

    def allows(self, now: float) -> bool:
        """Tell whether a message may be tried."""
        return self.open_until is None or (now >= self.open_until and not self._probing)

    def begin(self) -> None:
        """Record that a message is tried."""
        self._probing = self.open_until is not None

    def abandon(self) -> None:
        """Record that an attempt ended without telling anything of the destination."""
        self._probing = False

    def close(self) -> None:
        """Record that the destination was reached."""
        self._pauses, self._probing, self.open_until, self.reason = 0, False, None, ""

    def open(self, now: float, reason: str, seconds: float | None = None) -> None:
        """Record that the destination could not be reached.

        Args:
            reason: a fixed word.
            seconds: of the pause; None for one that grows while this happens again.
        """
        if self.is_open(now):
            return  # an attempt that was under way already
        longest = back_off.doubled(self._pauses, SHORTEST_SECONDS, LONGEST_SECONDS)
        pause = longest * (1 - self._random() / 2) if seconds is None else max(seconds, 0.0)
        self._pauses += 1
        self._probing, self.open_until, self.reason = False, now + pause, reason

    def resume(self, now: float) -> None:
        """End the pause: one message is tried."""
        if self.is_open(now):
            self.open_until = now
