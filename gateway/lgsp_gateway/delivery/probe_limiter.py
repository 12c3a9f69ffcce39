"""Bounds how many tests are sent to one receiver, or by one person: a test is no means to load somebody's server or mailbox."""

import time
from collections import deque

from lgsp_problems import QuotaExceeded

MAX_PER_MINUTE = 10
"""Tests of one endpoint or subscription, or of one person's notifications, in one gateway."""


class ProbeLimiter:
    """Counts tests of the last minute."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[float]] = {}

    def take(self, key: str) -> None:
        """Count a test of an endpoint, a subscription or a person.

        Raises:
            QuotaExceeded: there were too many in the last minute.
        """
        now = time.monotonic()
        self._recent = {key: recent for key, recent in self._recent.items() if now - recent[-1] < 60}
        recent = self._recent.setdefault(key, deque(maxlen=MAX_PER_MINUTE))
        if len(recent) == MAX_PER_MINUTE and now - recent[0] < 60:
            wait = int(60 - (now - recent[0])) + 1
            raise QuotaExceeded(
                vi=f"Mỗi phút gửi được tối đa {MAX_PER_MINUTE} lần thử; hãy thử lại sau {wait} giây.",
                en=f"At most {MAX_PER_MINUTE} tests are sent in a minute; try again in {wait} seconds.",
                retry_after=wait,
            )
        recent.append(now)
