"""A real MariaDB on a socket of its own, installed where it is missing and that is possible."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.processes import apt_install

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"


@asynccontextmanager
async def server(folder: Path, port: int) -> AsyncIterator[str]:
    """The address of an empty database, for a user `lgsp` that may do everything in it."""
    if shutil.which("mariadbd", path=PATH) is None:
        await asyncio.to_thread(apt_install, "mariadb-server")
    binary = shutil.which("mariadbd", path=PATH)
    assert binary, "MariaDB is missing; apt-get install mariadb-server"
    data, socket, first = folder / "data", folder / "s", folder / "first.sql"
    user = "root" if os.getuid() == 0 else os.environ.get("USER", "")
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--user={user}", "--skip-test-db"]
    await asyncio.to_thread(subprocess.run, install, check=True, capture_output=True)
    first.write_text(
        "CREATE DATABASE dat_dai CHARACTER SET utf8mb4;\nGRANT ALL ON dat_dai.* TO lgsp@'127.0.0.1' IDENTIFIED BY 'bi mat';\n"
    )
    command = [binary, "--no-defaults", f"--datadir={data}", f"--socket={socket}", f"--user={user}", f"--port={port}"]
    command += [
        "--bind-address=127.0.0.1",
        f"--init-file={first}",
        f"--pid-file={folder / 'pid'}",
        "--skip-name-resolve",
    ]
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        async with asyncio.timeout(20):
            while "ready for connections" not in (folder / "log").read_text():
                await asyncio.sleep(0.05)
        yield f"mariadb://lgsp:bi mat@127.0.0.1:{port}/dat_dai"
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
