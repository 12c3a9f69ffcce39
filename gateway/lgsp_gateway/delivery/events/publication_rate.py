"""How many events one system may publish: a flood of one publisher leaves room for the others.

Publishing needs no grant, so there is no quota that says it. Each gateway has a budget for each system, which is refilled by
monotonic time: a clock that jumps locks nobody out.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from lgsp_problems import QuotaExceeded

BURST_SECONDS = 2.0
"""For how many seconds a publisher that was silent may send at once."""


@dataclass(slots=True)
class _Budget:
    left: float
    at: float


class PublicationRate:
    """Counts the events of each system on one gateway.

    Args:
        per_second: events that a system may publish in a second.
        clock: seconds that never go back.
    """

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._budgets: dict[str, _Budget] = {}

    def spend(self, system: str, events: int) -> None:
        """Count events that a system publishes now.

        A batch larger than the whole budget is let through once the budget is full, and is paid for afterwards.

        Raises:
            QuotaExceeded: with the seconds after which they may be sent again; then they are not counted.
        """
        now, most = self._clock(), self._per_second * BURST_SECONDS
        budget = self._budgets.setdefault(system, _Budget(most, now))
        budget.left = min(most, budget.left + (now - budget.at) * self._per_second)
        budget.at = now
        missing = min(events, most) - budget.left
        if missing > 0:
            raise QuotaExceeded(
                vi=f"Hệ thống này công bố hơn {self._per_second} sự kiện mỗi giây; hãy gửi chậm lại, hoặc gửi lại sau số giây trong Retry-After.",
                en=f"This system publishes more than {self._per_second} events a second; send more slowly, or again after the seconds in Retry-After.",
                retry_after=math.ceil(missing / self._per_second),
            )
        budget.left -= events
