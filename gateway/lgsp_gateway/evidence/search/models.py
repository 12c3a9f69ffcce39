"""What is asked of an index and what it answers. It needs no database: a process without an index does not load one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXACT = (
    "consumer",
    "agency",
    "provider",
    "service",
    "operation",
    "purpose",
    "grant",
    "outcome",
    "message",
    "subject",
)
"""What can be searched for as it stands; each has an index, by which the first page comes at once."""
AT_LEAST = ("minDuration", "minSize")
"""What can be searched for from an amount on: milliseconds in all, bytes of the answer."""
MAX_PAGE = 1000

WINDOWS = {"1m": (60, 5), "1h": (3600, 60), "1d": (86400, 1800)}
"""Seconds that a window goes back, and the spans in which its calls are counted."""

FLOW_WHO = ("consumer", "provider", "service", "operation")

STATISTICS = (
    "month",
    "agency",
    "provider",
    "service",
    "operation",
    "purpose",
    "calls",
    "answered",
    "refused",
    "failed",
    "requestBytes",
    "answerBytes",
)
"""The columns of the statistics."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: `exact` by names of `EXACT`, `least` by those of `AT_LEAST`, times in milliseconds since 1970.

    `of_systems` leaves out the looks of people at their own log, which no system made.
    """

    exact: Mapping[str, str]
    least: Mapping[str, float]
    since: int | None = None
    until: int | None = None
    limit: int = 50
    cursor: str = ""
    of_systems: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first, and where the next page begins; empty when there is none."""

    items: list[dict[str, Any]]
    cursor: str


@dataclass(frozen=True, slots=True)
class OwnLooks:
    """A day on which a person looked at their own log: the first look and the last, in milliseconds since 1970, and how many."""

    first: int
    last: int
    looks: int


@dataclass(frozen=True, slots=True)
class Flow:
    """One system that calls one operation. Rates are shares from 0 to 1, durations milliseconds, exact to a tenth."""

    consumer: str
    provider: str
    service: str
    operation: str
    calls: int
    per_second: float
    refused: float
    failed: float
    quantiles: Mapping[str, float]

    def document(self) -> dict[str, Any]:
        """Write the flow as it is shown over HTTP."""
        who = {name: getattr(self, name) for name in FLOW_WHO}
        rates = {"perSecond": self.per_second, "refusedRate": self.refused, "errorRate": self.failed}
        return {**who, "calls": self.calls, **rates, **self.quantiles}
