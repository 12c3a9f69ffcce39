"""What a provider allows a province, and the count of it that all copies of an adapter share.

A national database limits a province, not a process. So each request is allowed by one decision on one count, which the gateways keep
(`lgsp_gateway.nats.provider_limits`). The decision is here, pure, since an adapter that is tried without a bus decides for itself.

Times are milliseconds since 1970. A day is Vietnam's. What lies in the future, because a clock was ahead for a moment, does not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from lgsp_contracts.time_zone import VIETNAM_OFFSET_SECONDS

WINDOW_MS = 1_150
"""For how long a request counts against the limit per second: longer, since requests are not sent and do not travel equally fast."""
MAX_PERMIT_AGE_MS = 120
"""How old a permit may be when its request is sent, from when it was asked for. What the window is longer is for the network."""
MAX_PER_SECOND = 1_000
MAX_CONCURRENT = 1_000
MAX_PER_DAY = 1_000_000_000
MAX_PERMIT_SECONDS = 3_600
RETRY_CONCURRENT_MS = 50
"""How long to wait before asking again while all requests that may run at a time are running."""
_DAY_MS = 86_400_000
_OFFSET_MS = VIETNAM_OFFSET_SECONDS * 1000

Rule = Literal["per-second", "concurrent", "per-day"]


@dataclass(frozen=True, slots=True)
class ProviderLimit:
    """How many requests a provider allows: begun in a second, at the same time, in a day of Vietnam; 0 where it sets no limit."""

    per_second: int = 0
    concurrent: int = 0
    per_day: int = 0

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "ProviderLimit":
        """Read `{per-second, concurrent, per-day}`, as a manifest has it.

        Raises:
            ValueError: a number is none, or out of range.
        """
        bounds = (("per-second", MAX_PER_SECOND), ("concurrent", MAX_CONCURRENT), ("per-day", MAX_PER_DAY))
        numbers = [document.get(name, 0) for name, _ in bounds]
        if any(
            type(number) is not int or not 0 <= number <= most
            for number, (_, most) in zip(numbers, bounds, strict=True)
        ):
            raise ValueError("a limit is out of range")
        return cls(*numbers)

    def document(self) -> dict[str, int]:
        """Return the limit as `from_document` reads it."""
        return {"per-second": self.per_second, "concurrent": self.concurrent, "per-day": self.per_day}


@dataclass(frozen=True, slots=True)
class Denial:
    """A request may not begin now.

    Args:
        rule: which part of the limit is used up.
        wait_ms: after which time to ask again.
    """

    rule: Rule
    wait_ms: int


@dataclass(slots=True)
class ProviderUsage:
    """What has been used of one limit.

    Args:
        starts: when the requests of the last second began, oldest first.
        running: the permits of the requests that run, each with the time after which its holder is taken for dead.
        days: requests by day, counted in days since 1970 in Vietnam.
    """

    starts: list[int] = field(default_factory=list)
    running: dict[str, int] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)

    def acquire(self, limit: ProviderLimit, permit: str, now: int, hold_ms: int) -> Denial | None:
        """Count a request that begins now, or say when to ask again; then nothing has changed but what has ended.

        Args:
            permit: the name of the request, to release it by.
            hold_ms: after which time it has surely ended.
        """
        self._forget(now)
        day = (now + _OFFSET_MS) // _DAY_MS
        used = self.days.get(str(day), 0)
        if limit.per_day and used >= limit.per_day:
            return Denial("per-day", (day + 1) * _DAY_MS - _OFFSET_MS - now)
        if limit.concurrent and len(self.running) >= limit.concurrent and permit not in self.running:
            return Denial("concurrent", RETRY_CONCURRENT_MS)
        if limit.per_second and len(self.starts) >= limit.per_second:
            return Denial("per-second", max(1, self.starts[-limit.per_second] + WINDOW_MS - now))
        if limit.per_second:
            self.starts.append(now)
        if limit.concurrent:
            self.running[permit] = now + hold_ms
        if limit.per_day:
            self.days[str(day)] = used + 1
        return None

    def release(self, permit: str) -> bool:
        """Count a request as ended; return whether it was running."""
        return self.running.pop(permit, None) is not None

    def summary(self, now: int) -> dict[str, int]:
        """Return how many requests run, how many began in the last second, and how many on this day.

        Args:
            now: milliseconds since 1970.
        """
        self._forget(now)
        today = str((now + _OFFSET_MS) // _DAY_MS)
        return {"running": len(self.running), "lastSecond": len(self.starts), "today": self.days.get(today, 0)}

    def _forget(self, now: int) -> None:
        self.starts = [start for start in self.starts if now - WINDOW_MS < start <= now + WINDOW_MS]
        latest = now + MAX_PERMIT_SECONDS * 1000
        self.running = {permit: ends for permit, ends in self.running.items() if now < ends <= latest}
        today = (now + _OFFSET_MS) // _DAY_MS
        self.days = {day: used for day, used in self.days.items() if abs(int(day) - today) <= 1}

    def to_bytes(self) -> bytes:
        """Serialise the usage."""
        return orjson.dumps({"starts": self.starts, "running": self.running, "days": self.days})

    @classmethod
    def from_bytes(cls, data: bytes) -> "ProviderUsage":
        """Read what `to_bytes` made; nothing used where `data` is empty."""
        document = orjson.loads(data) if data else {}
        return cls(document.get("starts", []), document.get("running", {}), document.get("days", {}))


def request_subject(system: str) -> str:
    """Name the NATS subject on which the adapters of a system ask for permits."""
    return f"limit.{system}"


def reply_prefix(system: str) -> str:
    """Name the subjects below which they are answered. No other system may subscribe to them."""
    return f"limit-reply.{system}."
