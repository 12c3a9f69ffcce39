"""TLS contexts from files that are renewed while a process runs.

Files that have changed are loaded into a new context. Only what works there is used from then on: a certificate whose key is still
to be written, half a file or an expired certificate leave the former context in use, and a line in the log. OpenSSL does not do that
by itself: it replaces the certificate of a context before it finds that the key does not fit.
"""

import asyncio
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog
from cryptography import x509

from lgsp_problems import CannotStart

CHECK_SECONDS = 1.0
"""Between two checks whether the files have changed."""

_FileState = tuple[tuple[int, int, int], ...]


class TlsFiles:
    """A TLS context and the files that it was loaded from.

    `context` is that of the files when they could last be used. For a server it is a new one after each renewal, so it must be read for
    each connection; for a client it stays the same object, and new authorities are added.

    Args:
        files: that are checked for changes.
        load: creates a context from them.
        listens: whether the context is that of a server.
    """

    def __init__(self, files: tuple[Path, ...], load: Callable[[], ssl.SSLContext], *, listens: bool) -> None:
        self._files = files
        self._load = load
        self._listens = listens
        self._loaded_state = _file_state(files)
        self.context = load()

    @classmethod
    def for_server(cls, certificate: Path, key: Path) -> "TlsFiles":
        """Return the TLS context of a server.

        Args:
            certificate: the chain (PEM), the server's own first.
            key: its private key (PEM), without a password.

        Raises:
            Refusal: `cannot-start`, when they cannot be used.
        """

        def load() -> ssl.SSLContext:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(certificate, key, password=_no_password)
            return context

        loaded = cls._load_or_refuse((certificate, key), load, listens=True)
        if reason := _out_of_date(certificate):
            structlog.get_logger().error("tls certificate out of date", file=str(certificate), reason=reason)
        return loaded

    @classmethod
    def for_client(cls, authorities: Path) -> "TlsFiles":
        """Return the TLS context of a client.

        Args:
            authorities: the certificates (PEM) that it trusts beside those of the system. One that was loaded stays trusted until the
                process ends.

        Raises:
            Refusal: `cannot-start`, when they cannot be used.
        """

        def load() -> ssl.SSLContext:
            context = ssl.create_default_context()
            context.load_verify_locations(authorities)
            return context

        return cls._load_or_refuse((authorities,), load, listens=False)

    @classmethod
    def _load_or_refuse(
        cls, files: tuple[Path, ...], load: Callable[[], ssl.SSLContext], *, listens: bool
    ) -> "TlsFiles":
        try:
            return cls(files, load, listens=listens)
        except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
            names = ", ".join(map(str, files))
            raise CannotStart(
                vi=f"Không dùng được tệp TLS {names}: {error}; hãy kiểm tra đường dẫn, quyền và định dạng PEM.",
                en=f"Cannot use the TLS files {names}: {error}; check their paths, permissions and PEM format.",
            ) from error

    async def watch(self) -> None:
        """Reload the files whenever they change, for ever."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self.reload_if_changed()

    def reload_if_changed(self) -> None:
        """Reload the files if they have changed. Files that cannot be used are logged once, and tried again when they change."""
        state = _file_state(self._files)
        if state == self._loaded_state:
            return
        self._loaded_state = state
        log = structlog.get_logger().bind(files=list(map(str, self._files)))
        try:
            self._use_context(self._load())
        except (OSError, ValueError) as error:
            log.error("tls files unusable", error=str(error), goes_on_with="those loaded before")
            return
        if _file_state(self._files) != state:  # they changed while they were read, so old and new files may be mixed
            self._loaded_state = ()
        log.info("tls files loaded")

    def _use_context(self, candidate: ssl.SSLContext) -> None:
        if not self._listens:
            self.context.load_verify_locations(self._files[0])
            return
        if reason := _out_of_date(self._files[0]):
            raise ValueError(reason)
        self.context = candidate


def _no_password() -> str:
    """Raise instead of letting OpenSSL wait for a password at the terminal."""
    raise ValueError("the private key is protected by a password; store it without one, readable to this process alone")


def _out_of_date(certificate: Path) -> str:
    """Return why the first certificate of a file is not valid now; empty where it is."""
    leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    now = datetime.datetime.now(datetime.UTC)
    if now > leaf.not_valid_after_utc:
        return f"the certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if now < leaf.not_valid_before_utc:
        return f"the certificate counts only from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on"
    return ""


def valid_until(file: Path) -> float:
    """Return when the certificates of a file end, in seconds since 1970: of a chain its own, of authorities the last of them.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no certificate.
    """
    certificates = x509.load_pem_x509_certificates(file.read_bytes())
    leaf = certificates[0]
    try:
        is_authority = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    ends = [one.not_valid_after_utc.timestamp() for one in (certificates if is_authority else [leaf])]
    return max(ends)


def _file_state(files: tuple[Path, ...]) -> _FileState:
    """Return what changes when a file does: modification time, size and inode of each."""
    states = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            states.append((0, 0, 0))
        else:
            states.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(states)
