"""Runs and watches every background task of a process.

A task of asyncio that fails says nothing: its process lives on, looks healthy and no longer does its work. Here no task ends
unnoticed. One that fails, returns though it should not, or takes too long for a round is logged with the frames of its error,
counted, shown by health checks, and started again after a pause that grows. A process that is useless without it ends
instead, with an error in its log, so that its supervisor starts it again.

    background.run_every("checkpoints", 1.0, self._sign, within=10)     # a round a second, none longer than ten
    background.run_forever("index", self._copy, essential=True)            # for ever
    background.run_once("kick", self._kick(server, client))             # ends by itself
    await connection.subscribe(subject, cb=background.guard("registry changes", self._changed))
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Self, TypeVar

import structlog

from lgsp_problems import Refusal
from lgsp_runtime.async_tasks import TASK_NAME_PREFIX, cancel_all
from lgsp_runtime.background_task import EssentialTaskFailed, Task, UnexpectedEndError, Work
from lgsp_runtime.error_frames import frames

ESSENTIAL_TRIES = 5
"""Failures in a row after which the process of an essential task ends."""

Result = TypeVar("Result")
Message = TypeVar("Message")


class Background:
    """The background tasks of one process, or of a part that is opened and closed by itself.

    Args:
        stop: set to end the process when an essential task fails again and again.
    """

    def __init__(self, stop: asyncio.Event | None = None) -> None:
        self._stop = stop
        self._fatal: Refusal | None = None
        self._previous_handler: Any = None
        self._callbacks: set[asyncio.Task[Any]] = set()
        self.tasks: list[Task] = []
        self.callback_failures: Counter[str] = Counter()
        """How often each callback, or piece of work of `run_once`, failed, by its name."""

    async def __aenter__(self) -> Self:
        """Become the exception handler of the event loop, so that errors which nothing else handles are logged and counted too."""
        loop = asyncio.get_running_loop()
        self._previous_handler = loop.get_exception_handler()
        loop.set_exception_handler(lambda _, context: self.unhandled(context))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop all tasks.

        Raises:
            EssentialTaskFailed: an essential task ended the process.
        """
        await self.stop()
        asyncio.get_running_loop().set_exception_handler(self._previous_handler)
        if self._fatal and kind is None:
            raise self._fatal

    def run_forever(self, name: str, work: Work, *, essential: bool = False) -> Task:
        """Run work that never returns by itself, and start it again when it fails.

        Args:
            name: as operations read it in the log, `lgsp doctor` and the metrics.
            work: called for each start; it should not return.
            essential: the process ends when the task fails `ESSENTIAL_TRIES` times in a row.
        """
        return self._register_and_start(Task(name, work, essential, in_rounds=False))

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
        """Run work in rounds, with a pause after each.

        Args:
            name: as operations read it in the log, `lgsp doctor` and the metrics.
            seconds: between the end of a round and the beginning of the next.
            work: called for each round.
            within: seconds that a round may take; one that takes longer is cancelled and counts as failed. None for no limit.
            at_once: begin with a round, not with the pause.
            essential: the process ends when the task fails `ESSENTIAL_TRIES` times in a row.
        """
        pause = seconds if callable(seconds) else lambda: seconds

        async def rounds() -> None:
            if not at_once and not task.failures:
                await asyncio.sleep(pause())
            while True:
                async with asyncio.timeout(within):
                    await work()
                task.record_success()
                await asyncio.sleep(pause())

        task = Task(name, rounds, essential, in_rounds=True)
        return self._register_and_start(task)

    def run_once(self, name: str, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Start work that ends by itself and that nothing waits for. Its error is logged and counted.

        Args:
            name: as operations read it in the log and the metrics.
        """
        started = asyncio.get_running_loop().create_task(work, name=TASK_NAME_PREFIX + name)
        self._callbacks.add(started)
        started.add_done_callback(partial(self._on_callback_end, name))
        return started

    def guard(self, name: str, callback: Callable[[Message], Awaitable[None]]) -> Callable[[Message], Awaitable[None]]:
        """Wrap a callback that a library calls, so that its errors are logged and counted, and do not end the subscription.

        Args:
            name: as operations read it in the log and the metrics.
        """

        async def guarded(message: Message) -> None:
            try:
                await callback(message)
            except Exception as error:
                self._record_callback_failure(name, error)

        return guarded

    def unhandled(self, context: dict[str, Any]) -> None:
        """Log and count an error that nothing handled, of a callback of the event loop or of a task that nothing waits for.

        Args:
            context: as asyncio passes it. Its text may quote the arguments of a callback, so it is not logged.
        """
        error = context.get("exception")
        if isinstance(error, Exception):
            self._record_callback_failure("event loop", error)

    async def stop(self) -> None:
        """Cancel all tasks for good, and wait until they have ended."""
        for task in self.tasks:
            task.prevent_restart()
        await cancel_all({task.running for task in self.tasks if task.running} | self._callbacks)

    def failing(self) -> Iterator[Task]:
        """Iterate over the tasks that do not do their work now."""
        return (task for task in self.tasks if task.failing)

    def failures(self) -> dict[str, str]:
        """Return the names of the tasks that do not do their work now, each with the type of its last error."""
        return {task.name: task.last_error for task in self.failing()}

    def _register_and_start(self, task: Task) -> Task:
        self.tasks = [*(earlier for earlier in self.tasks if not earlier.stopping), task]
        self._start_task(task)
        return task

    def _start_task(self, task: Task) -> None:
        task.restart, task.started_at = None, time.monotonic()
        task.running = asyncio.get_running_loop().create_task(_await_work(task.work), name=TASK_NAME_PREFIX + task.name)
        task.running.add_done_callback(partial(self._on_task_end, task))

    def _on_task_end(self, task: Task, ended: "asyncio.Task[None]") -> None:
        error = asyncio.CancelledError() if ended.cancelled() else ended.exception() or UnexpectedEndError()
        if task.stopping:
            return
        task.record_failure(error)
        log = structlog.get_logger().bind(task=task.name, error=task.last_error, frames=frames(error))
        if isinstance(error, Refusal):
            log = log.bind(reason=error.detail.en)
        if task.essential and self._stop and task.consecutive_failures >= ESSENTIAL_TRIES:
            log.error("background task failed for good, this process ends", failures=task.failures)
            self._fatal = EssentialTaskFailed(task.name, task.last_error)
            self._stop.set()
            return
        log.error("background task failed", failures=task.failures, again_in_seconds=task.restart_pause)
        task.restart = asyncio.get_running_loop().call_later(task.restart_pause, self._start_task, task)

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


async def _await_work(work: Work) -> None:
    await work()
