"""How long one connection may be slow: looked at a few times in each of its spans, so that a call pays nothing for it."""

import asyncio
import math
import socket
import struct
from enum import Enum
from typing import Protocol

from lgsp_gateway.http.connections import ConnectionLimits

LOOKS = 4
"""In the shortest span that a connection may take: it ends at most a quarter of it too late."""

LEAST_SENT = 16 * 1024
"""Bytes that must be taken of an answer in its span."""


class State(Enum):
    """What a connection is doing."""

    HEAD = "a head is awaited"
    BODY = "a document is awaited"
    IDLE = "nothing is asked"
    SEND = "an answer is not read"
    BUSY = "a request is being answered"


class Watched(Protocol):
    """A connection, as it is seen from here."""

    def state(self) -> State:
        """What it is doing, but for sending."""

    def serial(self) -> float:
        """Something that changes with each request."""

    def end(self, state: State) -> None:
        """It was in this state for too long."""


class Patience:
    """Looks at one connection until it is lost."""

    def __init__(
        self,
        limits: ConnectionLimits,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        connection: Watched,
    ) -> None:
        self._spans = {
            State.HEAD: limits.head_seconds,
            State.BODY: limits.body_seconds,
            State.IDLE: limits.idle_seconds,
            State.SEND: limits.send_seconds,
            State.BUSY: math.inf,
        }
        self._pause = min(span for span in self._spans.values()) / LOOKS
        self._loop = loop
        self._transport = transport
        self._connection = connection
        self._seen: tuple[State, float] = (State.HEAD, connection.serial())
        self._since = loop.time()
        self._unsent = 0
        self._timer = loop.call_later(self._pause, self._look)

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def renew(self) -> None:
        """Something moves: the span begins anew."""
        self._since = self._loop.time()

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._pause, self._look)
        unsent = self._transport.get_write_buffer_size()
        now, state = self._loop.time(), State.SEND if unsent else self._connection.state()
        seen = (state, self._connection.serial() if state is not State.SEND else 0)
        if seen != self._seen or (state is State.SEND and unsent <= self._unsent - LEAST_SENT):
            self._seen, self._since, self._unsent = seen, now, unsent
            return
        self._unsent = max(self._unsent, unsent)
        if now - self._since < self._spans[state]:
            return
        self._since = now
        if state is State.SEND:
            reset(self._transport)
        self._connection.end(state)


def reset(transport: asyncio.Transport) -> None:
    """Throw away what a connection was to send: without this the kernel keeps it, and waits for a reader on its own."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
