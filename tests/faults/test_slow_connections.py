"""Connections that are slow, silent or too many, seen from the wire: whatever listens there, they end, and others are served."""

import asyncio
import contextlib
import json
import select
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.authority import Authority
from support.bytes_of_http import BODY, answer, request
from support.processes import Process, free_port
from support.workbench import Workbench

SHORT = ["--head-seconds", "0.6", "--body-seconds", "0.6", "--idle-seconds", "1.2", "--send-seconds", "1"]
EACH = 30
PATIENCE = 15

Connected = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Short:
    """A gateway that is soon tired of waiting."""

    def __init__(self, port: int, process: Process) -> None:
        self.port = port
        self.process = process

    async def connect(self, address: str = "127.0.0.1", **more: Any) -> Connected:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0), **more)

    async def lives(self, address: str) -> bool:
        reader, writer = await self.connect(address)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: bus\r\nConnection: close\r\n\r\n")
        said = await ended(reader)
        writer.close()
        return said.startswith(b"HTTP/1.1 200")


async def ended(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the other side ends the connection."""
    said = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(20):
            while piece := await asyncio.wait_for(reader.read(65536), PATIENCE):
                said += piece
    return said


@pytest_asyncio.fixture(scope="module")
async def short(bus: Workbench) -> AsyncIterator[Short]:
    port = free_port()
    gateway = bus.another_gateway("short", port)
    gateway.command += [*SHORT, "--connections-each", str(EACH)]
    await gateway.start()
    yield Short(port, gateway)
    assert await gateway.stop() == 0


async def dribble(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a byte at a time, more often than anybody's patience ends."""
    with contextlib.suppress(ConnectionError):
        for number in range(len(data)):
            writer.write(data[number : number + 1])
            await writer.drain()
            await asyncio.sleep(0.1)


async def test_a_silent_connection_ends(short: Short) -> None:
    reader, writer = await short.connect()
    assert await ended(reader) == b""
    writer.close()


@pytest.mark.parametrize("known", [False, True], ids=["first", "after a call"])
async def test_a_head_that_dribbles_ends(bus: Workbench, short: Short, known: bool) -> None:
    served = await bus.serve()
    reader, writer = await short.connect()
    for _ in range(2 if known else 0):
        writer.write(request(bus))
        assert (await answer(reader))[0] == 200
    dribbling = asyncio.create_task(dribble(writer, request(bus)))
    said = await ended(reader)
    await dribbling
    await bus.unserve(served)
    assert said.startswith(b"HTTP/1.1 408")
    assert b'"too-slow"' in said
    assert b"Connection: close" in said
    writer.close()


BODIES: dict[str, Callable[[Workbench], bytes]] = {
    "a call": lambda bus: request(bus)[:-25],
    "a token": lambda bus: (
        b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 100\r\n\r\ngrant_type=client"
    ),
    "a document": lambda bus: (
        f"POST /registry/services HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bus.token('operator')}\r\n"
        "If-None-Match: *\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    ).encode(),
    "chunks": lambda bus: (
        f"POST /services/desk/v1/read HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bus.token('alpha')}\r\n"
        'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"a'
    ).encode(),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("more", [b"", b"x" * 40], ids=["silent", "dribbling"])
async def test_a_document_that_does_not_end_is_given_up(bus: Workbench, short: Short, name: str, more: bytes) -> None:
    reader, writer = await short.connect()
    writer.write(BODIES[name](bus))
    dribbling = asyncio.create_task(dribble(writer, more))
    said = await ended(reader)
    dribbling.cancel()
    assert said.startswith(b"HTTP/1.1 408"), said
    writer.close()


async def test_an_idle_connection_ends_and_a_busy_one_does_not(bus: Workbench, short: Short) -> None:
    async def slowly(request: dict[str, Any], call: Any) -> dict[str, Any]:
        await asyncio.sleep(1.7)
        return {"ketQua": "KHOP"}

    served = await bus.serve(wait=slowly)
    reader, writer = await short.connect()
    sent = request(bus).replace(b"/read ", b"/wait ")
    for _ in range(2):  # its head is known the second time
        writer.write(sent)
        assert (await answer(reader))[0] == 200
    assert await ended(reader) == b""
    await bus.unserve(served)
    writer.close()


async def test_a_stream_of_events_is_not_idle(bus: Workbench, short: Short) -> None:
    reader, writer = await short.connect()
    writer.write(
        f"GET /catalog/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bus.token('alpha')}\r\n\r\n".encode()
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    silent, other = await short.connect()
    assert await ended(silent) == b""  # by then others have long been ended
    idle, third = await short.connect()
    third.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await ended(idle)).startswith(b"HTTP/1.1 200")
    assert not reader.at_eof()
    for one in (writer, other, third):
        one.close()


async def test_who_does_not_read_is_cut_off(bus: Workbench, short: Short) -> None:
    async def much(request: dict[str, Any], call: Any) -> dict[str, Any]:
        return {"ketQua": "x" * 100_000}

    served = await bus.serve(read=much)
    with socket.socket() as unread:
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        unread.connect(("127.0.0.1", short.port))
        unread.setblocking(False)
        sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(unread, request(bus) * 200))
        gone = select.poll()
        gone.register(unread, 0)  # that it hung up is told without being asked for, and data is not
        events = await asyncio.to_thread(gone.poll, PATIENCE * 1000)
        assert events
        with contextlib.suppress(ConnectionError):
            await sending
    async with bus.session.get(f"http://127.0.0.1:{short.port}/livez") as answered:
        assert answered.status == 200
    await bus.unserve(served)


async def test_who_reads_slowly_gets_all_of_it(bus: Workbench, short: Short) -> None:
    async def much(request: dict[str, Any], call: Any) -> dict[str, Any]:
        return {"ketQua": "x" * 100_000}

    served = await bus.serve(read=much)
    reader, writer = await short.connect(limit=4096)
    writer.write(request(bus) * 60)
    got = 0
    for _ in range(60):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
        got += 1
        await asyncio.sleep(0.05)
    await bus.unserve(served)
    writer.close()
    assert got == 60


async def test_1500_connections_of_one_address(short: Short) -> None:
    """They get their share and no more, and nobody else notices."""
    crowd: list[Connected] = []
    for number in range(1500):
        reader, writer = await short.connect("127.0.0.2")
        writer.write((b"POST /services/desk/v1/read HTTP/1.1\r\nHost", b"", b"GET /livez HTTP/1.1\r\n")[number % 3])
        crowd.append((reader, writer))
        if number in (EACH, 700, 1499):
            assert await short.lives("127.0.0.3")
    said = await asyncio.gather(*(ended(reader) for reader, _ in crowd))
    refused = [one for one in said if one.startswith(b"HTTP/1.1 503")]
    assert all(b'"too-many-connections"' in one and b"Retry-After" in one for one in refused)
    assert len(refused) > 1000
    assert await short.lives("127.0.0.2")
    for _, writer in crowd:
        writer.close()
    lines = short.process.log.read_text().count("connection refused")
    assert 0 < lines < 200


async def test_a_proxy_stands_for_many(bus: Workbench) -> None:
    port = free_port()
    gateway = bus.another_gateway("proxied", port)
    gateway.command += ["--connections-each", "3", "--connections", "12", "--proxies", "127.0.0.5, 127.9.0.0/16"]
    await gateway.start()
    proxied = Short(port, gateway)
    kept = [await proxied.connect(address) for address in ["127.0.0.5"] * 5 + ["127.9.1.1"] * 4]
    for reader, writer in kept:
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 200 OK\r\n"
    kept += [await proxied.connect("127.0.0.6") for _ in range(3)]
    reader, writer = await proxied.connect("127.0.0.5")  # the thirteenth of all
    assert (await ended(reader)).startswith(b"HTTP/1.1 503")
    for _, writer in kept:
        writer.close()
    async with asyncio.timeout(PATIENCE):
        while not await proxied.lives("127.0.0.6"):
            await asyncio.sleep(0.02)
    assert await gateway.stop() == 0


async def test_tls_that_is_never_agreed_upon(bus: Workbench, tmp_path: Path) -> None:
    authority, port = Authority(tmp_path), free_port()
    authority.issue()
    gateway = bus.another_gateway("short-tls", port)
    gateway.command += [*SHORT, "--connections-each", "5"]
    gateway.command += ["--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem")]
    await gateway.start()
    context = ssl.create_default_context(cafile=authority.path)
    tls = Short(port, gateway)
    silent = [await tls.connect("127.0.0.2") for _ in range(5)]
    reader, writer = await tls.connect("127.0.0.2")
    assert await ended(reader) == b""  # the sixth is not even listened to
    writer.close()
    reader, writer = await tls.connect("127.0.0.3", ssl=context)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await ended(reader)).startswith(b"HTTP/1.1 200")  # and then it was idle
    for other, _ in silent:
        assert await ended(other) == b""
    reader, writer = await tls.connect("127.0.0.2", ssl=context)
    assert await ended(reader) == b""  # agreed upon, and silent
    writer.close()
    for _, writer in silent:
        writer.close()
    assert await gateway.stop() == 0


async def test_silent_connections_hold_no_stop_up(bus: Workbench) -> None:
    port = free_port()
    gateway = bus.another_gateway("stopping", port)
    await gateway.start()
    stopping = Short(port, gateway)
    kept = [await stopping.connect() for _ in range(20)]
    for number, (_, writer) in enumerate(kept):
        writer.write(request(bus)[: number * 10])
    assert json.loads(BODY)
    assert await asyncio.wait_for(gateway.stop(), PATIENCE) == 0
    for _, writer in kept:
        writer.close()
