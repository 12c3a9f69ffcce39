"""Counts the system calls of a process that runs, by strace: what a call costs, in figures that do not depend on the machine."""

import asyncio
import contextlib
import re
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from support.processes import apt_install

ATTACH_SECONDS = 20
ROW = re.compile(r"^ *(?P<count>\d+) +(?P<name>\w+)$", re.MULTILINE)


@contextlib.asynccontextmanager
async def counted_system_calls(pid: int, folder: Path) -> AsyncIterator[Counter[str]]:
    """Count the system calls of a process and of its threads while the body runs.

    Args:
        pid: the process, which must be this user's own.
        folder: where the summary of strace is written.

    Yields:
        A counter by name, filled when the body has ended.

    Raises:
        AssertionError: strace cannot be had here, or may not look into processes.
    """
    if not shutil.which("strace"):
        await asyncio.to_thread(apt_install, "strace")
    strace = shutil.which("strace")
    assert strace, "strace counts the system calls and is missing; on Debian and Ubuntu: apt-get install strace"
    summary = folder / f"strace-{pid}"
    command = [strace, "-f", "-c", "-U", "calls,name", "-o", str(summary), "-p", str(pid)]
    tracer = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    counts: Counter[str] = Counter()
    try:
        assert tracer.stderr
        line = (await asyncio.wait_for(tracer.stderr.readline(), ATTACH_SECONDS)).decode()
        assert "attached" in line, (
            f"strace may not look into process {pid} ({line.strip()}); allow this user to trace his own processes "
            "(kernel.yama.ptrace_scope=0, or --cap-add SYS_PTRACE in a container)"
        )
        yield counts
    finally:
        with contextlib.suppress(ProcessLookupError):
            tracer.send_signal(signal.SIGINT)
        await asyncio.wait_for(tracer.communicate(), ATTACH_SECONDS)
    counts.update(
        {row["name"]: int(row["count"]) for row in ROW.finditer(summary.read_text()) if row["name"] != "total"}
    )
    assert counts, f"strace counted nothing:\n{summary.read_text()}"
