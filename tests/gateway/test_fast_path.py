"""The eleven invariants of the fast path, as `http/fast_path/connection.py` names them, each seen from the wire.

Each was tried by hand: with any of these changes a test of its number fails.

1. A known head is looked for while a document is awaited; what was pending is forgotten.
2. A request is given to aiohttp without its size; what follows it is given too; Upgrade or Transfer-Encoding does not hand the connection over.
3. Fields may come twice; Expect, or Proxy-Connection, is not looked for.
4. A delegate that is done still writes. (That only the current one writes, and that closing ends it, are further guards of the same.)
5. What is owed, or whether the response keeps the connection alive, is not asked.
6. What is held does not pause reading; aiohttp's own pause does not.
7. The worker does not wait; aiohttp does not hear of a pause, or of its end, or hears one twice; a new delegate is not told.
8. A call in flight is cancelled, or a stop does not wait for it; aiohttp is not told; a waiting worker is not woken.
9. A document or what aiohttp keeps has no clock, or a head none; each piece starts it anew.
10. A stop closes what is busy, or leaves what is idle, or answers without `Connection: close`; what is not done in time is not broken off.
11. What can no longer become a head is waited for; empty lines before a request are taken for its beginning.
"""

import asyncio
import contextlib
import socket
import struct

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from support.fast_path_site import CHUNKED, LIVEZ, PATIENCE, Site, call, several_turns, site, unreading

from lgsp_gateway.http.connection_limits import ConnectionLimits
from lgsp_gateway.http.fast_path.delegate import Delegate

__all__ = ["site"]


async def test_1_a_head_counts_only_where_a_request_begins(site: Site) -> None:
    sender = await site.connect()
    for _ in range(2):
        await sender.send(call())
        assert await sender.answer() == (200, b"{}")
    assert site.server.counts.cached == 1
    quoting = call(call())
    await sender.send(quoting[: -len(call())])
    await asyncio.sleep(0.05)
    await sender.send(call())
    assert await sender.answer() == (200, call())
    assert site.face.begun == [b"{}", b"{}", call()]


@pytest.mark.parametrize("together", [True, False])
async def test_2_aiohttp_gets_the_bytes_of_one_request(site: Site, together: bool) -> None:
    """The rest of a refused body is no request, and what follows it is."""
    sender = await site.connect()
    refused = b"POST /refuses HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(call()), call())
    if together:
        await sender.send(LIVEZ + refused + call(b"[1]") + LIVEZ)
    else:
        for data in (LIVEZ, refused[:-5], refused[-5:], call(b"[1]"), LIVEZ):
            await sender.send(data)
            await asyncio.sleep(0.03)
    assert [await sender.answer() for _ in range(4)] == [(200, b"ok"), (415, b"no"), (200, b"[1]"), (200, b"ok")]
    assert (site.face.begun, site.fast, site.server.counts.delegated) == ([b"[1]"], 1, 3)


@pytest.mark.parametrize("cut", [*range(1, 40), 100, 200, 300, 400])
async def test_2_cut_at_any_byte(site: Site, cut: int) -> None:
    sender = await site.connect()
    data = LIVEZ + call(b"[1]") + LIVEZ + call(b"[2]")
    await sender.send(data[:cut])
    await asyncio.sleep(0.01)
    await sender.send(data[cut:])
    assert [await sender.answer() for _ in range(4)] == [(200, b"ok"), (200, b"[1]"), (200, b"ok"), (200, b"[2]")]


async def test_2_a_connection_whose_framing_only_aiohttp_knows_is_its_own(site: Site) -> None:
    sender = await site.connect()
    for number in range(3):
        await sender.send(CHUNKED)
        assert await sender.answer() == (200, b"{}")
        await sender.send(call(b"[%d]" % number))
        assert await sender.answer() == (200, b"[%d]" % number)
    assert (site.fast, site.server.counts.kept) == (0, 1)


async def test_2_who_asks_for_another_protocol_gets_its_answer_and_no_further_one(site: Site) -> None:
    sender = await site.connect()
    await sender.send(call(b"[1]", b"Connection: Upgrade", b"Upgrade: h2c") + call(b"[2]"))
    said = await sender.rest()
    assert said.count(b" 200 OK") == 1
    assert b"Connection: close" in said
    assert (site.face.begun, site.server.counts.kept) == ([b"[1]"], 1)


@pytest.mark.parametrize(
    "line",
    [b"Host: other", b"Content-Length: 2", b"Expect: x", b"X: \x00", b"X: \x80", b" folded: x", b"X : y", b"Connection: x", b"Content-Type: text/plain",
     b"Content-Encoding: identity", b"Transfer-Encoding: identity", b"Proxy-Connection: close"],
)  # fmt: skip
async def test_3_what_is_no_ordinary_call_is_aiohttps_to_judge(site: Site, line: bytes) -> None:
    sender = await site.connect()
    await sender.send(call(b"{}", line))
    assert (await sender.answer())[0] in (200, 400)
    assert site.fast == 0


async def test_4_nothing_is_written_after_the_last_answer(site: Site) -> None:
    """aiohttp's own refusal is replaced by the bus's, which is the last word."""
    sender = await site.connect()
    await sender.send(LIVEZ + b"NONSENSE\r\n\r\n" + LIVEZ)
    assert await sender.answer() == (200, b"ok")
    said = await sender.rest()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"application/problem+json" in said
    assert b"Connection: close" in said


async def test_4_a_delegate_that_is_done_writes_nothing_and_ends_once() -> None:
    """Whatever aiohttp does afterwards."""

    class Recorder:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def write_of(self, delegate: Delegate, data: bytes) -> None:
            self.seen.append("write")

        def refusal_of(self, delegate: Delegate, status: int) -> None:
            self.seen.append("refusal")

        def reading_of(self, delegate: Delegate, *, paused: bool) -> None:
            self.seen.append("reading")

        def end_of(self, delegate: Delegate) -> None:
            self.seen.append("end")

    front, protocol = Recorder(), web.Server(lambda _: web.Response())()  # type: ignore[arg-type, return-value]
    delegate = Delegate(front, asyncio.Transport(), protocol, 0)
    delegate.close()
    delegate.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    delegate.close()
    assert front.seen == ["end"]


@pytest.mark.parametrize(
    "first",
    [
        LIVEZ.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        LIVEZ.replace(b"1.1", b"1.0"),
        call(b"{}", b"Connection: close"),
    ],
)
async def test_5_after_the_last_request_of_a_connection_there_is_none(site: Site, first: bytes) -> None:
    sender = await site.connect()
    await sender.send(first + call(b"[1]"))
    said = await sender.rest()
    assert said.count(b" 200 OK") == 1
    assert b"[1]" not in site.face.begun


@pytest.mark.parametrize("site", [ConnectionLimits()], indirect=True)
async def test_5_a_body_that_is_not_all_there_ends_the_connection(site: Site) -> None:
    sender = await site.connect()
    await sender.send(b"POST /refuses HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    said = await sender.rest()
    assert said.startswith(b"HTTP/1.1 415")
    assert site.face.begun == []


@pytest.mark.parametrize(
    "first", [call(b"[0]"), b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"], ids=["call", "aiohttp"]
)
async def test_6_while_a_request_is_answered_the_rest_stays_with_its_sender(site: Site, first: bytes) -> None:
    site.face.go_on.clear()
    sender = await site.connect()
    await sender.send(first)
    await asyncio.wait_for((site.face.asked if first == call(b"[0]") else site.handled).wait(), PATIENCE)
    flood = asyncio.create_task(sender.send(call(b"[" + b"1," * 20_000 + b"1]") * 400))  # 16 MB
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(flood), 1.5)
    site.face.go_on.set()
    statuses = [(await sender.answer())[0] for _ in range(201)]
    await flood
    assert set(statuses) == {200}


async def test_6_aiohttp_leaves_what_nobody_reads_with_its_sender(site: Site) -> None:
    site.face.go_on.clear()
    sender, size = await site.connect(), 64 * 1024 * 1024
    await sender.send(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
    await asyncio.wait_for(site.handled.wait(), PATIENCE)
    flood = asyncio.create_task(sender.send(bytes(size)))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(flood), 1.5)
    flood.cancel()
    sender.writer.transport.abort()
    site.face.go_on.set()


@pytest.mark.parametrize("known", [False, True])
async def test_7_who_does_not_read_stops_its_own_requests(site: Site, known: bool) -> None:
    """The worker waits; nothing is piled up for a caller that does not take it."""
    site.face.answer_bytes = 400_000
    with unreading(site) as unread:
        loop = asyncio.get_running_loop()
        if known:
            await loop.sock_sendall(unread, call())
            await loop.sock_recv(unread, 10)
        with contextlib.suppress(ConnectionError):  # the server's own end, since nothing is read
            async with asyncio.timeout(PATIENCE):
                while len(site.face.begun) < 100:
                    await loop.sock_sendall(unread, call() * 10)
                    await asyncio.sleep(0)
        assert len(site.face.begun) < 100


async def test_7_a_delegate_that_begins_while_nobody_reads_is_told_at_once(site: Site) -> None:
    """The responses before it filled the transport, each too short for aiohttp to wait; what is long waits, and is not piled up."""
    with unreading(site) as unread:
        piece, much = (LIVEZ.replace(b"/livez", path) for path in (b"/piece", b"/much"))
        await asyncio.get_running_loop().sock_sendall(unread, piece * 150 + much)
        await asyncio.wait_for(site.handled.wait(), PATIENCE)
        await several_turns(site)
        assert site.face.written < 10


async def test_7_aiohttp_hears_of_a_full_and_an_emptied_transport(site: Site) -> None:
    """What is written to a reader that pauses is not piled up; when it reads again, more comes."""
    sender = await site.connect(limit=4096)
    await sender.send(LIVEZ.replace(b"/livez", b"/much"))
    await asyncio.wait_for(site.handled.wait(), PATIENCE)
    for _ in range(3):
        await asyncio.sleep(0.3)
        async with asyncio.timeout(PATIENCE):
            await sender.reader.readexactly(8_000_000)
    sender.writer.transport.abort()


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /serv", call()[:-1], call(), LIVEZ, b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"POST /refuses HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
     LIVEZ.replace(b"/livez", b"/much"), b"POST /services/desk/v1/read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{"],
    ids=["nothing", "head", "document", "answering", "answered", "aiohttp answers", "lingering", "stream", "chunks"],
)  # fmt: skip
@pytest.mark.parametrize("turns", [0, 1, 3, 20])
async def test_8_a_connection_that_is_reset_leaves_nothing_behind(site: Site, sent: bytes, turns: int) -> None:
    """The fixture looks for tasks and for errors that nobody saw. What is being answered is answered to its end."""
    site.face.go_on.clear()
    sender = await site.connect()
    await sender.send(sent)
    for _ in range(turns):
        await asyncio.sleep(0)
    if sent == call() and turns == 20:
        await asyncio.wait_for(site.face.asked.wait(), PATIENCE)
    sender.writer.transport.abort()
    await asyncio.sleep(0.05)
    site.face.go_on.set()
    other = await site.connect()
    await other.send(LIVEZ)
    assert await other.answer() == (200, b"ok")
    assert site.face.ended == site.face.begun


async def test_8_a_stop_waits_for_a_call_whose_caller_is_gone(site: Site) -> None:
    """It is evidence, and has its place in the log."""
    site.face.go_on.clear()
    sender, idle = await site.connect(), await site.connect()
    await sender.send(call())
    await asyncio.wait_for(site.face.asked.wait(), PATIENCE)
    sender.writer.transport.abort()
    await several_turns(site)
    stopping = asyncio.create_task(site.close())
    assert await idle.rest() == b""
    assert not (await asyncio.wait({stopping}, timeout=0.2))[0]
    site.face.go_on.set()
    await asyncio.wait_for(stopping, PATIENCE)
    assert site.face.ended == [b"{}"]


async def test_8_aiohttp_hears_that_a_caller_is_gone(site: Site) -> None:
    """Who reads a document that will never be whole stops to wait for it."""
    sender = await site.connect()
    await sender.send(b"POST /reads HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
    await asyncio.wait_for(site.handled.wait(), PATIENCE)
    sender.writer.transport.abort()
    await asyncio.wait_for(site.face.gone.wait(), PATIENCE)


@pytest.mark.parametrize("site", [ConnectionLimits()], indirect=True)
async def test_8_who_resets_without_having_read_leaves_no_worker(site: Site) -> None:
    """A worker that waits until it may write again waits no longer."""
    tasks = asyncio.all_tasks()
    site.face.answer_bytes = 16_000_000
    with unreading(site) as unread:
        await asyncio.get_running_loop().sock_sendall(unread, call())
        async with asyncio.timeout(PATIENCE):
            while not site.face.ended:
                await asyncio.sleep(0.01)
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    async with asyncio.timeout(PATIENCE):
        while asyncio.all_tasks() - tasks:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("before", [b"", call(), LIVEZ], ids=["first", "after a call", "after aiohttp"])
@pytest.mark.parametrize(
    ("begun", "piece", "named"),
    [(b"POST /services", b"s", "Phần đầu"), (call(bytes(5000))[:-4999], b" ", "Nội dung")],
    ids=["head", "document"],
)
async def test_9_what_dribbles_is_refused_in_time(
    site: Site, before: bytes, begun: bytes, piece: bytes, named: str
) -> None:
    """However many pieces come, and what was late is named."""
    said = await dribbled(site, before, begun, piece)
    assert said.startswith(b"HTTP/1.1 408"), said
    assert b"Connection: close" in said
    assert named in said.decode()


async def test_9_a_head_that_dribbles_where_aiohttp_keeps_the_connection(site: Site) -> None:
    said = await dribbled(site, CHUNKED, b"POST /services", b"s")
    assert said.startswith(b"HTTP/1.1 408"), said
    assert site.server.counts.kept == 1


async def dribbled(site: Site, before: bytes, begun: bytes, piece: bytes) -> bytes:
    """Have a request answered, begin another, send piece after piece of it for ever, and return what comes."""
    sender = await site.connect()
    if before:
        await sender.send(before)
        assert (await sender.answer())[0] == 200

    async def dribble() -> None:
        with contextlib.suppress(ConnectionError):
            await sender.send(begun)
            async with asyncio.timeout(20):
                while True:
                    await sender.send(piece)
                    await asyncio.sleep(0.1)

    dribbling = asyncio.create_task(dribble())
    try:
        return await sender.rest()
    finally:
        dribbling.cancel()


@pytest.mark.parametrize("before", [b"", call(), LIVEZ], ids=["first", "after a call", "after aiohttp"])
async def test_9_a_silent_connection_ends_without_a_word(site: Site, before: bytes) -> None:
    sender = await site.connect()
    if before:
        await sender.send(before)
        assert (await sender.answer())[0] == 200
    assert await sender.rest() == b""


async def test_10_a_stop_closes_what_is_idle_and_answers_what_is_busy(site: Site) -> None:
    silent, idle, half, calling, asking = [await site.connect() for _ in range(5)]
    await idle.send(LIVEZ)
    assert (await idle.answer())[0] == 200
    site.face.go_on.clear()
    await half.send(b"POST /serv")
    await calling.send(call())
    await asking.send(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    await asyncio.wait_for(site.face.asked.wait(), PATIENCE)
    await asyncio.wait_for(site.handled.wait(), PATIENCE)
    stopping = asyncio.create_task(site.close())
    assert [await sender.rest() for sender in (silent, idle, half)] == [b"", b"", b""]
    assert not stopping.done()
    site.face.go_on.set()
    for sender in (calling, asking):
        said = await sender.rest()
        assert said.startswith(b"HTTP/1.1 200 OK")
        assert b"Connection: close" in said
    await asyncio.wait_for(stopping, PATIENCE)


@pytest.mark.long
async def test_10_what_is_not_done_in_time_is_broken_off(site: Site) -> None:
    """Its connection ends, and no worker is left."""
    site.face.go_on.clear()
    sender = await site.connect()
    await sender.send(call())
    await asyncio.wait_for(site.face.asked.wait(), PATIENCE)
    stopping = asyncio.create_task(site.close())
    assert await sender.rest() == b""
    await asyncio.wait_for(stopping, PATIENCE)


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HTTP/1.1\r\nX" + b"x" * 9000,
        b"GET / HTTP/1.1\n\n",
        b"\x16\x03\x01\x00\r\n\r\n",
        b"NONSENSE\r\n",
        b"GET / HTTP/1.1\r\nX: \x00\r\n",
    ],
)
async def test_11_what_cannot_become_a_head_is_refused_at_once(site: Site, sent: bytes) -> None:
    sender = await site.connect()
    with capture_logs() as lines:
        await sender.send(sent)
        said = await sender.rest()
    assert said.startswith(b"HTTP/1.1 400"), said
    assert "not http" in [line["event"] for line in lines]


@pytest.mark.parametrize("lines", [b"\r\n", b"\r\n\r\n", b"\n"])
async def test_11_empty_lines_before_a_request_count_for_nothing(site: Site, lines: bytes) -> None:
    sender = await site.connect()
    await sender.send(lines + call() + lines + call(b"[]"))
    assert [await sender.answer() for _ in range(2)] == [(200, b"{}"), (200, b"[]")]
    assert site.fast == 2
