"""The queries that an index takes and the results that it returns.

They need no database, so that a process without an index does not load a database library.
"""

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
    "trace",
    "subject",
)
"""Fields that are compared for equality; each has an index of the database, so that the first page comes at once."""
AT_LEAST = ("minDuration", "minSize")
"""Lower bounds: milliseconds of the whole call, bytes of the answer."""
MAX_PAGE = 1000

WINDOWS = {"1m": (60, 5), "1h": (3600, 60), "1d": (86400, 1800)}
"""How many seconds each window goes back, and the length in seconds of the spans in which its calls are counted."""

FLOW_PARTIES = ("consumer", "provider", "service", "operation")

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
    """A query for messages. All conditions must hold.

    Args:
        exact: values by the names of `EXACT`.
        least: lower bounds by the names of `AT_LEAST`.
        since, until: milliseconds since 1970; `until` is exclusive.
        limit: messages of a page.
        cursor: as the page before returned it; empty for the first page.
        of_systems: leave out the accesses of persons to their own log, which no system made.
        failed: only calls whose caller got a problem. They are looked for among all that fulfil the other conditions, so give `since`.
    """

    exact: Mapping[str, str]
    least: Mapping[str, float]
    since: int | None = None
    until: int | None = None
    limit: int = 50
    cursor: str = ""
    of_systems: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of messages.

    Args:
        items: the newest first, each with the fields of its entry.
        cursor: of the next page; empty where this is the last.
    """

    items: list[dict[str, Any]]
    cursor: str


@dataclass(frozen=True, slots=True)
class OwnAccess:
    """The accesses of a person to their own log on one day.

    Args:
        first, last: when, in milliseconds since 1970.
        looks: how many.
    """

    first: int
    last: int
    looks: int


@dataclass(frozen=True, slots=True)
class Flow:
    """The calls of one system to one operation, within a window.

    Args:
        calls: how many.
        per_second: how many in a second, on average.
        refused, failed: their shares, from 0 to 1.
        quantiles: of the duration in milliseconds, by `p50`, `p95` and `p99`; exact to a tenth.
    """

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
        """Return the flow as a JSON object of the HTTP API."""
        parties = {name: getattr(self, name) for name in FLOW_PARTIES}
        rates = {"perSecond": self.per_second, "refusedRate": self.refused, "errorRate": self.failed}
        return {**parties, "calls": self.calls, **rates, **self.quantiles}
