"""Refuses a certificate of the HTTP server that no caller would accept, before the gateway says that it is ready."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from lgsp_problems import CannotStart
from lgsp_runtime.loopback import is_loopback


def check_server_certificate(certificate: Path, public_url: str) -> None:
    """Check that a certificate is for the host of the bus.

    Args:
        certificate: the chain (PEM), the server's own first.

    Raises:
        Refusal: `cannot-start`.
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        if is_loopback(host):
            return
        raise CannotStart(
            vi=f"Gateway dùng TLS nhưng --public-url là {public_url}; hãy viết https://, hoặc nêu proxy ngược trong --proxies.",
            en=f"The gateway serves TLS, and --public-url is {public_url}; write https://, or name the reverse proxy in --proxies.",
        )
    names = _names(certificate)
    if any(_covers(name, host) for name in names):
        return
    shown = ", ".join(names[:4]) or "-"
    raise CannotStart(
        vi=f"Chứng thư {certificate} là của {shown}, không phải của {host} trong --public-url; hãy dùng chứng thư có tên {host}, hoặc nêu proxy ngược trong --proxies.",
        en=f"The certificate in {certificate} is for {shown}, not for {host} of --public-url; use one for {host}, or name the reverse proxy in --proxies.",
    )


def _names(certificate: Path) -> list[str]:
    leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:  # a common name alone counts no more (RFC 9525)
        return []
    return [str(name.value).lower() for name in extension if isinstance(name, x509.DNSName | x509.IPAddress)]


def _covers(name: str, host: str) -> bool:
    """Tell whether a name of a certificate is that of a host (RFC 9525, section 6.3)."""
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(host)
    except ValueError:
        pass
    return name == host or (name.startswith("*.") and name[2:] == host.partition(".")[2])
