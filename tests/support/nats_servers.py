"""The nats-servers of a bus to try things on: one, or a cluster of three, whose start and end are that of all of them."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from lgsp_gateway.local.nats_config import LocalServer
from support.processes import Process
from support.waits import WORK_SECONDS

COUNT = int(os.environ.get("LGSP_TEST_SERVERS", "1"))
"""Servers of each bus of the tests: `./lgsp test --cluster` says 3."""


class NatsServers:
    """All servers of one bus; `each` has the processes, to break one of them."""

    def __init__(self, servers: Sequence[LocalServer], logs: Path) -> None:
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert binary
        self.servers = servers
        self.each = [
            Process([binary, "-c", str(server.config)], logs / f"{server.name.replace(' ', '-')}.out")
            for server in servers
        ]

    @property
    def pid(self) -> int:
        """Of the only server."""
        [process] = self.each
        return process.pid

    @property
    def log(self) -> Path:
        """Of the only server."""
        [process] = self.each
        return process.log

    async def start(self, *, wait_ready: bool = True) -> None:
        """Start all, and return when each listens, or at once."""
        if not wait_ready:
            await asyncio.gather(*(process.start(wait_ready=False) for process in self.each))
            return
        await asyncio.gather(*(self.start_one(number) for number in range(len(self.each))))

    async def start_one(self, number: int) -> None:
        """Start one, counted from 0, and return when it listens."""
        await self.each[number].start(wait_ready=False)
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.servers[number].port)
                except OSError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    return

    async def restart_one(self, number: int) -> None:
        """Restart one in good order, as docs/operate/run-the-bus.md says: it hands over what it leads, and its clients leave it first."""
        process = self.each[number]
        process.signal(signal.SIGUSR2)
        assert process.process
        async with asyncio.timeout(WORK_SECONDS):
            await process.process.wait()
        await self.start_one(number)

    async def stop(self) -> None:
        await asyncio.gather(*(process.stop() for process in self.each))

    async def kill(self) -> None:
        await asyncio.gather(*(process.kill() for process in self.each))

    def signal(self, number: int) -> None:
        for process in self.each:
            process.signal(number)
