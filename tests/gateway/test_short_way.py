"""The short way of an ordinary call gives the same answers, in the same order, as the long one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.bytes_of_http import BODY, answer, asking, request
from support.workbench import Workbench


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
