"""`lgsp up`: a whole bus on this machine."""

import asyncio
from pathlib import Path

from lgsp_gateway.local.scenes import demo
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.local.up import LocalBus


def up(*, port: int = 8080, state_dir: Path = DEFAULT, nats_server: Path | None = None) -> None:
    """Run a whole bus on this machine: NATS, a gateway, three national databases in a sandbox, their adapters.

    Parameters
    ----------
    port
        Where callers reach the gateway, on 127.0.0.1.
    state_dir
        Where everything is kept.
    nats_server
        Another nats-server binary than the one that comes with lgsp.
    """
    asyncio.run(LocalBus(demo.SCENE, StateDir(state_dir), port, nats_server).run())
