"""What is accepted is synced to the disk before its 202: a kill alone does not prove that, since the page cache survives it."""

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.later import send
from support.processes import apt_install
from support.workbench import Workbench

MESSAGES = 5
_LINE = re.compile(r"^(\d+) +([\d.]+) (.*)$")


@asynccontextmanager
async def traced(pid: int, calls: str, log: Path) -> AsyncIterator[None]:
    """Have strace write the times and arguments of system calls of a process."""
    options = ["-f", "-y", "-ttt", "-T", "-s", "64", "-e", f"trace={calls}", "-o", str(log)]
    strace = await asyncio.create_subprocess_exec("strace", *options, "-p", str(pid), stderr=asyncio.subprocess.PIPE)
    assert strace.stderr
    said = await asyncio.wait_for(strace.stderr.readline(), 20)
    assert b"attached" in said, said.decode()
    try:
        yield
    finally:
        strace.terminate()
        await strace.wait()


def synced(log: Path, stream: str) -> list[float]:
    """When syncs of the messages of a stream had ended."""
    ended: list[float] = []
    begun: dict[str, str] = {}
    for line in log.read_text().splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        thread, at, call = found.groups()
        if "unfinished" in call:
            begun[thread] = call
        elif "resumed" in call:
            if f"/{stream}/msgs/" in begun.pop(thread, ""):
                ended.append(float(at))
        elif f"/{stream}/msgs/" in call and (took := re.search(r"= 0 <([\d.]+)>", call)):
            ended.append(float(at) + float(took[1]))
    return ended


def accepted(log: Path) -> list[float]:
    """When the gateway began to write a 202."""
    found = (_LINE.match(line) for line in log.read_text().splitlines() if "HTTP/1.1 202" in line)
    return [float(one[2]) for one in found if one]


async def test_a_message_and_its_evidence_are_synced_before_its_202(breakable_bus: Workbench, tmp_path: Path) -> None:
    if not shutil.which("strace"):
        await asyncio.to_thread(apt_install, "strace")
    bus, server, gateway = breakable_bus, tmp_path / "server", tmp_path / "gateway"
    sent: list[float] = []
    async with (
        traced(bus.nats.pid, "fsync,fdatasync", server),
        traced(bus.gateway.pid, "write,writev,sendto,sendmsg", gateway),
    ):
        for _ in range(MESSAGES):
            sent.append(time.time())
            assert (await send(bus)).status == 202
    for stream in ("LGSP_WORK", "LGSP_EVIDENCE"):
        syncs = synced(server, stream)
        for began, ended in zip(sent, accepted(gateway), strict=True):
            assert any(began < at < ended for at in syncs), (stream, began, ended, syncs)
