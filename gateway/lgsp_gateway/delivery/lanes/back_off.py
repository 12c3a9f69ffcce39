"""When to try again: pauses that grow exponentially, each drawn at random from its whole range (full jitter).

What failed together then does not come back together. See Marc Brooker, "Exponential Backoff And Jitter".
"""

from collections.abc import Callable

MIN_SECONDS = 5.0
MAX_SECONDS = 3600.0
_MAX_DOUBLINGS = 20
"""Beyond these every range is at its longest; a power of more would overflow one day."""


def delay(
    attempt: int, random: Callable[[], float], *, shortest: float = MIN_SECONDS, longest: float = MAX_SECONDS
) -> float:
    """Return the seconds until the next attempt.

    Args:
        attempt: the number of the attempt that failed, from 1.
        random: draws from [0, 1).
        shortest: the range of the first pause; it doubles with each attempt.
        longest: of the range.
    """
    return random() * doubled(max(attempt, 1) - 1, shortest, longest)


def doubled(times: int, shortest: float, longest: float) -> float:
    """Return a number of seconds that doubles each time, before anything random is done to it.

    Args:
        times: how often it was doubled, from 0.
        shortest: the seconds at first.
        longest: the seconds at most.
    """
    return min(longest, shortest * 2.0 ** min(times, _MAX_DOUBLINGS))
