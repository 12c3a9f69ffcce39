"""The attempts at the messages of a lane: how one is made, and how many each message has had."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import structlog

from lgsp_gateway.delivery.lanes import back_off
from lgsp_gateway.delivery.lanes.lane import Delivery, LaneConfig, LaneHandler, Outcome, RetryAfter, unordered
from lgsp_runtime.async_tasks import TASK_NAME_PREFIX
from lgsp_runtime.error_frames import frames

REMEMBERED = 4096
"""Settled messages that are remembered: a server that was killed forgets acknowledgements."""
MAX_FAILED = 20_000
"""Messages in back-off whose attempts are remembered."""


class Attempts:
    """Runs the handler of one lane."""

    def __init__(self, config: LaneConfig, handler: LaneHandler) -> None:
        self.handler = handler
        self.failed: dict[int, int] = {}
        """How often each message has failed that is not settled, by its sequence."""
        self._config = config

    def next(self, sequence: int) -> int:
        """Return the number of the next attempt at a message."""
        return self.failed.get(sequence, 0) + 1

    def count_failure(self, sequence: int) -> None:
        """Record that an attempt at a message failed."""
        self.failed[sequence] = self.next(sequence)
        if len(self.failed) > MAX_FAILED:
            del self.failed[next(iter(self.failed))]

    def forget(self, sequence: int) -> None:
        """Record that a message is settled."""
        self.failed.pop(sequence, None)

    def ordering_key(self, delivery: Delivery) -> str:
        """Return the ordering key of a message; "" for none, also where it cannot be told."""
        if self._config.ordering_key is unordered or delivery.is_damaged:
            return ""
        try:
            return self._config.ordering_key(delivery)
        except Exception as error:  # the handler, too, will find what is wrong with the message
            self._log("ordering key failed", error)
            return ""

    async def run(self, delivery: Delivery) -> Outcome:
        """Try to deliver a message."""
        try:
            async with asyncio.timeout(self._config.attempt_seconds):
                return await self.handler(delivery)
        except TimeoutError as error:
            self._log("delivery timed out", error)
            reason = "timeout"
        except Exception as error:  # an error of our own: the message is tried again, when it may be mended
            self._log("delivery failed", error)
            reason = "internal-error"
        return RetryAfter(back_off.delay(delivery.attempt, random.random), reason)

    def _log(self, event: str, error: Exception) -> None:
        structlog.get_logger().error(event, lane=self._config.name, error=type(error).__name__, frames=frames(error))


class RunningAttempts:
    """The attempts of one lane that are under way.

    Args:
        lane: its name.
    """

    def __init__(self, lane: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._task_name = f"{TASK_NAME_PREFIX}lane {lane}"
        self._tasks: dict[int, asyncio.Task[Outcome]] = {}

    def start(
        self, sequence: int, attempt: Coroutine[Any, Any, Outcome], then: Callable[[Outcome | None], None]
    ) -> None:
        """Start an attempt at a message.

        Args:
            then: called with its outcome; with None where it was cancelled.
        """
        task = self._loop.create_task(attempt, name=self._task_name)
        self._tasks[sequence] = task
        task.add_done_callback(partial(self._on_end, sequence, then))

    def cancel(self, sequence: int) -> None:
        """Cancel the attempt at a message."""
        self._tasks[sequence].cancel()

    async def end(self, seconds: float) -> None:
        """Wait until none is under way.

        Args:
            seconds: after which they are cancelled.
        """
        if self._tasks:
            _, running = await asyncio.wait(self._tasks.values(), timeout=seconds)
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running)

    def _on_end(self, sequence: int, then: Callable[[Outcome | None], None], task: "asyncio.Task[Outcome]") -> None:
        self._tasks.pop(sequence, None)
        then(None if task.cancelled() else task.result())


class SettledMessages:
    """Remembers the messages that were settled last."""

    def __init__(self) -> None:
        self._order: deque[int] = deque()
        self._sequences: set[int] = set()

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._sequences

    def add(self, sequence: int) -> None:
        """Record that a message is settled."""
        if sequence not in self._sequences:
            self._order.append(sequence)
            self._sequences.add(sequence)
            if len(self._order) > REMEMBERED:
                self._sequences.discard(self._order.popleft())
