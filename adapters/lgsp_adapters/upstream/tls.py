"""TLS to a system, as the manifest says under `tls`: paths of PEM files, relative to the manifest.

Without it the machine's own authorities are trusted. There is no switch that turns verification off: a self-signed
certificate is named as `ca`. Versions of TLS before 1.2 are spoken with the one host that `legacy` names, and with no other.
"""

import ssl
import warnings
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Text

_OP_LEGACY_SERVER_CONNECT = 0x4
"""`ssl.OP_LEGACY_SERVER_CONNECT`, which Python has from 3.12 on: a server that knows no secure renegotiation (RFC 5746)."""


class TlsContexts:
    """The TLS contexts of a manifest.

    Args:
        document: `{ca, certificate, key, legacy}`.

    Raises:
        Refusal: `invalid-document`, when a file cannot be used.
    """

    def __init__(self, document: Mapping[str, str], folder: Path, location: SourceLocation) -> None:
        self.legacy_host = document.get("legacy", "").lower()
        self._location = location
        self._files = {name: folder / path for name, path in document.items() if name != "legacy"}
        self._context = self._load(ssl.create_default_context()) if self._files else None
        self._legacy_context = self._load(_legacy_context()) if self.legacy_host else None

    @property
    def has_certificate(self) -> bool:
        """Tell whether the manifest has a client certificate."""
        return "certificate" in self._files

    def for_address(self, url: str) -> ssl.SSLContext | None:
        """Return the context for an address; None for the machine's own authorities."""
        host = (urlsplit(url).hostname or "").lower()
        return self._legacy_context if self._legacy_context and host == self.legacy_host else self._context

    def check_legacy_host(self, urls: list[str]) -> None:
        """Check that `legacy` names the host of one of these addresses.

        Raises:
            Refusal: `invalid-document`, when it does not.
        """
        if self.legacy_host and self.legacy_host not in {(urlsplit(url).hostname or "").lower() for url in urls}:
            raise (self._location / "legacy").refusal(
                "không phải máy chủ nào mà bộ kết nối này gọi; hãy ghi đúng tên máy chủ, không kèm cổng",
                "not a host that this adapter connects to; write the name of the host, without a port",
            )

    def warning(self) -> Text | None:
        """Return what is to be said of old TLS; None where it is not allowed."""
        if not self.legacy_host:
            return None
        where = f"{self._location / 'legacy'}"
        return Text(
            f"{where}: cho phép TLS 1.0, 1.1 và thuật toán yếu với {self.legacy_host}, ai nghe lén trên đường truyền có thể giải mã;"
            " hãy đề nghị bên cung cấp nâng cấp, hoặc đặt một proxy nói TLS 1.2 ngay trước hệ thống đó.",
            f"{where}: allows TLS 1.0, 1.1 and weak ciphers with {self.legacy_host}, which a listener on the network may break;"
            " have the provider upgrade, or put a proxy that speaks TLS 1.2 right in front of the system.",
        )

    def _load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        try:
            if "ca" in self._files:
                context.load_verify_locations(self._files["ca"])
            if "certificate" in self._files:
                context.load_cert_chain(self._files["certificate"], self._files.get("key"))
        except (OSError, ssl.SSLError) as error:
            names = ", ".join(map(str, self._files.values()))
            raise self._location.refusal(
                f"không dùng được {names}: {error}; hãy kiểm tra đường dẫn và định dạng PEM",
                f"cannot use {names}: {error}; check the paths and that they are PEM",
            ) from error
        return context


def _legacy_context() -> ssl.SSLContext:
    """Make a context that also speaks old TLS; certificates are verified as ever."""
    context = ssl.create_default_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # which is what the manifest asks for
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.options |= _OP_LEGACY_SERVER_CONNECT
    return context
