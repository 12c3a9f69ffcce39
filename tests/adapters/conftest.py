"""The sandbox servers on real sockets, and the national adapters connected to them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from support import mariadb
from support.event_bus import EventBus, event_bus
from support.national import CATALOG, National
from support.postgres import Postgres
from support.processes import free_port
from support.sql import filled

from lgsp_adapters import manifest
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.sandbox import server


@pytest_asyncio.fixture(scope="module")
async def nationals(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, National]]:
    folder = tmp_path_factory.mktemp("sandbox")
    found: dict[str, National] = {}
    runners = []
    with pytest.MonkeyPatch.context() as environment:
        for service in ("population", "enterprise-registry", "insurance"):
            make, needed = server.SERVERS[service]
            credentials = {name: f"{service}-{name}" for name in needed}
            runner = web.AppRunner(make(folder, credentials).app(), shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            runners.append(runner)
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            environment.setenv(server.variable(service, "url"), url)
            for name, value in credentials.items():
                environment.setenv(server.variable(service, name), value)
            loaded = manifest.load(manifest.find_manifest(service))
            adapter = build_adapter(loaded, CATALOG[service, 1])
            await adapter.open()
            found[service] = National(loaded, adapter, url)
        yield found
    for national in found.values():
        await national.adapter.close()
    await asyncio.gather(*(runner.cleanup() for runner in runners))


@pytest_asyncio.fixture
async def population(nationals: dict[str, National]) -> AsyncIterator[National]:
    yield nationals["population"]
    await nationals["population"].tell()


@pytest_asyncio.fixture
async def enterprises(nationals: dict[str, National]) -> AsyncIterator[National]:
    yield nationals["enterprise-registry"]
    await nationals["enterprise-registry"].tell()


@pytest_asyncio.fixture
async def insurance(nationals: dict[str, National]) -> AsyncIterator[National]:
    yield nationals["insurance"]
    await nationals["insurance"].tell()


@pytest.fixture(params=["population", "enterprise-registry", "insurance"])
async def any_national(request: pytest.FixtureRequest, nationals: dict[str, National]) -> AsyncIterator[National]:
    yield nationals[request.param]
    await nationals[request.param].tell()


@pytest_asyncio.fixture(scope="module")
async def in_postgresql(postgres: Postgres) -> str:
    address = await postgres.new_database()
    await filled(address.replace("postgresql:", "postgresql+asyncpg:"))
    return address


@pytest_asyncio.fixture(scope="module")
async def in_mariadb(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with mariadb.server(tmp_path_factory.mktemp("mariadb"), free_port()) as address:
        await filled(address.replace("mariadb:", "mariadb+asyncmy:"))
        yield address


@pytest_asyncio.fixture(scope="module")
async def in_sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    address = f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/ho-so.db"
    await filled(address.replace("sqlite:", "sqlite+aiosqlite:"))
    return address


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"in_{request.param}")
    return found


@pytest_asyncio.fixture(scope="module")
async def running_event_bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EventBus]:
    async with event_bus(tmp_path_factory.mktemp("events")) as found:
        yield found


@pytest_asyncio.fixture
async def events(running_event_bus: EventBus) -> AsyncIterator[EventBus]:
    """A bus that accepts events, empty."""
    yield running_event_bus
    await running_event_bus.forget()
