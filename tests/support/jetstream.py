"""A nats-server with JetStream that syncs every message, by itself: for what needs streams and no gateway."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from nats.aio.client import Client

from lgsp_gateway.delivery.engine import connect_lanes
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_runtime.background import Background
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import Hook, NatsEndpoint, connect
from lgsp_runtime.nats.request_reply import NatsRequestReply
from support.nats_server import PASSWORD, NatsServer

SECOND = 1_000_000_000


class JetStreamServer(NatsServer):
    """One server with JetStream, which is killed and started anew."""

    def __init__(self, folder: Path, **more: Any) -> None:
        jetstream = {"store_dir": str(folder / "jetstream"), "sync_interval": "always", **more}
        super().__init__(folder, jetstream=jetstream)
        self.more["accounts"] = {
            "LGSP": {"jetstream": "enabled", "users": [{"user": "u", "password": PASSWORD}]},
            "SYS": {"users": [{"user": "system", "password": PASSWORD}]},
        }

    @property
    def endpoint(self) -> NatsEndpoint:
        return NatsEndpoint(self.url, "u", PASSWORD)

    async def kill(self) -> None:
        """Kill it, and start it anew."""
        await self.process.kill()
        await self.again()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        connection = await connect(self.endpoint, "test")
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def bus(self) -> AsyncIterator[tuple[NatsRequestReply, CallClient]]:
        """The connection of a gateway."""
        bus = NatsRequestReply()
        connection = await connect_for_calls(self.endpoint, "test calls", bus.connection_lost)
        await bus.start(connection)
        try:
            yield bus, connection
        finally:
            bus.stop()
            await connection.close()


async def api(connection: Client, verb: str, **document: Any) -> dict[str, Any]:
    """Ask JetStream's own API."""
    reply = await connection.request(f"$JS.API.{verb}", json.dumps(document).encode() if document else b"", timeout=10)
    result: dict[str, Any] = json.loads(reply.data)
    assert "error" not in result, result["error"]
    return result


async def make_stream(connection: Client, name: str, subjects: str, **more: Any) -> None:
    """Make a stream as those of delivery are."""
    config = {"name": name, "subjects": [subjects], "storage": "file", "duplicate_window": 3600 * SECOND, **more}
    await api(connection, f"STREAM.CREATE.{name}", allow_atomic=True, allow_direct=True, allow_msg_ttl=True, **config)


async def stored(connection: Client, stream: str) -> list[tuple[int, str, bytes]]:
    """Everything in a stream: sequence, subject, payload."""
    last = (await api(connection, f"STREAM.INFO.{stream}"))["state"]
    got = []
    subscription = (
        await connection.jetstream().subscribe(stream=stream, subject=">", ordered_consumer=True)
        if last["messages"]
        else None
    )
    for _ in range(last["messages"]):
        assert subscription
        message = await subscription.next_msg(timeout=10)
        got.append((message.metadata.sequence.stream, message.subject, message.data))
    return got


@asynccontextmanager
async def lanes_at(endpoint: NatsEndpoint, name: str, cipher: PayloadCipher | None = None) -> AsyncIterator[Lanes]:
    """The lanes of one gateway, on a connection of their own; `start` is the caller's."""
    async with Background() as background, AsyncExitStack() as stack:

        async def connect_delivery(lost: Hook, back: Hook) -> CallClient:
            return await connect_for_calls(endpoint, name, lost, back, background)

        _, lanes = await connect_lanes(stack, name, connect_delivery, cipher, background)
        stack.push_async_callback(lanes.stop)
        yield lanes
