"""The state of one background task: whether it does its work now, how often it failed, and when it is started again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lgsp_problems import Refusal
from lgsp_runtime.async_tasks import cancel_all

MIN_PAUSE = 0.1
MAX_PAUSE = 30.0
"""Seconds before a task that failed is started again: doubled each time, from the shortest to the longest."""
_MAX_DOUBLINGS = 10
"""More than lead to the longest pause; a power of two for a day of failures would be too large for a float."""
SETTLED_SECONDS = 10.0
"""After which a task without rounds that was started again counts as healthy."""

Work = Callable[[], Awaitable[object]]


class UnexpectedEndError(Exception):
    """Stands for the error of a task that has returned, though it should run for ever."""


class EssentialTaskFailed(Refusal):
    """A background task without which the process is useless fails again and again, so the process ends."""

    def __init__(self, task: str, error: str) -> None:
        super().__init__(
            "internal-error",
            vi=f"Tác vụ nền {task} liên tục hỏng ({error}) nên tiến trình này dừng; hãy xem nhật ký của nó.",
            en=f"The background task {task} fails again and again ({error}), so this process ends; read its log.",
        )


@dataclass(slots=True, eq=False)
class Task:
    """A task that is to run as long as its process.

    Args:
        name: as operations read it in the log, `lgsp doctor` and the metrics.
        work: called for each start.
        essential: whether the process is useless without it.
        in_rounds: whether it reports each round that succeeded (`record_success`).
        failures: since the process started.
        consecutive_failures: since it last did its work.
        last_error: the type of the newest error.
        started_at: when it was last started, as `time.monotonic` counts.
        restart: the timer of its next start, while it is not running.
    """

    name: str
    work: Work
    essential: bool
    in_rounds: bool
    failures: int = 0
    consecutive_failures: int = 0
    last_error: str = ""
    started_at: float = 0.0
    stopping: bool = False
    running: "asyncio.Task[None] | None" = None
    restart: asyncio.TimerHandle | None = None

    @property
    def failing(self) -> bool:
        """Tell whether it failed and has not done its work since."""
        if not self.in_rounds and self.restart is None and time.monotonic() - self.started_at > SETTLED_SECONDS:
            self.consecutive_failures = 0
        return self.consecutive_failures > 0

    def record_success(self) -> None:
        """Record that a round has succeeded."""
        self.consecutive_failures = 0

    def record_failure(self, error: BaseException) -> None:
        """Record that it ended, with its error."""
        if not self.failing:
            self.consecutive_failures = 0
        self.failures += 1
        self.consecutive_failures += 1
        self.last_error = type(error).__name__

    @property
    def restart_pause(self) -> float:
        """Return the seconds after which it is to be started again, counted from its failure."""
        doublings = min(self.consecutive_failures - 1, _MAX_DOUBLINGS)
        return min(MIN_PAUSE * 2.0**doublings, MAX_PAUSE)

    def prevent_restart(self) -> None:
        """Keep it from being started again."""
        self.stopping = True
        if self.restart:
            self.restart.cancel()

    async def stop(self) -> None:
        """Cancel it for good, and wait until it has ended."""
        self.prevent_restart()
        if self.running:
            await cancel_all({self.running})
