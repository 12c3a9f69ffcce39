"""The URLs that webhooks may be sent to, in the one spelling that every parser reads alike.

Two parsers that read a URL differently are how a check is passed by: `http://127.1`, `https://0x7f000001`, `https://a@b`, `https://a\\@b`. So
everything that is not the plain form of a URL is refused, with a sentence that says what to write. What the name resolves to is checked
when a connection is opened (`egress_addresses`), since it may change at any time.
"""

import asyncio
import re
import socket
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from aiohttp.abc import AbstractResolver
from yarl import URL

from lgsp_gateway.delivery.webhooks.egress_addresses import EgressAddresses
from lgsp_problems import Refusal

MAX_LENGTH = 2000
RESOLVE_SECONDS = 3.0
"""How long the name of a new endpoint is looked up; one that cannot be looked up now is taken, and looked up again for each connection."""

_PLAIN_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:(?P<port>[1-9][0-9]{0,4}))?(?P<rest>[/?][!-~]*)?",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = {"http": 80, "https": 443}


class UrlNotAllowed(Refusal):
    """The bus sends no webhook to a URL."""


class EgressUrls:
    """Decides which URLs webhooks may be sent to.

    Args:
        addresses: decides about the addresses behind them.
    """

    def __init__(self, addresses: EgressAddresses) -> None:
        self._addresses = addresses

    def check(self, text: str) -> URL:
        """Return the URL of an endpoint, unless its form or a literal address in it is not allowed.

        Raises:
            UrlNotAllowed: with a sentence that says what to write.
        """
        matched = _PLAIN_URL.fullmatch(text) if len(text) <= MAX_LENGTH else None
        if matched is None or "#" in text or "\\" in text:
            raise _not_allowed(
                f"URL phải có dạng https://máy[:cổng]/đường-dẫn, chỉ gồm ký tự ASCII, không có tên người dùng và dấu #, tối đa {MAX_LENGTH} ký tự; tên miền quốc tế phải viết dạng xn--.",
                f"The URL must have the form https://host[:port]/path, in ASCII, without a user name or a fragment, of at most {MAX_LENGTH} characters; write an international domain name in its form xn--.",
            )
        encrypted, host = matched["scheme"].lower() == "https", matched["host"].lower()
        literal = _literal_address(host)
        port = int(matched["port"] or _PORTS[matched["scheme"].lower()])
        without_tls = not encrypted and not self._addresses.lists_any
        if without_tls or (literal and not self._addresses.allows(literal, port, encrypted=encrypted)):
            raise address_not_allowed(encrypted=encrypted)
        if not self._addresses.allows_port(port, encrypted=encrypted):
            raise _port_not_allowed(port)
        written = f"[{literal}]" if ":" in literal else host
        url = URL(f"{matched['scheme'].lower()}://{written}{text[matched.end('host') :]}", encoded=True)
        if url.raw_host != (literal or host):
            raise _odd_host()
        return url

    async def check_with_name(self, text: str, resolver: AbstractResolver) -> URL:
        """Return the URL of an endpoint as `check` does, unless its name leads to addresses that are all not allowed.

        Raises:
            UrlNotAllowed: with a sentence that says what to write.
        """
        url = self.check(text)
        assert url.host is not None
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                resolved = await resolver.resolve(url.host, url.port or 0, socket.AF_UNSPEC)
        except (OSError, TimeoutError, UnicodeError):
            return url
        encrypted = url.scheme == "https"
        port = url.port or _PORTS[url.scheme]
        if not any(self._addresses.allows(one["host"], port, encrypted=encrypted) for one in resolved):
            raise address_not_allowed(encrypted=encrypted)
        return url


def _literal_address(host: str) -> str:
    """Return the address that a host names literally; "" where it is a name.

    Raises:
        UrlNotAllowed: it is neither a name nor an address in its usual spelling.
    """
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1]))
        except AddressValueError as error:
            raise _odd_host() from error
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except AddressValueError as error:  # 127.1, 0x7f.1, 2130706433, 0177.0.0.1
            raise _odd_host() from error
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise _odd_host()
    return ""


def _odd_host() -> UrlNotAllowed:
    return _not_allowed(
        "Tên máy trong URL không viết đúng dạng thông thường; hãy ghi tên miền đầy đủ không có dấu chấm cuối, hoặc địa chỉ IP bốn số thập phân.",
        "The host of the URL is not in its usual spelling; write a domain name without a trailing dot, or an IP address with four decimal numbers.",
    )


def _port_not_allowed(port: int) -> UrlNotAllowed:
    return _not_allowed(
        f"Không gửi webhook tới cổng {port}; hãy dùng cổng 443 hoặc một cổng từ 1024 trở lên không thuộc giao thức khác, hoặc đề nghị người vận hành mở cổng đó trong thiết lập webhook-networks.",
        f"No webhook is sent to port {port}; use 443 or a port from 1024 on that belongs to no other protocol, or ask the operator to open the port in the setting webhook-networks.",
    )


def address_not_allowed(*, encrypted: bool) -> UrlNotAllowed:
    """Return the refusal of a URL whose address is not allowed. It does not say which address that is: a name may be a question."""
    if not encrypted:
        return _not_allowed(
            "Chỉ gửi webhook qua https; http chỉ dùng được cho mạng và cổng mà người vận hành liệt kê trong thiết lập webhook-networks.",
            "Webhooks are sent by https only; http is allowed for networks and ports that the operator lists in the setting webhook-networks.",
        )
    return _not_allowed(
        "URL dẫn tới địa chỉ nội bộ hoặc dành riêng, hay một cổng không mở ở đó; hãy dùng địa chỉ công khai và cổng 443, hoặc đề nghị người vận hành thêm mạng và cổng đó vào thiết lập webhook-networks.",
        "The URL leads to a private or reserved address, or to a port that is not open there; use a public address and port 443, or ask the operator to add network and port to the setting webhook-networks.",
    )


def _not_allowed(vi: str, en: str) -> UrlNotAllowed:
    return UrlNotAllowed("url-not-allowed", vi=vi, en=en)
