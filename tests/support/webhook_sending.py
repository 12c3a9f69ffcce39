"""What tests send webhooks with: a sender without a bus, and endpoints that behave or do not."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.webhooks.egress_addresses import EgressAddresses
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint, Secret
from lgsp_gateway.delivery.webhooks.sender import WebhookSender
from lgsp_gateway.delivery.webhooks.signatures import new_secret_value
from lgsp_runtime.listed_networks import parse_networks
from support.upstreams import Handler

BODY = json.dumps({"specversion": "1.0", "id": "1", "data": {"hoVaTen": "Nguyễn Văn An"}}, ensure_ascii=False).encode()
MESSAGE = "019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11"
LOOPBACK = parse_networks(["127.0.0.1:1024-65535"])
SECRET = Secret("1", new_secret_value(), 0.0)


def endpoint(url: str, *secrets: Secret, concurrency: int = 8, rate: float = 1000, **more: Any) -> Endpoint:
    return Endpoint("e-1", "nhan", SystemName("mot-cua"), url, secrets or (SECRET,), concurrency, rate, **more)


@asynccontextmanager
async def sending(**more: Any) -> AsyncIterator[WebhookSender]:
    given = {"addresses": EgressAddresses(LOOPBACK), "tls": ssl.create_default_context(), **more}
    sender = WebhookSender(**given)
    try:
        yield sender
    finally:
        await sender.close()


def status(code: int, **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


@asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """The address of a server that reads one request and then does what it likes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


class Received:
    """Answers 200 and keeps what came."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        return web.Response()
