"""Streams that nobody reads: bounded, cut off, and no call feels them."""

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from support.console import SAME_ORIGIN, Officials
from support.searched import Searched
from support.waits import eventually
from support.workbench import Workbench

from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_runtime.nats.connection import connect

GROUPS, ENTRY = 400, 20_000


STREAMS_EACH = GatewaySettings.model_fields["streams_each"].default
PAGES_EACH = GatewaySettings.model_fields["page_streams_each"].default


async def _evidence(bus: Workbench) -> None:
    """Some 8 MB of it, that nobody called for."""
    connection = await connect(bus.endpoint("gateway"), "test")
    for number in range(GROUPS):
        await connection.jetstream().publish(
            entry_stream.subject_of("bench"), b'{"n":%d,"x":"%b"}' % (number, b"x" * ENTRY)
        )
    await connection.close()


async def _unread(bus: Workbench, path: str) -> asyncio.StreamWriter:
    """A reader that asks and never reads."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port, limit=2**10)
    head = f"GET {path} HTTP/1.1\r\nHost: bus\r\nAuthorization: Bearer {bus.token('auditor')}\r\n\r\n"
    writer.write(head.encode())
    await reader.readuntil(b"\r\n")
    writer.transport.pause_reading()
    return writer


async def _consumers(bus: Workbench) -> int:
    connection = await connect(bus.endpoint("gateway"), "test")
    info = await connection.jetstream().stream_info(entry_stream.STREAM)
    await connection.close()
    return int(info.state.consumer_count)


async def test_readers_that_do_not_read_are_bounded_and_cut_off(tmp_path: Path) -> None:
    bus = await Workbench(tmp_path).start("--send-seconds", "2")
    await bus.serve()
    await _evidence(bus)
    path = "/evidence/entries?after=0&follow=true"
    before = _resident(bus)
    unread = [await _unread(bus, path) for _ in range(STREAMS_EACH)]
    headers = {"Authorization": f"Bearer {bus.token('auditor')}", "Accept-Language": "en"}
    async with bus.session.get(path, headers=headers) as one_more:
        assert one_more.status == 429
        said = await one_more.json()
    assert (said["code"], "close one" in said["detail"]) == ("too-many-streams", True)
    # Others call and read meanwhile, and no group waits for those who do not.
    for _ in range(50):
        assert (await bus.call()).status == 200
    assert _resident(bus) - before < 60, "MB for eight readers of 8 MB each"
    async with asyncio.timeout(20):
        while await _consumers(bus):  # each is cut off, and what it read with is gone
            await asyncio.sleep(0.2)
    async with bus.session.get("/evidence/entries?after=0", headers=headers) as read:
        assert (await read.read()).count(b"data: ") >= GROUPS
    for writer in unread:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    await bus.stop()


@pytest.mark.parametrize("path", ["/catalog/events", "/evidence/logs/bench/entries"])
async def test_whoever_leaves_a_stream_makes_room(bus: Workbench, path: str) -> None:
    await _streams_make_room(bus, path)


async def test_whoever_leaves_the_stream_of_traffic_makes_room(searched: Searched) -> None:
    await _streams_make_room(searched.bus, "/ops/flows")


async def _streams_make_room(bus: Workbench, path: str) -> None:
    headers = {"Authorization": f"Bearer {bus.token('auditor')}", "Accept": "text/event-stream"}

    async def opened() -> bool:
        async with bus.session.get(path, headers=headers) as answer:
            assert answer.status in {200, 503}, await answer.text()
        await bus.call()  # which a stream of traffic shows
        return answer.status == 200

    for _ in range(STREAMS_EACH + 3):
        await eventually(opened)


async def test_the_pages_of_a_person_leave_their_exports_room(bus: Workbench) -> None:
    signed_in = await Officials(bus).signed_in("developer", who="many pages")
    cookie = {"Cookie": f"{SessionCookie(f'http://127.0.0.1:{bus.port}').name}={signed_in.token}", **SAME_ORIGIN}
    programs = {"Authorization": f"Bearer {signed_in.token}", "Accept-Language": "en"}
    async with AsyncExitStack() as pages:
        for _ in range(PAGES_EACH):
            page = await pages.enter_async_context(_session(bus, cookie))
            assert page.status == 200, await page.text()
        async with _session(bus, {**cookie, "Accept-Language": "en"}) as refused:
            assert refused.status == 429
            assert "close some and try again" in (await refused.json())["detail"]
        async with _session(bus, programs) as by_program:
            assert by_program.status == 200


def _session(bus: Workbench, headers: dict[str, str]) -> AbstractAsyncContextManager[ClientResponse]:
    """The stream of a session, which each open page reads."""
    return bus.session.get(f"http://127.0.0.1:{bus.port}/me/session/events", headers=headers)


def _resident(bus: Workbench) -> int:
    """Megabytes of memory of the gateway."""
    status = Path(f"/proc/{bus.gateway.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024
