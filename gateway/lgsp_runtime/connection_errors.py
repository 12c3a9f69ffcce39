"""Describes why a connection failed, so that somebody can act on it: OpenSSL's reason, and which certificate the server presented.

"Unreachable" says the same of a cable, an expired certificate and a name that is not in it. No data has passed yet when a connection
fails, so the whole reason may be logged. OpenSSL says what is wrong and not with which certificate: that one is fetched on a second
connection, which trusts every certificate and sends nothing.
"""

import asyncio
import contextlib
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

FETCH_SECONDS = 2.0
EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED."""
_MAX_NAMES = 4
_TLS_TOO_OLD = (
    "unsupported protocol",
    "tlsv1 alert protocol version",
    "wrong version number",
    "no protocols available",
)


@dataclass(frozen=True, slots=True)
class PresentedCertificate:
    """The certificate that a server presented.

    Args:
        subject: its common name, or the whole distinguished name.
        issuer: likewise, of the authority that issued it.
        names: its subject alternative names, which clients compare with the host.
        begins, ends: its validity.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    begins: datetime
    ends: datetime

    def __str__(self) -> str:
        names = ", ".join(self.names[:_MAX_NAMES]) or "no name at all (a common name alone does not count)"
        return (
            f"the certificate shown is {self.subject}, for {names}, issued by {self.issuer},"
            f" valid from {self.begins:%Y-%m-%d} until {self.ends:%Y-%m-%d}"
        )


def describe_error(error: BaseException) -> str:
    """Describe why a connection failed, in English: OpenSSL's reason or the operating system's, else the type of the error."""
    cause = _root_cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate does not count: {cause.verify_message.rstrip('.')}"
    if isinstance(cause, ssl.SSLError):
        reason = (cause.reason or type(cause).__name__).replace("_", " ").lower()
        return f"no TLS 1.2 or newer is spoken there: {reason}" if reason in _TLS_TOO_OLD else f"TLS failed: {reason}"
    if isinstance(cause, OSError) and cause.strerror:
        return os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror
    if any(isinstance(linked, ConnectionResetError) for linked in _error_chain(error)):
        return "it closed the connection before it was ready; over TLS it may want a version older than 1.2, or a client's certificate"
    return type(error).__name__


def is_untrusted(error: BaseException) -> bool:
    """Tell whether a connection failed because the certificate of the server was not accepted."""
    return isinstance(_root_cause(error), ssl.SSLCertVerificationError)


async def describe_with_certificate(
    error: BaseException, host: str, port: int, seconds: float = FETCH_SECONDS, *, greets_first: bool = False
) -> str:
    """Describe why a connection failed, and, where a certificate was not accepted, what it certifies, who issued it and until when.

    Args:
        host, port: of the server; they are connected to once more, for the certificate alone.
        seconds: how long that may take, at most `FETCH_SECONDS`.
        greets_first: the server says a line before TLS begins, as one of NATS does.
    """
    description = describe_error(error)
    cause = _root_cause(error)
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return description
    presented = await _fetch_certificate(host, port, min(seconds, FETCH_SECONDS), greets_first=greets_first)
    if presented is None:
        return f"{description}; asked for {host}"
    now = datetime.now(UTC)
    hint = ""
    if cause.verify_code == EXPIRED and presented.begins <= now <= presented.ends:
        hint = "; what has expired is the certificate of an authority above it"
    return f"{description}; asked for {host}, {presented}{hint}"


def _root_cause(error: BaseException) -> BaseException:
    """Return the error of TLS in a chain, or that of the operating system, or the error itself."""
    chain = _error_chain(error)
    for linked in chain:
        if isinstance(linked, ssl.SSLError) and type(linked).__module__ == "ssl":  # aiohttp's subclasses give no reason
            return linked
    return next((linked for linked in chain if isinstance(linked, OSError) and linked.strerror), error)


def _error_chain(error: BaseException) -> list[BaseException]:
    """Return an error with all its causes. aiohttp stores some of them in attributes."""
    chain = [error]
    for linked in chain:
        causes = (
            getattr(linked, "certificate_error", None),
            getattr(linked, "os_error", None),
            linked.__cause__,
            linked.__context__,
        )
        chain += [cause for cause in causes if isinstance(cause, BaseException) and cause not in chain]
    return chain


async def _fetch_certificate(
    host: str, port: int, seconds: float, *, greets_first: bool
) -> PresentedCertificate | None:
    """Return the certificate that a server presents; None where none can be fetched."""
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(seconds):
            encrypted = None if greets_first else unverified
            reader, writer = await asyncio.open_connection(host, port, ssl=encrypted)
            if greets_first:
                await reader.readline()
                await writer.start_tls(unverified, server_hostname=host)
    except (OSError, TimeoutError):
        return None
    try:
        encoded = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return _read_certificate(x509.load_der_x509_certificate(encoded)) if encoded else None
    except ValueError:
        return None
    finally:
        writer.close()


def _read_certificate(certificate: x509.Certificate) -> PresentedCertificate:
    names: tuple[str, ...] = ()
    with contextlib.suppress(x509.ExtensionNotFound, ValueError):
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(name.value) for name in extension)
    return PresentedCertificate(
        _common_name(certificate.subject),
        _common_name(certificate.issuer),
        names,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )


def _common_name(name: x509.Name) -> str:
    """Return the common name, or the whole distinguished name where there is none, at most 80 printable characters."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = str(common[0].value) if common else name.rfc4514_string()
    return "".join(character if character.isprintable() else "?" for character in text)[:80] or "(nobody)"
