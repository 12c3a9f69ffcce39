"""The engine of delivery: the streams that a gateway writes to, and the lanes that it reads by."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.storage.group_commit import GroupCommit
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_runtime.background import Background
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.connection import Hook
from lgsp_runtime.nats.request_reply import NatsRequestReply

Connect = Callable[[Hook, Hook], Awaitable[CallClient]]
"""Opens the connection of delivery, with what is awaited when it is lost and when it is back."""


@dataclass(frozen=True, slots=True)
class DeliveryEngine:
    """What stores and what delivers.

    Args:
        work, messages, events, dead: write to the streams of `streams.py`.
        cipher: decrypts what they hold.
        lanes: `lanes.start` comes last, after each `serve` and `discover` of the start.
        bus: on the connection of delivery.
    """

    work: GroupCommit
    messages: GroupCommit
    events: GroupCommit
    dead: GroupCommit
    cipher: PayloadCipher
    lanes: Lanes
    bus: NatsRequestReply


async def open_engine(
    stack: AsyncExitStack,
    gateway: str,
    connect: Connect,
    cipher: PayloadCipher,
    background: Background,
    limit: Callable[[], int],
    *,
    delivers: bool,
) -> DeliveryEngine:
    """Open the engine, on a connection of its own: what is delivered does not stand before the calls.

    Args:
        stack: stops it.
        gateway: the name of this gateway.
        cipher: encrypts what is stored.
        delivers: whether lanes may fall to this gateway.
    """
    bus, lanes = await connect_lanes(stack, gateway, connect, cipher, background, limit, delivers=delivers)
    engine = DeliveryEngine(
        GroupCommit(bus, streams.WORK, cipher),
        GroupCommit(bus, streams.MESSAGES, cipher),
        GroupCommit(bus, streams.EVENTS, cipher),
        GroupCommit(bus, streams.DEAD, cipher),
        cipher,
        lanes,
        bus,
    )
    for store in (engine.work, engine.messages, engine.events, engine.dead):
        stack.push_async_callback(store.stop)
    stack.push_async_callback(lanes.stop)
    return engine


async def connect_lanes(
    stack: AsyncExitStack,
    gateway: str,
    connect: Connect,
    cipher: PayloadCipher | None,
    background: Background,
    limit: Callable[[], int] = lambda: sys.maxsize,
    *,
    delivers: bool = True,
) -> tuple[NatsRequestReply, Lanes]:
    """Connect for delivery, and make the lanes that follow what becomes of the connection.

    Args:
        stack: closes the connection; the lanes are to be stopped before.
        gateway: the name of this gateway.
        cipher: decrypts what is stored; None where it is not encrypted.
        delivers: whether lanes may fall to this gateway.
    """
    bus = NatsRequestReply()
    opened: list[Lanes] = []

    async def lost() -> None:
        await bus.connection_lost()
        for lanes in opened:
            lanes.connection_lost()

    async def back() -> None:
        for lanes in opened:
            lanes.connection_back()

    connection = await connect(lost, back)
    stack.push_async_callback(connection.close)
    await bus.start(connection)
    stack.callback(bus.stop)
    lanes = Lanes(gateway, bus, connection, background, cipher, limit, delivers=delivers)
    opened.append(lanes)
    return bus, lanes
