"""What ends of this gateway itself: its certificates, those of the NATS servers that it uses, the key that signs tokens."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

import structlog
from nats.aio.client import Client

from lgsp_gateway.observability.expirations.expiration import Expiration
from lgsp_runtime.peer_certificates import certificate_end

TOKEN_KEY_DAYS = 365
"""After which the key that signs tokens should be another one; nothing refuses it then."""
_DAY = 86_400


class OwnEnds:
    """What ends of one gateway.

    Args:
        gateway: its name.
        files: returns when its certificates end, by their files, in seconds since 1970.
        signs_since: returns since when the present key signs tokens, in seconds since 1970.
        connection: to NATS, which knows the servers.
        storage: returns when each room of the storage will be full.
    """

    def __init__(
        self,
        gateway: str,
        files: Callable[[], Mapping[str, float]],
        signs_since: Callable[[], float],
        connection: Client,
        storage: Callable[[], Iterable[Expiration]] = tuple,
    ) -> None:
        self._gateway = gateway
        self._files = files
        self._signs_since = signs_since
        self.connection = connection
        self._storage = storage

    async def read(self) -> list[Expiration]:
        """Return all of it."""
        found = [
            Expiration("gateway-certificate", f"{self._gateway} {file}", end) for file, end in self._files().items()
        ]
        if since := self._signs_since():
            found.append(Expiration("token-key", self._gateway, since + TOKEN_KEY_DAYS * _DAY))
        return [*found, *self._storage(), *await self._nats_servers()]

    async def _nats_servers(self) -> list[Expiration]:
        found = []
        for host, port in sorted(set(self._tls_servers())):
            try:
                end = await certificate_end(host, port, after_greeting=True)
            except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
                structlog.get_logger().info("nats certificate not read", host=host, error=type(error).__name__)
                continue
            found.append(Expiration("nats-certificate", f"{host}:{port}", end))
        return found

    def _tls_servers(self) -> Iterator[tuple[str, int]]:
        for url in self.connection.servers:
            parts = urlsplit(url.geturl())
            if parts.scheme == "tls" and parts.hostname:
                yield parts.hostname, parts.port or 4222
