"""`lgsp bench …`: a bus to measure, and what was measured before."""

import asyncio
import tempfile
from pathlib import Path

from lgsp_gateway.cli.bus_client import BusAddress
from lgsp_gateway.keystore import write_privately
from lgsp_gateway.local.scenes import bench
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.local.up import LocalBus


def up(*, port: int = 8080, token_file: Path, gateways: int = 1, nats_server: Path | None = None) -> None:
    """Run a bus with nothing left out and a provider that answers a constant, until it is stopped.

    Parameters
    ----------
    port
        Where callers reach it, on 127.0.0.1.
    token_file
        Where a token for POST /services/bench/v1/verify is written, before it says READY.
    gateways
        How many gateway processes share the port.
    nats_server
        Another nats-server binary than the one that comes with lgsp.
    """
    DEFAULT.mkdir(exist_ok=True)  # the disk that a bus would use, which a folder for temporary files may not be
    with tempfile.TemporaryDirectory(prefix="bench-", dir=DEFAULT) as folder:
        state = StateDir(Path(folder))

        async def write_token() -> None:
            token = await asyncio.to_thread(BusAddress(state.root, f"http://127.0.0.1:{port}").token, bench.CALLER)
            write_privately(token_file, token.encode())

        asyncio.run(LocalBus(bench.scene(gateways), state, port, nats_server, write_token).run())
