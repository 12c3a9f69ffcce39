"""Reads files of others where it can be killed: in a process of its own, bounded in memory, time and output.

A workbook of 1.4 KB can ask for terabytes, a library written in C can abort, an expression can run for minutes. None of it reaches the
process that answers calls: the reader ends, the report beside the file says why, and what was served before goes on. The reader knows no
secret: neither the environment of this process nor the keys of a connection are handed to it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import orjson

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.tabular.limits import UnreadableFileError

SECONDS = 120.0
"""A file of half a million rows takes about one (measured, two shared cores)."""

MEMORY = 1024 * 1024 * 1024
"""Bytes of address space."""

MAX_OUTPUT = 512 * 1024 * 1024
"""Bytes that it may emit in all."""

MAX_FRAME = 64 * 1024 * 1024
_LENGTH = 4
_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME")
"""Variables that a Python needs to find itself."""


class ReaderError(AdapterError):
    """An error of our own in the reader. Its text is for the report; `frames` say where it arose."""

    def __init__(self, error: str, frames: list[str]) -> None:
        super().__init__(f"it cannot be read ({error}); the adapter's log says where")
        self.error = error
        self.frames = frames


async def read(file: BinaryIO, job: dict[str, Any], emit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Let a process read a file.

    Args:
        file: open, a real file.
        job: what to do with it, as `child` says.
        emit: called with each part of its output.

    Returns:
        Its last part.

    Raises:
        UnreadableFileError: the file is no such table, or more than a reader may need was needed; the text says which.
        ReaderError: an error of our own.
    """
    limits = {"memory": MEMORY, "seconds": int(SECONDS)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "lgsp_adapters.subprocess_reader.child", str(file.fileno())),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=(file.fileno(),),
        env={name: value for name in _KEPT if (value := os.environ.get(name)) is not None},
        cwd="/",
    )
    try:
        async with asyncio.timeout(SECONDS):
            last = await _receive(process, orjson.dumps({**job, "limits": limits}), emit)
            await process.wait()
    except TimeoutError as error:
        raise UnreadableFileError(f"it was not read within {SECONDS:g} seconds") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if last is None:
        raise UnreadableFileError(_exit_reason(process.returncode or 0))
    if "unreadable" in last:
        raise UnreadableFileError(str(last["unreadable"]))
    if "error" in last:
        raise ReaderError(str(last["error"]), [str(frame) for frame in last["frames"]])
    return last


async def _receive(
    process: asyncio.subprocess.Process, job: bytes, emit: Callable[[dict[str, Any]], None]
) -> dict[str, Any] | None:
    """Receive its parts and return the last one; None when it ended without one."""
    assert process.stdin
    assert process.stdout
    sending = asyncio.ensure_future(_send_job(process.stdin, job))
    left = MAX_OUTPUT
    try:
        while True:
            length = int.from_bytes(await process.stdout.readexactly(_LENGTH))
            left -= length
            if length > MAX_FRAME or left < 0:
                raise UnreadableFileError(f"its rows take more than {MAX_OUTPUT // 1024**2} MiB")
            part: dict[str, Any] = orjson.loads(await process.stdout.readexactly(length))
            if part.get("last"):
                return part
            emit(part)
            await asyncio.sleep(0)  # a pipe that is always full would keep the calls waiting
    except asyncio.IncompleteReadError:
        return None
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send_job(stdin: asyncio.StreamWriter, job: bytes) -> None:
    stdin.write(job)
    await stdin.drain()
    stdin.close()


def _exit_reason(code: int) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "its reader was ended by the system: it takes too much time or memory"
    name = signal.Signals(-code).name if code < 0 else f"exit {code}"
    return f"its reader ended ({name}): it is damaged, or takes more than {MEMORY // 1024**3} GiB of memory"
