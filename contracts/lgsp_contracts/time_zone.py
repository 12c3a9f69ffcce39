"""The time zone of dates in the registry, the evidence and messages."""

from datetime import timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))
"""UTC+7 since 1975, without daylight saving time."""
