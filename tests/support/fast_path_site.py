"""A server of its own for the fast path, with a face that echoes and handlers of aiohttp that take their time, and who sends to it."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from multidict import MultiMapping

from lgsp_gateway.http.connection_limits import ConnectionLimits
from lgsp_gateway.http.raw_response import RawResponse
from lgsp_gateway.http.server import HttpServer

PATIENCE = 15
LIMITS = ConnectionLimits(head_seconds=0.6, body_seconds=0.6, idle_seconds=1.5, send_seconds=1)
KNOWN = b"POST /services/desk/v1/read HTTP/1.1\r\nHost: bus\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
CHUNKED = b"POST /services/desk/v1/read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: bus\r\n\r\n"


@dataclass
class Face:
    """A face whose calls echo their document, once they may go on."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[bytes] = field(default_factory=list)
    ended: list[bytes] = field(default_factory=list)
    answer_bytes: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    written: int = 0
    """Pieces of the stream that is long."""

    def names_call(self, path: str) -> bool:
        return path == "/services/desk/v1/read"

    def read_head(self, method: str, path: str, headers: MultiMapping[str], address: str) -> str:
        return path

    def may_come_again(self, head: str) -> bool:
        return True

    async def answer(self, head: str, body: bytes) -> RawResponse:
        self.begun.append(body)
        self.asked.set()
        await self.go_on.wait()
        self.ended.append(body)
        body = body or b"nothing"
        return RawResponse.of(200, {}, body + b" " * self.answer_bytes, close=False)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        return (await self.answer(request.path, await request.read())).to_aiohttp()


@dataclass
class Site:
    """A server of its own, in this process."""

    face: Face
    server: HttpServer[str]
    port: int
    handled: asyncio.Event
    close: Callable[[], Any]

    async def connect(self, **more: Any) -> "Sender":
        return Sender(*await asyncio.open_connection("127.0.0.1", self.port, **more))

    @property
    def fast(self) -> int:
        return self.server.counts.cached + self.server.counts.recognised


@dataclass
class Sender:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return int(head.split()[1]), await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """All that comes until the other side ends the connection."""
        said = b""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    said += piece
        return said


def application(face: Face, handled: asyncio.Event) -> web.Application:
    """What aiohttp answers on that server.

    Args:
        handled: set when a handler that takes its time begins.
    """

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def slow(request: web.Request) -> web.Response:
        handled.set()
        await face.go_on.wait()
        return web.Response(text="slow")

    async def refuses(_: web.Request) -> web.Response:
        return web.Response(status=415, text="no")

    async def much(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        handled.set()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(20):
                while face.written < 1_000:
                    await response.write(b"x" * 65536)
                    face.written += 1
        return response

    async def piece(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 60_000
        await response.prepare(request)
        await response.write(bytes(60_000))
        return response

    async def reads(request: web.Request) -> web.Response:
        handled.set()
        try:
            return web.Response(body=await request.read())
        except ConnectionError:
            face.gone.set()
            raise

    app = HttpServer.application()
    for method, path, handler in (
        ("GET", "/livez", livez),
        ("POST", "/slow", slow),
        ("POST", "/refuses", refuses),
        ("GET", "/much", much),
        ("GET", "/piece", piece),
        ("POST", "/reads", reads),
    ):
        app.router.add_route(method, path, handler)
    return app


@pytest_asyncio.fixture
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """A server, after which nothing is left: no task, and nothing that nobody looked at."""
    before, unseen = asyncio.all_tasks(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    handled = asyncio.Event()

    face = Face()
    face.go_on.set()
    app = application(face, handled)
    server = HttpServer(face, app, lambda: False, getattr(request, "param", LIMITS))
    closed = False

    async def close() -> None:
        nonlocal closed
        closed = True
        await server.close()

    port = await server.open("127.0.0.1", 0, None, share_port=False)
    yield Site(face, server, port, handled, close)
    if not closed:
        await server.close()
    async with asyncio.timeout(PATIENCE):
        while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(left)
    gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    assert not unseen


def call(body: bytes = b"{}", *more: bytes) -> bytes:
    head, _, _ = (KNOWN % (len(body), b"")).partition(b"\r\n\r\n")
    return b"\r\n".join([head, *more, b"", b""]) + body


@contextlib.contextmanager
def unreading(site: Site) -> Iterator[socket.socket]:
    """A connection that takes next to nothing of what it is sent."""
    with socket.socket() as unread:
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        unread.connect(("127.0.0.1", site.port))
        unread.setblocking(False)
        yield unread


async def several_turns(site: Site) -> None:
    """Let the server go round: it has noticed what was done before when it has answered another connection this often."""
    other = await site.connect()
    for _ in range(10):
        await other.send(LIVEZ)
        assert await other.answer() == (200, b"ok")
    other.writer.close()
