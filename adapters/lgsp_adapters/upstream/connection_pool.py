"""Connections to a system that carry nothing from one call to the next.

A pool of connections is kept, since a handshake costs more than most questions. What a connection could carry over is cut off here:

* cookies: none are kept. A system that keeps "the citizen being viewed" in its session would show one caller's to the next.
* a response without a request. aiohttp (3.14, its issue 13656) queues one that arrives while a connection waits in the pool, and gives
  it to the next request: the record of another person. A connection that holds something unread is closed before it is used.
* authentication that is bound to the connection (NTLM, Negotiate): such a connection is closed after its call.
"""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from aiohttp.connector import Connection

from lgsp_adapters.errors import AdapterError

MAX_CONNECTIONS = 64
KEEP_SECONDS = 60
_BY_CONNECTION = ("ntlm", "negotiate", "kerberos")


class StaleConnectionError(AdapterError, aiohttp.ClientConnectionError):
    """A pooled connection holds a response without a request. Nothing has been sent on it."""


def _check_clean(conn: Connection) -> None:
    if conn.protocol is None or conn.protocol.should_close:
        raise StaleConnectionError


async def _nothing() -> None:
    """Do nothing."""


class _CleanRequest(ClientRequest):
    before_sending: Callable[[], Awaitable[None]] = staticmethod(_nothing)

    async def send(self, conn: Connection) -> ClientResponse:
        """Send it, unless the connection holds something unread.

        Raises:
            StaleConnectionError: the connection is closed, and the request may go out on another.
        """
        _check_clean(conn)
        await self.before_sending()
        _check_clean(conn)
        return await super().send(conn)


@dataclass(frozen=True, slots=True)
class BeforeSending:
    """A middleware of aiohttp that has something done when the connection is there, just before each attempt to send a request.

    Args:
        action: what is done; if it raises, nothing is sent.
    """

    action: Callable[[], Awaitable[None]]

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Handle a request."""
        assert isinstance(request, _CleanRequest)
        request.before_sending = self.action
        return await handler(request)


class _CleanResponse(ClientResponse):
    async def start(self, connection: Connection) -> ClientResponse:
        """Wait for its head; a connection that is bound to a user by now is closed after this call."""
        protocol = connection.protocol
        await super().start(connection)
        if protocol is not None and _lets_in_by_connection(self):
            protocol.force_close()
        return self


def open_pool(tls: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    """Open a pool of connections; neither proxies nor passwords are taken from the environment.

    Args:
        tls: the authorities to trust and the client certificate; None for the machine's own authorities.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_SECONDS, ssl=tls or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=_CleanRequest,
        response_class=_CleanResponse,
        trust_env=False,
        auto_decompress=True,
    )


def _lets_in_by_connection(answer: ClientResponse) -> bool:
    """Tell whether the system authenticates the caller by the connection from now on; IIS says so in `Persistent-Auth`."""
    if answer.headers.get("Persistent-Auth", "").strip().lower() == "true":
        return True
    challenges = answer.headers.getall("WWW-Authenticate", ())
    return any(challenge.lstrip().lower().startswith(_BY_CONNECTION) for challenge in challenges)
