"""What tests of delivery share: a JetStream server by itself, for what needs no gateway around it, and buses."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from nats.aio.client import Client
from support.filings import Filings
from support.jetstream import JetStreamServer
from support.later import Register
from support.subscribing import Subscribing, subscribed_bus
from support.workbench import Workbench


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[JetStreamServer]:
    server = JetStreamServer(tmp_path)
    await server.start()
    yield server
    await server.process.stop()


@pytest.fixture
async def client(server: JetStreamServer) -> AsyncIterator[Client]:
    async with server.client() as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def events(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Subscribing]:
    """A bus whose service announces events, for tests that leave it as they found it."""
    found = await subscribed_bus(tmp_path_factory.mktemp("subscriptions"))
    yield found
    await found.bus.entries()  # which holds each against its schema
    await found.stop()


@pytest_asyncio.fixture(scope="module")
async def filings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Filings]:
    """A bus of one module, whose documents carry files."""
    bench = Filings(tmp_path_factory.mktemp("filings"))
    await bench.start()
    yield bench
    await bench.stop()


@pytest.fixture
async def register(bus: Workbench) -> AsyncIterator[Register]:
    register = Register()
    adapter = await bus.serve(register=register.register, read=register.register, register_once=register.register)
    yield register
    await bus.unserve(adapter)
