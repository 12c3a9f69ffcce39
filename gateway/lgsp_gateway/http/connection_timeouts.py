"""How long one connection may be slow.

One sweep looks at all connections, some of them in each turn: a timer for each would cost each call, and one look at ten thousand
connections would keep the event loop from everybody for milliseconds.
"""

import asyncio
import math
import socket
import struct
from enum import Enum
from typing import Protocol

from lgsp_gateway.http.connection_limits import ConnectionLimits

LOOKS_PER_TIMEOUT = 4
"""In the shortest span that a connection may take: it ends at most a quarter of it too late."""

SLICES = 16
"""Parts of one look at all connections."""

MIN_PROGRESS_BYTES = 16 * 1024
"""Bytes that must be taken of an answer in its span."""


class ConnectionState(Enum):
    """What a connection is doing."""

    HEAD = "a head is awaited"
    BODY = "a document is awaited"
    IDLE = "nothing is asked"
    SEND = "an answer is not read"
    BUSY = "a request is being answered"


class TimedConnection(Protocol):
    """A connection, as the sweep sees it."""

    clock: "ConnectionClock"

    def state(self) -> ConnectionState:
        """Tell what it is doing, but for sending."""

    def serial(self) -> int:
        """Tell something that changes with each request."""

    def unsent(self) -> int:
        """Tell how many bytes its caller has not taken."""

    def end(self, state: ConnectionState) -> None:
        """End it: it was in this state for too long."""


class ConnectionClock:
    """Since when a connection has been in its state, and how much it had to send then."""

    __slots__ = ("seen", "since", "unsent")

    def __init__(self, now: float) -> None:
        self.seen: tuple[ConnectionState, int] = (ConnectionState.HEAD, 0)
        self.since = now
        self.unsent = 0


class TimeoutSweep:
    """Looks at every connection until it is removed.

    Args:
        limits: how long each state may last.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self._spans = {
            ConnectionState.HEAD: limits.head_seconds,
            ConnectionState.BODY: limits.body_seconds,
            ConnectionState.IDLE: limits.idle_seconds,
            ConnectionState.SEND: limits.send_seconds,
            ConnectionState.BUSY: math.inf,
        }
        self._pause = min(self._spans.values()) / LOOKS_PER_TIMEOUT / SLICES
        self._loop = asyncio.get_running_loop()
        self._parts: list[set[TimedConnection]] = [set() for _ in range(SLICES)]
        self._added = self._turn = 0
        self._timer = self._loop.call_later(self._pause, self._look)

    def add(self, connection: TimedConnection) -> None:
        """Look at a connection from now on."""
        self._added += 1
        self._parts[self._added % SLICES].add(connection)

    def remove(self, connection: TimedConnection) -> None:
        """Look at it no more."""
        for part in self._parts:
            part.discard(connection)

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._pause, self._look)
        self._turn = (self._turn + 1) % SLICES
        now = self._loop.time()
        for connection in list(self._parts[self._turn]):
            self._look_at(connection, now)

    def _look_at(self, connection: TimedConnection, now: float) -> None:
        clock, unsent = connection.clock, connection.unsent()
        state = ConnectionState.SEND if unsent else connection.state()
        seen = (state, connection.serial() if state is not ConnectionState.SEND else 0)
        taken = state is ConnectionState.SEND and unsent <= clock.unsent - MIN_PROGRESS_BYTES
        if seen != clock.seen or taken:
            clock.seen, clock.since, clock.unsent = seen, now, unsent
            return
        clock.unsent = max(clock.unsent, unsent)
        if now - clock.since >= self._spans[state]:
            clock.since = now
            connection.end(state)


def abort_with_reset(transport: asyncio.Transport) -> None:
    """Throw away what a connection was to send: without this the kernel keeps it, and waits for a reader on its own."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
