"""One TCP connection to one NATS server, from its INFO to its end; what outlives it is `FastNatsClient`'s.

It counts as there when the server has answered the first PING: CONNECT, every subscription and that PING leave together, so
nothing is published on a connection that does not hear yet.
"""

import asyncio
import contextlib
import ipaddress
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
from nats.errors import ConnectionClosedError

from lgsp_runtime.nats import protocol
from lgsp_runtime.nats.protocol import PermissionsError, ProtocolError, RawHandler, ServerStream

CONNECT_SECONDS = 2.0
"""How long a server may take until it has said what it is: one that is down may not even refuse."""

ANSWER_SECONDS = 4.0
"""How long it may take from there to the first PONG; it may have to ask a gateway who this is (auth callout)."""

MAX_UNSENT_BYTES = 16 * 1024 * 1024
"""What may wait to be sent: at full load one second's worth. More waits only where the server does not read."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where one server is."""

    host: str
    port: int
    tls: bool = False
    tls_name: str = ""
    """The name that its certificate must have."""
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, address: str) -> "Server":
        """Read `nats://[user:password@]host[:4222]` or `tls://…`; the scheme may be left out.

        Raises:
            ValueError: it is none of these.
        """
        parts = urlsplit(address if "://" in address else f"nats://{address}")
        if parts.scheme not in ("nats", "tls") or not parts.hostname:
            raise ValueError("not an address of the form nats://host:port or tls://host:port")
        host, tls = parts.hostname, parts.scheme == "tls"
        return cls(host, parts.port or 4222, tls, host, parts.username or "", parts.password or "")

    def sibling(self, address: str) -> "Server":
        """Return another server of the same cluster, which this one announced: at a bare IP address, its certificate has this one's name."""
        parsed = Server.parse(address)
        try:
            ipaddress.ip_address(parsed.host)
        except ValueError:
            name = parsed.host
        else:
            name = self.tls_name
        return Server(parsed.host, parsed.port, self.tls, name, self.user, self.password)


class Link(asyncio.Protocol):
    """One connection.

    Args:
        handlers: who takes the messages of each subscription, by its id.
        on_end: told once, with this link, when a connection that was there is gone.
        on_error: told of what the server refuses without ending the connection.
    """

    def __init__(
        self,
        handlers: Mapping[bytes, RawHandler],
        on_end: Callable[["Link"], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_end = on_end
        self._on_error = on_error
        stream = ServerStream(handlers, self._on_control_line, self._handler_failed, self.abort)
        self.data_received = stream.feed  # type: ignore[method-assign]
        self._informed: asyncio.Future[None] = self._loop.create_future()
        self._pongs: deque[asyncio.Future[None]] = deque()
        self.transport: asyncio.Transport | None = None
        """What is written to; None where the connection is gone."""
        self._there = False
        self.info: dict[str, Any] = {}
        self.max_payload = 0
        self.error: Exception | None = None
        """Why it ended, as far as anybody said."""
        self.is_full = False
        """Does more wait to be sent than may?"""
        self.changed = asyncio.Event()
        """Set when it has ended, is leaving (lame duck), or may be written to again."""

    @property
    def has_ended(self) -> bool:
        """Tell whether it is gone."""
        return self.transport is None

    @property
    def is_leaving(self) -> bool:
        """Tell whether the server is about to stop (lame duck mode)."""
        return bool(self.info.get("ldm"))

    async def open(
        self,
        server: Server,
        tls: ssl.SSLContext | None,
        options: Callable[[], Mapping[str, object]],
        subscriptions: Callable[[], bytes],
    ) -> None:
        """Connect, subscribe, and return when the server has answered.

        Args:
            tls: with what to speak TLS; a server that then offers none is not spoken to.
            options: what CONNECT says; asked when the server has said what it is, so that a token is as fresh as can be.
            subscriptions: the lines that subscribe.

        Raises:
            TimeoutError, OSError, NatsError: that cannot be; then nothing is left open.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._loop.create_connection(lambda: self, server.host, server.port)
                await self._informed
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._secure(server, tls)
                self.write(protocol.connect_line(options()) + subscriptions())
                await self.ping()
            if self.has_ended:  # since the server answered
                raise self._reason()
        except BaseException:
            self.abort()
            raise
        self._there = True

    async def _secure(self, server: Server, tls: ssl.SSLContext | None) -> None:
        required = bool(self.info.get("tls_required"))
        if not (tls or server.tls or required):
            return
        if not (required or self.info.get("tls_available")):
            raise ProtocolError("nats: the server offers no TLS")
        context = tls or ssl.create_default_context()
        plain = self.transport
        if plain is None:
            raise self._reason()
        secured = await self._loop.start_tls(plain, self, context, server_hostname=server.tls_name or server.host)
        if secured is None or self.error:
            raise self._reason()
        self._adopt_transport(secured)

    def write(self, data: bytes) -> None:
        """Send; nothing where the connection is gone."""
        if self.transport is not None:
            self.transport.write(data)

    def ping(self) -> "asyncio.Future[None]":
        """Ask for a sign of life: awaited, it returns when the server has read all that was written before.

        Raises:
            NatsError: when awaited; the connection ended.
        """
        pong: asyncio.Future[None] = self._loop.create_future()
        if self.transport is None:
            pong.set_exception(self._reason())
        else:
            self._pongs.append(pong)
            self.transport.write(protocol.PING)
        pong.add_done_callback(_mark_retrieved)
        return pong

    async def close(self) -> None:
        """Send what waits, and end it."""
        if self.transport is not None:
            self.transport.close()
            with contextlib.suppress(TimeoutError):
                await self.wait_ended(CONNECT_SECONDS)
        self.abort()

    def abort(self, error: Exception | None = None) -> None:
        """End it at once."""
        self.error = self.error or error
        if self.transport is not None:
            self.transport.abort()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return when something holds that `changed` tells of."""
        while not condition():
            self.changed.clear()
            await self.changed.wait()

    async def wait_ended(self, seconds: float) -> None:
        """Return when it has ended.

        Raises:
            TimeoutError: it had not, in so many seconds.
        """
        async with asyncio.timeout(seconds):
            await self.wait_until(lambda: self.has_ended)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._adopt_transport(cast("asyncio.Transport", transport))  # uvloop's is one in all but its class

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits for it that it is gone."""
        self.error = self.error or exc
        self.transport = None
        self.is_full = False
        for waiting in (self._informed, *self._pongs):
            if not waiting.done():
                waiting.set_exception(self._reason())
                _mark_retrieved(waiting)
        self._pongs.clear()
        self.changed.set()
        if self._there:
            self._on_end(self)

    def pause_writing(self) -> None:
        """Note that the server reads more slowly than is written."""
        self.is_full = True

    def resume_writing(self) -> None:
        """Note that the server has read on."""
        self.is_full = False
        self.changed.set()

    def _adopt_transport(self, transport: asyncio.Transport) -> None:
        transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES, low=MAX_UNSENT_BYTES // 2)
        self.transport = transport

    def _reason(self) -> Exception:
        return self.error or ConnectionClosedError()

    def _handler_failed(self, error: Exception) -> None:
        self._loop.call_exception_handler({"message": "a message was not taken", "exception": error})

    def _on_control_line(self, line: bytes) -> None:
        match line.split(None, 1)[0] if line.strip() else b"":
            case b"PONG":
                if self._pongs:
                    pong = self._pongs.popleft()
                    if not pong.done():  # whoever waited has gone
                        pong.set_result(None)
            case b"PING":
                self.write(protocol.PONG)
            case b"+OK":
                pass
            case b"INFO":
                self._update_server_info(line[5:])
            case b"-ERR":
                error = protocol.server_error(line)
                if isinstance(error, PermissionsError):
                    self._on_error(error)
                else:
                    self.abort(error)
            case _:
                raise ProtocolError("nats: a line of no known kind")

    def _update_server_info(self, document: bytes) -> None:
        info = orjson.loads(document)
        if not isinstance(info, dict):
            raise ProtocolError("nats: INFO is no object")
        self.info = info
        self.max_payload = int(info.get("max_payload", 0))
        if not self._informed.done():
            self._informed.set_result(None)
        if self.is_leaving:
            self.changed.set()


def _mark_retrieved(waiting: "asyncio.Future[None]") -> None:
    """Mark what a future failed with as seen: who waits for it is told all the same, and nobody need wait."""
    if waiting.done() and not waiting.cancelled():
        waiting.exception()
