"""A child process of a local bus: started, awaited until it says READY, started again when it dies, stopped in order.

A child dies with its parent, also when that is killed with -9: the kernel sends it the signal (Linux's parent death
signal). Where there is no such thing, the next start ends what the last one left (`end_leftovers`).
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lgsp_problems import Refusal

READY_SECONDS = 30.0
STOP_SECONDS = 12.0
LONGEST_BACKOFF = 5.0
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """One process. `ready` awaits what shows that it answers; by default the line READY on its stdout."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], Awaitable[None]] | None = None
    process: asyncio.subprocess.Process | None = None
    stopping: bool = False
    _rest: asyncio.Task[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            Refusal: `cannot-start`, with the last line of its log.
        """
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        said_ready = asyncio.create_task(self._read_output(self.process))
        waiting = asyncio.create_task(self._answers(said_ready))
        ended = asyncio.create_task(self.process.wait())
        await asyncio.wait((waiting, ended), timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done() or ended.done():
            waiting.cancel()
            raise self._did_not_start()
        ended.cancel()

    async def keep(self, say: Callable[[str], None], started: Callable[[], None]) -> None:
        """Start it again whenever it dies, until it is stopped; `started` is called each time."""
        backoff = 0.25
        while True:
            assert self.process is not None
            code = await self.process.wait()
            if self.stopping:
                return
            say(f"{self.name} ended ({code}); starting it again")
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF)
            with contextlib.suppress(Refusal):
                await self.start()
                started()
                backoff = 0.25

    async def stop(self) -> None:
        """Ask it to stop, and make it where it does not."""
        self.stopping = True
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    async def _answers(self, said_ready: asyncio.Task[None]) -> None:
        await (self.ready() if self.ready else asyncio.shield(said_ready))

    async def _read_output(self, process: asyncio.subprocess.Process) -> None:
        """Return at the line READY; what comes after it is read on and thrown away."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            if line.startswith(b"READY"):
                self._rest = asyncio.create_task(process.stdout.read())
                return
        await asyncio.Event().wait()  # it ended: whoever waits for its end sees that

    def _did_not_start(self) -> Refusal:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "-"
        return Refusal(
            "cannot-start",
            vi=f"{self.name} không khởi động được; dòng cuối của {self.log}: {last}",
            en=f"{self.name} did not start; the last line of {self.log}: {last}",
        )


def end_leftovers(pids: list[int], mark: str) -> None:
    """End what a bus that was killed left running: only processes whose command line names its folder."""
    for pid in pids:
        shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
        if mark in shown.stdout:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def die_with_parent() -> None:
    """Be killed by the kernel when the parent ends; where there is no such thing (only Linux has it), go on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
