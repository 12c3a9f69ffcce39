"""Whether the provider of a lane answers at all, as this gateway sees it.

A provider that is away fails every message. Each would wait for longer and longer, and where an operation must not be tried twice each
would end as a dead letter. So after some failures in a row the lane makes pauses, and tries one message after each: when the provider is
there again, everything goes on at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lgsp_gateway.delivery.lanes import back_off

FAILURES = 3
"""In a row, after which the provider counts as away."""
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 30.0
"""Each pause is shortened at random by up to a half: the lanes of a provider, of all gateways, do not ask again at one moment."""


@dataclass(slots=True)
class ProviderHealth:
    """The failures of one lane in a row. Times are readings of a monotonic clock, in seconds.

    Args:
        random: draws from [0, 1).
    """

    random: Callable[[], float]
    failures: int = 0
    reason: str = ""
    paused_until: float = 0.0

    def pause(self, now: float) -> float:
        """Return how long the lane should start nothing; 0 where it may."""
        return max(0.0, self.paused_until - now)

    def record_success(self) -> None:
        """Take note that the provider answered."""
        self.failures, self.reason, self.paused_until = 0, "", 0.0

    def record_failure(self, reason: str, now: float) -> None:
        """Take note that the provider did not answer.

        Args:
            reason: a problem code.
        """
        self.failures += 1
        self.reason = reason
        if self.failures >= FAILURES:
            longest = back_off.doubled(self.failures - FAILURES, FIRST_PAUSE, LONGEST_PAUSE)
            self.paused_until = now + longest * (1 - self.random() / 2)
