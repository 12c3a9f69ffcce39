"""The time zone in which dates of the registry, the evidence and messages are meant."""

from datetime import timedelta, timezone

VIETNAM_OFFSET_SECONDS = 7 * 3600
"""By how much Vietnam's clock is ahead of UTC, for arithmetic on seconds since 1970."""

VIETNAM = timezone(timedelta(seconds=VIETNAM_OFFSET_SECONDS))
"""UTC+7 since 1975, without summer time."""
