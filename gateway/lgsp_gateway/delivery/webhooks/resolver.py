"""Resolves the names of webhook endpoints in threads of their own.

The system's resolver blocks a thread for many seconds where a DNS server does not answer, and the threads that asyncio shares are few (six on two
cores). Whoever registers endpoints under such names must hold up neither what else the gateway does in threads nor the endpoints of other
systems, so each system has few of the threads at a time.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from lgsp_contracts.names import SystemName

MAX_THREADS = 32
MAX_OF_A_SYSTEM = 4
"""Names of one system that are looked up at the same time."""

LookUp = Callable[..., Sequence[tuple[Any, ...]]]
"""As `socket.getaddrinfo`, and as long as that may block."""


class WebhookResolvers:
    """The resolvers of all systems, which share their threads.

    Args:
        look_up: that of the system.
    """

    def __init__(self, look_up: LookUp = socket.getaddrinfo) -> None:
        self._threads = ThreadPoolExecutor(MAX_THREADS, "webhook-dns")
        self._look_up = look_up
        self._of: dict[SystemName, SystemResolver] = {}

    def of(self, system: SystemName) -> AbstractResolver:
        """Return the resolver of the names of one system."""
        return self._of.setdefault(system, SystemResolver(self._threads, self._look_up))

    def close(self) -> None:
        """Look nothing up any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class SystemResolver(AbstractResolver):
    """Resolves names for one system, a few at a time."""

    def __init__(self, threads: ThreadPoolExecutor, look_up: LookUp) -> None:
        self._threads = threads
        self._look_up = look_up
        self._free = asyncio.Semaphore(MAX_OF_A_SYSTEM)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name.

        Raises:
            OSError: it has none, or no DNS server answers.
        """
        await self._free.acquire()
        look_up = partial(self._look_up, host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        looking = self._threads.submit(look_up)
        # Free when the thread is: whoever asked may have given up long before.
        looking.add_done_callback(partial(_in_loop, asyncio.get_running_loop(), self._free.release))
        found = await asyncio.wrap_future(looking)
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=numeric)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Do nothing: the threads are those of all systems."""


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None], _: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
        loop.call_soon_threadsafe(call)
