"""Limits log lines that unauthenticated clients can cause: a few of an event each second are written, the others counted."""

import asyncio
from typing import Any

import structlog

LINES_PER_SECOND = 5


class RateLimitedLog:
    """Writes the lines of one event.

    Args:
        event: its name in the log, such as `not http`.
    """

    def __init__(self, event: str) -> None:
        self._event = event
        self._second_started_at = 0.0
        self._written = 0
        self._omitted = 0

    def info(self, **fields: Any) -> None:
        """Write a line, or count it where `LINES_PER_SECOND` were written; a second later one line says how many were left out."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._second_started_at >= 1:
            self._second_started_at, self._written = now, 0
        if self._written < LINES_PER_SECOND:
            self._written += 1
            structlog.get_logger().info(self._event, **fields)
            return
        if not self._omitted:
            loop.call_later(1, self._report_omitted)
        self._omitted += 1

    def _report_omitted(self) -> None:
        structlog.get_logger().info(self._event, left_out=self._omitted)
        self._omitted = 0
