"""The rate limits on what citizens ask: on reads of their access log, and on all that concerns their requests.

Each read is written into the evidence, so anybody with a citizen's token could fill the disk by reading. A person who reads page
after page, or a program that reads once a minute, stays below the limit. Each gateway counts for itself: the limit protects the disk,
and no right depends on it.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass

from lgsp_problems import QuotaExceeded

READS_PER_HOUR = 60
REQUESTS_PER_HOUR = 240
"""Of reading the list of one's requests and making one, which search the index and the bucket of people."""
MAX_PEOPLE = 50_000


@dataclass(slots=True)
class _Budget:
    remaining: float
    updated_at: float


class AccessLogLimiter:
    """Counts what each person has asked lately (a token bucket), for the last `MAX_PEOPLE` people.

    Args:
        per_hour: how often a person may ask, at most 3600 times.
    """

    def __init__(self, per_hour: int) -> None:
        self._per_hour = per_hour
        self._budgets: OrderedDict[str, _Budget] = OrderedDict()

    def spend(self, person: str) -> None:
        """Count that a person asks.

        Args:
            person: the pseudonym of the citizen.

        Raises:
            Refusal: `quota-exceeded`, with `Retry-After`, when the limit is reached.
        """
        now = time.monotonic()
        budget = self._budgets.pop(person, None) or _Budget(self._per_hour, now)
        budget.remaining = min(self._per_hour, budget.remaining + (now - budget.updated_at) * self._per_hour / 3600)
        budget.updated_at = now
        self._budgets[person] = budget
        if len(self._budgets) > MAX_PEOPLE:
            self._budgets.popitem(last=False)
        if budget.remaining < 1:
            seconds = 3600 // self._per_hour
            raise QuotaExceeded(
                vi=f"Bạn đã hỏi {self._per_hour} lần trong một giờ; hãy thử lại sau {seconds} giây.",
                en=f"You have asked {self._per_hour} times within an hour; try again in {seconds} seconds.",
                retry_after=seconds,
            )
        budget.remaining -= 1
