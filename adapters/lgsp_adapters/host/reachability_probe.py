"""Probes whether an unreachable system accepts connections again, before a call finds out.

A connection is opened and closed, and nothing is sent: that costs the other side a few packets, is no request that a national system
would count, and is done only after a call could not reach it. That it takes connections again says nothing about how it answers;
so the probe clears only the state "unreachable".
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

PORTS = {
    "http": 80,
    "https": 443,
    "postgresql": 5432,
    "postgres": 5432,
    "mysql": 3306,
    "mariadb": 3306,
    "oracle": 1521,
    "mssql": 1433,
    "sftp": 22,
}
"""Default port of each URL scheme that a connection may name."""
CONNECT_SECONDS = 5.0


def addresses(connection: Mapping[str, Any]) -> list[tuple[str, int]]:
    """List host and port of every address that a manifest's `connection` names."""
    return list(dict.fromkeys(_endpoints(connection)))


async def accepts_connections(connection: Mapping[str, Any]) -> bool:
    """Tell whether each address of a manifest's `connection` accepts connections; False where none is named."""
    endpoints = addresses(connection)
    for host, port in endpoints:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return bool(endpoints)


def _endpoints(value: Any) -> Iterator[tuple[str, int]]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _endpoints(inner)
    elif isinstance(value, str) and "://" in value:
        try:
            parts = urlsplit(value)
            kind = parts.scheme.partition("+")[0]
            if parts.hostname and kind in PORTS:
                yield parts.hostname, parts.port or PORTS[kind]
        except ValueError:  # a port that is no number
            return
