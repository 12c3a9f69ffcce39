"""The limits of one endpoint in one gateway: how many requests are under way at once, and how many begin in a second."""

import asyncio
from collections import deque
from collections.abc import Callable


class EndpointLimiter:
    """Gives turns to requests.

    Both limits may change at any time, as when an endpoint is changed or another gateway begins to send there too.

    Args:
        clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._concurrency = 1
        self._interval = 1.0
        self._next_start = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.active = 0

    def set_limits(self, concurrency: int, rate: float) -> None:
        """Set the limits.

        Args:
            concurrency: turns that may be taken at once.
            rate: turns that may begin in a second.
        """
        self._concurrency, self._interval = concurrency, 1 / rate
        self._wake()

    async def take_slot(self, seconds: float) -> bool:
        """Take one of the slots, waiting for it for some seconds; tell whether that succeeded. `release` gives it back."""
        if self.active < self._concurrency and not self._waiting:
            self.active += 1
            return True
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except TimeoutError:
            return self._withdraw(turn)
        except asyncio.CancelledError:
            if self._withdraw(turn):
                self.release()
            raise
        return True

    def release(self) -> None:
        """Give a slot back."""
        self.active -= 1
        self._wake()

    def reserve_start(self, longest_wait: float) -> float | None:
        """Reserve the next moment at which a request may begin.

        Returns:
            The seconds until then; None, and nothing is reserved, where that is later than `longest_wait` seconds.
        """
        now = self._clock()
        start = max(now, self._next_start)
        if start - now > longest_wait:
            return None
        self._next_start = start + self._interval
        return start - now

    def seconds_to_start(self) -> float:
        """Return the seconds until a request may begin."""
        return max(0.0, self._next_start - self._clock())

    def _withdraw(self, turn: "asyncio.Future[None]") -> bool:
        """Stop waiting for a slot; tell whether it was given at the last moment."""
        if turn.done() and not turn.cancelled():
            return True
        if turn in self._waiting:
            self._waiting.remove(turn)
        return False

    def _wake(self) -> None:
        while self._waiting and self.active < self._concurrency:
            turn = self._waiting.popleft()
            if not turn.done():
                self.active += 1
                turn.set_result(None)
