"""`lgsp up`: a whole bus on this machine."""

import asyncio
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.contract_source import CatalogueOptions
from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.local.environments import demo
from lgsp_gateway.local.environments import mock as mocks
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.local.traffic.player import DemoBus, TrafficPlayer
from lgsp_gateway.local.up import BusSize, LocalBus


def up(
    *,
    port: int = 8080,
    state_dir: StateFolder = DEFAULT,
    nats_server: Path | None = None,
    fast_path: Literal["on", "off"] = "on",
    traffic: Annotated[bool, Parameter(negative="")] = False,
    seed: int = 1,
    servers: Literal[1, 3] = 1,
    gateways: Literal[1, 2, 3] = 1,
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
    traffic
        Play a working day of a province, in five and a half minutes, over and over: offices that open and close, a slow database, one
        that fails, events, deferred messages, refusals.
    seed
        Of that day: the same number plays the same day.
    servers
        How many NATS servers: 3 are a cluster, which goes on without one of them. A state folder keeps the number that it began with.
    gateways
        How many gateways: with more than one, HAProxy stands before them, and calls go on without one of them.
    """
    options, state = ("--fast-path", fast_path), StateDir(state_dir)

    async def play(addresses: Mapping[str, Any]) -> None:
        bus = DemoBus(addresses["url"], addresses["sandbox"], state)
        await TrafficPlayer(bus, seed, lambda line: out(f"lgsp: {line}\n")).play()

    bus = LocalBus(
        *(demo.ENVIRONMENT, state, port, nats_server),
        gateway_options=options,
        traffic=play if traffic else None,
        size=BusSize(servers, gateways),
    )
    asyncio.run(bus.run())


def mock(
    contracts: list[str],
    /,
    *,
    port: int = 8080,
    nats_server: Path | None = None,
    bus: CatalogueOptions = CatalogueOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Serve contracts from their examples and made data, as the bus would serve them.

    Parameters
    ----------
    contracts
        Files of contracts, or names of services that the bus has, such as population or population-v2.
    port
        Where callers reach the gateway, on 127.0.0.1.
    nats_server
        Another nats-server binary than the one that comes with lgsp.
    """
    with tempfile.TemporaryDirectory(prefix="lgsp-mock-") as folder:
        paths = [_contract_file(contract, bus, Path(folder)) for contract in contracts]
        environment = mocks.environment(paths, Path(folder) / "mock")
        asyncio.run(LocalBus(environment, StateDir(Path(folder) / "state"), port, nats_server).run())


def _contract_file(contract: str, bus: CatalogueOptions, folder: Path) -> Path:
    """Return the file of a contract; one that a bus has is written to the folder."""
    path = Path(contract)
    if path.suffix or path.exists() or not bus.names_bus:
        return path
    named = re.fullmatch("(.+)-v([1-9][0-9]{0,3})", contract)
    service, major = (named[1], int(named[2])) if named else (contract, 1)
    fetched = folder / f"{names.service_name(service)}-v{major}.json"
    fetched.write_bytes(bus.fetch(service, major))
    return fetched
