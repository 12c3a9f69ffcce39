"""Runs a process of the bus from its start to an orderly stop.

Once it answers it prints a line with READY on stdout: whoever started it reads that, be it `lgsp up`, a test or a person.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop
from nats.errors import Error as NatsError

from lgsp_problems import CannotStart, Refusal
from lgsp_runtime import logs
from lgsp_runtime.async_tasks import Stopped, run_until
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import EssentialTaskFailed
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.connection import connection_broken
from lgsp_runtime.supervision import Supervisor

GARBAGE_THRESHOLD = 20_000
"""New objects between two runs of the garbage collector; Python's default is 700."""

STOP_SECONDS = 25.0
"""How long a process may take to stop in order; then it is ended, and that is logged."""

EXIT_AFTER_TIMEOUT = 70
"""The exit status of a process that did not stop in order (`EX_SOFTWARE`)."""


class Process:
    """A process of the bus while it runs.

    Args:
        stop: set when it is to stop, by SIGTERM, SIGINT or an essential background task that failed.
        background: its background tasks.
        supervisor: notified that the process is ready and alive.
    """

    def __init__(self, stop: asyncio.Event, background: Background, supervisor: Supervisor = Supervisor()) -> None:  # noqa: B008
        self.stop = stop
        self.background = background
        self._supervisor = supervisor
        self._ready = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Tell whether `ready` was called."""
        return self._ready.is_set()

    def ready(self, what: str) -> None:
        """Report on stdout, and to the supervisor, that the process answers now.

        Args:
            what: the rest of the line, such as an address.
        """
        self._ready.set()
        self._supervisor.notify(READY="1")
        self._supervisor.watch(self.background)
        sys.stdout.write(f"READY {what}\n")
        sys.stdout.flush()

    async def stopped_before_ready(self) -> None:
        """Return when the process is to stop before it was ready; never, where it was ready."""
        await self.stop.wait()
        if self._ready.is_set():
            await asyncio.Event().wait()


Main = Callable[[Process], Awaitable[None]]


def run(process: str, main: Main) -> None:
    """Run one process of the bus.

    Args:
        process: its name in the logs.
        main: starts, calls `ready`, waits for `stop`, stops everything and returns. Until it is ready, it is cancelled instead, so
            that a process which waits for another stops at once.

    Raises:
        Refusal: what `main` refused to start for; `cannot-start`, when the connection to NATS broke meanwhile;
            `internal-error`, when a background task without which the process is useless fails for good.
    """
    logs.configure(process)
    supervisor = Supervisor.from_environment()

    async def guarded() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        until_exit = Background()
        until_exit.run_once("end of the process", _exit_after_timeout(stop))
        async with Background(stop) as background:
            this = Process(stop, background, supervisor)
            try:
                await run_until(this.stopped_before_ready(), _wait_for_main(main, this))
            except Stopped:
                structlog.get_logger().info("stopped before it was ready")
        await until_exit.stop()

    try:
        uvloop.run(guarded())
    except (Refusal, NatsError) as error:
        refusal = error if isinstance(error, Refusal) else connection_broken()
        what = "ended" if isinstance(refusal, EssentialTaskFailed) else "cannot start"
        # A refusal to start says what to do; where another one ends a process, its place says what it was about.
        place = {} if isinstance(refusal, CannotStart) else {"frames": frames(refusal)}
        structlog.get_logger().error(what, code=refusal.code, reason=refusal.detail.en, **place)
        if refusal is error:
            raise
        raise refusal from error


async def _wait_for_main(main: Main, process: Process) -> None:
    await main(process)


async def _exit_after_timeout(stop: asyncio.Event) -> None:
    """End a process that should stop and does not: its supervisor can start another one only then."""
    await stop.wait()
    await asyncio.sleep(STOP_SECONDS)
    structlog.get_logger().critical("does not stop in order, ends now", seconds=STOP_SECONDS)
    os._exit(EXIT_AFTER_TIMEOUT)


def freeze_gc() -> None:
    """Exclude what is loaded now from garbage collection, and let the collector run less often.

    A call leaves next to nothing that only the collector can free. With its defaults it took 4% of a gateway's time (measured), more
    the larger the registry.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)
