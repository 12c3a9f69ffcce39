"""Waits of the tests, each with an end: one that has none hangs the run and tells nobody why. `tests/unit/test_waits.py` guards it."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

SECONDS = 20.0
"""The longest that a test waits for one thing."""
WORK_SECONDS = 90.0
"""The longest that a whole piece of work takes: a process that runs to its end, or load under which things are stopped and started."""
PAUSE_SECONDS = 0.01

T = TypeVar("T")


async def eventually(
    condition: Callable[[], T | Awaitable[T]], *, within: float = SECONDS, seen: Callable[[], object] | None = None
) -> T:
    """Wait until a condition holds.

    Args:
        condition: what is evaluated again and again, a coroutine function or not; it holds when its result is true.
        within: after how many seconds it is given up.
        seen: what a failure shows beside the last result, such as the log that is read.

    Returns:
        The result that is true.

    Raises:
        AssertionError: it did not hold in time; with what was seen last.
    """
    result: T | None = None
    try:
        async with asyncio.timeout(within):
            while True:
                outcome = condition()
                result = await outcome if inspect.isawaitable(outcome) else outcome
                if result:
                    return result
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError as error:
        raise AssertionError(_failure(condition, within, result, seen)) from error


def eventually_now(
    condition: Callable[[], T], *, within: float = SECONDS, seen: Callable[[], object] | None = None
) -> T:
    """Wait as `eventually` does, in a test without an event loop."""
    end = time.monotonic() + within
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError(_failure(condition, within, result, seen))
        time.sleep(PAUSE_SECONDS)
    return result


def until_set(event: asyncio.Event, *, within: float = WORK_SECONDS) -> Iterator[None]:
    """Iterate until an event is set: `for _ in until_set(stop): await …` is how a test makes load.

    Raises:
        AssertionError: it was not set in time.
    """
    end = time.monotonic() + within
    while not event.is_set():
        assert time.monotonic() < end, f"nobody ended the load within {within:g} seconds"
        yield


def _failure(condition: Callable[[], object], within: float, result: object, seen: Callable[[], object] | None) -> str:
    code = getattr(condition, "__code__", None)
    where = f"{code.co_filename}:{code.co_firstlineno}" if code else repr(condition)
    about = f"; {seen()}" if seen else ""
    return f"this did not happen within {within:g} seconds: {where}; it was {result!r}{about}"
