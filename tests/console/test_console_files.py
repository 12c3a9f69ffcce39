"""The files of the console as a browser gets them: the HTML of a page names its script, and whoever leaves early is no fault of the bus."""

import asyncio
import re
import socket
import struct

from support.workbench import Workbench

from lgsp_gateway.console.files import STATIC

LEAVING = 60
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing resets the connection."""


async def test_the_html_of_a_page_names_what_the_page_needs(console_bus: Workbench) -> None:
    flows, health = [await _scripts(console_bus, path) for path in ("/console/flows?window=1h", "/console/health")]
    assert [name for name in flows if name.startswith("flows-")]
    assert not [name for name in health if name.startswith("flows-")]
    assert await _scripts(console_bus, "/console/no-such-page") <= flows & health
    for name in flows:
        async with console_bus.session.get(f"http://127.0.0.1:{console_bus.port}/console/assets/{name}") as answer:
            assert answer.status == 200, name


async def _scripts(bus: Workbench, path: str) -> set[str]:
    """The scripts and style sheets that the HTML of a page names."""
    async with bus.session.get(f"http://127.0.0.1:{bus.port}{path}") as answer:
        return set(re.findall(r'/console/assets/([^"]+\.(?:js|css))"', await answer.text()))


async def test_readers_of_files_who_leave_are_no_internal_error(console_bus: Workbench) -> None:
    largest = max((STATIC / "assets").iterdir(), key=lambda path: path.stat().st_size).name
    request = f"GET /console/assets/{largest} HTTP/1.1\r\nHost: bus\r\n\r\n".encode()
    for number in range(LEAVING):
        with socket.create_connection(("127.0.0.1", console_bus.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.sendall(request * (1 + number % 2))
            await asyncio.sleep(0.002 * (number % 5))  # somewhere before, in and after the file
    assert "AssertionError" not in console_bus.gateway.log.read_text()
