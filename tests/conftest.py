"""Fixtures shared by all tests. One nats-server and one gateway serve the whole session, unless a test breaks them."""

from collections.abc import AsyncIterator
from pathlib import Path

import hypothesis  # noqa: F401 - imported late, by its plugin, it trips over an interpreter bug (CPython 3.11 ast recursion)
import pytest
import pytest_asyncio
from support.workbench import Workbench


@pytest_asyncio.fixture(scope="session")
async def bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workbench]:
    """A bus for tests that leave it as they found it."""
    bench = await Workbench(tmp_path_factory.mktemp("bus")).start()
    yield bench
    await bench.stop()


@pytest_asyncio.fixture
async def breakable_bus(tmp_path: Path) -> AsyncIterator[Workbench]:
    """A bus of a test's own, to break."""
    bench = await Workbench(tmp_path).start()
    yield bench
    await bench.stop()
