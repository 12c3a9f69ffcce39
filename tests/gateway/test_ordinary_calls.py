"""Ordinary calls give the same answers, in the same order, on the fast path and off it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.bytes_of_http import BODY, answer, asking, request
from support.fast_path import canary
from support.workbench import Workbench

__all__ = ["canary"]


@pytest_asyncio.fixture
async def desk(bus: Workbench) -> AsyncIterator[None]:
    async def slowly(request: dict[str, Any], call: Any) -> dict[str, Any]:
        await asyncio.sleep(float(request.get("hoVaTen", 0)))
        return {"ketQua": request.get("hoVaTen", "KHOP")}

    served = await bus.serve(read=slowly)
    yield
    await bus.unserve(served)


async def test_pipelined_calls_are_answered_in_order(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    writer.write(request(bus, asking("0.2")))
    await writer.drain()
    writer.write(request(bus, asking("0.1")) + request(bus, asking("0.0")))
    assert [(await answer(reader))[2]["ketQua"] for _ in range(3)] == ["0.2", "0.1", "0.0"]
    writer.write(request(bus))
    assert (await answer(reader))[0] == 200
    writer.close()


@pytest.mark.parametrize("piece", [1, 40, 400])
async def test_a_call_in_pieces(bus: Workbench, desk: None, piece: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    sent = request(bus)
    for start in range(0, len(sent), piece):
        writer.write(sent[start : start + piece])
        await writer.drain()
    assert (await answer(reader))[0] == 200
    writer.write(sent)
    assert (await answer(reader))[0] == 200
    writer.close()


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/vnd.x+json"])
async def test_content_types(bus: Workbench, desk: None, kind: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    writer.write(request(bus, kind=kind))
    status, headers, _ = await answer(reader)
    assert status == 200
    assert "date" in headers
    writer.write(request(bus, kind="text/plain"))
    assert (await answer(reader))[0] == 415
    writer.close()


async def test_the_connection_closes_when_asked(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    writer.write(request(bus, BODY, "Connection: close"))
    status, headers, _ = await answer(reader)
    assert (status, headers["connection"]) == (200, "close")
    assert await reader.read() == b""
    writer.close()


async def test_a_refusal_leaves_the_connection_open(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    for body, expected in ((b"{}", 422), (b"{", 400), (BODY, 200)):
        writer.write(request(bus, body))
        status, headers, document = await answer(reader)
        assert status == expected
        assert "lgsp-message-id" in headers
        assert status == 200 or document["instance"].endswith(headers["lgsp-message-id"])
    writer.close()


async def test_a_caller_that_goes_away_leaves_evidence(bus: Workbench, desk: None) -> None:
    before = len(await bus.entries())
    _, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    writer.write(request(bus, asking("0.1")))
    await writer.drain()
    writer.transport.abort()
    async with asyncio.timeout(5):
        while len(await bus.entries()) == before:
            await asyncio.sleep(0.02)


async def test_a_stopping_gateway_finishes_a_call(breakable_bus: Workbench) -> None:
    async def slowly(request: dict[str, Any], call: Any) -> dict[str, Any]:
        begun.set()
        await asyncio.sleep(0.3)
        return {"ketQua": "KHOP"}

    begun = asyncio.Event()
    await breakable_bus.serve(read=slowly)
    reader, writer = await asyncio.open_connection("127.0.0.1", breakable_bus.port)
    writer.write(request(breakable_bus))
    await begun.wait()
    stopping = asyncio.create_task(breakable_bus.gateway.stop())
    assert (await answer(reader))[0] == 200
    assert await stopping == 0
    writer.close()


async def test_two_gateways_share_a_port(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    await bus.gateway.stop()
    gateways = [bus.another_gateway(f"shared-{number}", bus.port) for number in (1, 2)]
    for gateway in gateways:
        gateway.command.append("--share-port")
        await gateway.start()
    for _ in range(40):  # the kernel deals out connections, not calls
        reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
        writer.write(request(bus))
        assert (await answer(reader))[0] == 200
        writer.close()
    assert {entry["gateway"] for entry in await bus.entries()} == {"shared-1", "shared-2"}
    for gateway in gateways:
        assert await gateway.stop() == 0


PATIENCE = 15
LAST = {
    "Connection: close": lambda sent: sent.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1),
    "Connection: x, close": lambda sent: sent.replace(b"\r\n\r\n", b"\r\nConnection: x, close\r\n\r\n", 1),
    "HTTP/1.0": lambda sent: sent.replace(b"HTTP/1.1", b"HTTP/1.0", 1),
}


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("name", LAST)
async def test_nothing_is_done_after_the_last_request_of_a_connection(bus: Workbench, name: str, known: bool) -> None:
    """Not even where it comes before the answer to the last one."""
    asked, go_on = asyncio.Event(), asyncio.Event()
    made: list[str] = []

    async def slowly(request: dict[str, Any], call: Any) -> dict[str, Any]:
        asked.set()
        await go_on.wait()
        return {"ketQua": "KHOP"}

    async def register(request: dict[str, Any], call: Any) -> dict[str, Any]:
        made.append("register")
        return {"ketQua": "KHOP"}

    served = await bus.serve(read=slowly, register=register)
    last = LAST[name](request(bus))
    for turn in range(2 if known else 1):
        reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
        await asyncio.sleep(0.03)  # until the connection waits for its first request
        asked.clear()
        go_on.clear()
        writer.write(last)
        await asyncio.wait_for(asked.wait(), PATIENCE)
        if turn == known:
            writer.write(request(bus).replace(b"/read ", b"/register ") * 3)
            await writer.drain()
        await bus.ready()  # what was sent has been read by now
        go_on.set()
        said = b""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(20):
                while piece := await asyncio.wait_for(reader.read(65536), PATIENCE):
                    said += piece
        writer.close()
        assert said.count(b" 200 OK\r\n") == 1
    assert (await bus.call("register")).status == 200
    await bus.unserve(served)
    assert made == ["register"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_another_method_leaves_the_connection_as_it_should(bus: Workbench, desk: None, method: str) -> None:
    """A HEAD is answered without a body, for every refusal, and the next request gets its own answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    for path, status in (
        ("/services/desk/v1/read", 405),
        ("/services/nothing", 401),
        ("/services/desk/v1/read?a=1", 405),
    ):
        authorized = f"Authorization: Bearer {bus.token('alpha')}\r\n" if status == 405 else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: bus\r\n{authorized}\r\n".encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()
        if method == "OPTIONS" and status == 405:
            assert head.startswith("HTTP/1.1 204")
            assert "\r\nAllow: OPTIONS, POST\r\n" in head
        else:
            assert head.startswith(f"HTTP/1.1 {status}"), head
            assert status != 405 or "\r\nAllow: POST\r\n" in head
            length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
            assert length > 100
            if method != "HEAD":
                await reader.readexactly(length)
        writer.write(request(bus))
        assert (await answer(reader))[0] == 200
    writer.close()


@pytest.mark.parametrize(
    ("charset", "status"),
    [
        ("utf8", 200),
        ("UTF8", 200),
        ("us-ascii", 200),
        ('"UTF-8"', 200),
        ("ascii", 200),
        ("utf-16", 415),
        ("iso-8859-1", 415),
    ],
)
async def test_charsets(bus: Workbench, desk: None, charset: str, status: int) -> None:
    got = await bus.call("read", headers={"Content-Type": f"application/json; charset={charset}"})
    assert got.status == status


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"\xef\xbb\xbf" + BODY, 400, "BOM"),
        (BODY.decode().encode("utf-16"), 400, "BOM"),
        (BODY[:-1] + b', "hoVaTen": "An\\u0000"}', 422, "/hoVaTen"),
        (BODY[:-1] + b', "hoVaTen": "\xef\xbf\xbf"}', 422, "/hoVaTen"),
        (BODY[:-1] + b', "hoVaTen": "\\ud800"}', 400, "line 1"),
        (BODY[:-1] + b', "hoVaTen": "An\\n\\t\\r"}', 200, ""),
    ],
    ids=["BOM", "UTF-16", "NUL", "noncharacter", "surrogate", "line ends"],
)
async def test_what_a_caller_wrote_is_its_own_fault(
    bus: Workbench, desk: None, body: bytes, status: int, word: str
) -> None:
    got = await bus.call("read", body.replace(b"An", b"0"), headers={"Accept-Language": "en"})
    assert got.status == status, got.body
    assert status == 200 or word in got.json["detail"]


async def test_a_flood_of_what_is_no_http_leaves_few_lines(bus: Workbench) -> None:
    before = bus.gateway.log.read_text().count("not http")
    for _ in range(300):
        reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
        writer.write(b"NONSENSE\r\n\r\n")
        assert b" 400 " in await asyncio.wait_for(reader.readline(), PATIENCE)
        writer.close()
    async with asyncio.timeout(PATIENCE):
        while "left_out=" not in (text := bus.gateway.log.read_text()) and '"left_out"' not in text:
            await asyncio.sleep(0.05)
    assert text.count("not http") - before < 100
