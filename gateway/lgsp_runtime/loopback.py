"""Tells loopback addresses: what only this machine can reach needs neither TLS nor a domain of its own."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Tell whether a host (an IP address or a name) is a loopback address: 127.0.0.0/8, ::1, or localhost (RFC 6761)."""
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"
