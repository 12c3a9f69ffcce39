"""A nats-server, the gateways' state of watches, and a ledger that accepts events as a gateway does: for tests of what adapters publish.

Whoever tests the gateway's own side takes a `Workbench`.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from lgsp_adapters.adapter import Adapter
from lgsp_adapters.host.adapter_events import AdapterEvents
from lgsp_adapters.host.instance import Instance
from lgsp_adapters.manifest import Manifest
from lgsp_contracts import event_replies, wire_events
from lgsp_contracts.contract import Contract
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.nats.watch_states import BUCKET, WatchStates
from lgsp_runtime.background import Background
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsEndpoint
from lgsp_runtime.nats.request_reply import NatsRequestReply
from support.nats_server import PASSWORD, NatsServer
from support.waits import eventually


class EventBus:
    """What was published: each event once, and how often each was sent."""

    def __init__(self, folder: Path) -> None:
        store = {"jetstream": {"store_dir": str(folder / "nats")}}
        self.server = NatsServer(folder, **store)
        self.events: dict[str, tuple[str, dict[str, Any]]] = {}
        self.sent: list[str] = []
        self.refused: dict[str, str] = {}
        """Codes of refusals, by a value in the data of an event."""
        self.silent = False
        """Accept, and let the reply be lost."""

    @property
    def data(self) -> list[dict[str, Any]]:
        """The data of the events, in the order in which they were accepted."""
        return [data for _, data in self.events.values()]

    async def start(self) -> "EventBus":
        self.server.more["accounts"] = {
            "LGSP": {"jetstream": "enabled", "users": [{"user": "u", "password": PASSWORD}]},
            "SYS": {"users": []},
        }
        await self.server.start()
        self.client = Client()
        await self.client.connect(self.server.url, user="u", password=PASSWORD)
        self.calls = await connect_for_calls(self.endpoint, "bus", fast_path=True)
        self.replies = NatsRequestReply()
        await self.replies.start(self.calls)
        self.background = Background()
        cipher = PayloadCipher(lambda: {1: bytes(32)})
        await WatchStates(self.replies, cipher, self.background).start(self.client, 1)
        await self.client.subscribe("evt.>", cb=self._accept)
        await self.client.flush()
        return self

    async def stop(self) -> None:
        await self.background.stop()
        self.replies.stop()
        await self.calls.close()
        await self.client.close()
        await self.server.process.stop()

    async def forget(self) -> None:
        """Forget all events, and how far watches have come."""
        self.events.clear()
        self.sent.clear()
        self.refused.clear()
        self.silent = False
        await self.client.jetstream().purge_stream(f"KV_{BUCKET}")

    @property
    def endpoint(self) -> NatsEndpoint:
        return NatsEndpoint(self.server.url, "u", PASSWORD)

    async def received(self, count: int) -> list[dict[str, Any]]:
        """The data of the events, once there are so many."""
        await eventually(lambda: len(self.events) >= count)
        return self.data

    @asynccontextmanager
    async def watching(self, adapter: Adapter, manifest: Manifest, contract: Contract) -> AsyncIterator[AdapterEvents]:
        """Watch with an adapter, as its host does."""
        events = AdapterEvents(adapter, manifest, contract, Instance())
        await adapter.open()
        connection = await connect_for_calls(self.endpoint, "adapter", fast_path=True)
        await events.connect(connection)
        background = Background()
        events.start(background)
        try:
            yield events
        finally:
            await events.stop()
            await background.stop()
            events.disconnect(connection)
            await connection.close()
            await adapter.close()

    async def _accept(self, message: Msg) -> None:
        context, data = wire_events.parse_event(message.data)
        self.sent.append(context.id)
        document = json.loads(data)
        code = next((code for value, code in self.refused.items() if value in map(str, document.values())), "")
        if code:
            reply: event_replies.Reply = event_replies.EventRefused(code, "bị từ chối", "it is refused")
        else:
            repeated = context.id in self.events
            self.events.setdefault(context.id, (context.time, document))
            reply = event_replies.EventAccepted(context.id, repeated)
        if not self.silent:
            await message.respond(event_replies.serialize(reply))


@asynccontextmanager
async def event_bus(folder: Path) -> AsyncIterator[EventBus]:
    """A bus for the time of a test."""
    bus = await EventBus(folder).start()
    try:
        yield bus
    finally:
        async with asyncio.timeout(20):
            await bus.stop()
