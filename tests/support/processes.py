"""Processes of the bus as the tests start them: awaited until READY, killed for real."""

import asyncio
import contextlib
import fcntl
import functools
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from lgsp_gateway.local.processes import die_with_parent
from support.waits import WORK_SECONDS

ROOT = Path(__file__).parents[2]
LGSP = [sys.executable, "-m", "lgsp_gateway"]


def free_port() -> int:
    """A port that nobody listens at and nobody else is given, of this run or another on the machine, until the process that asked ends.

    It lies below those that the kernel gives to outgoing connections: it is free still when its server starts.
    """
    while True:
        port = secrets.randbelow(20_000) + 10_000
        if port in _given or not _reserved(port):
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port


_given: set[int] = set()
"""Ports of this process: its own locks do not keep it out."""


def _reserved(port: int) -> bool:
    """Lock the byte of a common file that stands for a port: the kernel takes the lock back when the process ends, however it ends."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@functools.cache
def _reservations() -> int:
    """The file, which stays open: to close it anywhere in the process would give back all of its locks."""
    # Not in the temporary folder: runs that are given different ones share the ports of the machine all the same.
    return os.open(f"/tmp/lgsp-tests-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def surroundings(more: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a process: that of the tests, in English."""
    return {**os.environ, "LC_ALL": "C.UTF-8", **(more or {})}


class Running(Protocol):
    """What asyncio gives for a process."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    @property
    def stdout(self) -> asyncio.StreamReader | None: ...

    async def wait(self) -> int: ...


class Process:
    """One process; stdout is read line by line, stderr goes to a file."""

    def __init__(self, command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.command = command
        self.log = log
        self.environment = surroundings(environment)
        self.output: list[str] = []
        self.process: Running | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def start(self, *, wait_ready: bool = True) -> "Process":
        self._ready.clear()
        self.output.clear()
        self.process = await self._launch()
        self._reading = asyncio.create_task(self._read())
        if wait_ready:
            ready = asyncio.create_task(self._ready.wait())
            ended = asyncio.create_task(self.process.wait())
            await asyncio.wait((ready, ended), timeout=WORK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            assert ready.done(), f"{self.command} did not get ready:\n{self.log.read_text()[-2000:]}"
            ended.cancel()
        return self

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    async def ended(self) -> int:
        assert self.process
        code = await asyncio.wait_for(self.process.wait(), 20)
        if self._reading:
            await self._reading
        return code

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        if self.process is None or self.process.returncode is not None:
            return 0
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def _launch(self) -> "Running":
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                cwd=ROOT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    async def _read(self) -> None:
        assert self.process
        assert self.process.stdout
        async for line in self.process.stdout:
            self.output.append(line.decode().rstrip())
            if "READY" in self.output[-1]:
                self._ready.set()


async def run(
    *arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes = b""
) -> tuple[int, str, str]:
    """Run the lgsp command to its end: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        *LGSP,
        *arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=surroundings(environment),
        cwd=ROOT,
    )
    out, err = await asyncio.wait_for(process.communicate(stdin), WORK_SECONDS)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def alive(pid: int) -> bool:
    """Is a process there, and more than a zombie?"""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def apt_install(*packages: str) -> None:
    """Install Debian packages, where that is possible; whoever needs it looks whether it is there then."""
    with (Path(tempfile.gettempdir()) / "lgsp-tests-apt.lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", "-qq", *command], capture_output=True, check=False)
