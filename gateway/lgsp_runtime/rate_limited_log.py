"""Log lines that strangers can cause: a few of a kind each second are written, the others counted."""

import asyncio
from typing import Any

import structlog

A_SECOND = 5


class RateLimitedLog:
    """Lines of one event.

    Args:
        event: what happened, such as `not http`.
    """

    def __init__(self, event: str) -> None:
        self._event = event
        self._began = 0.0
        self._written = 0
        self._left_out = 0

    def info(self, **fields: Any) -> None:
        """Write a line, or count it: what was left out of a second is told at its end."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._began >= 1:
            self._began, self._written = now, 0
        if self._written < A_SECOND:
            self._written += 1
            structlog.get_logger().info(self._event, **fields)
            return
        if not self._left_out:
            loop.call_later(1, self._report_omitted)
        self._left_out += 1

    def _report_omitted(self) -> None:
        structlog.get_logger().info(self._event, left_out=self._left_out)
        self._left_out = 0
