"""Whose request a load balancer passes on: limits of failed attempts, and the security log, are about clients and not about the load balancer.

Only listed ones are believed, and of what they pass on only the part that they or other listed ones wrote: anybody may send
`X-Forwarded-For` (MDN; the standard `Forwarded`, RFC 7239, is written by few proxies).
"""

import ipaddress
from collections.abc import Iterable, Sequence

from lgsp_gateway.setting_values import Network

HEADER = "X-Forwarded-For"


def is_listed(address: str, networks: Sequence[Network]) -> bool:
    """Tell whether an IP address lies in one of the networks."""
    if not networks:
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    unmapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(unmapped in network for network in networks)


def client_address(peer: str, forwarded: Iterable[str], balancers: Sequence[Network]) -> str:
    """Return the address of the client: the last one in front of the listed load balancers.

    Args:
        peer: the address of the connection.
        forwarded: the values of `X-Forwarded-For`, in the order of the request.
        balancers: their networks.

    Returns:
        `peer`, where it is none of them or passes no address on.
    """
    if not is_listed(peer, balancers):
        return peer
    client = peer
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    for hop in reversed(hops):
        try:
            client = str(ipaddress.ip_address(hop))
        except ValueError:
            break
        if not is_listed(client, balancers):
            break
    return client
