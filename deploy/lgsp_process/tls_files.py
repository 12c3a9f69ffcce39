"""TLS from files that are renewed while a process runs.

The same context is loaded anew when its files change, so the next handshake uses what is there now and no connection is
dropped. Files that cannot be used leave what was loaded before, and a line in the log.
"""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog

from lgsp_problems import Refusal

LOOK_SECONDS = 1.0


class TlsFiles:
    """A TLS context and the files that it was loaded from."""

    def __init__(self, context: ssl.SSLContext, load: Callable[[], None], files: tuple[Path, ...]) -> None:
        self.context = context
        self._load = load
        self._files = files
        self._seen = _times(files)

    @classmethod
    def server(cls, certificate: Path, key: Path) -> "TlsFiles":
        """What a listening door shows: a certificate chain and its private key (PEM).

        Raises:
            Refusal: `cannot-start`, when they cannot be used.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return cls._loaded(context, lambda: context.load_cert_chain(certificate, key), (certificate, key))

    @classmethod
    def client(cls, authorities: Path) -> "TlsFiles":
        """Whom a connecting process believes: certificate authorities (PEM).

        Raises:
            Refusal: `cannot-start`, when they cannot be used.
        """
        context = ssl.create_default_context()
        return cls._loaded(context, lambda: context.load_verify_locations(authorities), (authorities,))

    @classmethod
    def _loaded(cls, context: ssl.SSLContext, load: Callable[[], None], files: tuple[Path, ...]) -> "TlsFiles":
        try:
            load()
        except (OSError, ssl.SSLError) as error:
            names = ", ".join(map(str, files))
            raise Refusal(
                "cannot-start",
                vi=f"Không dùng được tệp TLS {names}: {error}; hãy kiểm tra đường dẫn, quyền và định dạng PEM.",
                en=f"Cannot use the TLS files {names}: {error}; check their paths, permissions and PEM format.",
            ) from None
        return cls(context, load, files)

    async def watch(self) -> None:
        """Load the files anew whenever they change, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            times = _times(self._files)
            if times == self._seen:
                continue
            try:
                self._load()
            except (OSError, ssl.SSLError) as error:
                structlog.get_logger().error("tls files unusable", files=list(map(str, self._files)), error=str(error))
                continue
            self._seen = times
            structlog.get_logger().info("tls files loaded", files=list(map(str, self._files)))


def _times(files: tuple[Path, ...]) -> tuple[int, ...]:
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
