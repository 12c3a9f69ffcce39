"""The time zone in which dates of the registry, the evidence and messages are meant."""

from datetime import datetime, timedelta, timezone

VIETNAM_OFFSET_SECONDS = 7 * 3600
"""By how much Vietnam's clock is ahead of UTC, for arithmetic on seconds since 1970."""

VIETNAM = timezone(timedelta(seconds=VIETNAM_OFFSET_SECONDS))
"""UTC+7 since 1975, without summer time."""


def iso_time(seconds: float) -> str:
    """Return a time in ISO 8601, to the millisecond, in Vietnam's zone.

    Args:
        seconds: since 1970.
    """
    return datetime.fromtimestamp(seconds, VIETNAM).isoformat(timespec="milliseconds")
