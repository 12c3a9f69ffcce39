"""The time zone in which dates of the registry, the evidence and messages are meant."""

from datetime import timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))
"""UTC+7 since 1975, without summer time."""
