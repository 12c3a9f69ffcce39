"""What `FastNatsClient` does, over nats-py's public interface alone: for whoever runs with `--fast-path off`.

It costs a third of the throughput of calls (docs/decisions/027). It is there so that a fault can be told from one of the fast client, and
so that every test of calls and faults runs both ways.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as LibrarySubscription
from nats.errors import ConnectionClosedError, FlushTimeoutError, MaxPayloadError, OutboundBufferLimitError
from nats.errors import Error as NatsError

from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats import protocol
from lgsp_runtime.nats.client import Subscription
from lgsp_runtime.nats.connection import ConnectionWatch, NatsConnection, NatsEndpoint
from lgsp_runtime.nats.link import MAX_UNSENT_BYTES
from lgsp_runtime.nats.protocol import RawHandler

Hook = Callable[[], Awaitable[None]]
Publication = tuple[str, bytes, str, dict[str, str] | None]

CLOSE_SECONDS = 5.0
"""How long a server may take to read what is left for it, before its connection is left as it is."""

PAUSE_SECONDS = 0.5
"""Between two attempts to make a connection that nats-py has given up."""


@dataclass(slots=True)
class _ActiveSubscription:
    """A subscription, and what it is in the connection of the moment."""

    subscription: Subscription
    handler: RawHandler
    now: LibrarySubscription | None = None


class PublicNatsClient:
    """A connection for calls, as `CallClient` says.

    Args:
        name: what the server calls it in its monitoring.
        on_disconnected, on_reconnected: awaited when it is lost, and when it is there again.
    """

    def __init__(
        self, door: NatsEndpoint, name: str, on_disconnected: Hook | None = None, on_reconnected: Hook | None = None
    ) -> None:
        self._door = door
        self._name = name
        self._on_disconnected = on_disconnected
        self._on_reconnected = on_reconnected
        self._loop = asyncio.get_running_loop()
        self._numbers = count(1)
        self._subscribed: dict[bytes, _ActiveSubscription] = {}
        self._outgoing: deque[Publication] = deque()
        self._outgoing_bytes = 0
        self._something = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._watch = ConnectionWatch(door, name)
        self._tasks: list[Task] = []
        self._own = Background()
        self.last_error: Exception | None = None
        """What failed last."""
        self._reconnects = 0
        self._losses = 0

    @property
    def is_connected(self) -> bool:
        """Tell whether the connection is there."""
        return self._connection.is_connected

    @property
    def reconnects(self) -> int:
        """Return how often the connection was lost and came back."""
        return self._reconnects

    @property
    def max_payload(self) -> int:
        """Return the most bytes of headers and payload that the server takes in one message."""
        return self._connection.max_payload

    @property
    def _connection(self) -> NatsConnection:
        return self._watch.connection

    async def connect(self, background: Background | None = None) -> None:
        """Connect, and stay connected until `close`.

        Args:
            background: where the connection is looked after; its own, when None.

        Raises:
            Refusal: `cannot-start`, when nothing answers at the address or the user is refused.
        """
        await self._open()
        keeper = background or self._own
        self._tasks = [
            keeper.run_forever(f"nats connection {self._name}", self._maintain, essential=True),
            keeper.run_forever(f"nats sending {self._name}", self._send, essential=True),
        ]

    async def close(self) -> None:
        """Send what waits, and end the connection for good."""
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            await self.flush()
        for task in self._tasks:
            await task.stop()
        await self._close_connection()

    async def subscribe(self, subject: str, handler: RawHandler, queue: str = "") -> Subscription:
        """Hand each message of a subject to a handler as it arrives, on this connection and on every one after it.

        Args:
            queue: the group of subscribers of which one gets each message; "" for none.
        """
        subscription = Subscription(b"%d" % next(self._numbers), subject, queue)
        made = self._subscribed[subscription.id] = _ActiveSubscription(subscription, handler)
        if self.is_connected:
            await self._subscribe_now(made)
        return subscription

    async def drain(self, *subscriptions: Subscription) -> None:
        """End subscriptions, and return when everything that was on its way has been handed over."""
        drained = [self._subscribed.pop(one.id) for one in subscriptions if one.id in self._subscribed]
        results = await asyncio.gather(
            *(one.now.drain() for one in drained if one.now),  # type: ignore[no-untyped-call]
            return_exceptions=True,
        )
        if any(isinstance(result, FlushTimeoutError) for result in results):
            # nats-py would subscribe them again on its next connection; one that it does not know of them takes its place.
            await self._close_connection()
            await self._connection_lost()

    def publish_nowait(self, subject: str, payload: bytes, reply: str = "", headers: bytes = b"") -> None:
        """Publish, as soon as the task that does it gets its turn.

        Raises:
            ConnectionClosedError: there is no connection.
            MaxPayloadError: the server would not take it.
            OutboundBufferLimitError: too much waits to be sent already.
        """
        connection = self._connection
        if not connection.is_connected:
            raise ConnectionClosedError
        if len(payload) + len(headers) > connection.max_payload:
            raise MaxPayloadError
        if self._is_full:
            raise OutboundBufferLimitError
        self._outgoing.append((subject, payload, reply, protocol.decode_headers(headers) if headers else None))
        self._outgoing_bytes += len(payload)
        self._something.set()
        self._all_sent.clear()

    def flush_nowait(self) -> None:
        """Do nothing: the task that publishes is woken already."""

    async def wait_writable(self) -> None:
        """Return when something can be published again, or there is no connection."""
        while self._is_full and self.is_connected:
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                await self.flush(1.0)

    async def flush(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - one end for all that it waits for
        """Return when the server has read what was sent before.

        Raises:
            ConnectionClosedError: there is no connection, or it ended.
            TimeoutError: it did not answer in so many seconds.
        """
        losses = self._losses
        async with asyncio.timeout(timeout):
            await self._all_sent.wait()
            if not self.is_connected:
                raise ConnectionClosedError
            await self._connection.flush(timeout)
            if self._losses > losses or not self.is_connected:  # then that returns all the same
                raise ConnectionClosedError

    @property
    def _is_full(self) -> bool:
        return self._outgoing_bytes + self._connection.pending_data_size > MAX_UNSENT_BYTES

    async def _send(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            while self._outgoing:
                subject, payload, reply, headers = self._outgoing.popleft()
                self._outgoing_bytes -= len(payload)
                with contextlib.suppress(NatsError, OSError):  # nothing is kept for a connection that comes later
                    await self._connection.publish(subject, payload, reply=reply, headers=headers)
            self._all_sent.set()

    async def _maintain(self) -> None:
        """Keep a connection there, for ever: where nats-py has given one up, as it does when a token ends, make the next."""
        while True:
            with contextlib.suppress(ConnectionClosedError):
                await self._watch.run()
            await self._close_connection()
            while not self.is_connected:
                try:
                    await self._open()
                except Refusal:
                    structlog.get_logger().info("nats trouble", connection=self._name)
                    await self._connection_lost()
                    await asyncio.sleep(PAUSE_SECONDS)
            await self._reconnected()

    async def _open(self) -> None:
        watch = ConnectionWatch(
            self._door,
            self._name,
            self._connection_lost,
            self._reconnected,
            pending_size=0,
            skip_subject_validation=True,
        )
        await watch.connect()
        self._watch = watch
        for made in self._subscribed.values():
            await self._subscribe_now(made)
        await self.flush()

    async def _subscribe_now(self, made: _ActiveSubscription) -> None:
        async def answer(message: Msg) -> None:
            headers = _header_block(message.headers) if message.headers else b""
            try:
                made.handler(message.subject.encode(), message.reply.encode(), message.data, headers)
            except Exception as error:  # the next message is handed over all the same
                self._loop.call_exception_handler({"message": "a message was not taken", "exception": error})

        subscription = made.subscription
        made.now = await self._connection.subscribe(subscription.subject, queue=subscription.queue, cb=answer)

    async def _close_connection(self) -> None:
        with contextlib.suppress(TimeoutError):  # nats-py waits for a server that does not read, for ever
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.close()

    async def _connection_lost(self) -> None:
        self._losses += 1
        self._outgoing.clear()
        self._outgoing_bytes = 0
        self._all_sent.set()
        await self._notify(self._on_disconnected)

    async def _reconnected(self) -> None:
        self._reconnects += 1
        await self._notify(self._on_reconnected)

    async def _notify(self, hook: Hook | None) -> None:
        """Call a hook; what it raises must not end the attempts to connect."""
        try:
            if hook:
                await hook()
        except Exception as error:
            structlog.get_logger().error("nats callback failed", error=type(error).__name__, frames=frames(error))


def _header_block(headers: dict[str, Any]) -> bytes:
    """A header block as it came: nats-py makes a field of the status in its first line."""
    status = headers.get("Status")
    return f"NATS/1.0 {status}\r\n\r\n".encode() if status else protocol.encode_headers(headers)
