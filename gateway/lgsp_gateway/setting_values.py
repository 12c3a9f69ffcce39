"""The values of settings that are more than a text or a number, as a file, the environment and flags write them."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from lgsp_runtime.listed_networks import parse_networks

Network = IPv4Network | IPv6Network


def read_networks(value: object) -> tuple[Network, ...]:
    """Read addresses and networks from a text with commas, or a list of such texts.

    Raises:
        ValueError: it is neither, or says something else.
    """
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        raise ValueError("input should be addresses or networks: a text with commas, or a list")
    return tuple(ip_network(part.strip()) for text in texts for part in str(text).split(",") if part.strip())


def read_webhook_networks(value: object) -> tuple[str, ...]:
    """Check networks with their ports, and keep them as they are written.

    Raises:
        ValueError: one is no network, or no port.
    """
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        raise ValueError("input should be networks: a text with commas, or a list")
    kept = tuple(map(str, texts))
    parse_networks(kept)
    return kept


ROLES = ("http", "delivery")
"""What a gateway may do."""


def read_roles(value: object) -> tuple[str, ...]:
    """Read roles from a text with commas, or a list of such texts.

    Raises:
        ValueError: it is neither, or says something else.
    """
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        raise ValueError("input should be roles: a text with commas, or a list")
    named = {part.strip() for text in texts for part in str(text).split(",")} - {""}
    if not named or named - set(ROLES):
        raise ValueError("input should be http, delivery, or http,delivery")
    return tuple(role for role in ROLES if role in named)
