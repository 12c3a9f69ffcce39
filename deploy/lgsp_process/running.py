"""Start, say READY, run until told to stop, stop in order.

READY is a line on stdout: whoever started the process reads it, be it `lgsp up`, a test or a person.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from lgsp_problems import Refusal
from lgsp_process import logs

Main = Callable[[asyncio.Event], Awaitable[None]]


def run(process: str, main: Main) -> None:
    """Run one process of the bus.

    Args:
        process: its name in the logs.
        main: gets the event that SIGTERM and SIGINT set; returns when everything is stopped.

    Raises:
        Refusal: what `main` refused to start for.
    """
    logs.configure(process)

    async def guarded() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    try:
        uvloop.run(guarded())
    except Refusal as refusal:
        structlog.get_logger().error("cannot start", code=refusal.code, reason=refusal.detail.en)
        raise


def ready(what: str) -> None:
    """Say on stdout that the process answers now."""
    sys.stdout.write(f"READY {what}\n")
    sys.stdout.flush()
