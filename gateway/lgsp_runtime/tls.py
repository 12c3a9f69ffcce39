"""TLS from files that are renewed while a process runs.

Files that have changed are tried in a context of their own. Only what works there counts from then on: a certificate whose key is
still to come, half a file, an expired one leave what was loaded before, and a line in the log. OpenSSL itself is no help: it takes
the certificate over before it finds that the key does not fit.
"""

import asyncio
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog
from cryptography import x509

from lgsp_problems import CannotStart

LOOK_SECONDS = 1.0

_FileState = tuple[tuple[int, int, int], ...]


class TlsFiles:
    """A TLS context and the files that it was loaded from.

    `context` is that of the files as they were when they last worked. That of a listening door is another one after each renewal, so
    whoever accepts connections asks for it each time; that of a connecting process stays the same and learns.
    """

    def __init__(self, files: tuple[Path, ...], load: Callable[[], ssl.SSLContext], *, listens: bool) -> None:
        self._files = files
        self._load = load
        self._listens = listens
        self._loaded_state = _file_state(files)
        self.context = load()

    @classmethod
    def server(cls, certificate: Path, key: Path) -> "TlsFiles":
        """What a listening door shows: a certificate chain and its private key (PEM).

        Raises:
            Refusal: `cannot-start`, when they cannot be used.
        """

        def load() -> ssl.SSLContext:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(certificate, key, password=_no_password)
            return context

        loaded = cls._loaded((certificate, key), load, listens=True)
        if reason := _out_of_date(certificate):
            structlog.get_logger().error("tls certificate out of date", file=str(certificate), reason=reason)
        return loaded

    @classmethod
    def client(cls, authorities: Path) -> "TlsFiles":
        """Whom a connecting process believes: certificate authorities (PEM). Those that were believed once are until it ends.

        Raises:
            Refusal: `cannot-start`, when they cannot be used.
        """

        def load() -> ssl.SSLContext:
            context = ssl.create_default_context()
            context.load_verify_locations(authorities)
            return context

        return cls._loaded((authorities,), load, listens=False)

    @classmethod
    def _loaded(cls, files: tuple[Path, ...], load: Callable[[], ssl.SSLContext], *, listens: bool) -> "TlsFiles":
        try:
            return cls(files, load, listens=listens)
        except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
            names = ", ".join(map(str, files))
            raise CannotStart(
                vi=f"Không dùng được tệp TLS {names}: {error}; hãy kiểm tra đường dẫn, quyền và định dạng PEM.",
                en=f"Cannot use the TLS files {names}: {error}; check their paths, permissions and PEM format.",
            ) from error

    async def watch(self) -> None:
        """Load the files anew whenever they change, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Load the files anew if they have changed. What cannot be used is said once, and tried again when it changes."""
        state = _file_state(self._files)
        if state == self._loaded_state:
            return
        self._loaded_state = state
        log = structlog.get_logger().bind(files=list(map(str, self._files)))
        try:
            self._adopt(self._load())
        except (OSError, ValueError) as error:
            log.error("tls files unusable", error=str(error), goes_on_with="those loaded before")
            return
        if _file_state(self._files) != state:  # changed while they were read: what was loaded may be of both
            self._loaded_state = ()
        log.info("tls files loaded")

    def _adopt(self, candidate: ssl.SSLContext) -> None:
        if not self._listens:
            self.context.load_verify_locations(self._files[0])
            return
        if reason := _out_of_date(self._files[0]):
            raise ValueError(reason)
        self.context = candidate


def _no_password() -> str:
    """Nobody is there to type one, and OpenSSL would wait at the terminal."""
    raise ValueError("the private key is protected by a password; store it without one, readable to this process alone")


def _out_of_date(certificate: Path) -> str:
    """Why the first certificate of a file counts for nobody today; empty where it does."""
    found = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    now = datetime.datetime.now(datetime.UTC)
    if now > found.not_valid_after_utc:
        return f"the certificate expired on {found.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if now < found.not_valid_before_utc:
        return f"the certificate counts only from {found.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on"
    return ""


def _file_state(files: tuple[Path, ...]) -> _FileState:
    """What changes when a file does: when it was written, its size, and which file it is."""
    found = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found.append((0, 0, 0))
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)
