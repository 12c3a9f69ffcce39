"""Times as commands print them: in Vietnam's zone, which is said, whatever the machine's is. What is printed can be typed back."""

import datetime

from lgsp_contracts.time_zone import VIETNAM
from lgsp_problems import Refusal

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def in_milliseconds(milliseconds: float) -> str:
    """Return a time since 1970, to the millisecond: `2026-11-27T19:40:12.345+07:00`."""
    whole = datetime.datetime.fromtimestamp(milliseconds // 1000, VIETNAM)
    return whole.replace(microsecond=int(milliseconds % 1000) * 1000).isoformat(timespec="milliseconds")


def in_seconds(seconds: float) -> str:
    """Return a time since 1970, to the second: `2026-11-27T19:40:12+07:00`."""
    return datetime.datetime.fromtimestamp(int(seconds), VIETNAM).isoformat()


def seconds_of(duration: str) -> float:
    """Return the seconds of a duration as commands take it: `90d`, `12h`, `30m`, `0s`.

    Raises:
        Refusal: `malformed`.
    """
    if not (duration[:-1].isascii() and duration[:-1].isdecimal() and len(duration) < 12 and duration[-1] in _UNITS):
        raise Refusal(
            "malformed",
            vi=f"{duration} không phải là khoảng thời gian; hãy viết như 90d, 12h hoặc 30m.",
            en=f"{duration} is no duration; write it as 90d, 12h or 30m.",
        )
    return float(int(duration[:-1]) * _UNITS[duration[-1]])
