"""Counts the instructions of a gateway by callgrind, which runs it on a simulated processor, so that no clock is involved.

Counted three times on a machine under load, a call on one connection took 406, 408 and 419 thousand. On several connections the figure
depends on how many calls happen to share a batch: 337 and 419 thousand on eight.
"""

import asyncio
import re
import shutil
from pathlib import Path

from support.processes import LGSP, Process, apt_install
from support.waits import eventually
from support.workbench import Workbench

START_SECONDS = 300.0
"""A process is some fifty times slower under callgrind."""
_TOTALS = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


class CountedGateway:
    """A gateway of a bus under callgrind, in place of that bus's own; it counts nothing until it is asked.

    Args:
        folder: where callgrind writes what it counted.
    """

    def __init__(self, bus: Workbench, folder: Path) -> None:
        valgrind = shutil.which("valgrind")
        if not valgrind:
            apt_install("valgrind")
            valgrind = shutil.which("valgrind")
        assert valgrind, (
            "callgrind counts the instructions and is missing; on Debian and Ubuntu: apt-get install valgrind"
        )
        self._folder = folder
        options = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/callgrind.%p"]
        self._process = Process([valgrind, *options, *LGSP, *bus.gateway.command], folder / "counted-gateway.log")

    async def start(self) -> None:
        """Start it, and return when it is ready."""
        await self._process.start(wait_ready=False)
        await eventually(
            lambda: any("READY" in line for line in self._process.output),
            within=START_SECONDS,
            seen=lambda: self._process.log.read_text()[-2000:],
        )
        await self._control("--instr=on")

    async def instructions(self) -> int:
        """Count the instructions since the last time."""
        before = set(self._folder.glob("callgrind.*"))
        await self._control("--dump")
        new = set(self._folder.glob("callgrind.*")) - before
        counted = [int(found[1]) for path in new if (found := _TOTALS.search(path.read_text()))]
        assert counted, f"callgrind wrote nothing that can be read: {[path.name for path in new]}"
        return sum(counted)

    async def stop(self) -> None:
        """End it."""
        await self._process.kill()

    async def _control(self, option: str) -> None:
        control = await asyncio.create_subprocess_exec(
            "callgrind_control", option, str(self._process.pid), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await control.communicate()
        assert b"OK" in out, out.decode()
