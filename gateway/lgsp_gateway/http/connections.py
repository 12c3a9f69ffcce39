"""Accepts connections, and refuses those above the limits before anything is read from them."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from functools import partial

from lgsp_gateway.http import problems
from lgsp_gateway.http.connection_limits import ConnectionLimits, ConnectionSlots
from lgsp_gateway.http.raw_response import RawResponse
from lgsp_problems import Refusal, RequestTooSlow
from lgsp_runtime.rate_limited_log import RateLimitedLog
from lgsp_runtime.tls import TlsFiles

BACKLOG = 1024
ACCEPTS_PER_TURN = 64
"""Connections accepted in one turn of the event loop."""
PAUSE_SECONDS = 0.5
"""Until connections are accepted again after the process ran out of descriptors."""


Protocols = Callable[[Callable[[], None]], asyncio.Protocol]
"""Makes the protocol of a connection; the protocol calls the argument when the connection is lost."""


class Acceptor:
    """Listens, and accepts connections within the limits.

    Not asyncio's own server: it hands a connection over after the TLS handshake only, and silent ones would wait uncounted before it.
    """

    def __init__(self, limits: ConnectionLimits, protocols: Protocols, tls: TlsFiles | None) -> None:
        self._slots = ConnectionSlots(limits)
        self._protocols = protocols
        self._tls = tls
        self._handshake_seconds = limits.head_seconds
        self._loop = asyncio.get_running_loop()
        self._listening: list[socket.socket] = []
        self._handshakes: set[asyncio.Task[None]] = set()
        self._refused = RateLimitedLog("connection refused")

    async def listen(self, host: str, port: int, *, share_port: bool) -> int:
        """Listen at every address of a host.

        Args:
            share_port: whether other processes may listen on the same port (`SO_REUSEPORT`).

        Returns:
            The port, chosen by the system where 0 was given.

        Raises:
            OSError: the port cannot be used.
        """
        for family, _, _, _, address in await self._loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            listening = socket.socket(family, socket.SOCK_STREAM)
            self._listening.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if share_port:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.setblocking(False)
            listening.bind(address)
            listening.listen(BACKLOG)
            self._loop.add_reader(listening, self._accept, listening)
        return int(self._listening[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening, and abandon connections whose TLS handshake is not finished."""
        for listening in self._listening:
            self._loop.remove_reader(listening)
            listening.close()
        self._listening.clear()
        for handshake in self._handshakes:
            handshake.cancel()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                connection, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._refused.info(why=error.strerror)
                self._loop.remove_reader(listening)
                self._loop.call_later(PAUSE_SECONDS, self._listen_again, listening)
                return
            address = str(peer[0])
            connection.setblocking(False)
            if self._slots.acquire(address):
                handshake = self._loop.create_task(self._begin(connection, address))
                self._handshakes.add(handshake)
                handshake.add_done_callback(self._handshakes.discard)
            else:
                self._refused.info(why="too many", address=address)
                self._refuse(connection)

    def _listen_again(self, listening: socket.socket) -> None:
        if listening in self._listening:
            self._loop.add_reader(listening, self._accept, listening)

    async def _begin(self, connection: socket.socket, address: str) -> None:
        release = _CallOnce(partial(self._slots.release, address))
        try:
            if self._tls is None:
                await self._loop.connect_accepted_socket(partial(self._protocols, release), connection)
            else:
                await self._loop.connect_accepted_socket(
                    partial(self._protocols, release),
                    connection,
                    ssl=self._tls.context,  # read for each connection: the certificate may have been renewed
                    ssl_handshake_timeout=self._handshake_seconds,
                )
        except (OSError, TimeoutError):  # no TLS, or too slow; an ssl.SSLError is an OSError
            connection.close()
            release()
        except BaseException:
            connection.close()
            release()
            raise

    def _refuse(self, connection: socket.socket) -> None:
        """Send a refusal before anything is read; with TLS just close, since a handshake would have to come first."""
        with contextlib.suppress(OSError), connection:
            if not self._tls:
                connection.send(too_many_connections())
                connection.shutdown(socket.SHUT_WR)


class _CallOnce:
    """Calls a function at most once."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function: Callable[[], None] | None = function

    def __call__(self) -> None:
        function, self._function = self._function, None
        if function is not None:
            function()


def too_many_connections() -> bytes:
    """Return the response, as HTTP/1.1, on a connection above the limits (`too-many-connections`)."""
    refusal = Refusal(
        "too-many-connections",
        vi="Địa chỉ này, hoặc toàn bộ gateway, đang có quá nhiều kết nối; hãy dùng lại kết nối đã mở, hoặc thử lại sau.",
        en="This address, or this gateway in all, has too many connections; reuse open connections, or try again later.",
        retry_after=5,
    )
    headers, body = problems.render_problem(refusal, None)
    return RawResponse.of(refusal.kind.status, headers, body, close=True).encode(keep_alive=False)


def too_slow(seconds: float, part_vi: str, part_en: str) -> Refusal:
    """Return the refusal of a request that did not arrive in time (`too-slow`).

    Args:
        seconds: within which it should have arrived.
        part_vi: the part that did not, in Vietnamese, such as "Nội dung".
        part_en: the same in English, such as "The body".
    """
    return RequestTooSlow(
        vi=f"{part_vi} không đến đủ trong {seconds:g} giây; hãy gửi lại liên tục, không ngắt quãng.",
        en=f"{part_en} did not arrive completely within {seconds:g} seconds; send it again without pauses.",
    )
