"""The connection of a process to NATS: made patiently, kept for ever, and its ups and downs in the log.

This is nats-py's, for everything but calls (`fast_client.py`). It keeps a connection alive by tasks of its own, which nobody sees end. So one of ours looks whether the server answers: a
connection that is deaf is made anew, and where nats-py has given up, the process ends.
"""

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from nats.aio.client import Client
from nats.errors import ConnectionClosedError, FlushTimeoutError
from nats.errors import Error as NatsError

from lgsp_problems import CannotStart, Refusal
from lgsp_runtime import connection_errors
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.cluster_probe import ClusterProbe
from lgsp_runtime.nats.protocol import AuthorizationError
from lgsp_runtime.nats.server_errors import with_type

Hook = Callable[[], Awaitable[None]]

_NATS_PORT = 4222

RECONNECT_WAIT = 0.2
"""Seconds between two attempts to connect."""

START_SECONDS = 5.0
"""How long a starting process waits for NATS to be there; a user who is refused is told at once."""

SERVER_SECONDS = 2.0
"""How long it waits for each further server that an address names: one that is down may not even refuse."""

LOOK_SECONDS = 5.0
"""How often the connection is looked at."""

ANSWER_SECONDS = 5.0
"""How long the server may take to answer a ping, twice."""

CLUSTER_SECONDS = 1.5
"""The two where there is another server to go to: one that has stopped, or is cut off, refuses nothing and answers nothing."""

LONGEST_SECONDS = 86_400
"""For how long an answer is waited for at all."""

SILENT_SECONDS = 60.0
"""How long a lost connection may be without an attempt to make it anew; then nobody makes one any more."""


@dataclass(frozen=True, slots=True)
class NatsEndpoint:
    """Where NATS is and who is knocking: a user with a password, or whoever holds the access token of the moment.

    `url` names a server, or several with commas between them: whichever answers is taken.
    """

    url: str
    user: str = ""
    password: str = ""
    token: Callable[[], str] | None = None
    tls: ssl.SSLContext | None = None
    password_file: Path | None = None
    probe: str = ""
    """What is asked, where there are several servers, to know that one belongs to the majority of its cluster (`ClusterProbe`); "" for nothing."""

    def current_password(self) -> str:
        """Return the password that is in the file now, so that one that was changed needs no restart; where it cannot be read, that of the start."""
        if self.password_file:
            with contextlib.suppress(OSError):
                return self.password_file.read_text(encoding="utf-8").strip() or self.password
        return self.password

    @property
    def servers(self) -> list[str]:
        """Return the address of each server, in the order in which this process tries them.

        All connections of a process begin with the same one, and different processes with different ones: where a server is cut off from the
        others, some gateways have nothing to do with it, and the load balancer sends calls to these.
        """
        named = [server.strip() for server in self.url.split(",") if server.strip()]
        first = os.getpid() % max(1, len(named))
        return named[first:] + named[:first]

    @property
    def credentials(self) -> dict[str, Any]:
        """Return who connects, as nats-py wants it."""
        who = {"token": self.token} if self.token else {"user": self.user, "password": self.current_password}
        return {**who, "tls": self.tls} if self.tls else who

    @classmethod
    def with_password_file(
        cls, url: str, user: str, password_file: Path, tls: ssl.SSLContext | None = None, probe: str = ""
    ) -> "NatsEndpoint":
        """Read the password of a user from a file.

        Raises:
            Refusal: `cannot-start`, when the file cannot be read.
        """
        try:
            password = password_file.read_text(encoding="utf-8").strip()
            return cls(url, user, password, tls=tls, password_file=password_file, probe=probe)
        except OSError as error:
            raise CannotStart(
                vi=f"Không đọc được mật khẩu NATS ở {password_file}: {error.strerror}.",
                en=f"Cannot read the NATS password in {password_file}: {error.strerror}; name the right file.",
            ) from error


def first_server(url: str) -> str:
    """Return host and port of the first server of an address, without whatever else it may hold."""
    return url.split(",", maxsplit=1)[0].rpartition("//")[2].rpartition("@")[2].rstrip("/")


def connection_broken() -> Refusal:
    """Return the refusal of a process whose connection broke while it started."""
    return CannotStart(
        vi="Kết nối NATS bị ngắt trong lúc khởi động; hãy kiểm tra máy chủ NATS rồi khởi động lại.",
        en="The connection to NATS broke while this was starting; check the server, then start this again.",
    )


async def cannot_connect(url: str, reason: Exception) -> Refusal:
    """Return the refusal of a process that finds no NATS, does not trust it, or is not let in."""
    if connection_errors.is_untrusted(reason):
        return await _untrusted(url, reason)
    why = str(reason) or type(reason).__name__
    return CannotStart(
        vi=f"Không kết nối được NATS ở {url}: {why}; hãy kiểm tra địa chỉ, máy chủ và người dùng.",
        en=f"Cannot connect to NATS at {url}: {why}; check the address, the server and the user.",
    )


async def _untrusted(url: str, reason: Exception) -> Refusal:
    server = urlsplit(f"//{first_server(url)}")
    host, port = server.hostname or "", server.port or _NATS_PORT
    why = await connection_errors.describe_with_certificate(reason, host, port, greets_first=True)
    return CannotStart(
        vi=f"Chứng thư của máy chủ NATS ở {host}:{port} không đáng tin cậy: {why}; hãy nêu nơi cấp chứng thư bằng --ca, hoặc gọi máy chủ bằng tên có trong chứng thư.",
        en=f"The NATS server at {host}:{port} is not trusted: {why}; name its certificate authority with --ca, or the server as its certificate does.",
    )


class NatsConnection(Client):
    """nats-py's client, which ends its own watch when it is closed, and whose `flush` can be relied on."""

    def __init__(self) -> None:
        super().__init__()
        self.watch: Task | None = None
        """Who looks whether it lives, until it is closed."""
        self.is_closed_by_us = False
        self._background = Background()
        self._flushes: set[asyncio.Task[None]] = set()

    async def flush(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - as in nats-py, whose own code calls it
        """Return when the server has read what was sent before, or the connection is lost.

        nats-py (2.16) writes its PING past what waits in its own buffer, so the PONG says nothing of that; the buffer is empty before a
        second PING leaves. And a PONG that nobody waits for any more ends nats-py's reading, without a word: so each is waited for.

        Raises:
            nats.errors.TimeoutError: it did not answer in so many seconds, twice.
        """
        for _ in range(2):
            if not self.is_connected:
                return
            flush = self._background.run_once("nats ping", self._wait_for_pong())
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)
            done, _ = await asyncio.wait({flush}, timeout=timeout)
            if not done:
                raise FlushTimeoutError

    async def _wait_for_pong(self) -> None:
        with contextlib.suppress(NatsError, OSError):
            await super().flush(LONGEST_SECONDS)

    def end_flushes(self) -> None:
        """Wait for no PONG any more: the connection that they were to come by is gone."""
        for flush in list(self._flushes):
            flush.cancel()

    async def close(self) -> None:
        """Close it for good."""
        self.is_closed_by_us = True
        if self.watch:
            await self.watch.stop()
        with contextlib.suppress(OSError, RuntimeError):  # what waits cannot be sent: the server is not there any more
            await super().close()
        self.end_flushes()


async def connect(
    door: NatsEndpoint,
    name: str,
    on_disconnected: Hook | None = None,
    on_reconnected: Hook | None = None,
    background: Background | None = None,
) -> NatsConnection:
    """Connect, and stay connected until `close`.

    Args:
        name: what the server calls this connection in its monitoring.
        on_disconnected, on_reconnected: told when the connection is lost and when it is back.
        background: where the connection is watched; None for one that is used once. A server that ends it with an error other than of
            permissions ends it for good, in nats-py; then the process of the background ends, so that its supervisor starts it anew.

    Raises:
        Refusal: `cannot-start`, when nothing answers at the address or the user is refused.
    """
    watch = ConnectionWatch(door, name, on_disconnected, on_reconnected)
    await watch.connect()
    if background:
        watch.connection.watch = background.run_forever(f"nats connection {name}", watch.run, essential=True)
    return watch.connection


class ConnectionWatch:
    """One connection of nats-py: what it tells of itself, and looking whether it lives."""

    def __init__(
        self,
        door: NatsEndpoint,
        name: str,
        on_disconnected: Hook | None = None,
        on_reconnected: Hook | None = None,
        **options: Any,
    ) -> None:
        self.connection = NatsConnection()
        self._door = door
        self._name = name
        self._on_disconnected = on_disconnected
        self._on_reconnected = on_reconnected
        self._options = options
        self._tried_at = time.monotonic()
        self._closed = asyncio.Event()
        self._log = structlog.get_logger().bind(connection=name)
        self._last: Exception | None = None
        self._patience: asyncio.Timeout | None = None

    async def connect(self) -> None:
        """Make the connection.

        nats-py (2.16) waits for ever once the certificate of a server was not accepted. So where several are named, each is then tried by
        itself; the one that is trusted tells of the others of its cluster.

        Raises:
            Refusal: `cannot-start`, when nothing answers at the address or the user is refused.
        """
        servers = self._door.servers
        try:
            await self._connect(servers, START_SECONDS + SERVER_SECONDS * (len(servers) - 1))
        except Refusal:
            if len(servers) == 1 or not connection_errors.is_untrusted(self._last or TimeoutError()):
                raise
            await self._connect_to_any(servers)

    async def _connect_to_any(self, servers: list[str]) -> None:
        for server in servers:
            self.connection, self._last = NatsConnection(), None
            try:
                await self._connect([server], SERVER_SECONDS)
            except Refusal:
                if server == servers[-1]:
                    raise
            else:
                return

    async def _connect(self, servers: list[str], seconds: float) -> None:
        connection, door = self.connection, self._door
        try:
            async with asyncio.timeout(seconds) as self._patience:
                await connection.connect(
                    servers,
                    **door.credentials,
                    **self._options,
                    name=self._name,
                    dont_randomize=True,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RECONNECT_WAIT,  # type: ignore[arg-type]
                    ping_interval=10,
                    error_cb=self._on_error,
                    disconnected_cb=self._connection_lost,
                    reconnected_cb=self._reconnected,
                    closed_cb=self._ended,
                )
                if door.token:
                    await self._confirm()
        except (TimeoutError, OSError, NatsError) as error:
            await connection.close()
            self._closed.clear()
            raise await cannot_connect(",".join(servers), self._last or error) from error
        except asyncio.CancelledError:
            await connection.close()
            raise

    async def _confirm(self) -> None:
        """Ask once more: nats-py (2.16) takes the first line of the server for its answer, and while the token is looked at that may be a PING.

        Raises:
            NatsError, OSError: the token was refused.
        """
        await self.connection.flush()
        if not self.connection.is_connected:
            raise self._last or AuthorizationError("nats: Authorization Violation")

    async def _connection_lost(self) -> None:
        """The connection ended."""
        self._tried_at = time.monotonic()
        self.connection.end_flushes()
        if not self.connection.is_closed_by_us:
            self._log.warning("nats connection lost")
            await self._notify(self._on_disconnected)

    async def _reconnected(self) -> None:
        """The connection is there again."""
        self._last = None
        self._log.info("nats connection back")
        await self._notify(self._on_reconnected)

    async def _ended(self) -> None:
        """It is closed for good, on purpose or because of what the server said."""
        self._closed.set()

    async def _on_error(self, error: Exception) -> None:
        """An attempt to connect failed, or something that the server or a callback said."""
        self._tried_at = time.monotonic()
        error = with_type(error)
        if not isinstance(error, (NatsError, OSError)):
            self._log.error("nats callback failed", error=type(error).__name__, frames=frames(error))
        elif type(error) is not type(self._last):  # five attempts a second fail in the same way
            self._log.info("nats trouble", error=type(error).__name__)
        self._last = error
        hopeless = isinstance(error, AuthorizationError) or connection_errors.is_untrusted(error)
        if self._patience and hopeless and not self.connection.is_connected:
            with contextlib.suppress(RuntimeError):  # it has connected since
                self._patience.reschedule(0)

    async def run(self) -> None:
        """Ask the server for a sign of life again and again, and connect anew where none comes.

        Raises:
            ConnectionClosedError: nats-py has given the connection up.
        """
        unanswered, probe = 0, ClusterProbe(self._door.probe)
        while True:
            connection = self.connection
            has_others = len(connection.servers) > 1
            look, answer = (CLUSTER_SECONDS, CLUSTER_SECONDS) if has_others else (LOOK_SECONDS, ANSWER_SECONDS)
            if connection.is_closed or (not connection.is_connected and self._is_silent()):
                raise ConnectionClosedError
            if connection.is_connected:
                unanswered = 0 if await self._is_answered(answer) else unanswered + 1
                if unanswered > 1 and connection.is_connected:
                    self._log.warning("nats does not answer, connecting anew")
                    unanswered, self._tried_at = 0, time.monotonic()
                    await connection.force_reconnect()
                elif has_others:
                    await self._leave_if_cut_off(probe, answer)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0 if unanswered else look):
                    await self._closed.wait()

    async def _leave_if_cut_off(self, probe: ClusterProbe, seconds: float) -> None:
        """Go to another server where the cluster does not answer by this one."""
        if not probe.subject:
            return
        probe.asked()
        with contextlib.suppress(NatsError, OSError):
            probe.answered((await self.connection.request(probe.subject, timeout=seconds)).data)
        if probe.is_cut_off and self.connection.is_connected:
            self._log.warning("nats server is cut off from the cluster, connecting to another")
            probe.moved()
            self._tried_at = time.monotonic()
            await self.connection.force_reconnect()

    async def _is_answered(self, seconds: float) -> bool:
        try:
            await self.connection.flush(seconds)
        except FlushTimeoutError:
            return False
        return True

    def _is_silent(self) -> bool:
        return time.monotonic() - self._tried_at > SILENT_SECONDS

    async def _notify(self, hook: Hook | None) -> None:
        """Call a hook; what it raises would end nats-py's attempts to connect, for ever and without a word."""
        try:
            if hook:
                await hook()
        except Exception as error:
            self._log.error("nats callback failed", error=type(error).__name__, frames=frames(error))
