"""How many connections there may be, of whom, and for how long each may be slow.

A connection costs its sender nothing and the gateway a descriptor and memory.
"""

import ipaddress
import resource
from collections import Counter
from dataclasses import dataclass

import structlog

from lgsp_gateway.config import GatewaySettings, Network

SPARE_DESCRIPTORS = 512
"""For NATS, logs, the registry's files and what the libraries open."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a connection may do, and how many there may be.

    Args:
        head_seconds: for TLS to be agreed upon, and again for the head of a request, from its first byte on or, on a new
            connection, from its beginning. Heads are a few hundred bytes.
        body_seconds: for a document to arrive, once its head did. 1 MiB in 10 s is 0.8 Mbit/s.
        idle_seconds: between two requests. Longer than the pools of common clients and proxies keep a connection (.NET, nginx 60 s,
            Go 90 s), so that it is they who close it and no request meets a connection that is just ending.
        send_seconds: for 16 KiB of an answer to be taken. Links of 5 kbit/s pass.
        total: connections at a time.
        each: of them from one address.
        proxies: networks of reverse proxies, whose connections are many callers': `each` does not hold for them.
    """

    head_seconds: float = 10
    body_seconds: float = 10
    idle_seconds: float = 120
    send_seconds: float = 30
    total: int = 10_000
    each: int = 1_000
    proxies: tuple[Network, ...] = ()

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
        )


class ConnectionSlots:
    """How many connections there are, of whom."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._each = limits.each
        self._total = min(limits.total, _descriptors(limits.total) - SPARE_DESCRIPTORS)
        self._proxies = limits.proxies
        self._taken: Counter[str] = Counter()
        self._all = 0

    def acquire(self, address: str) -> bool:
        """Take a place, if there is one for this address."""
        if self._all >= self._total or (self._taken[address] >= self._each and not self._is_proxy(address)):
            return False
        self._all += 1
        self._taken[address] += 1
        return True

    def release(self, address: str) -> None:
        """Give a place back."""
        self._all -= 1
        self._taken[address] -= 1
        if not self._taken[address]:
            del self._taken[address]

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self._proxies)


def _descriptors(wanted: int) -> int:
    """How many descriptors this process may have, after it asked for what it wants."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted + SPARE_DESCRIPTORS:
        soft = min(wanted + SPARE_DESCRIPTORS, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < wanted + SPARE_DESCRIPTORS:
        structlog.get_logger().warning("fewer connections than asked for", descriptors=soft, connections=wanted)
    return soft
