"""Limits of connections: how many there may be, in all and from one address, and how long each may be slow.

A connection costs its client nothing and the gateway a descriptor and memory.
"""

import resource
from collections import Counter
from dataclasses import dataclass

import structlog

from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.http.client_address import is_listed
from lgsp_gateway.setting_values import Network

SPARE_DESCRIPTORS = 512
"""File descriptors left for NATS, logs, the registry's files and what libraries open."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of connections.

    Args:
        head_seconds: for the TLS handshake, and again for the head of a request, from its first byte on or, on a new
            connection, from its beginning. Heads are a few hundred bytes.
        body_seconds: for a body to arrive after its head. 1 MiB in 10 s is 0.8 Mbit/s.
        idle_seconds: between two requests. Longer than the pools of common clients and proxies keep a connection (.NET, nginx 60 s,
            Go 90 s), so that the client closes it first and no request arrives on a connection that is about to be closed.
        send_seconds: for 16 KiB of a response to be read by the client. A link of 5 kbit/s is fast enough.
        total: connections at a time.
        each: connections at a time from one address.
        proxies: networks of reverse proxies, whose connections carry many callers: `each` does not apply to them.
        load_balancers: networks of those that name the client (`client_address.py`) and notice when a gateway stops; `each` does not apply
            to them either.
    """

    head_seconds: float = 10
    body_seconds: float = 10
    idle_seconds: float = 120
    send_seconds: float = 30
    total: int = 10_000
    each: int = 1_000
    proxies: tuple[Network, ...] = ()
    load_balancers: tuple[Network, ...] = ()

    @classmethod
    def of(cls, settings: GatewaySettings) -> "ConnectionLimits":
        """Take the limits from the settings."""
        return cls(
            settings.head_seconds,
            settings.body_seconds,
            settings.idle_seconds,
            settings.send_seconds,
            settings.connections,
            settings.connections_each,
            settings.proxies,
            settings.load_balancers,
        )


class ConnectionSlots:
    """Counts the open connections, by address, against the limits."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._each = limits.each
        self._total = min(limits.total, _available_descriptors(limits.total) - SPARE_DESCRIPTORS)
        self._proxies = (*limits.proxies, *limits.load_balancers)
        self._by_address: Counter[str] = Counter()
        self._open = 0

    def acquire(self, address: str) -> bool:
        """Count a new connection from an address; return false, and count nothing, where a limit is reached."""
        if self._open >= self._total or (
            self._by_address[address] >= self._each and not is_listed(address, self._proxies)
        ):
            return False
        self._open += 1
        self._by_address[address] += 1
        return True

    def release(self, address: str) -> None:
        """Count the end of a connection that `acquire` counted."""
        self._open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def _available_descriptors(connections: int) -> int:
    """Return how many file descriptors this process may open, after raising the soft limit for so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < connections + SPARE_DESCRIPTORS:
        soft = min(connections + SPARE_DESCRIPTORS, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < connections + SPARE_DESCRIPTORS:
        structlog.get_logger().warning("fewer connections than asked for", descriptors=soft, connections=connections)
    return soft
