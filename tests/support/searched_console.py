"""A bus with a search index and people, for the pages of the console that search the evidence."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from support.console import Console, Officials
from support.searched import Searched
from support.workbench import ALL, TEXT, Workbench, document, grant

PURPOSE = {"Lgsp-Purpose": "thu-nghiem"}
FAR = [document("System", "far", agency="H49.2", title=TEXT), grant("far-desk", "far", read=ALL)]
"""A system of another agency than all others."""


@pytest_asyncio.fixture(scope="module")
async def searched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    """The bus."""
    folder = tmp_path_factory.mktemp("searched")
    address = str(folder / "index.db")
    bus = await Workbench(folder, documents=FAR).start("--index", address)
    found = await Searched(bus, folder, address).start()
    yield found
    await found.stop()


@pytest_asyncio.fixture(scope="module")
async def people(searched: Searched) -> Officials:
    """Its people."""
    return Officials(searched.bus)


@pytest_asyncio.fixture
async def console(browser: Browser, people: Officials) -> AsyncIterator[Console]:
    """The browser of one test."""
    opened = Console(browser, people)
    yield opened
    await opened.close()


async def sent(bus: Searched, operation: str = "read-person", system: str = "alpha", **headers: str) -> str:
    """The id of a message that was sent and indexed."""
    message = (await bus.bus.call(operation, system=system, headers={**PURPOSE, **headers})).message
    await bus.indexed(message)
    return message
