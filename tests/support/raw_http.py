"""Requests as bytes, for what no client would send: each on a connection of its own, from an address of its own."""

import asyncio
import random
from dataclasses import dataclass

SECONDS = 20
MOST = 64 * 1024
"""Bytes of an answer that are read; the rest is not waited for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: the status (0 where nothing did), the head, the body as far as it was read."""

    status: int
    head: str
    body: bytes

    def header(self, name: str) -> str:
        """One header; "" where there is none."""
        found = [line for line in self.head.split("\r\n") if line.lower().startswith(f"{name.lower()}:")]
        return found[0].partition(":")[2].strip() if found else ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `target` is what stands between method and version."""

    method: str
    target: bytes
    headers: tuple[tuple[str, bytes], ...]
    body: bytes | None = None

    def written(self) -> bytes:
        """The request as bytes."""
        lines = [b"%b %b HTTP/1.1" % (self.method.encode(), self.target), b"Host: bus", b"Connection: close"]
        lines += [b"%b: %b" % (name.encode(), value) for name, value in self.headers]
        if self.body is not None:
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join([*lines, b"", b""]) + (self.body or b"")


async def send(port: int, request: Request) -> Answer:
    """Send it, and read the answer. Of a stream only the head is read."""
    own = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(own, 0))
        try:
            writer.write(request.written())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            body = b""
            while "text/event-stream" not in head and len(body) < MOST and (part := await reader.read(MOST)):
                body += part
            return Answer(int(head.split(" ", 2)[1]), head, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer(0, "", b"")
        finally:
            writer.close()
