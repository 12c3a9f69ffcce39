"""The rate limit on citizens' reads of their access log.

Each read is written into the evidence, so anybody with a citizen's token could fill the disk by reading. A person who reads page
after page, or a program that reads once a minute, stays below the limit. Each gateway counts for itself: the limit protects the disk,
and no right depends on it.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass

from lgsp_problems import QuotaExceeded

READS_PER_HOUR = 60
MAX_PEOPLE = 50_000


@dataclass(slots=True)
class _Budget:
    remaining: float
    updated_at: float


class AccessLogLimiter:
    """Counts the recent reads of each person (a token bucket), for the last `MAX_PEOPLE` people."""

    def __init__(self) -> None:
        self._budgets: OrderedDict[str, _Budget] = OrderedDict()

    def spend(self, person: str) -> None:
        """Count a read.

        Args:
            person: the pseudonym of the citizen.

        Raises:
            Refusal: `quota-exceeded`, with `Retry-After`, when the limit is reached.
        """
        now = time.monotonic()
        budget = self._budgets.pop(person, None) or _Budget(READS_PER_HOUR, now)
        budget.remaining = min(READS_PER_HOUR, budget.remaining + (now - budget.updated_at) * READS_PER_HOUR / 3600)
        budget.updated_at = now
        self._budgets[person] = budget
        if len(self._budgets) > MAX_PEOPLE:
            self._budgets.popitem(last=False)
        if budget.remaining < 1:
            minutes = 3600 // READS_PER_HOUR // 60
            raise QuotaExceeded(
                vi=f"Bạn đã xem nhật ký này {READS_PER_HOUR} lần trong một giờ; hãy thử lại sau {minutes} phút.",
                en=f"You have read this log {READS_PER_HOUR} times within an hour; try again in {minutes} minute.",
                retry_after=60 * minutes,
            )
        budget.remaining -= 1
