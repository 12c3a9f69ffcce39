"""The NATS servers of a local bus as processes: those of `lgsp up`, and those that a restore fills before any bus runs on them."""

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lgsp_gateway.local import nats_config
from lgsp_gateway.local.nats_config import LocalServer
from lgsp_gateway.local.processes import Child
from lgsp_gateway.local.state_dir import StateDir
from lgsp_problems import CannotStart

POLL_SECONDS = 0.01


def child(state: StateDir, server: LocalServer, binary: Path | None = None) -> Child:
    """Return the process of a server, not started yet.

    Args:
        binary: nats-server; the one that comes with lgsp where none is named.

    Raises:
        Refusal: `cannot-start`, when there is no nats-server.
    """
    found = binary or shutil.which("nats-server", path=str(Path(sys.executable).parent))
    if found is None or not Path(found).exists():
        raise CannotStart(
            vi="Không tìm thấy nats-server; hãy chỉ đường dẫn bằng --nats-server.",
            en="nats-server was not found; name its path with --nats-server.",
        )
    # It shares the machine with everything else here: with a thread for each core, its idle threads took the gateway
    # 14% of its calls on two cores (measured). On a machine of its own it keeps Go's default.
    threads = {"GOMAXPROCS": str(max(1, (os.cpu_count() or 1) // 2))}
    log = state.logs / f"{server.name.replace(' ', '-')}.log"
    return Child(
        server.name, [str(found), "-c", str(server.config)], log, threads, ready=lambda: port_answers(server.port)
    )


@asynccontextmanager
async def running(state: StateDir, count: int, account: str, binary: Path | None = None) -> AsyncIterator[str]:
    """Run the servers of a local bus without anything else, and stop them at the end of the context.

    Args:
        count: servers; more than one are a cluster.
        account: the public key that vouches for whoever connects with an access token.
        binary: another nats-server than the one that comes with lgsp.

    Returns:
        The addresses of the servers, with commas between them.

    Raises:
        Refusal: `cannot-start`.
    """
    free = iter(free_ports(2 * count))
    servers = nats_config.write(state, [(next(free), next(free)) for _ in range(count)], account)
    children = [child(state, server, binary) for server in servers]
    try:
        await asyncio.gather(*(one.start() for one in children))
        yield ",".join(f"nats://127.0.0.1:{server.port}" for server in servers)
    finally:
        await asyncio.gather(*(one.stop() for one in children))


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens at."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


async def port_answers(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(POLL_SECONDS)
        else:
            writer.close()
            return
