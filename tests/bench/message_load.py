"""Who sends messages and who receives them while delivery is measured, each in a process of its own: neither waits for the other, nor for
what measures.

python tests/bench/message_load.py send URL PATH TOKEN_FILE
python tests/bench/message_load.py call URL PATH TOKEN_FILE
python tests/bench/message_load.py adapter NATS_URL TOKEN_FILE CATALOG SERVICE

All are told what to do by lines of their standard input, and answer each with a line of JSON. Every message has a number, by which
the times at which it was due, accepted and received are put together; all of them are readings of one clock (`time.time`).
"""

import asyncio
import json
import random
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, cast

import uvloop

from lgsp_adapters.adapter import NOT_TRACED, Adapter, Call
from lgsp_adapters.host.served_adapter import ServedAdapter
from lgsp_adapters.manifest import Manifest
from lgsp_contracts import catalog
from lgsp_contracts.names import Major, ServiceName
from lgsp_contracts.source_location import SourceLocation
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsEndpoint

CONNECTIONS = 64
BETWEEN_CALLS = 0.005
"""Seconds."""
ANSWERS = sys.stdout
"""Before the log, which goes there too, is sent elsewhere."""


class Connection(asyncio.Protocol):
    """One connection that sends a request and reads its answer, again and again."""

    def __init__(self) -> None:
        self._received = b""
        self._answered: asyncio.Future[int] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or self._answered is None:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._received = b""
            self._answered.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the gateway closed the connection"))

    async def ask(self, request: bytes) -> int:
        """Send a request; return the status of its answer."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered


class _Sending:
    """What is sent until a time, and what came of it."""

    def __init__(self, end: float) -> None:
        self.end = end
        self.sent: list[tuple[int, float, float]] = []
        self.refused = 0
        self._due: deque[float] = deque()
        self._waiting = asyncio.Semaphore(0)

    async def next_due(self) -> float:
        """Return the time of the next message, once it is due."""
        await self._waiting.acquire()
        return self._due.popleft()

    async def become_due(self, rate: float, workers: int) -> None:
        """Let messages become due at random times, then end the workers."""
        at = time.time()
        while (at := at + random.expovariate(rate)) < self.end:
            await asyncio.sleep(max(0.0, at - time.time()))
            self._add(at)
        for _ in range(workers):
            self._add(self.end)

    def _add(self, at: float) -> None:
        self._due.append(at)
        self._waiting.release()


class Sender:
    """Sends messages, or calls.

    Args:
        prefer: a header; "" for calls that are answered at once.
    """

    def __init__(
        self, path: str, token: str, connections: list[Connection], prefer: str = "Prefer: respond-async\r\n"
    ) -> None:
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"{prefer}Content-Length: %d\r\n\r\n"
        )
        self._connections = connections
        self._number = 0

    async def run(self, rate: float, seconds: float) -> dict[str, Any]:
        """Send for some seconds.

        Args:
            rate: messages a second that become due at random times, whatever the earlier ones take; 0 for as many as are accepted.

        Returns:
            `rate` at which messages were accepted, `refused` answers, `sent`: number, time at which it was due, time of its 202.
        """
        sending = _Sending(time.time() + seconds)
        workers = [asyncio.create_task(self._send(sending, connection, rate)) for connection in self._connections]
        began = time.time()
        if rate:
            await sending.become_due(rate, len(workers))
        await asyncio.gather(*workers)
        took = time.time() - began
        return {"rate": len(sending.sent) / took, "refused": sending.refused, "sent": sending.sent}

    async def call(self, seconds: float) -> list[float]:
        """Call, one after the other, for some seconds; return how many milliseconds each took, in order of length."""
        took, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            began = time.perf_counter()
            assert await self._connections[0].ask(self._request(0)) == 200
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(BETWEEN_CALLS)
        return sorted(took)

    async def _send(self, sending: "_Sending", connection: Connection, rate: float) -> None:
        while (at := await sending.next_due() if rate else time.time()) < sending.end:
            self._number += 1
            number = self._number
            if await connection.ask(self._request(number)) == 202:
                sending.sent.append((number, at, time.time()))
            else:
                sending.refused += 1

    def _request(self, number: int) -> bytes:
        body = b'{"soDinhDanh":"022093001234","hoVaTen":"%d"}' % number
        return (self._head % len(body)).encode() + body


class Receiver(Adapter):
    """Notes when each message came, whatever its operation."""

    received: dict[int, float]

    def method(self, operation: str) -> Any:
        return self.answer

    async def answer(self, request: dict[str, Any], _: Call) -> dict[str, Any]:
        self.received.setdefault(int(request.get("hoVaTen", 0)), time.time())
        return {"ketQua": "KHOP"}


async def send(url: str, path: str, token_file: str) -> None:
    """Wait for `RATE SECONDS`, and answer with what came of it."""
    sender = Sender(path, Path(token_file).read_text().strip(), await _connections(url, CONNECTIONS))
    async for line in _lines():
        rate, seconds = map(float, line.split())
        print(json.dumps(await sender.run(rate, seconds)), file=ANSWERS, flush=True)


async def call(url: str, path: str, token_file: str) -> None:
    """Wait for `SECONDS`, and answer with how long the calls of so many seconds took."""
    caller = Sender(path, Path(token_file).read_text().strip(), await _connections(url, 1), prefer="")
    async for line in _lines():
        print(json.dumps(await caller.call(float(line))), file=ANSWERS, flush=True)


async def _connections(url: str, number: int) -> list[Connection]:
    host, _, port = url.removeprefix("http://").partition(":")
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, host, int(port)))[1] for _ in range(number)]


async def adapter(nats_url: str, token_file: str, folder: str, service: str) -> None:
    """Serve a service; answer `count` with how many messages came, `times` with their numbers and times, which are forgotten then."""
    endpoint = NatsEndpoint(nats_url, token=Path(token_file).read_text)
    connection = await connect_for_calls(endpoint, "bench adapter", fast_path=True)
    told = {"service": service, "major": 1, "system": "provider", "kind": "python"}
    receiver = Receiver({})
    receiver.received = {}
    manifest = Manifest(SourceLocation("bench"), told, {}, Path())
    served = ServedAdapter(
        receiver, manifest, catalog.load(Path(folder))[ServiceName(service), Major(1)], connection, NOT_TRACED
    )
    await served.start()
    print(json.dumps("ready"), file=ANSWERS, flush=True)
    async for line in _lines():
        received = receiver.received
        print(json.dumps(len(received) if line == "count" else list(received.items())), file=ANSWERS, flush=True)
        if line == "times":
            receiver.received = {}
    await served.stop()
    await connection.close()


async def _lines() -> Any:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().strip()


if __name__ == "__main__":
    sys.stdout = sys.stderr
    role, *arguments = sys.argv[1:]
    uvloop.run({"send": send, "call": call, "adapter": adapter}[role](*arguments))
