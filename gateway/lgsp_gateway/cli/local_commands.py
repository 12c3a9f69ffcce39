"""`lgsp up`: a whole bus on this machine."""

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.local.environments import demo
from lgsp_gateway.local.environments import mock as mocks
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.local.up import LocalBus


def up(
    *,
    port: int = 8080,
    state_dir: StateFolder = DEFAULT,
    nats_server: Path | None = None,
    fast_path: Literal["on", "off"] = "on",
) -> None:
    """Run a whole bus on this machine: NATS, a gateway, three national databases in a sandbox, their adapters.

    Parameters
    ----------
    port
        Where callers reach the gateway, on 127.0.0.1.
    state_dir
        Where everything is kept.
    nats_server
        Another nats-server binary than the one that comes with lgsp.
    fast_path
        As `lgsp gateway run --fast-path`.
    """
    options = ("--fast-path", fast_path)
    asyncio.run(LocalBus(demo.ENVIRONMENT, StateDir(state_dir), port, nats_server, gateway_options=options).run())


def mock(contracts: list[Path], /, *, port: int = 8080, nats_server: Path | None = None) -> None:
    """Serve contracts from their examples and made data, as the bus would serve them.

    Parameters
    ----------
    contracts
        The contracts.
    port
        Where callers reach the gateway, on 127.0.0.1.
    nats_server
        Another nats-server binary than the one that comes with lgsp.
    """
    with tempfile.TemporaryDirectory(prefix="lgsp-mock-") as folder:
        environment = mocks.environment(contracts, Path(folder) / "mock")
        asyncio.run(LocalBus(environment, StateDir(Path(folder) / "state"), port, nats_server).run())
