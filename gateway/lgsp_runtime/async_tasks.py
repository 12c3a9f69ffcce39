"""What asyncio lacks for its tasks: running work until something else happens, and cancelling without fail."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

TASK_NAME_PREFIX = "lgsp: "
"""Begins the names of our tasks, by which they are told from those of libraries."""

Result = TypeVar("Result")


class Stopped(Exception):  # noqa: N818 - nothing has gone wrong
    """Raised by `run_until` when the work is no longer wanted."""


async def run_until(stop: Coroutine[Any, Any, object], work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of some work, unless something else happens first. Whichever has not ended is cancelled.

    Args:
        stop: returns when the work is no longer wanted, as `event.wait()` does.

    Raises:
        Stopped: `stop` returned first.
        Exception: what the work raised.
    """
    loop = asyncio.get_running_loop()
    working = loop.create_task(work, name=TASK_NAME_PREFIX + "awaited")
    stopping = loop.create_task(stop, name=TASK_NAME_PREFIX + "awaited")
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Stopped
    finally:
        await cancel_all({working, stopping})


async def cancel_all(tasks: "set[asyncio.Task[Any]]") -> None:
    """Cancel tasks, and wait until they have ended. The task that calls this is left out.

    They are cancelled again and again: before Python 3.12, `wait_for` can swallow a cancellation that comes together with a result
    (gh-86296).
    """
    current = asyncio.current_task()
    while pending := {task for task in tasks if not task.done() and task is not current}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=0.1)
