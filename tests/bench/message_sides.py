"""Sender and receiver of messages as a bench uses them (`message_load.py`), and what the processes of the bus took meanwhile."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.workbench import Workbench

SCRIPT = Path(__file__).parent / "message_load.py"
MAX_LINE = 64 * 1024 * 1024


class Side:
    """One of the two processes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def read(self) -> Any:
        assert self._process.stdout
        line = await asyncio.wait_for(self._process.stdout.readline(), 120)
        assert line, "the process of the bench has ended"
        return json.loads(line)

    async def tell(self, line: str) -> Any:
        """Tell it to do something; return what it answers."""
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")
        return await self.read()

    async def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid


@asynccontextmanager
async def side(*arguments: str) -> AsyncIterator[Side]:
    """Start one of the two processes."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, str(SCRIPT), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=MAX_LINE, env=environment)
    started = Side(process)
    try:
        yield started
    finally:
        await started.stop()


@asynccontextmanager
async def sender(bus: Workbench, folder: Path, system: str = "alpha") -> AsyncIterator[Side]:
    """A process that sends `read` asynchronously."""
    token = folder / f"token-{system}"
    token.write_text(bus.token(system))
    async with side("send", f"http://127.0.0.1:{bus.port}", "/services/desk/v1/read", str(token)) as started:
        yield started


@asynccontextmanager
async def caller(bus: Workbench, folder: Path, system: str = "beta") -> AsyncIterator[Side]:
    """A process that calls `read`, one call after the other."""
    token = folder / f"token-{system}"
    token.write_text(bus.token(system))
    async with side("call", f"http://127.0.0.1:{bus.port}", "/services/desk/v1/read", str(token)) as started:
        yield started


@asynccontextmanager
async def receiver(bus: Workbench, folder: Path, service: str = "desk") -> AsyncIterator[Side]:
    """A process that serves a service of `provider`."""
    token = folder / "token-provider"
    token.write_text(bus.token("provider"))
    async with side("adapter", bus.nats_url, str(token), str(bus.catalog_folder), service) as started:
        assert await started.read() == "ready"
        yield started


async def until_quiet(receiving: Side) -> None:
    """Wait until nothing has come for a second."""
    seen = -1
    while seen != (now := await receiving.tell("count")):
        seen = now
        await asyncio.sleep(1)


@dataclass(frozen=True)
class Delays:
    """Milliseconds until messages reached their provider.

    Args:
        from_due: from the moment at which each was due to be sent.
        from_accepted: from its 202; none is below zero, since a message may arrive while its 202 is on its way.
    """

    from_due: list[float]
    from_accepted: list[float]

    @classmethod
    def of(cls, sent: list[tuple[int, float, float]], received: list[tuple[int, float]]) -> "Delays":
        """Put together what sender and receiver noted."""
        at = dict(received)
        assert all(number in at for number, _, _ in sent), "a message was lost"
        due = sorted((at[number] - due) * 1000 for number, due, _ in sent)
        accepted = sorted(max(0.0, at[number] - accepted) * 1000 for number, _, accepted in sent)
        return cls(due, accepted)


@dataclass(frozen=True)
class Measured:
    """A run.

    Args:
        rate: messages a second that were accepted.
        delivered: messages a second that reached their provider, until the last one did.
        processor: microseconds of processor time of each message, by process.
    """

    rate: float
    delivered: float
    refused: int
    delays: Delays
    processor: dict[str, float]


async def measured(bus: Workbench, sending: Side, receiving: Side, rate: float, seconds: float = 6.0) -> Measured:
    """Send and deliver for some seconds.

    Args:
        rate: messages a second; 0 for as many as are accepted.
    """
    processes = {
        "gateway": bus.gateway.pid,
        **({"gateway that delivers": bus.deliverer.pid} if bus.deliverer else {}),
        "nats-server": bus.nats.pid,
        "adapter": receiving.pid,
        "sender": sending.pid,
    }
    before = {name: seconds_of(pid) for name, pid in processes.items()}
    run = await sending.tell(f"{rate} {seconds}")
    await until_quiet(receiving)
    took = {name: seconds_of(pid) - before[name] for name, pid in processes.items()}
    sent, received = run["sent"], await receiving.tell("times")
    times = sorted(at for _, at in received)
    return Measured(
        rate=run["rate"],
        delivered=len(times) / (times[-1] - times[0]),
        refused=run["refused"],
        delays=Delays.of(sent, received),
        processor={name: one / len(sent) * 1e6 for name, one in took.items()},
    )


def percentile(delays: list[float], hundredths: int) -> float:
    """Return a percentile of sorted numbers."""
    return delays[min(len(delays) * hundredths // 100, len(delays) - 1)]


def seconds_of(pid: int) -> float:
    """Return the processor time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
