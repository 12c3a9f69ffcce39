"""The addresses that webhooks may be sent to.

A URL is chosen by the developer of an agency program, and the bus stands where much can be reached that no program outside can: its own
NATS, databases of neighbours, the metadata service of a cloud. So a request goes to public addresses alone, and to the networks and ports that
the operator lists. The list below is that of the special-purpose registries of IANA (RFC 6890); `ipaddress.is_global` of Python 3.11 differs
from it in several ranges, and changes with patch releases.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

from lgsp_runtime.listed_networks import MAX_PORT, Address, ListedNetwork

_FORBIDDEN_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT, and the metadata service of one cloud
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # the metadata service of Azure has a public address
            "169.254.0.0/16",  # link-local, and the metadata service of most clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_FORBIDDEN_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: leads to an IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
_HTTPS_PORT, _LOWEST_UNPRIVILEGED = 443, 1024
_OTHER_PROTOCOLS = frozenset(
    (1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080)
)
"""Ports of other protocols, which browsers do not send requests to either (the Fetch standard, "bad port")."""
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressForbidden(OSError):  # noqa: N818 - not a failure of a connection: none is opened
    """The bus sends nothing to an address. An `OSError`, since HTTP clients pass those on when they open a connection."""


class EgressAddresses:
    """Decides which addresses webhooks may be sent to.

    Args:
        networks: what the operator allows beside the public addresses.
    """

    def __init__(self, networks: Sequence[ListedNetwork] = ()) -> None:
        self._networks = tuple(networks)

    @property
    def lists_any(self) -> bool:
        """Tell whether the operator lists any network."""
        return bool(self._networks)

    def allows_port(self, port: int, *, encrypted: bool) -> bool:
        """Tell whether a request may be sent to a port of any address at all."""
        return (encrypted and _is_public_port(port)) or any(one.names(port) for one in self._networks)

    def allows(self, address: str, port: int, *, encrypted: bool) -> bool:
        """Tell whether a request may be sent to an address.

        Args:
            address: as a socket takes it. One that cannot be read is not allowed.
            encrypted: whether by TLS; without it, only to networks that the operator lists.
        """
        parsed = _parse(address)
        if parsed is None:
            return False
        if any(one.allows(parsed, port) for one in self._networks):
            return True
        return encrypted and _is_public_port(port) and _is_public(parsed)


def _parse(address: str) -> Address | None:
    """Return an address; an IPv4 address inside an IPv6 one where a connection would lead there. None for what is none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv4Address):
        return parsed
    if parsed.scope_id is not None:  # of one link only
        return None
    if parsed in _NAT64:
        return IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed.ipv4_mapped or parsed


def _is_public_port(port: int) -> bool:
    return port == _HTTPS_PORT or (_LOWEST_UNPRIVILEGED <= port <= MAX_PORT and port not in _OTHER_PROTOCOLS)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _FORBIDDEN_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _FORBIDDEN_V6)
