"""A flood of forged tokens is limited at its source.

Each address has a budget of failed attempts. When it is used up, a token from there that is not known already is not
looked at: its sender waits a second for its 429. Programs whose tokens are known are not held up, whatever else comes
from their address; checking a signature costs 90 µs, and a sender that waits sends less.
"""

import asyncio
from dataclasses import dataclass

from lgsp_problems import Refusal

PER_SECOND = 20.0
BURST = 100.0
WAIT_SECONDS = 1.0
MAX_WAITING = 2000
MAX_ADDRESSES = 50_000


@dataclass(slots=True)
class _Budget:
    left: float
    at: float


class Attempts:
    """The budgets of all addresses that failed lately."""

    def __init__(self) -> None:
        self._budgets: dict[str, _Budget] = {}
        self._waiting = 0

    def may_try(self, address: str, now: float) -> bool:
        """Has this address failed less than it may?"""
        budget = self._budgets.get(address)
        return budget is None or _refilled(budget, now) >= 1

    def failed(self, address: str, now: float) -> None:
        """Count a failed attempt."""
        if len(self._budgets) >= MAX_ADDRESSES:
            self._budgets = {key: kept for key, kept in self._budgets.items() if _refilled(kept, now) < BURST}
        budget = self._budgets.setdefault(address, _Budget(BURST, now))
        budget.left, budget.at = max(0.0, _refilled(budget, now) - 1), now

    async def refuse(self) -> Refusal:
        """The refusal of one attempt too many, after a wait that its sender pays for."""
        if self._waiting < MAX_WAITING:
            self._waiting += 1
            try:
                await asyncio.sleep(WAIT_SECONDS)
            finally:
                self._waiting -= 1
        return Refusal(
            "too-many-attempts",
            vi="Địa chỉ này gửi quá nhiều mã truy cập không hợp lệ; hãy dừng lại, lấy mã mới rồi thử lại sau vài giây.",
            en="Too many tokens that do not count came from this address; stop, take a new one and try again in a few seconds.",
            retry_after=5,
        )


def _refilled(budget: _Budget, now: float) -> float:
    return min(BURST, budget.left + (now - budget.at) * PER_SECOND)
