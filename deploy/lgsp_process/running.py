"""Start, say READY, run until told to stop, stop in order.

READY is a line on stdout: whoever started the process reads it, be it `lgsp up`, a test or a person.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop
from nats.errors import Error as NatsError

from lgsp_problems import Refusal
from lgsp_process import logs
from lgsp_process.nats_connection import broke

GARBAGE_THRESHOLD = 20_000
"""New objects between two walks of the collector; Python's own default is 700."""

Main = Callable[[asyncio.Event], Awaitable[None]]


def run(process: str, main: Main) -> None:
    """Run one process of the bus.

    Args:
        process: its name in the logs.
        main: gets the event that SIGTERM and SIGINT set; returns when everything is stopped.

    Raises:
        Refusal: what `main` refused to start for; `cannot-start`, when the connection to NATS broke meanwhile.
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
    except (Refusal, NatsError) as error:
        refusal = error if isinstance(error, Refusal) else broke()
        structlog.get_logger().error("cannot start", code=refusal.code, reason=refusal.detail.en)
        raise refusal from None


def settle() -> None:
    """What a process has loaded by now stays: the garbage collector need not walk through it again and again.

    A call leaves next to nothing that only the collector can free, and with its defaults it took 4% of a gateway's time
    (measured), more the larger the registry.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)


def ready(what: str) -> None:
    """Say on stdout that the process answers now."""
    sys.stdout.write(f"READY {what}\n")
    sys.stdout.flush()
