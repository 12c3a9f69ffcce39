"""The way to one endpoint: its connections, its limits and its breaker in this gateway.

aiohttp opens, checks and keeps the connections, and parses the responses. Its `ClientSession` is left out: what it does for any request
(redirects, cookies, proxies, encodings, uploads of any kind) is nothing that a webhook needs, and took 84 of the 138 µs of a post (measured,
the best of six rounds in turns).
"""

import asyncio
import random
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

from lgsp_gateway.delivery.webhooks.breaker import EndpointBreaker
from lgsp_gateway.delivery.webhooks.egress_addresses import AddressForbidden, EgressAddresses
from lgsp_gateway.delivery.webhooks.limiter import EndpointLimiter

CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 4.0
"""How long an idle connection is used again: less than the five seconds after which common servers (Node.js, uvicorn) close theirs, or a
request would be sent on a connection that is being closed."""
RESOLVED_SECONDS = 10
"""How long the addresses of a name are used for further connections."""
MAX_RESPONSE = 64 * 1024
"""Bytes of a response that are read before its connection is closed."""
MAX_INTERIM = 16
"""Interim responses (1xx) to one request; whoever sends more would keep the gateway parsing for as long as a request may take."""
USER_AGENT: Final = "lgsp-webhooks/1"

_CONNECT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)


class Response(NamedTuple):
    """What an endpoint answered.

    Args:
        retry_after: the header; "" where there is none.
        ms: milliseconds until the status came.
    """

    status: int
    retry_after: str
    ms: float


class EndpointChannel:
    """The connections, limits and breaker of one endpoint.

    Args:
        system: whose endpoint it is.
        text: the URL as the endpoint has it.
        url: the same, checked.
        addresses: decides which addresses a connection may be opened to.
        tls: of its connections.
        seconds: that a request may take, its response included.
        resolver: resolves names; None for that of the system.
    """

    def __init__(
        self,
        system: str,
        text: str,
        url: URL,
        addresses: EgressAddresses,
        tls: ssl.SSLContext,
        seconds: float,
        resolver: AbstractResolver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.system = system
        self.text = text
        self.limiter = EndpointLimiter(clock)
        self.breaker = EndpointBreaker(clock, random.random)
        self.last_used = clock()
        self._url = url
        self._addresses = addresses
        self._clock = clock
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._connector = aiohttp.TCPConnector(
            limit=0,  # the limiter has the limit
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ttl_dns_cache=RESOLVED_SECONDS,
            ssl=tls,
            resolver=resolver,
            socket_factory=self._open_socket,
        )
        self._target = aiohttp.ClientRequest("POST", url, loop=self._loop)
        self._first_lines = f"POST {url.raw_path_qs} HTTP/1.1\r\nHost: {self._target.headers[hdrs.HOST]}\r\nUser-Agent: {USER_AGENT}\r\n"

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Response:
        """Send a POST, and read its response as far as its connection can be used again. It follows no redirect and no proxy.

        Args:
            headers: beside `Host`, `User-Agent` and `Content-Length`.

        Raises:
            aiohttp.ClientError, aiohttp.http.HttpProcessingError: it failed before there was a status.
            TimeoutError: it took too long until there was one.
            ValueError: a header holds a line end.
        """
        began = self.last_used = self._clock()
        request = self._head(headers, len(body)) + body
        connection: Connection | None = None
        response: Response | None = None
        try:
            async with asyncio.timeout(self._seconds):
                connection = await self._connect()
                message, content = await _exchange(connection, request)
                retry_after = message.headers.get(hdrs.RETRY_AFTER, "")
                response = Response(message.code, retry_after, (self._clock() - began) * 1000)
                if (content.is_eof() or await _is_read(content)) and _is_sent(connection):
                    _keep(connection)
        except TimeoutError as error:
            if connection is None:
                raise aiohttp.ConnectionTimeoutError from error
            if response is None:
                raise
        except (aiohttp.ClientError, HttpProcessingError):
            if response is None:  # otherwise the status says what became of the request
                raise
        finally:
            if connection is not None:
                connection.close()  # of one that was released it closes nothing
        return response

    async def close(self) -> None:
        """Close the connections."""
        await self._connector.close()

    async def _connect(self) -> Connection:
        try:
            return await self._connector.connect(self._target, [], _CONNECT)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error

    def _head(self, headers: Mapping[str, str], length: int) -> bytes:
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
            raise ValueError("a header holds a line end")
        return f"{self._first_lines}{lines}Content-Length: {length}\r\n\r\n".encode()

    def _open_socket(self, target: tuple[Any, ...]) -> socket.socket:
        """Open the socket of a connection. The address is the very one that it connects to, so no answer of a DNS server comes between.

        Raises:
            AddressForbidden: nothing may be sent there.
        """
        family, kind, protocol, _, address = target
        if not self._addresses.allows(str(address[0]), int(address[1]), encrypted=self._url.scheme == "https"):
            raise AddressForbidden("the address is not allowed")
        return socket.socket(family, kind, protocol)


class _IdleProtocol(asyncio.Protocol):
    """Watches a connection that is kept for a further request.

    Nobody has asked for anything that comes on it meanwhile. aiohttp would parse and keep all of it, as much as an endpoint cares to send, and take
    it for the response to the next request.

    Args:
        http: that of aiohttp, which has the connection again for the next request.
    """

    def __init__(self, transport: asyncio.Transport, http: asyncio.Protocol) -> None:
        self._transport = transport
        self._http = http

    def data_received(self, data: bytes) -> None:
        """Close the connection."""
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell aiohttp that the connection is closed."""
        self._http.connection_lost(exc)


def _keep(connection: Connection) -> None:
    """Give a connection back for a further request, unless more has come than the response to this one."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return
    transport.set_protocol(_IdleProtocol(transport, protocol))
    connection.release()


async def _exchange(connection: Connection, request: bytes) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
    """Send a request, and return status and headers of its response, and what its content is read from."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ServerDisconnectedError
    transport.set_protocol(protocol)  # in place of the one that watched it while it was idle
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    transport.write(request)
    for _ in range(MAX_INTERIM + 1):
        message, content = await protocol.read()
        if not 100 <= message.code < 200 or message.code == HTTPStatus.SWITCHING_PROTOCOLS:
            return message, content
    raise HttpProcessingError(message="too many interim responses")


async def _is_read(content: aiohttp.StreamReader) -> bool:
    """Read the content of a response; tell whether that was all of it, or it was too long."""
    left = MAX_RESPONSE
    while left > 0 and (chunk := await content.read(left)):
        left -= len(chunk)
    return content.is_eof()


def _is_sent(connection: Connection) -> bool:
    """Tell whether the whole request has left: an endpoint may answer before it has read it."""
    return connection.transport is not None and connection.transport.get_write_buffer_size() == 0
