"""What callers of a service are told of its life: that it is deprecated, until when it is served, when it is suspended."""

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple

from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.registry.lifecycle.suspension import Suspension, from_status

_DAY_SECONDS = 86400


class Announcement(NamedTuple):
    """What is announced of a service.

    Args:
        deprecated_since: in seconds since 1970.
        sunset: until when it is served, in seconds since 1970; 0 where it is not deprecated.
        suspension: one that holds or is planned.
    """

    deprecated_since: float = 0
    sunset: float = 0
    suspension: Suspension | None = None

    def at(self, now: float) -> "Announcement | None":
        """Leave out what is over by a time; None where nothing is left."""
        if self.suspension is None or not self.suspension.over(now):
            return self
        return self._replace(suspension=None) if self.sunset else None


def read_announcement(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Announcement | None:
    """Read what a Service document announces; None where that is nothing.

    Raises:
        KeyError, ValueError: it is no such document.
    """
    suspension = from_status(status["suspension"]) if "suspension" in status else None
    if "deprecation" not in spec:
        return Announcement(suspension=suspension) if suspension else None
    since, sunset = (_start_of_day(spec["deprecation"][name]) for name in ("since", "sunset"))
    return Announcement(since, sunset + _DAY_SECONDS, suspension)


def _start_of_day(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=VIETNAM).timestamp()
