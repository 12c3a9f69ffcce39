"""A lock that goes to the most urgent of those who wait for it, and among equals to the first: asyncio's own knows no priorities."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PriorityLock:
    """A lock for the tasks of one event loop."""

    def __init__(self) -> None:
        self._is_held = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    def waiting_before(self, priority: int) -> int:
        """Return how many wait that would get the lock before one that comes now.

        Args:
            priority: of the one that comes; a smaller number is more urgent.
        """
        return sum(other <= priority and not turn.done() for other, _, turn in self._waiting)

    @asynccontextmanager
    async def hold(self, priority: int) -> AsyncIterator[None]:
        """Wait for the lock, and hold it.

        Args:
            priority: a smaller number is more urgent.
        """
        if self._is_held:
            await self._wait(priority)
        self._is_held = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, priority: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was this one's turn already
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[-1]
            if not turn.done():
                turn.set_result(None)  # the lock stays held until its next holder runs
                return
        self._is_held = False
