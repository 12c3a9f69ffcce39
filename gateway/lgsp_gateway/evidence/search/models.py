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
    "kind",
    "event",
    "to",
    "file",
    "by",
    "reference",
)
"""Fields that are compared for equality; each has an index of the database, so that the first page comes at once."""
AT_LEAST = ("minDuration", "minSize")
"""Lower bounds: milliseconds of the whole call, bytes of the answer."""
MAX_PAGE = 1000

WINDOWS = {"1m": (60, 5), "1h": (3600, 60), "1d": (86400, 1800)}
"""How many seconds each window goes back, and the length in seconds of the spans in which its calls are counted."""

TRAFFIC_KINDS = ("call", "event", "delivery")
"""Kinds of entries that count as traffic; of deliveries, the attempts."""

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
        cursor: as a page returned it, for the page beside it; empty for the first page.
        providers: where given, only what concerns services of one of these systems.
        of_systems: only what systems asked for or received: calls, and deliveries once they have ended. The accesses of persons to
            their own log are left out, and so are attempts after which another one followed.
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
    providers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of messages.

    Args:
        items: the newest first, each with the fields of its entry.
        cursor: of the next page, with older messages; empty where this is the last.
        newer: of the page with newer messages, which may have none yet; empty where no message is known to begin from.
        places: where each item stands in the stream: the number of its batch, and the line in it.
    """

    items: list[dict[str, Any]]
    cursor: str
    newer: str
    places: list[tuple[int, int]]


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
