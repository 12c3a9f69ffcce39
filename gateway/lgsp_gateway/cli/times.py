"""Times as commands print them: in Vietnam's zone, which is said, whatever the machine's is. What is printed can be typed back."""

import datetime

from lgsp_contracts.time_zone import VIETNAM


def in_milliseconds(milliseconds: float) -> str:
    """Return a time since 1970, to the millisecond: `2026-11-27T19:40:12.345+07:00`."""
    whole = datetime.datetime.fromtimestamp(milliseconds // 1000, VIETNAM)
    return whole.replace(microsecond=int(milliseconds % 1000) * 1000).isoformat(timespec="milliseconds")


def in_seconds(seconds: float) -> str:
    """Return a time since 1970, to the second: `2026-11-27T19:40:12+07:00`."""
    return datetime.datetime.fromtimestamp(int(seconds), VIETNAM).isoformat()
