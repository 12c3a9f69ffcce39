"""Bounds the parsing and mapping of one document, so that the other calls of the process do not wait for it.

An expression that looks through a thousand rows for each item of a request, an answer of a hundred thousand XML elements: either holds
an event loop for a second or for hours. So work is counted in steps, which depend on documents and manifest alone: the same call
has the same end on every machine. What takes up to `AT_ONCE` of them is done on the event loop. What takes more is started again in
a thread, with which the loop shares the interpreter; at `MOST` it is given up.

Why a thread and no process, as the gateway has for documents: what is mapped has been read here and would have to be carried over, and
it is Python throughout, which lets others have the interpreter every 5 ms.
"""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

from lgsp_adapters.adapter import UnfitRequest, UpstreamFailed
from lgsp_adapters.errors import AdapterError

AT_ONCE = 5_000
"""Steps on the event loop: 5 to 10 ms on a core of 2026."""

MOST = 3_000_000
"""Steps of one document: 3 to 6 s. 40,000 rows of four fields take 900,000."""

BYTES = 40
"""Bytes of JSON or XML that are parsed in one step."""

CHARACTERS = 64
"""Characters of a text that a function processes in one step."""

THREADS = 2
"""Threads of one adapter: one more than a single document can occupy."""

TOO_LONG = f"reading and mapping the answer takes more than {MOST} steps"

Result = TypeVar("Result")


class StepsExceededError(AdapterError):
    """The work needs more steps than its budget has."""


class StepBudget:
    """The steps that are left for one piece of work."""

    __slots__ = ("left",)

    def __init__(self, left: float) -> None:
        self.left = left

    def spend(self, count: int = 1) -> None:
        """Take some.

        Raises:
            StepsExceededError: fewer are left.
        """
        self.left -= count
        if self.left < 0:
            raise StepsExceededError


_ENDLESS = StepBudget(math.inf)
current: ContextVar[StepBudget] = ContextVar("steps", default=_ENDLESS)
"""The budget of the current work; unlimited where none was set, as in a process that may be killed."""


def spend(count: int = 1) -> None:
    """Take some of the steps of the work at hand.

    Raises:
        StepsExceededError: fewer are left.
    """
    current.get().spend(count)


class MappingExecutor:
    """Runs work that may take long without blocking the event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "lgsp-mapping")  # threads start on first use

    async def run(self, work: Callable[[], Result], *, of_request: bool = False) -> Result:
        """Run some work and return its result. It is begun twice where it takes long, so it must change nothing.

        Args:
            of_request: the work maps the request, not yet the system's answer.

        Raises:
            UnfitRequest, UpstreamFailed: it takes more than anybody may wait for.
        """
        try:
            return run_within(StepBudget(AT_ONCE), work)
        except StepsExceededError:
            steps = StepBudget(MOST)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, run_within, steps, work)
        except StepsExceededError as error:
            if of_request:
                raise UnfitRequest(f"mapping the request takes more than {MOST} steps; ask for less at once") from error
            raise UpstreamFailed("unintelligible", f"{TOO_LONG}; ask for fewer rows, or look them up by key") from error
        finally:
            steps.left = 0  # a thread cannot be ended, but without steps it stops by itself

    def close(self) -> None:
        """End the threads as soon as their current work is done."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def run_within(steps: StepBudget, work: Callable[[], Result]) -> Result:
    """Do something with so many steps.

    Raises:
        StepsExceededError: it takes more.
    """
    token = current.set(steps)
    try:
        return work()
    finally:
        current.reset(token)
