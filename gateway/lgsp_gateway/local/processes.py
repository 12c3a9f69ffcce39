"""A child process of a local bus: started, awaited until it says READY, started again when it dies or is silent, stopped in order.

A process of ours gives signs of life (`lgsp_runtime.supervision`). One that lives and gives none for `SILENT_SECONDS` is ended, and
started again like one that died.

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
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lgsp_gateway.local.supervisor_notifications import SupervisorNotifications
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime.async_tasks import Stopped, run_until

READY_SECONDS = 60.0
STOP_SECONDS = 12.0
LONGEST_BACKOFF = 5.0
SILENT_SECONDS = 30.0
LOOK_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """One process. `ready` awaits what shows that it answers; by default the line READY on its stdout."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], Coroutine[Any, Any, None]] | None = None
    process: asyncio.subprocess.Process | None = None
    stopping: bool = False
    notifications: SupervisorNotifications | None = None

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            Refusal: `cannot-start`, with the last line of its log.
        """
        environment = {**os.environ, **self.environment}
        if self.ready is None:  # one of ours
            self.notifications = self.notifications or SupervisorNotifications()
            self.notifications.restart_clock()
            environment |= self.notifications.environment
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        try:
            async with asyncio.timeout(READY_SECONDS):
                await run_until(
                    self.process.wait(), self.ready() if self.ready else self._wait_for_ready_line(self.process)
                )
        except (Stopped, TimeoutError) as error:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            raise self._start_failure() from error

    async def supervise(self, report: Callable[[str], None], started: Callable[[], None]) -> None:
        """Start it again whenever it dies, until it is stopped; `started` is called each time."""
        backoff = 0.25
        while not self.stopping:
            assert self.process is not None
            code = await run_until(self._drain_stdout(self.process), self._wait_for_exit(self.process, report))
            if self.stopping:
                break
            report(f"{self.name} ended ({code}); starting it again")
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF)
            with contextlib.suppress(Refusal):
                await self.start()
                started()
                backoff = 0.25
        await asyncio.Event().wait()  # there is nothing to keep any more

    async def _wait_for_exit(self, process: asyncio.subprocess.Process, report: Callable[[str], None]) -> int:
        """Its exit status, when it has ended; one that is silent is ended."""
        looked = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    return await process.wait()
            if self.notifications is None:
                continue
            now = time.monotonic()
            if now - looked > 2 * LOOK_SECONDS:  # this process itself stood still: it hears only now
                self.notifications.restart_clock()
            looked = now
            if changed := self.notifications.receive_status():
                report(f"{self.name}: {changed}")
            if self.notifications.silent_for() > SILENT_SECONDS:
                report(f"{self.name} gives no sign of life; ending it")
                process.kill()

    async def stop(self) -> None:
        """Ask it to stop, and make it where it does not."""
        self.stopping = True
        if self.notifications:
            self.notifications.close()
            self.notifications = None
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    @staticmethod
    async def _wait_for_ready_line(process: asyncio.subprocess.Process) -> None:
        """Return at the line READY."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            if line.startswith(b"READY"):
                return
        await asyncio.Event().wait()  # it ended: whoever waits for its end sees that

    @staticmethod
    async def _drain_stdout(process: asyncio.subprocess.Process) -> None:
        """Throw away what it says further, for ever."""
        assert process.stdout is not None
        while await process.stdout.read(65536):
            pass
        await asyncio.Event().wait()

    def _start_failure(self) -> Refusal:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "-"
        return CannotStart(
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
