"""A head that was read before is looked up, not parsed: nobody can tell but by the time it takes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.bytes_of_http import BODY, answer, asking, request
from support.fast_path import canary
from support.workbench import Workbench

from lgsp_adapters.adapter import Call
from lgsp_gateway.calls.model import CallHead, CallTarget, Credentials
from lgsp_gateway.faces.rest.head import HttpHead, may_come_again
from lgsp_gateway.http.fast_path.head_cache import MAX_CACHED, CachedHead, HeadKey, RequestHeadCache

__all__ = ["canary"]


@pytest_asyncio.fixture
async def desk(bus: Workbench) -> AsyncIterator[None]:
    async def echo(document: dict[str, str], call: Call) -> dict[str, str]:
        return {"ketQua": document.get("hoVaTen", "KHOP")}

    served = await bus.serve(read=echo)
    yield
    await bus.unserve(served)


async def silent(reader: asyncio.StreamReader) -> bool:
    """Does nothing more come?"""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.1)
    return True


async def test_each_document_gets_its_own_answer(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    for name in ("An", "Bo", "Ca", *("x" * length for length in range(1, 30)), "An"):
        writer.write(request(bus, asking(name)))
        assert (await answer(reader))[2] == {"ketQua": name}
    writer.close()


async def test_calls_among_others_on_one_connection(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    for name in ("An", "Bo", "Bo"):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: bus\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
        writer.write(request(bus, asking(name)))
        assert (await answer(reader))[2] == {"ketQua": name}
    writer.close()


async def test_each_head_is_its_own(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    for _ in range(3):
        for purpose, expected in (("thu-nghiem", 200), ("tra-cuu", 403)):
            writer.write(request(bus, BODY, f"Lgsp-Purpose: {purpose}"))
            assert (await answer(reader))[0] == expected
    writer.close()


async def test_a_known_call_inside_a_document_is_a_document(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    known = request(bus)
    for _ in range(2):
        writer.write(known)
        assert (await answer(reader))[0] == 200
    head = request(bus, known).removesuffix(known)
    writer.write(head)
    await writer.drain()
    assert await silent(reader)
    writer.write(known)
    assert (await answer(reader))[0] == 400  # it is no JSON
    assert await silent(reader)
    writer.write(known)
    assert (await answer(reader))[0] == 200
    writer.close()


async def test_a_known_call_inside_a_head_is_part_of_it(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    known = request(bus)
    writer.write(known)
    assert (await answer(reader))[0] == 200
    writer.write(b"POST /services/nothing/v1/read HTTP/1.1\r\nX-Quoted: ")
    await writer.drain()
    assert await silent(reader)
    writer.write(known)
    assert (await answer(reader))[0] == 404
    assert await silent(reader)
    for _ in range(2):
        writer.write(known)
        assert (await answer(reader))[0] == 200
    writer.close()


async def test_what_ends_a_head_is_not_taken_for_one(bus: Workbench, desk: None) -> None:
    """The second half of a call, which would be a call by itself, is not remembered as the whole."""
    for quoting in (True, False, True, False):
        reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
        for _ in range(2):
            if quoting:
                writer.write(b"POST /services/desk/v1/wait HTTP/1.1\r\nX-Quoted: ")
                await writer.drain()
                assert await silent(reader)
            writer.write(request(bus, asking("An"), "Lgsp-Purpose: thu-nghiem"))
            assert (await answer(reader))[2] == {"ketQua": "KHOP" if quoting else "An"}
        writer.close()


async def test_a_head_and_its_document_in_two_pieces(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    for name in ("An", "Bo", "Ca"):
        body = asking(name)
        whole = request(bus, body)
        writer.write(whole.removesuffix(body))
        await writer.drain()
        assert await silent(reader)
        writer.write(body)
        assert (await answer(reader))[2] == {"ketQua": name}
        writer.write(whole)
        assert (await answer(reader))[2] == {"ketQua": name}
    writer.close()


async def test_empty_lines_before_a_call(bus: Workbench, desk: None) -> None:
    """A call after empty lines, whose document ends with a known one: the lines are not taken for the end of its head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    known = request(bus)
    writer.write(known)
    assert (await answer(reader))[0] == 200
    document = b" " * 2000 + known
    writer.write(b"\r\n\r\n" + request(bus, document).removesuffix(known))
    await writer.drain()
    assert await silent(reader)
    writer.write(known)
    assert (await answer(reader))[0] == 400
    assert await silent(reader)
    writer.write(known)
    assert (await answer(reader))[0] == 200
    writer.close()


@pytest.mark.parametrize("more", [b"P", b"POST /services/desk/v1/read HTTP/1.1\r\n"])
async def test_the_beginning_of_the_next_call_is_not_lost(bus: Workbench, desk: None, more: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    known = request(bus)
    for _ in range(2):
        writer.write(known)
        assert (await answer(reader))[0] == 200
    writer.write(known + more)
    assert (await answer(reader))[0] == 200
    writer.write(known.removeprefix(more))
    assert (await answer(reader))[0] == 200
    writer.write(known)
    assert (await answer(reader))[0] == 200
    writer.close()


async def test_a_token_expires_under_a_known_head(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    sent = request(bus).replace(bus.token("alpha").encode(), bus.token("alpha", life=2).encode())
    statuses = []
    async with asyncio.timeout(10):
        while 401 not in statuses:
            writer.write(sent)
            statuses.append((await answer(reader))[0])
    assert set(statuses) == {200, 401}
    writer.close()


@pytest.mark.parametrize(
    "written", ["030", "+30", "-30", "30 ", " 30", "0x1e", "3_0", "30, 30", "30\r\nContent-Length: 30", "", "9" * 30]
)
async def test_a_length_written_otherwise_is_judged_as_ever(bus: Workbench, desk: None, written: str) -> None:
    """Whether the rest of the head is known or not."""
    assert len(BODY) == 30

    async def said(*, known: bool) -> tuple[int, bool]:
        reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
        sent = request(bus, BODY, "X-Known: yes" if known else f"X-New: {written!r}")
        for _ in range(3 if known else 0):
            writer.write(sent)
            assert (await answer(reader))[0] == 200
        writer.write(sent.replace(b"Content-Length: 30", f"Content-Length: {written}".encode()))
        status = (await answer(reader))[0]
        closed = not await _open(reader)
        writer.close()
        return status, closed

    assert await said(known=True) == await said(known=False)


async def _open(reader: asyncio.StreamReader) -> bool:
    try:
        return bool(await asyncio.wait_for(reader.read(1), 0.2))
    except TimeoutError:
        return True


async def test_a_figure_shorter_or_longer_than_the_document(bus: Workbench, desk: None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    sent = request(bus)
    for _ in range(3):
        writer.write(sent)
        assert (await answer(reader))[0] == 200
    writer.write(sent.replace(b"Content-Length: 30", b"Content-Length: 32"))
    await writer.drain()
    assert await silent(reader)
    writer.write(b"  ")
    assert (await answer(reader))[0] == 200
    writer.write(sent.replace(b"Content-Length: 30", b"Content-Length: 29"))
    assert (await answer(reader))[0] == 400  # what is left of the document is no JSON, or its rest no request
    writer.close()


def test_what_is_kept() -> None:
    """The newest of what was answered, and nothing that belongs to one call alone."""
    cache = RequestHeadCache(may_come_again)

    def tell(number: int, *, parent: str = "", status: int = 200) -> bytes:
        data = b"POST /services/desk/v1/read HTTP/1.1\r\nX-Number: %d\r\nContent-Length: 2\r\n\r\n{}" % number
        said = CallHead(
            CallTarget("desk", 1, "read", ""), Credentials("Bearer x", "", "POST", "/", "::1"), "", "", parent
        )
        cache.record(CachedHead(HttpHead(said, None, False, ""), True, HeadKey.of("::1", data)), status)
        return data

    known = [tell(number) for number in range(MAX_CACHED)]
    assert all(cache.find("::1", data) for data in known)
    assert cache.find("::2", known[0]) is None
    assert not any(cache.find("::1", tell(MAX_CACHED + 1, **more)) for more in ({"parent": "00-1"}, {"status": 403}))
    assert cache.find("::1", known[0])
    assert cache.find("::1", tell(MAX_CACHED + 2))
    assert cache.find("::1", known[0]) is None
    tell(7, status=401)
    assert cache.find("::1", known[7]) is None
    assert cache.find("::1", known[8])
