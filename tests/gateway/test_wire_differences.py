"""A request means the same whatever way it takes: on a new connection or one that waits, its head known or not, whole or in pieces."""

import asyncio
import contextlib
import random
import re
import socket
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from support.bytes_of_http import BODY, asking, request
from support.processes import free_port
from support.workbench import Workbench

PATIENCE = 20
TIRED = "3"
"""Seconds: a connection on which nothing comes for so long is closed without a word, also where this test had no turn on a busy core."""
AT_ONCE = 24
WAYS = ("new", "waiting", "known", "in pieces")
IN_FIRST = 400
"""Where one in pieces is cut, in its first request: what follows that comes with its end, as it does otherwise."""
NAME = b"________"
"""Where a call says which one it is."""
END = b"GET /livez HTTP/1.1\r\nHost: end\r\nConnection: close\r\n\r\n"


class Seen(NamedTuple):
    """What a sender notices: the status of each answer, and how often its call was made."""

    statuses: tuple[int, ...]
    made: int


class Desk:
    """A gateway that is soon tired of waiting, and an adapter that counts."""

    def __init__(self, bus: Workbench, port: int) -> None:
        self.bus = bus
        self.port = port
        self.made: Counter[str] = Counter()

    async def take(self, request: dict[str, Any], call: Any) -> dict[str, Any]:
        self.made[str(request.get("hoVaTen"))] += 1
        return {"ketQua": "KHOP"}

    async def send(self, data: bytes, way: str, name: str) -> Seen:
        """Send something and take all that is said to it.

        On a bare socket: asyncio's streams forget what has come as soon as a connection is reset, and a gateway that is
        done with a connection does not read what follows, so the system resets it behind the answer.
        """
        async with asyncio.timeout(20):
            while True:
                self.made[name] = 0
                with socket.socket() as connection:
                    connection.setblocking(False)
                    connection.bind((address(name), 0))
                    said = await self._said(connection, data.replace(NAME, name.encode()) + END, way)
                if 429 not in statuses(said):  # so many calls of one system are refused here that it is slowed down
                    break
        return Seen(statuses(said), self.made[name])

    async def _said(self, connection: socket.socket, data: bytes, way: str) -> bytes:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        if way != "new":
            await asyncio.sleep(0.02)
        for _ in range(2 if way == "known" else 0):
            await loop.sock_sendall(connection, request(self.bus, asking("-" * 8)))
            assert b" 200 OK" in await loop.sock_recv(connection, 65536)
        cut = min(len(data) // 2, IN_FIRST) if way == "in pieces" else 0
        try:
            return await said_to(connection, data, cut)
        except TimeoutError as error:
            raise AssertionError((way, re.sub(rb"Bearer [^\r]*", b"TOKEN", data))) from error


async def said_to(connection: socket.socket, data: bytes, cut: int) -> bytes:
    """All that is answered to something, which is sent in two pieces where it is cut."""
    loop = asyncio.get_running_loop()
    said = b""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError):
            if cut:
                await loop.sock_sendall(connection, data[:cut])
                await asyncio.sleep(0.01)
            await loop.sock_sendall(connection, data[cut:])
        with contextlib.suppress(ConnectionError):  # whatever came before it has been read
            while piece := await loop.sock_recv(connection, 65536):
                said += piece
    return said


def statuses(said: bytes) -> tuple[int, ...]:
    """Those of answers; a 100 asks for what may have come."""
    return tuple(int(one) for one in re.findall(rb"HTTP/1\.[01] ([2-5]\d\d) ", said))


def address(name: str) -> str:
    """Where a call comes from: each from elsewhere, or the bad tokens of one would slow the others."""
    number = zlib.crc32(name.encode())
    return f"127.{number >> 16 & 127 | 1}.{number >> 8 & 255}.{number & 127 | 1}"


@pytest_asyncio.fixture(scope="module")
async def desk(bus: Workbench) -> AsyncIterator[Desk]:
    port = free_port()
    gateway = bus.another_gateway("differences", port)
    gateway.command += [
        "--head-seconds",
        TIRED,
        "--body-seconds",
        TIRED,
        "--idle-seconds",
        "10",
        "--connections-each",
        "5000",
    ]
    await gateway.start()
    found = Desk(bus, port)
    served = await bus.serve(read=found.take, register=found.take)
    yield found
    await bus.unserve(served)
    assert await gateway.stop() == 0


TARGETS = [
    "/services/desk/v1/read#f", "/services/desk/v1/read#", "#", "/services/desk/v1/read?", "/services/desk/v1/read?a=1#b",
    "/services/desk/v1/read/", "//services/desk/v1/read", "/services//desk/v1/read", "/services/desk/v1/../v1/read",
    "/services/./desk/v1/read", "/services/desk/v1/re%61d", "/services/desk/v1%2Fread", "/services/desk\\v1\\read",
    "http://bus/services/desk/v1/read", "http:///services/desk/v1/read", "http://other/services/desk/v1/read#x", "*", "",
    "services/desk/v1/read", "/services/desk/v1/read;a=b", "/services/desk/v1/READ", "/services/desk/v01/read",
    "/services/desk/v1/read%00", "/services/desk/v1/read%0d%0a", "/services/desk/v1/r\u00e9ad", "/services/desk/v1/read\t",
    "/services/desk/v1/read\x0b", "/services/desk/v1/ read", "/services", "/services/", "/services/desk/v1/read@bus",
    "/services/desk/v1/read\"", "/services/desk/v1/<read>", "/services/desk/v1/{read}", "/services/desk/v1/read|", "/livez#x",
]  # fmt: skip
LINES = [
    "Connection: close", "Connection: keep-alive", "Connection: upgrade\r\nUpgrade: h2c", "Connection: Close, x", "Expect: 100-continue",
    "Expect: x", "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding : chunked",
    "Content-Length: 45", "content-length: 45", "Content-Length: +45", "Content-Length : 45", "Content-Encoding: gzip",
    "Content-Encoding: identity", "Host: other", "Host:", "X: \x00", "X: a\x7fb", "X: \x80", " folded: 1", "X:\r\n folded", "X", ": x",
    "X\t: y", "X: " + "y" * 9000, "Authorization: Bearer x", "Lgsp-Purpose: tra-cuu", "Idempotency-Key: short", "Accept-Language: en",
    "traceparent: x", "X-HTTP-Method-Override: GET", "X: y\nZ: w", "X: y\rZ: w", "Upgrade: websocket", "Trailer: X", "TE: trailers",
]  # fmt: skip
FIRST = [
    "GET",
    "HEAD",
    "PUT",
    "OPTIONS",
    "post",
    "POST ",
    " POST",
    "POSTS",
    "\r\nPOST",
    "\r\n\r\nPOST",
    "\nPOST",
    "PRI",
    "CONNECT",
    "TRACE",
]
VERSIONS = ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", " HTTP/1.1", "HTTP/11", ""]
KINDS = [
    "application/json; charset=utf8", "application/json;charset=US-ASCII", 'Application/JSON; charset="utf-8"', "text/plain",
    "application/json; charset=utf-16", "application/json;", "application/x+json", "",
]  # fmt: skip


def mutated(bus: Workbench, chance: random.Random) -> bytes:
    """A call with one to three things that nobody sends, or a further call behind it."""
    body = BODY[:-1] + b', "hoVaTen": "' + NAME + b'"}'
    sent = request(bus, body)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        head, _, rest = sent.partition(b"\r\n\r\n")
        what = chance.randrange(11)
        if what == 0:
            sent = sent.replace(b"/services/desk/v1/read", chance.choice(TARGETS).encode("latin-1"), 1)
        elif what in (1, 2):
            sent = head + b"\r\n" + chance.choice(LINES).encode("latin-1") + b"\r\n\r\n" + rest
        elif what == 3:
            sent = sent.replace(b"POST", chance.choice(FIRST).encode(), 1)
        elif what == 4:
            sent = sent.replace(b"HTTP/1.1", chance.choice(VERSIONS).encode(), 1)
        elif what == 5:
            sent = sent.replace(b"application/json", chance.choice(KINDS).encode(), 1)
        elif what == 6:
            place = chance.randrange(len(head) or 1)
            sent = sent[:place] + bytes([chance.randrange(256)]) + sent[place + 1 :]
        elif what == 7:
            place = chance.randrange(len(head) or 1)
            sent = sent[:place] + chance.choice([b"", b" ", b"\r\n", b"\t", b"\x00", b"#"]) + sent[place + 1 :]
        else:
            sent = _otherwise_framed(bus, sent, len(body), chance)
    return sent


def _otherwise_framed(bus: Workbench, sent: bytes, size: int, chance: random.Random) -> bytes:
    what = chance.randrange(3)
    if what == 0:
        length = b"Content-Length: %d" % size
        told = chance.choice([b"0", b"1", b"%d" % (size - 1), b"%d" % (size + 1), b"0%d" % size, b"-1", b"1e1", b""])
        sent = sent.replace(length, b"Content-Length: " + told, 1)
    elif what == 1:
        sent += request(bus).replace(b"/read ", b"/register ")
    else:
        sent = sent.replace(b"\r\n", b"\n", chance.choice([1, 2, 20]))
    return sent


async def compare(desk: Desk, seed: int, streams: int) -> None:
    chance, gate = random.Random(seed), asyncio.Semaphore(AT_ONCE)
    first: Counter[int] = Counter()
    different: list[tuple[bytes, dict[str, Seen]]] = []

    async def one(number: int, data: bytes) -> None:
        async with gate:
            found = {way: await desk.send(data, way, f"{way[0]}{seed % 10}{number:06}") for way in WAYS}
        first.update(found["new"].statuses[:1])
        if len(set(found.values())) > 1:
            different.append((data.replace(desk.bus.token("alpha").encode(), b"TOKEN"), found))

    await asyncio.gather(*(one(number, mutated(desk.bus, chance)) for number in range(streams)))
    assert not different, "\n".join(f"{data!r}\n{found}" for data, found in different[:5])
    assert not any(status >= 500 for status in first)
    assert len(first) > 4, first


async def test_all_ways_agree(desk: Desk) -> None:
    await compare(desk, 1, 250)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 8))
async def test_all_ways_agree_on_thousands(desk: Desk, seed: int) -> None:
    await compare(desk, seed, 1500)


@pytest.mark.parametrize("target", [one for one in TARGETS if "#" in one])
async def test_a_fragment_is_refused_everywhere(desk: Desk, target: str) -> None:
    sent = request(desk.bus).replace(b"/services/desk/v1/read", target.encode(), 1)
    for way in WAYS:
        assert (await desk.send(sent, way, "-")).statuses[0] == 400


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("line", ["Connection: close", "Connection: upgrade\r\nUpgrade: h2c"])
async def test_nothing_is_done_after_the_last_request(desk: Desk, line: str, apart: bool) -> None:
    """Also not what a document of a second request holds, whose head has come with the first. In one piece all of it may be refused."""
    name = f"last {line[-5:]} {apart}"
    first = request(desk.bus, _named(name), line)
    second = request(desk.bus, request(desk.bus, _named(name)).replace(b"/read ", b"/register "))
    cut = len(first) + second.index(b"POST", 1) if apart else 0
    with socket.socket() as connection:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", desk.port))
        found = statuses(await said_to(connection, first + second, cut))
    assert found in ((200,), (400,))
    assert desk.made[name] == found.count(200)


def _named(name: str) -> bytes:
    return BODY[:-1] + b', "hoVaTen": "' + name.encode() + b'"}'
