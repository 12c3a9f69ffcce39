"""A flood of what is refused is limited at its source: forged tokens by address, calls that nobody granted by system.

Each address has a budget of failed attempts. When it is used up, a token from there that is not known already is not
looked at: its sender waits a second for its 429. Programs whose tokens are known are not held up, whatever else comes
from their address; checking a signature costs 90 µs, and a sender that waits sends less.

Budgets are refilled by monotonic time: a wall clock that jumps and comes back locks nobody out.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from dataclasses import dataclass

from lgsp_problems import Refusal, Text

PER_SECOND = 20.0
BURST = 100.0
WAIT_SECONDS = 1.0
MAX_WAITING = 2000
MAX_ADDRESSES = 50_000
_IPV6_PREFIX = 64
"""Bits of an IPv6 address that a network gives one customer (RFC 6177); the rest is the customer's to choose."""


@dataclass(slots=True)
class _Budget:
    tokens: float
    at: float


INVALID_TOKENS = Text(
    "Địa chỉ này gửi quá nhiều mã truy cập không hợp lệ; hãy dừng lại, lấy mã mới rồi thử lại sau vài giây.",
    "Too many tokens that do not count came from this address; stop, take a new one and try again in a few seconds.",
)
REFUSED_CALLS = Text(
    "Hệ thống này gửi quá nhiều lần gọi bị từ chối; hãy dừng lại, kiểm tra quyền, mục đích và hạn mức rồi thử lại sau vài giây.",
    "This system sent too many calls that were refused; stop, check its grants, purpose and quota, and try again in a few seconds.",
)


class AuthFailureLimiter:
    """Limits how often an address, or a system, may fail: a budget for each that failed lately.

    Args:
        message: what whoever failed too often is told, in both languages.
        per_second, burst: how often it may, in the long run and at once.
    """

    def __init__(self, message: Text = INVALID_TOKENS, per_second: float = PER_SECOND, burst: float = BURST) -> None:
        self._message = message
        self._per_second = per_second
        self._burst = burst
        self._budgets: OrderedDict[str, _Budget] = OrderedDict()
        self._waiting = 0

    def may_try(self, address: str) -> bool:
        """Tell whether an address has failed less often than it may."""
        budget = self._budgets.get(_budget_key(address))
        return budget is None or self._refilled(budget, time.monotonic()) >= 1

    def record_failure(self, address: str) -> None:
        """Count a failed attempt."""
        now, source = time.monotonic(), _budget_key(address)
        budget = self._budgets.get(source)
        if budget is None:
            if len(self._budgets) >= MAX_ADDRESSES:
                self._budgets.popitem(last=False)
            budget = self._budgets[source] = _Budget(self._burst, now)
        budget.tokens, budget.at = max(0.0, self._refilled(budget, now) - 1), now
        self._budgets.move_to_end(source)

    async def delayed_refusal(self) -> Refusal:
        """Return the refusal (`too-many-attempts`) of one attempt too many, after a wait that its sender pays for."""
        if self._waiting < MAX_WAITING:
            self._waiting += 1
            try:
                await asyncio.sleep(WAIT_SECONDS)
            finally:
                self._waiting -= 1
        return Refusal(
            "too-many-attempts",
            vi=self._message.vi,
            en=self._message.en,
            retry_after=5,
        )

    def _refilled(self, budget: _Budget, now: float) -> float:
        return min(self._burst, budget.tokens + (now - budget.at) * self._per_second)


def _budget_key(address: str) -> str:
    """Return whose budget an address draws on: its own, or that of its network where it is one of IPv6."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address.partition("%")[0], _IPV6_PREFIX), strict=False))
    except ValueError:
        return address
