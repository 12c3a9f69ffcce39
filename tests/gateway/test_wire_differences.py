"""A request means the same whatever way it takes: on a new connection or one that waits, its head known or not, whole or in pieces."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from support.bytes_of_http import BODY, answer, asking, request
from support.processes import free_port
from support.workbench import Workbench

PATIENCE = 15
AT_ONCE = 24
WAYS = ("new", "waiting", "known", "in pieces")
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
        """Send something, and once more where a reset took the answer with it (RFC 9112, section 9.6)."""
        seen = await self._sent(data, way, name)
        return seen if seen.statuses or seen.made else await self._sent(data, way, name)

    async def _sent(self, data: bytes, way: str, name: str) -> Seen:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        if way != "new":
            await asyncio.sleep(0.02)
        for _ in range(2 if way == "known" else 0):
            writer.write(request(self.bus, asking("-" * 8)))
            assert (await answer(reader))[0] == 200
        data = data.replace(NAME, name.encode()) + END
        middle = len(data) // 2 if way == "in pieces" else len(data)
        said = b""
        try:
            writer.write(data[:middle])
            if middle < len(data):
                await asyncio.sleep(0.01)
                writer.write(data[middle:])
            while piece := await asyncio.wait_for(reader.read(65536), PATIENCE):
                said += piece
        except ConnectionError:
            pass
        except TimeoutError as error:
            raise AssertionError((way, said[:20], re.sub(rb"Bearer [^\r]*", b"TOKEN", data))) from error
        writer.close()
        told = (int(one) for one in re.findall(rb"HTTP/1\.[01] (\d{3}) ", said))
        statuses = tuple(401 if one == 429 else one for one in told)  # after so many bad tokens, whoever comes next
        return Seen(statuses, self.made[name])


@pytest_asyncio.fixture(scope="module")
async def desk(bus: Workbench) -> AsyncIterator[Desk]:
    port = free_port()
    gateway = bus.another_gateway("differences", port)
    gateway.command += [
        "--head-seconds",
        "0.5",
        "--body-seconds",
        "0.5",
        "--idle-seconds",
        "1",
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
    statuses: Counter[int] = Counter()

    async def one(number: int, data: bytes) -> None:
        async with gate:
            found = {way: await desk.send(data, way, f"{way[0]}{seed % 10}{number:06}") for way in WAYS}
        statuses.update(found["new"].statuses[:1])
        assert len(set(found.values())) == 1, (data.replace(desk.bus.token("alpha").encode(), b"TOKEN"), found)

    await asyncio.gather(*(one(number, mutated(desk.bus, chance)) for number in range(streams)))
    assert not any(status >= 500 for status in statuses)
    assert len(statuses) > 4, statuses


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
