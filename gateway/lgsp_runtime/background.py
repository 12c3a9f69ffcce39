"""Every task that runs beside the work of a process, watched by one mechanism.

A task of asyncio that fails says nothing: its process lives on, looks well and no longer does what it is there for. Here
no task ends unseen. One that fails, ends though it should not, or takes too long for a round is told of in the log with the
frames of its error, counted, shown where health is asked for, and started again after a pause that grows. A process that is
useless without it ends instead, loudly, so that its supervisor starts it.

    background.run_every("checkpoints", 1.0, self._sign, within=10)     # a round a second, none longer than ten
    background.run_forever("index", self._copy, essential=True)            # for ever
    background.run_once("kick", self._kick(server, client))             # ends by itself
    await connection.subscribe(subject, cb=background.guard("registry changes", self._changed))
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar

import structlog

from lgsp_problems import Refusal
from lgsp_runtime.error_frames import frames

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
"""Seconds before a task that failed is started again: doubled each time, from the first to the longest."""
SETTLED_SECONDS = 10.0
"""A task without rounds counts as well again when it has run for so long."""
ESSENTIAL_TRIES = 5
"""Failures in a row after which the process of an essential task ends."""
PREFIX = "lgsp: "
"""What the names of our tasks begin with, so that they are told from those of libraries."""

Work = Callable[[], Awaitable[object]]
Result = TypeVar("Result")
Message = TypeVar("Message")


class UnexpectedEndError(Exception):
    """A task that should run for ever has returned."""


class EssentialTaskFailed(Refusal):
    """A background task without which the process is useless fails again and again, so the process ends."""

    def __init__(self, task: str, error: str) -> None:
        super().__init__(
            "internal-error",
            vi=f"Tác vụ nền {task} liên tục hỏng ({error}) nên tiến trình này dừng; hãy xem nhật ký của nó.",
            en=f"The background task {task} fails again and again ({error}), so this process ends; read its log.",
        )


class Stopped(Exception):  # noqa: N818 - nothing has gone wrong
    """What was waited for is no longer wanted."""


@dataclass(slots=True, eq=False)
class Task:
    """One task that is to run as long as its process."""

    name: str
    work: Work
    essential: bool
    in_rounds: bool
    failures: int = 0
    consecutive_failures: int = 0
    last_error: str = ""
    began: float = 0.0
    stopping: bool = False
    running: "asyncio.Task[None] | None" = None
    pausing: asyncio.TimerHandle | None = None

    @property
    def failing(self) -> bool:
        """Did it fail, and has not done its work since?"""
        if not self.in_rounds and self.pausing is None and time.monotonic() - self.began > SETTLED_SECONDS:
            self.consecutive_failures = 0
        return self.consecutive_failures > 0

    def record_success(self) -> None:
        """A round of it went well."""
        self.consecutive_failures = 0

    async def stop(self) -> None:
        """End it, for good."""
        self.stopping = True
        if self.pausing:
            self.pausing.cancel()
        if self.running:
            await _cancel_all({self.running})


class Background:
    """The background tasks of one process, or of a part that is opened and closed by itself.

    Args:
        stop: set where an essential task cannot be kept up, to end the process.
    """

    def __init__(self, stop: asyncio.Event | None = None) -> None:
        self._stop = stop
        self._fatal: Refusal | None = None
        self._handler_before: Any = None
        self._callbacks: set[asyncio.Task[Any]] = set()
        self.tasks: list[Task] = []
        self.callback_failures: Counter[str] = Counter()
        """How often each piece of work or callback broke."""

    async def __aenter__(self) -> Self:
        """Take the errors, too, that nobody else in this event loop takes."""
        loop = asyncio.get_running_loop()
        self._handler_before = loop.get_exception_handler()
        loop.set_exception_handler(lambda _, context: self.unhandled(context))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop them all.

        Raises:
            EssentialTaskFailed: an essential task ended the process.
        """
        await self.stop()
        asyncio.get_running_loop().set_exception_handler(self._handler_before)
        if self._fatal and kind is None:
            raise self._fatal

    def run_forever(self, name: str, work: Work, *, essential: bool = False) -> Task:
        """Keep something running that never ends by itself.

        Args:
            name: as operations read it in the log, `lgsp doctor` and the metrics.
            work: called for each start.
            essential: the process ends when it fails `ESSENTIAL_TRIES` times in a row.
        """
        return self._register(Task(name, work, essential, in_rounds=False))

    def run_every(
        self,
        name: str,
        seconds: float | Callable[[], float],
        work: Work,
        *,
        within: float | None,
        at_once: bool = True,
        essential: bool = False,
    ) -> Task:
        """Do something again and again.

        Args:
            seconds: between the end of a round and the beginning of the next.
            within: seconds that a round may take; one that hangs is given up and counts as failed. None: as long as it likes.
            at_once: begin with a round, not with the pause.
        """
        waits = seconds if callable(seconds) else lambda: seconds

        async def rounds() -> None:
            if not at_once and not task.failures:
                await asyncio.sleep(waits())
            while True:
                async with asyncio.timeout(within):
                    await work()
                task.record_success()
                await asyncio.sleep(waits())

        task = Task(name, rounds, essential, in_rounds=True)
        return self._register(task)

    def run_once(self, name: str, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Begin something that ends by itself and that nobody waits for."""
        begun = asyncio.get_running_loop().create_task(work, name=PREFIX + name)
        self._callbacks.add(begun)
        begun.add_done_callback(partial(self._on_callback_end, name))
        return begun

    def guard(self, name: str, callback: Callable[[Message], Awaitable[None]]) -> Callable[[Message], Awaitable[None]]:
        """A callback of a library: what it raises is told of, and the next message is heard all the same."""

        async def watched(message: Message) -> None:
            try:
                await callback(message)
            except Exception as error:
                self._record_callback_failure(name, error)

        return watched

    def unhandled(self, context: dict[str, Any]) -> None:
        """Tell of an error that nobody took: of a callback of the event loop, of a task that nobody waited for.

        Args:
            context: as asyncio gives it. Its words may quote what a callback was called with, so they are not told.
        """
        error = context.get("exception")
        if isinstance(error, Exception):
            self._record_callback_failure("event loop", error)

    async def stop(self) -> None:
        """End all of them, for good."""
        for task in self.tasks:
            task.stopping = True
            if task.pausing:
                task.pausing.cancel()
        await _cancel_all({task.running for task in self.tasks if task.running} | self._callbacks)

    def failing(self) -> Iterator[Task]:
        """Those that do not do their work now."""
        return (task for task in self.tasks if task.failing)

    def failures(self) -> dict[str, str]:
        """The tasks that do not do their work now, each with the error that it failed with."""
        return {task.name: task.last_error for task in self.failing()}

    def _register(self, task: Task) -> Task:
        self.tasks = [*(one for one in self.tasks if not one.stopping), task]
        self._start(task)
        return task

    def _start(self, task: Task) -> None:
        task.pausing, task.began = None, time.monotonic()
        task.running = asyncio.get_running_loop().create_task(_run(task.work), name=PREFIX + task.name)
        task.running.add_done_callback(partial(self._on_task_end, task))

    def _on_task_end(self, task: Task, ended: "asyncio.Task[None]") -> None:
        error = asyncio.CancelledError() if ended.cancelled() else ended.exception() or UnexpectedEndError()
        if task.stopping:
            return
        if not task.failing:
            task.consecutive_failures = 0
        task.failures += 1
        task.consecutive_failures += 1
        task.last_error = type(error).__name__
        pause = min(FIRST_PAUSE * 2 ** (task.consecutive_failures - 1), LONGEST_PAUSE)
        log = structlog.get_logger().bind(task=task.name, error=task.last_error, frames=frames(error))
        if isinstance(error, Refusal):
            log = log.bind(reason=error.detail.en)
        if task.essential and self._stop and task.consecutive_failures >= ESSENTIAL_TRIES:
            log.error("background task failed for good, this process ends", failures=task.failures)
            self._fatal = EssentialTaskFailed(task.name, task.last_error)
            self._stop.set()
            return
        log.error("background task failed", failures=task.failures, again_in_seconds=pause)
        task.pausing = asyncio.get_running_loop().call_later(pause, self._start, task)

    def _on_callback_end(self, name: str, ended: "asyncio.Task[Any]") -> None:
        self._callbacks.discard(ended)
        error = None if ended.cancelled() else ended.exception()
        if error:
            self._record_callback_failure(name, error)

    def _record_callback_failure(self, name: str, error: BaseException) -> None:
        self.callback_failures[name] += 1
        structlog.get_logger().error(
            "background callback failed",
            work=name,
            error=type(error).__name__,
            frames=frames(error),
            times=self.callback_failures[name],
        )


async def run_until(stop: Coroutine[Any, Any, object], work: Coroutine[Any, Any, Result]) -> Result:
    """The result of some work, unless something else happens first; whichever did not end is cancelled.

    Args:
        stop: returns when the work is no longer wanted, as `event.wait()` does.

    Raises:
        Stopped: it is no longer wanted.
    """
    loop = asyncio.get_running_loop()
    working = loop.create_task(work, name=PREFIX + "awaited")
    stopping = loop.create_task(stop, name=PREFIX + "awaited")
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Stopped
    finally:
        await _cancel_all({working, stopping})


async def _run(work: Work) -> None:
    await work()


async def _cancel_all(tasks: "set[asyncio.Task[Any]]") -> None:
    """End tasks.

    Again and again: before Python 3.12, `wait_for` can swallow a cancellation that comes together with a result (gh-86296).
    """
    current = asyncio.current_task()
    while pending := {task for task in tasks if not task.done() and task is not current}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=0.1)
