"""Keeps work that nobody waits for from slowing calls down: what is accepted to be delivered later, and its delivery.

The limit counts for each caller, so that neither the flood of one nor its slow provider keeps another one waiting. Nothing is refused: a
request waits for its turn, and with it its connection, whose sender can send no more.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from lgsp_gateway.calls.adaptive_limit import AdaptiveLimit
from lgsp_gateway.calls.model import StepTimes

MAXIMUM = 256
"""Of one caller at a time while no call suffers: more share no sync that these do not fill."""


class _Caller:
    __slots__ = ("under_way", "waiting")

    def __init__(self) -> None:
        self.under_way = 0
        self.waiting: deque[asyncio.Future[None]] = deque()


class BackgroundWork:
    """The background work of one gateway.

    Args:
        now: returns the time in seconds, on a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._limit = AdaptiveLimit(MAXIMUM)
        self._callers: dict[str, _Caller] = {}
        self._admitted: dict[str, str] = {}

    def answered(self, times: StepTimes) -> None:
        """Take note of what a call took that its caller waited for."""
        self._limit.add(self._now(), times.handled - times.provider + times.evidence)

    def limit(self) -> int:
        """Return how much may be under way for one caller now."""
        return self._limit.limit(self._now())

    async def admit(self, caller: str, message: str) -> None:
        """Wait until the turn of a message comes; the messages of one caller are admitted in their order.

        Args:
            message: its id, which `finish` is given in any case.
        """
        of_caller = self._callers.get(caller)
        if of_caller is None:
            of_caller = self._callers[caller] = _Caller()
        if of_caller.waiting or of_caller.under_way >= self.limit():
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            of_caller.waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._release(caller, of_caller)
                raise
        else:
            of_caller.under_way += 1
        self._admitted[message] = caller

    def finish(self, message: str) -> None:
        """Let the next one have the turn of a message, if it had one."""
        caller = self._admitted.pop(message, None)
        if caller is not None:
            self._release(caller, self._callers[caller])

    def _release(self, caller: str, of_caller: _Caller) -> None:
        of_caller.under_way -= 1
        waiting, limit = of_caller.waiting, self.limit() if of_caller.waiting else 0
        while waiting and of_caller.under_way < limit:
            turn = waiting.popleft()
            if not turn.done():  # whoever waited may have been cancelled
                of_caller.under_way += 1
                turn.set_result(None)
        if not of_caller.under_way and not waiting:
            del self._callers[caller]
