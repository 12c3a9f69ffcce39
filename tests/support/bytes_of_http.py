"""Calls as bytes on a connection, for what a well-kept HTTP client would never send."""

import asyncio
import json
from typing import Any

from support.workbench import NUMBER, Workbench

BODY = json.dumps({"soDinhDanh": NUMBER}).encode()


def request(bus: Workbench, body: bytes = BODY, *more: str, kind: str = "application/json") -> bytes:
    lines = ["POST /services/desk/v1/read HTTP/1.1", "Host: bus", f"Authorization: Bearer {bus.token('alpha')}"]
    lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(lines).encode() + body


def asking(seconds: str) -> bytes:
    return json.dumps({"soDinhDanh": NUMBER, "hoVaTen": seconds}).encode()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    return int(head[0].split()[1]), headers, json.loads(await reader.readexactly(int(headers["content-length"])))
