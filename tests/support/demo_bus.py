"""A demo bus on which a working day passes, for scripts that look at the console: its links, and a browser that is signed in by one."""

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, StorageState

from support.processes import ROOT, free_port

START_SECONDS = 300
"""Within which a bus has started and the console is built."""


@asynccontextmanager
async def demo_bus() -> AsyncIterator[dict[str, str]]:
    """Start a bus, and yield the links that sign people in once: `operator`, `officer`, `administrator`, `provider`."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["up", "--traffic", "--port", str(free_port()), "--state-dir", folder]
        bus = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lgsp_gateway", *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        try:
            yield await _links(bus)
        finally:
            bus.terminate()
            await bus.wait()


async def _links(bus: asyncio.subprocess.Process) -> dict[str, str]:
    """Read the links that sign people in, until the console is there."""
    assert bus.stdout
    links: dict[str, str] = {}
    async with asyncio.timeout(START_SECONDS):
        async for line in bus.stdout:
            text = line.decode()
            if found := re.search(r"console, (\w+), once +(http\S+)", text):
                links[found[1]] = found[2]
            if re.search(r"console +http", text):
                return links
    raise AssertionError("the bus ended")


async def signed_in_state(browser: Browser, link: str) -> tuple[str, StorageState]:
    """Follow a link that signs somebody in, and return the address of the bus and the cookies of the session."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(link)
        await page.wait_for_url(re.compile("/console/(?!sign-in)"))
        return page.url.split("/console", maxsplit=1)[0], await context.storage_state()
    finally:
        await context.close()
