"""Starts a worker process, talks to it over a socket, and ends it: the gateway's side of `worker`.

Both sides send frames: a length of four bytes (big-endian) and as many bytes. A request is two frames, the task as JSON and the document;
so is the response, the result as JSON and a document.
"""

import asyncio
import socket
import subprocess
import sys
from typing import Any

import orjson

_EXIT_SECONDS = 1.0
"""How long a process that has closed its end may take to exit."""


class WorkerProcess:
    """One worker process, started with the first task and again after it was ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    async def run(self, task: bytes, document: bytes) -> tuple[dict[str, Any], bytes]:
        """Run one task in the process.

        If this is cancelled or raises, the process must be ended: its next response would be that to this task.

        Args:
            task: JSON, as `worker` reads it.
            document: what the task is about.

        Returns:
            The result, and the document that the task made, which may be empty.

        Raises:
            OSError, EOFError: the process has ended.
            ValueError: it did not send JSON.
        """
        if self._process is None:
            await self._start()
        for frame in (task, document):
            self._writer.write(len(frame).to_bytes(4, "big") + frame)
        await self._writer.drain()
        result, made = [
            await self._reader.readexactly(int.from_bytes(await self._reader.readexactly(4), "big")) for _ in range(2)
        ]
        return orjson.loads(result), made

    async def _start(self) -> None:
        """Start it by `vfork`: a copy of a gateway's page tables takes 64 ms where its registry is large, during which no call is answered."""
        parent_socket, child_socket = socket.socketpair()
        with child_socket:
            process = subprocess.Popen(  # noqa: ASYNC220 - asyncio's own takes uvloop's fork; this takes a millisecond
                [sys.executable, "-m", "lgsp_gateway.document_workers.worker"],
                stdin=child_socket.fileno(),
                stdout=child_socket.fileno(),
                start_new_session=True,  # Ctrl-C in a terminal is for the gateway, which ends it
            )
        try:
            self._reader, self._writer = await asyncio.open_connection(sock=parent_socket)
        except BaseException:  # also a cancellation must leave no process behind
            parent_socket.close()
            process.kill()
            process.wait()
            raise
        self._process = process

    async def end(self) -> None:
        """Kill the process, if it runs; the next task starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self._writer.close()
            await asyncio.to_thread(process.wait)

    async def exit_code(self) -> int | None:
        """Return the exit code of a process that ended by itself: negative for a signal; None where it still runs."""
        if self._process is None:
            return None
        try:
            return await asyncio.to_thread(self._process.wait, _EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return None
