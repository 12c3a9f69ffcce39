"""How often a person may look at the log of who read their data.

Each look is evidence, so whoever holds a citizen's token could fill the disk by looking. A person who reads page after page, or a
program that looks once a minute, stays below the limit. Each gateway counts for itself: the limit bounds what is written, and
nothing is decided by it.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass

from lgsp_problems import QuotaExceeded

PER_HOUR = 60
MAX_PEOPLE = 50_000


@dataclass(slots=True)
class _Budget:
    left: float
    at: float


class AccessLogLimiter:
    """The budgets of all who looked lately, by pseudonym."""

    def __init__(self) -> None:
        self._budgets: OrderedDict[str, _Budget] = OrderedDict()

    def spend(self, person: str) -> None:
        """Count a look.

        Raises:
            Refusal: `quota-exceeded`, with `Retry-After`.
        """
        now = time.monotonic()
        budget = self._budgets.pop(person, None) or _Budget(PER_HOUR, now)
        budget.left = min(PER_HOUR, budget.left + (now - budget.at) * PER_HOUR / 3600)
        budget.at = now
        self._budgets[person] = budget
        if len(self._budgets) > MAX_PEOPLE:
            self._budgets.popitem(last=False)
        if budget.left < 1:
            minutes = 3600 // PER_HOUR // 60
            raise QuotaExceeded(
                vi=f"Bạn đã xem nhật ký này {PER_HOUR} lần trong một giờ; hãy thử lại sau {minutes} phút.",
                en=f"You have looked at this log {PER_HOUR} times within an hour; try again in {minutes} minute.",
                retry_after=60 * minutes,
            )
        budget.left -= 1
