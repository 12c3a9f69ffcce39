"""Runs one sandbox server as a process of its own."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from aiohttp import web

from lgsp_adapters.sandbox import database
from lgsp_adapters.sandbox.document_axis import DocumentAxisServer
from lgsp_adapters.sandbox.enterprise_registry import EnterpriseRegistryServer
from lgsp_adapters.sandbox.insurance import InsuranceServer
from lgsp_adapters.sandbox.national_portal import NationalPortalServer
from lgsp_adapters.sandbox.population import PopulationServer
from lgsp_adapters.sandbox.provincial import ProvincialServer
from lgsp_problems import CannotStart
from lgsp_runtime import process as running


class Server(Protocol):
    """What plays a system."""

    def app(self) -> web.Application:
        """The HTTP application."""


Make = Callable[[Path, Mapping[str, str]], Server]


def _national(server: str, kind: Callable[[sqlite3.Connection, Mapping[str, str]], Server]) -> Make:
    return lambda folder, credentials: kind(database.opened(server, folder), credentials)


SERVERS: dict[str, tuple[Make, tuple[str, ...]]] = {
    "population": (_national("population", PopulationServer), ("user", "secret", "auth-url", "api-key")),
    "enterprise-registry": (_national("enterprise-registry", EnterpriseRegistryServer), ("access-key", "secret-key")),
    "insurance": (_national("insurance", InsuranceServer), ("username", "password")),
    "national-portal": (NationalPortalServer, ("username", "password")),
    "document-axis": (DocumentAxisServer, ("systemid", "secret")),
    "provincial": (ProvincialServer, ("client", "secret", "user", "password")),
}
"""Each server and the names of its credentials, which stand in the environment as the adapters' do."""


def variable(server: str, credential: str) -> str:
    """The environment variable of a credential: `LGSP_POPULATION_API_KEY`."""
    return f"LGSP_{server}_{credential}".replace("-", "_").upper()


async def serve(server: str, port: int, folder: Path, process: running.Process) -> None:
    """Serve on loopback until told to stop.

    Raises:
        Refusal: `cannot-start`, when there is no such server, a credential is missing or the port is taken.
    """
    if server not in SERVERS:
        known = ", ".join(SERVERS)
        raise CannotStart(
            vi=f"Không có máy chủ thử nghiệm {server[:80]}; hãy chọn một trong: {known}.",
            en=f"There is no sandbox server {server[:80]}; choose one of: {known}.",
        )
    make, needed = SERVERS[server]
    app = make(folder, _credentials(server, needed)).app()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        raise CannotStart(
            vi=f"Không mở được cổng {port}: {error.strerror}; hãy chọn cổng khác bằng --port.",
            en=f"Cannot listen on port {port}: {error.strerror}; choose another with --port.",
        ) from error
    process.ready(f"http://127.0.0.1:{port}")
    await process.stop.wait()
    await runner.cleanup()


def _credentials(server: str, needed: tuple[str, ...]) -> Mapping[str, str]:
    names = {credential: variable(server, credential) for credential in needed}
    for name in names.values():
        if name not in os.environ:
            raise CannotStart(
                vi=f"Biến môi trường {name} chưa được đặt.",
                en=f"The environment variable {name} is not set; set it to what the adapter will send.",
            )
    return {credential: os.environ[name] for credential, name in names.items()}
