"""What ends of an adapter and the system behind it: certificates and passwords, which operators see before a call is refused.

The certificate of the provider's system is read from a handshake, twice a day and without a request, which a national system would
count. How old a password may be, the manifest says (`change-every-days`); its age is that of its file.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog

from lgsp_adapters.host.instance import Instance
from lgsp_adapters.manifest import Manifest
from lgsp_runtime.peer_certificates import ClientFiles, certificate_end
from lgsp_runtime.tls import valid_until

LOOK_SECONDS = 12 * 3600.0
ROUND_SECONDS = 120.0
MAX_ADDRESSES = 10
"""Addresses of one manifest that are looked at."""
_DAY = 86_400


class UpstreamEnds:
    """Tells an instance of an adapter what ends of it."""

    def __init__(self, manifest: Manifest, instance: Instance) -> None:
        self._manifest = manifest
        self._instance = instance

    async def look(self) -> None:
        """Look now."""
        found = [*self._files(), *self._secrets()]
        for host, port in sorted(set(_tls_addresses(self._manifest.connection)))[:MAX_ADDRESSES]:
            try:
                end = await certificate_end(host, port, self._client_files())
            except (OSError, TimeoutError, ValueError) as error:
                log = structlog.get_logger().bind(service=self._manifest.service, host=host)
                log.info("certificate of a system not read", error=type(error).__name__)
                continue
            found.append(_item("provider-certificate", f"{self._manifest.service} {host}:{port}", end))
        self._instance.expirations = found

    def _files(self) -> Iterator[dict[str, object]]:
        for use in ("certificate", "ca"):
            name = self._tls().get(use)
            if name is None:
                continue
            try:
                end = valid_until(self._manifest.folder / name)
            except (OSError, ValueError):  # the adapter says so when it starts
                continue
            yield _item("adapter-certificate", f"{self._manifest.service} {name}", end)

    def _secrets(self) -> Iterator[dict[str, object]]:
        given = self._manifest.document.get("connection", {})
        for name, reference in given.items():
            days = reference.get("change-every-days") if isinstance(reference, dict) else None
            if not days:
                continue
            try:
                written = (self._manifest.folder / reference["file"]).stat().st_mtime
            except OSError:
                continue
            yield _item("provider-secret", f"{self._manifest.service} {name}", written + days * _DAY)

    def _client_files(self) -> ClientFiles | None:
        tls, folder = self._tls(), self._manifest.folder
        if "certificate" not in tls:
            return None
        return ClientFiles(folder / tls["certificate"], folder / tls["key"] if "key" in tls else None)

    def _tls(self) -> Mapping[str, str]:
        return self._manifest.document.get("tls") or {}


def _item(kind: str, name: str, end: float) -> dict[str, object]:
    return {"kind": kind, "name": name, "end": round(end)}


def _tls_addresses(value: Any) -> Iterator[tuple[str, int]]:
    """Yield host and port of each https address that a connection names."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _tls_addresses(inner)
    elif isinstance(value, str) and value.startswith("https://"):
        try:
            parts = urlsplit(value)
            if parts.hostname:
                yield parts.hostname, parts.port or 443
        except ValueError:  # a port that is no number
            return
