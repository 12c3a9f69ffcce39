"""Time-outs of connections, by what they wait for.

One sweep checks all connections, a sixteenth of them in each turn: a timer for each connection would cost every call, and a check of
ten thousand connections at once would block the event loop for milliseconds.
"""

import asyncio
import math
import socket
import struct
from enum import Enum
from typing import Protocol

from lgsp_gateway.http.connection_limits import ConnectionLimits

CHECKS_PER_TIMEOUT = 4
"""How often a connection is checked within the shortest time-out: it is closed at most a quarter of it too late."""

SLICES = 16
"""Turns in which all connections are checked once."""

MIN_PROGRESS_BYTES = 16 * 1024
"""Bytes of a response that the client must read within the time-out of sending."""


class ConnectionState(Enum):
    """What a connection is doing."""

    HEAD = "a head is awaited"
    BODY = "a body is awaited"
    IDLE = "no request is open"
    SEND = "the client does not read the response"
    BUSY = "a request is being answered"


class TimedConnection(Protocol):
    """A connection, as the sweep sees it."""

    clock: "ConnectionClock"

    def state(self) -> ConnectionState:
        """Return its state; never `SEND`, which the sweep derives from `unsent`."""

    def serial(self) -> int:
        """Return a number that changes with each request."""

    def unsent(self) -> int:
        """Return how many bytes of responses its client has not read."""

    def end(self, state: ConnectionState) -> None:
        """Close it: it has been in this state for too long."""


class ConnectionClock:
    """Since when (seconds of the event loop's clock) a connection has been in its state, and how much it had to send then."""

    __slots__ = ("since", "state", "unsent")

    def __init__(self, now: float) -> None:
        self.state: tuple[ConnectionState, int] = (ConnectionState.HEAD, 0)
        self.since = now
        self.unsent = 0


class TimeoutSweep:
    """Checks every connection until it is removed.

    Args:
        limits: how long each state may last.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self._timeouts = {
            ConnectionState.HEAD: limits.head_seconds,
            ConnectionState.BODY: limits.body_seconds,
            ConnectionState.IDLE: limits.idle_seconds,
            ConnectionState.SEND: limits.send_seconds,
            ConnectionState.BUSY: math.inf,
        }
        self._pause = min(self._timeouts.values()) / CHECKS_PER_TIMEOUT / SLICES
        self._loop = asyncio.get_running_loop()
        self._slices: list[set[TimedConnection]] = [set() for _ in range(SLICES)]
        self._added = self._turn = 0
        self._timer = self._loop.call_later(self._pause, self._check_slice)

    def add(self, connection: TimedConnection) -> None:
        """Check a connection from now on."""
        self._added += 1
        self._slices[self._added % SLICES].add(connection)

    def remove(self, connection: TimedConnection) -> None:
        """Stop checking a connection."""
        for connections in self._slices:
            connections.discard(connection)

    def stop(self) -> None:
        """Stop checking connections."""
        self._timer.cancel()

    def _check_slice(self) -> None:
        self._timer = self._loop.call_later(self._pause, self._check_slice)
        self._turn = (self._turn + 1) % SLICES
        now = self._loop.time()
        for connection in list(self._slices[self._turn]):
            self._check(connection, now)

    def _check(self, connection: TimedConnection, now: float) -> None:
        clock, unsent = connection.clock, connection.unsent()
        state = ConnectionState.SEND if unsent else connection.state()
        current = (state, connection.serial() if state is not ConnectionState.SEND else 0)
        progressed = state is ConnectionState.SEND and unsent <= clock.unsent - MIN_PROGRESS_BYTES
        if current != clock.state or progressed:
            clock.state, clock.since, clock.unsent = current, now, unsent
            return
        clock.unsent = max(clock.unsent, unsent)
        if now - clock.since >= self._timeouts[state]:
            clock.since = now
            connection.end(state)


def abort_with_reset(transport: asyncio.Transport) -> None:
    """Close a connection and discard what it had to send; else the kernel would keep that and wait for the client to read it."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
