"""What a call costs, in figures that do not depend on the machine: nothing may grow unnoticed.

Time is measured in `tests/bench/` and never asserted. Here the system calls and the Python functions entered (each resumption of a
coroutine counts) are counted for one call at a time. When a limit is reached by something that is worth it, raise it in the same
commit and say what for.
"""

import asyncio
import gc
import statistics
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from support.processes import free_port
from support.workbench import Workbench

from lgsp_gateway import app
from lgsp_runtime import process
from lgsp_runtime.background import Background

CALLS = 40
READS_AND_WRITES = 6
"""HTTP in and out; the request to the adapter and its reply; the evidence and its acknowledgement."""
FUNCTIONS = 97
"""Of gateway, contracts, identity and the connections to NATS, those of the adapter in this process among them.
Two of them tell operations: how well the system behind answers, and whether the call is traced. One takes a salt, two hash with it, so
that nobody who has the evidence finds a document by trying."""
AWAITS = 19


def _reads_and_writes(pid: int) -> int:
    counters = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(counters["syscr"]) + int(counters["syscw"])


async def test_system_calls(bus: Workbench) -> None:
    served = await bus.serve()
    counts = []
    for _ in range(CALLS):
        before = _reads_and_writes(bus.gateway.pid)
        assert (await bus.call()).status == 200
        counts.append(_reads_and_writes(bus.gateway.pid) - before)
    await bus.unserve(served)
    assert statistics.median(counts) <= READS_AND_WRITES


async def test_functions_and_awaits(bus: Workbench) -> None:
    """A second gateway, inside this process, so that its Python can be counted."""
    port, stop = free_port(), asyncio.Event()
    settings = bus.settings("counted", port)
    entered: list[tuple[str, bool]] = []

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and "lgsp_" in frame.f_code.co_filename and "lgsp_adapters" not in frame.f_code.co_filename:
            entered.append((frame.f_code.co_qualname, bool(frame.f_code.co_flags & 0x80)))

    async def serve() -> None:
        async with Background(stop) as background:
            await app.serve(settings, process.Process(stop, background))

    served = await bus.serve()
    gateway = asyncio.create_task(serve())
    counts = []
    try:
        reader, writer = await _connected(port)
        for _ in range(CALLS):
            entered.clear()
            sys.setprofile(profile)
            writer.write(_request(bus))
            head = await reader.readuntil(b"\r\n\r\n")
            sys.setprofile(None)
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
            counts.append((len(entered), sum(coroutine for _, coroutine in entered)))
        writer.close()
    finally:
        sys.setprofile(None)
        stop.set()
        await gateway
        await bus.unserve(served)
        gc.unfreeze()  # what `settle` did to this process
    functions, awaits = (statistics.median(column) for column in zip(*counts, strict=True))
    assert functions <= FUNCTIONS, entered
    assert awaits <= AWAITS, entered


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)


def _request(bus: Workbench) -> bytes:
    body = b'{"soDinhDanh":"022093001234"}'
    return (
        f"POST /services/desk/v1/read HTTP/1.1\r\nHost: bus\r\nAuthorization: Bearer {bus.token('alpha')}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
