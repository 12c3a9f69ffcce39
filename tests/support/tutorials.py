"""Runs the shell commands of a tutorial as they stand, beside a local bus of its own, so that tutorials cannot rot."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

from support.command_server import CommandServer
from support.processes import LGSP, ROOT, Process, free_port
from support.waits import WORK_SECONDS

PAGES = ROOT / "docs/integrate"


async def run_tutorial(page: str, folder: Path, *, path: tuple[Path, ...] = (), **environment: str) -> str:
    """Run all `sh` blocks of a page of `docs/integrate` as one script, and return what they print.

    `GATEWAY`, `NATS` and the command `lgsp` are those that the page tells its reader to prepare.

    Args:
        path: further folders of commands.
        environment: further variables.
    """
    script = "\n".join(re.findall(r"```sh\n(.*?)```", (PAGES / page).read_text(), re.DOTALL))
    port, state = free_port(), folder / ".lgsp"
    up = await Process([*LGSP, "up", "--port", str(port), "--state-dir", str(state)], folder / "up.log").start()
    (folder / "bin").mkdir()
    lgsp = CommandServer(folder / "bin")
    lgsp.start()
    folders = ":".join(map(str, (folder / "bin", *path, Path(sys.executable).parent)))
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        env={
            **os.environ,
            "LC_ALL": "C.UTF-8",
            "PATH": f"{folders}:{os.environ['PATH']}",
            "GATEWAY": f"http://127.0.0.1:{port}",
            "NATS": json.loads((state / "running.json").read_text())["nats"],
            **environment,
        },
    )
    printed = (await asyncio.wait_for(shell.communicate(), WORK_SECONDS))[0].decode()
    lgsp.stop()
    assert await up.stop() == 0
    assert shell.returncode == 0, printed
    return printed
