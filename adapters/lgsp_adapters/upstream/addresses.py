"""Checks the addresses that a manifest names when it is read, so that a forgotten `http://` is said there and not at the first call."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.references import references


def check_addresses(manifest: Manifest) -> None:
    """Check the address of the system, and that of the login where it is a value of the connection.

    Raises:
        Refusal: `invalid-document`, for the first that is no address of HTTP. Its value is not repeated: it may hold a secret.
    """
    for name in ("url", *_names_of_logins(manifest)):
        value = manifest.connection.get(name)
        if isinstance(value, str) and not _is_http(value):
            raise (manifest.location / "connection" / name).refusal(
                "không phải địa chỉ HTTP; hãy viết cả http:// hoặc https:// và tên máy chủ, như https://api.example.vn",
                "not an address of HTTP; write it with http:// or https:// and a host, such as https://api.example.vn",
            )


def _names_of_logins(manifest: Manifest) -> Iterator[str]:
    for login in manifest.document.get("authentication", {}).values():
        url = login.get("url") if isinstance(login, dict) else None
        for path in references(url) if isinstance(url, str) else ():
            if path[0] == "connection" and len(path) == 2:
                yield path[1]


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
