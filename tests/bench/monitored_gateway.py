"""`python tests/bench/monitored_gateway.py SOCKET gateway run …`: a gateway that tells how long its event loop was blocked.

Whoever connects to SOCKET gets, when it closes its side, the longest turn of the loop meanwhile: processor time of the loop's own
thread, so that neighbours on the machine do not count. While it is asked the loop spins: it never waits, and each turn is seen.
"""

import asyncio
import sys
import time
from collections.abc import Coroutine
from typing import Any

import uvloop

from lgsp_gateway.cli.main import main


async def _longest_turn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    ended = asyncio.create_task(reader.read())
    longest, last = 0.0, time.thread_time()
    while not ended.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, last = max(longest, now - last), now
    writer.write(f"{longest * 1000:.2f}\n".encode())
    writer.close()


async def _watched(main: Coroutine[Any, Any, Any], socket: str) -> None:
    server = await asyncio.start_unix_server(_longest_turn, socket)
    try:
        await main
    finally:
        server.close()


if __name__ == "__main__":
    socket = sys.argv.pop(1)
    run = uvloop.run
    uvloop.run = lambda main, **more: run(_watched(main, socket), **more)  # type: ignore[assignment]
    main()
