"""A client of NATS for the subjects that every call passes: publishing and handing over cost what the bytes cost.

Why not nats-py: publishing takes two coroutines, two checks of the subject by regular expression and a future for each flush; what
arrives wakes a reader, is matched by regular expressions, becomes an object, goes through a queue and wakes a second task. Through its
public interface alone a whole call is slower by a third (measured; docs/decisions/027). So calls have a connection of their own, made
of what asyncio and the protocol's own document promise; JetStream, key-value and everything administrative stay nats-py's.

What holds:

* One reader and one writer: a link reads, this writes, and only to the link of the moment.
* Nothing is kept over a lost connection: what was published is gone, and `on_disconnected` lets whoever waits for a reply be told at once.
* Subscriptions leave with CONNECT, before the first PONG; connected means that this PONG has come.
* Each connection asks for the token anew, so that one that expired is followed by the next.
* A server that refuses one subject is told of in the log; whatever else it says with `-ERR` ends the connection, and a new one is made.
* Subjects, reply subjects and headers hold no blanks and no line ends; whoever makes them sees to that.
* A handler that raises ends nothing.
* What waits to be sent is bounded: beyond it publishing refuses, until the server has read.
"""

import asyncio
import contextlib
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any

import structlog
from nats.errors import (
    ConnectionClosedError,
    MaxPayloadError,
    OutboundBufferLimitError,
    StaleConnectionError,
    UnexpectedEOF,
)
from nats.errors import Error as NatsError

from lgsp_runtime import connection_errors
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats import protocol
from lgsp_runtime.nats.client import Subscription
from lgsp_runtime.nats.cluster_probe import ClusterProbe
from lgsp_runtime.nats.connection import NatsEndpoint
from lgsp_runtime.nats.leaving_link import LeavingLink, NewHandlers
from lgsp_runtime.nats.link import Link, Server
from lgsp_runtime.nats.protocol import AuthorizationError, RawHandler

Hook = Callable[[], Awaitable[None]]

FLUSH_PARTS = 96
"""Pieces that are gathered before they are sent: with 32 messages on their way the other side can begin."""

LARGE_BYTES = 64 * 1024
"""A payload that is sent at once: there is nothing to save by gathering."""

PING_SECONDS = 5.0
"""How often the server is asked for a sign of life; a connection to one that leaves so many unanswered is made anew."""

MAX_UNANSWERED = 2

CLUSTER_PING_SECONDS, CLUSTER_MAX_UNANSWERED = 1.0, 3
"""The same where there is another server to go to: one that has stopped, or is cut off, refuses nothing and answers nothing."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two rounds of attempts to connect, doubled from the first to the longest."""


class FastNatsClient:
    """A connection for calls, as `CallClient` says.

    Args:
        name: what the server calls it in its monitoring.
        on_disconnected: awaited after a connection is lost and again after each attempt that was refused, before the next.
        on_reconnected: awaited when it is there again.
    """

    def __init__(
        self, door: NatsEndpoint, name: str, on_disconnected: Hook | None = None, on_reconnected: Hook | None = None
    ) -> None:
        self._door = door
        self._servers = [Server.parse(address) for address in door.servers]
        self._name = name
        self._on_disconnected = on_disconnected
        self._on_reconnected = on_reconnected
        self._loop = asyncio.get_running_loop()
        self._log = structlog.get_logger().bind(connection=name)
        self._numbers = count(1)
        self._subscriptions: dict[bytes, Subscription] = {}
        self._handlers: dict[bytes, RawHandler] = {}
        self._outgoing: list[bytes] = []
        self._probe = ClusterProbe(door.probe)
        self._probe_answers = f"_INBOX.{secrets.token_hex(11)}"
        self._link: Link | None = None
        self._leaving: LeavingLink | None = None
        self._server: Server | None = None
        self._info: Mapping[str, Any] = {}
        self._task: Task | None = None
        self._closing: asyncio.Task[None] | None = None
        self._own = Background()
        self.last_error: Exception | None = None
        """What failed last, or what the server refused last, on this connection or on the way to it."""
        self._reconnects = 0

    @property
    def is_connected(self) -> bool:
        """Tell whether the connection is there."""
        return self._link is not None

    @property
    def reconnects(self) -> int:
        """Return how often the connection was lost and came back."""
        return self._reconnects

    @property
    def max_payload(self) -> int:
        """Return the most bytes of headers and payload that the server takes in one message."""
        return self._link.max_payload if self._link else 0

    async def connect(self, seconds: float, background: Background | None = None) -> None:
        """Connect, and stay connected until `close`.

        Args:
            seconds: for how long servers that are not there are tried.
            background: where the connection is looked after; its own, when None.

        Raises:
            AuthorizationError: a server does not let this user in; told at once.
            OSError, TimeoutError, NatsError: why the last attempt failed, when the time is over.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._connect(self._refuse_to_start, starts=True)
        except TimeoutError as error:
            raise (self.last_error or error) from error
        if self._probe.subject:
            await self.subscribe(self._probe_answers, self._on_probe_answer)
        keeper = background or self._own
        self._task = keeper.run_forever(f"nats connection {self._name}", self._maintain, essential=True)

    async def close(self) -> None:
        """Send what waits, and end the connection for good."""
        if self._task:
            await self._task.stop()
        if self._closing:
            self._closing.cancel()
            await asyncio.wait({self._closing})
        self.flush_nowait()
        link, self._link = self._link, None
        if link:
            await link.close()

    async def subscribe(self, subject: str, handler: RawHandler, queue: str = "") -> Subscription:
        """Hand each message of a subject to a handler as it arrives, on this connection and on every one after it.

        Args:
            queue: the group of subscribers of which one gets each message; "" for none.

        Raises:
            ValueError: subject or queue group are none.
        """
        subscription = Subscription(b"%d" % next(self._numbers), subject, queue)
        line = protocol.subscribe_line(subscription.id, subject, queue)
        self._subscriptions[subscription.id] = subscription
        self._handlers[subscription.id] = handler
        if self._link:
            self._link.write(line)
        return subscription

    async def drain(self, *subscriptions: Subscription) -> None:
        """End subscriptions, and return when everything that was on its way has been handed over."""
        self.flush_nowait()
        for subscription in subscriptions:
            if self._subscriptions.pop(subscription.id, None) and self._link:
                self._link.write(protocol.unsubscribe_line(subscription.id))
        with contextlib.suppress(NatsError, OSError, TimeoutError):  # without a connection nothing is on its way
            await self.flush()
        for subscription in subscriptions:
            self._handlers.pop(subscription.id, None)

    def publish_nowait(self, subject: str, payload: bytes, reply: str = "", headers: bytes = b"") -> None:
        """Publish. What is published in one turn of the event loop leaves together.

        Args:
            subject, reply: valid subjects; nobody checks them.
            headers: as `protocol.encode_headers` makes them.

        Raises:
            ConnectionClosedError: there is no connection; nothing is kept for later.
            MaxPayloadError: the server would not take it.
            OutboundBufferLimitError: too much waits to be sent already.
        """
        link = self._link
        if link is None:
            raise ConnectionClosedError
        if link.is_full:
            raise OutboundBufferLimitError
        outgoing, size = self._outgoing, len(payload)
        if headers:
            size += len(headers)
            line = f"HPUB {subject} {reply} {len(headers)} {size}\r\n".encode()
            parts: tuple[bytes, ...] = (line, headers, payload, b"\r\n")
        else:
            parts = (f"PUB {subject} {reply} {size}\r\n".encode(), payload, b"\r\n")
        if size > link.max_payload:
            raise MaxPayloadError
        if self._leaving is not None and not reply and self._leaving.answer(subject, b"".join(parts)):
            return
        if not outgoing:
            self._loop.call_soon(self.flush_nowait)
        outgoing += parts
        if len(outgoing) > FLUSH_PARTS or size > LARGE_BYTES:
            self.flush_nowait()

    def flush_nowait(self) -> None:
        """Send what was published in this turn now."""
        if self._outgoing:
            data = b"".join(self._outgoing)
            self._outgoing.clear()
            if self._link is not None and self._link.transport is not None:
                self._link.transport.write(data)

    async def wait_writable(self) -> None:
        """Return when something can be published again, or there is no connection."""
        link = self._link
        if link:
            await link.wait_until(lambda: link.has_ended or not link.is_full)

    async def flush(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - one end for all that it waits for
        """Return when the server has read what was sent before.

        Raises:
            ConnectionClosedError: there is no connection; NatsError, OSError: it ended.
            TimeoutError: it did not answer in so many seconds.
        """
        link = self._link
        if link is None:
            raise ConnectionClosedError
        self.flush_nowait()
        async with asyncio.timeout(timeout):
            await link.ping()

    async def _maintain(self) -> None:
        """Keep a connection there, for ever."""
        while True:
            if self._link is None:
                await self._notify(self._on_disconnected)
                await self._connect(self._ask_for_new_credentials)
                self._reconnects += 1
                self._log.info("nats connection back")
                await self._notify(self._on_reconnected)
            elif (self._link.is_leaving or self._probe.is_cut_off) and len(self._known_servers()) > 1:
                await self._migrate(self._link)
            else:
                await self._watch(self._link)

    async def _watch(self, link: Link) -> None:
        """Return when a link has ended, its server is cut off, or says that it is about to stop, or then names other servers."""
        told = link.info
        has_others = len(self._known_servers()) > 1
        seconds, unanswered = (
            (CLUSTER_PING_SECONDS, CLUSTER_MAX_UNANSWERED) if has_others else (PING_SECONDS, MAX_UNANSWERED)
        )
        pings: list[asyncio.Future[None]] = []
        while not link.has_ended and (link.info is told or not link.is_leaving):
            pings = [ping for ping in pings if not ping.done()]
            if len(pings) >= unanswered:
                self._log.warning("nats does not answer, connecting anew")
                link.abort(StaleConnectionError())
            else:
                pings.append(link.ping())
                if has_others:
                    self._ask_cluster()
                if has_others and self._probe.is_cut_off:
                    return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await link.wait_until(lambda: link.has_ended or (link.info is not told and link.is_leaving))

    def _ask_cluster(self) -> None:
        if self._probe.subject:
            self._probe.asked()
            with contextlib.suppress(NatsError):
                self.publish_nowait(self._probe.subject, b"", self._probe_answers)

    def _on_probe_answer(self, _subject: bytes, _reply: bytes, answer: bytes, _headers: bytes) -> None:
        self._probe.answered(answer)

    async def _connect(self, on_refused: Hook, *, starts: bool = False) -> None:
        pause = FIRST_PAUSE
        while True:
            refused, untrusted, servers = False, 0, self._known_servers()
            for server in servers:
                try:
                    self._activate(server, await self._open(server))
                except (OSError, NatsError, TimeoutError) as error:
                    self._record_error(error)
                    refused |= isinstance(error, AuthorizationError)
                    untrusted += connection_errors.is_untrusted(error)
                else:
                    return
            if refused or (starts and untrusted == len(servers)):
                await on_refused()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come at once
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _refuse_to_start(self) -> None:
        assert self.last_error
        raise self.last_error

    async def _ask_for_new_credentials(self) -> None:
        await self._notify(self._on_disconnected)

    async def _open(self, server: Server, handlers: Mapping[bytes, RawHandler] | None = None) -> Link:
        link = Link(self._handlers if handlers is None else handlers, self._on_link_end, self._record_error)
        await link.open(server, self._door.tls, lambda: self._options(server), self._subscribing)
        return link

    def _activate(self, server: Server, link: Link) -> None:
        self._server, self._link, self._info, self.last_error = server, link, link.info, None

    async def _migrate(self, leaving: Link) -> None:
        """Go to another server before this one stops, or from one that is cut off: what was asked by the old link is answered by it."""
        self._probe.moved()
        handlers = NewHandlers(self._handlers)
        for server in self._known_servers():
            if server != self._server:
                with contextlib.suppress(OSError, NatsError, TimeoutError):
                    link = await self._open(server, handlers)
                    self.flush_nowait()
                    self._activate(server, link)
                    self._leaving = LeavingLink(leaving, handlers)
                    break
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_PAUSE):
                    await leaving.wait_until(lambda: leaving.has_ended)
            return
        if leaving.is_leaving:
            self._log.info("nats server stops, connected to another")
        else:
            self._log.warning("nats server is cut off from the cluster, connected to another")
        leaving.write(b"".join(protocol.unsubscribe_line(one) for one in self._subscriptions))
        self._closing = self._own.run_once(
            f"nats connection {self._name}, to the server before", self._leaving.close_when_answered()
        )

    def _known_servers(self) -> list[Server]:
        """Those that the address names and those that the last one told of, beginning after the one of the last connection."""
        known = dict.fromkeys(self._servers)
        if self._server:
            info = self._link.info if self._link else self._info  # a server tells of those that joined since
            for address in info.get("connect_urls") or ():
                with contextlib.suppress(ValueError):
                    known.setdefault(self._server.sibling(str(address)))
        servers = list(known)
        after = servers.index(self._server) + 1 if self._server in known else 0
        return servers[after:] + servers[:after]  # each has its turn

    def _subscribing(self) -> bytes:
        return b"".join(protocol.subscribe_line(one.id, one.subject, one.queue) for one in self._subscriptions.values())

    def _options(self, server: Server) -> dict[str, object]:
        """What CONNECT says: who this is, and that it understands headers and a reply that says nobody is there."""
        options: dict[str, object] = {
            "verbose": False,
            "pedantic": False,
            "lang": "python",
            "version": "lgsp",
            "protocol": 1,
        }
        options |= {"echo": True, "headers": True, "no_responders": True, "name": self._name}
        if self._door.token:
            return options | {"auth_token": self._door.token()}
        user, password = (
            (self._door.user, self._door.current_password()) if self._door.user else (server.user, server.password)
        )
        return options | ({"user": user, "pass": password} if user else {})

    def _on_link_end(self, link: Link) -> None:
        if link is self._link:
            self._link, self._info = None, link.info
            self._outgoing.clear()
            self._log.warning("nats connection lost", error=type(link.error or UnexpectedEOF()).__name__)

    def _record_error(self, error: Exception) -> None:
        if type(error) is not type(self.last_error):  # several attempts a second fail in the same way
            self._log.info("nats trouble", error=type(error).__name__)
        self.last_error = error

    async def _notify(self, hook: Hook | None) -> None:
        """Call a hook; what it raises must not end the attempts to connect."""
        try:
            if hook:
                await hook()
        except Exception as error:
            self._log.error("nats callback failed", error=type(error).__name__, frames=frames(error))
