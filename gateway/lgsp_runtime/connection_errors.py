"""Why a connection did not come about, in words that somebody can act on: OpenSSL's reason, and what certificate was shown.

"Unreachable" says the same of a cable, an expired certificate and a name that is not in it. No data has passed yet when a connection fails, so
the whole reason may stand in logs. OpenSSL says what is wrong and not with which certificate: that one is looked at on a second connection,
which believes nobody and sends nothing.
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
_NAMES = 4
_TOO_OLD = ("unsupported protocol", "tlsv1 alert protocol version", "wrong version number", "no protocols available")


@dataclass(frozen=True, slots=True)
class PresentedCertificate:
    """The certificate that a server shows: whom it names, who vouches for it, and from when until when."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    begins: datetime
    ends: datetime

    def __str__(self) -> str:
        names = ", ".join(self.names[:_NAMES]) or "no name at all (a common name alone does not count)"
        return (
            f"the certificate shown is {self.subject}, for {names}, issued by {self.issuer},"
            f" valid from {self.begins:%Y-%m-%d} until {self.ends:%Y-%m-%d}"
        )


def describe_error(error: BaseException) -> str:
    """The reason of a failed connection: OpenSSL's or the operating system's, else the kind of error."""
    found = _root_cause(error)
    if isinstance(found, ssl.SSLCertVerificationError):
        return f"the certificate does not count: {found.verify_message.rstrip('.')}"
    if isinstance(found, ssl.SSLError):
        said = (found.reason or type(found).__name__).replace("_", " ").lower()
        return f"no TLS 1.2 or newer is spoken there: {said}" if said in _TOO_OLD else f"TLS failed: {said}"
    if isinstance(found, OSError) and found.strerror:
        return os.strerror(found.errno) if found.errno and found.errno > 0 else found.strerror
    if any(isinstance(one, ConnectionResetError) for one in _chain(error)):
        return "it closed the connection before it was ready; over TLS it may want a version older than 1.2, or a client's certificate"
    return type(error).__name__


async def describe_with_certificate(error: BaseException, host: str, port: int, seconds: float = FETCH_SECONDS) -> str:
    """The reason; where a certificate does not count, with whom it names, who issued it and until when.

    Args:
        host, port: where the connection went; asked once more, for the certificate alone.
        seconds: how long that may take at most.
    """
    said = describe_error(error)
    found = _root_cause(error)
    if not isinstance(found, ssl.SSLCertVerificationError):
        return said
    shown = await _fetch_certificate(host, port, min(seconds, FETCH_SECONDS))
    if shown is None:
        return f"{said}; asked for {host}"
    now = datetime.now(UTC)
    further = ""
    if found.verify_code == EXPIRED and shown.begins <= now <= shown.ends:
        further = "; what has expired is the certificate of an authority above it"
    return f"{said}; asked for {host}, {shown}{further}"


def _root_cause(error: BaseException) -> BaseException:
    """What TLS said, or the operating system, or the error itself."""
    chain = _chain(error)
    for one in chain:
        if isinstance(one, ssl.SSLError) and type(one).__module__ == "ssl":  # aiohttp's are such too, and say nothing
            return one
    return next((one for one in chain if isinstance(one, OSError) and one.strerror), error)


def _chain(error: BaseException) -> list[BaseException]:
    """An error and what it came from. aiohttp keeps that in attributes."""
    found = [error]
    for one in found:
        further = (
            getattr(one, "certificate_error", None),
            getattr(one, "os_error", None),
            one.__cause__,
            one.__context__,
        )
        found += [cause for cause in further if isinstance(cause, BaseException) and cause not in found]
    return found


async def _fetch_certificate(host: str, port: int, seconds: float) -> PresentedCertificate | None:
    """What certificate is shown there; None where none can be seen."""
    nobody_believed = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody_believed.check_hostname = False
    nobody_believed.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port, ssl=nobody_believed, server_hostname=host)
    except (OSError, TimeoutError):
        return None
    try:
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return _read_certificate(x509.load_der_x509_certificate(found)) if found else None
    except ValueError:
        return None
    finally:
        writer.close()


def _read_certificate(certificate: x509.Certificate) -> PresentedCertificate:
    names: tuple[str, ...] = ()
    with contextlib.suppress(x509.ExtensionNotFound, ValueError):
        told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(name.value) for name in told)
    return PresentedCertificate(
        _common_name(certificate.subject),
        _common_name(certificate.issuer),
        names,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )


def _common_name(name: x509.Name) -> str:
    """The common name, or the whole of it."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    said = str(common[0].value) if common else name.rfc4514_string()
    return "".join(character if character.isprintable() else "?" for character in said)[:80] or "(nobody)"
