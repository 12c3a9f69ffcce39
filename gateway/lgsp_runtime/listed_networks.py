"""The networks that webhooks may reach beside public addresses, as the operator lists them, each with its ports.

Behind a private address stands more than web servers: databases, NATS, Redis and SSH answer there, and some of them act on what a POST contains.
So an entry opens the ports of the web alone unless it names others.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Self

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

WEB_PORTS = (range(80, 81), range(443, 444))
"""The ports of an entry that names none."""
MAX_PORT = 65535
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_ENTRY = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[0-9.]+(?:/[0-9]+)?)):(?P<ports>[0-9-]+)")


@dataclass(frozen=True, slots=True)
class ListedNetwork:
    """A network, and the ports of it that are open to webhooks."""

    network: Network
    ports: tuple[range, ...] = WEB_PORTS

    def allows(self, address: Address, port: int) -> bool:
        """Tell whether a webhook may be sent to a port of an address."""
        return address.version == self.network.version and address in self.network and self.names(port)

    def names(self, port: int) -> bool:
        """Tell whether a port is open."""
        return any(port in ports for ports in self.ports)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an entry: `10.1.0.0/16`, `10.1.0.0/16:8443`, `10.1.0.0/16:8000-8999`, or `[fd12::/32]:8443`.

        Raises:
            ValueError: it is none.
        """
        matched = _ENTRY.fullmatch(text)
        if matched is None:
            return cls(ip_network(text))
        return cls(ip_network(matched["six"] or matched["four"]), (_ports(matched["ports"]),))

    def with_ports(self, text: str) -> Self:
        """Return the entry with further ports.

        Raises:
            ValueError: they are none, or the entry names none itself.
        """
        if self.ports is WEB_PORTS:
            raise ValueError(f"{text} follows a network without ports; write NETWORK:PORT,PORT")
        return type(self)(self.network, (*self.ports, _ports(text)))


def parse_networks(texts: Iterable[str]) -> tuple[ListedNetwork, ...]:
    """Read entries, several of which may stand in one text: `10.1.0.0/16:443,8443,10.2.0.7` are two.

    Raises:
        ValueError: with what is none.
    """
    found: list[ListedNetwork] = []
    for text in texts:
        for part in filter(None, map(str.strip, text.split(","))):
            if found and _PORTS.fullmatch(part):
                found[-1] = found[-1].with_ports(part)
            else:
                found.append(ListedNetwork.parse(part))
    return tuple(found)


def _ports(text: str) -> range:
    matched = _PORTS.fullmatch(text)
    first = int(matched[1]) if matched else 0
    last = int(matched[2] or first) if matched else 0
    if not 1 <= first <= last <= MAX_PORT:
        raise ValueError(f"{text} is no port or range of ports")
    return range(first, last + 1)
