"""Fixtures of the console's tests: one bus with people, and one chromium, for all of them."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from support.console import TIMEOUT_MS, Console, Officials, chromium
from support.form_contract import CONTRACT, officers_grant
from support.processes import ROOT
from support.workbench import CONTRACTS, Workbench

expect.set_options(timeout=TIMEOUT_MS)


@pytest_asyncio.fixture(scope="session")
async def console_bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workbench]:
    """A bus for the console's tests, apart from the one of all other tests: who may approve what depends on whether there are people."""
    contracts, documents = (*CONTRACTS, CONTRACT), [officers_grant()]
    bench = await Workbench(tmp_path_factory.mktemp("console"), contracts=contracts, documents=documents).start()
    yield bench
    await bench.entries()
    await bench.stop()


@pytest_asyncio.fixture(scope="session")
async def officials(console_bus: Workbench) -> Officials:
    """The people of that bus."""
    return Officials(console_bus)


@pytest_asyncio.fixture(scope="session", autouse=True)
async def _built_console() -> None:
    """The console as its source is now."""
    command = [sys.executable, str(ROOT / "gateway/console/build_console.py")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A chromium."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture
async def console(browser: Browser, officials: Officials) -> AsyncIterator[Console]:
    """The browser of one test: `page = await console.page("operator")`."""
    opened = Console(browser, officials)
    yield opened
    await opened.close()
