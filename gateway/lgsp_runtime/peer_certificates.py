"""When the certificate that a server shows ends: read from a handshake, after which nothing is sent.

A file of one's own says nothing of the certificates of others, which stop a call just as well. The handshake verifies nothing, so that
a certificate that has ended already can be read too: what it says is shown to people, and trusted for nothing.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

HANDSHAKE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """A certificate to show to the server, and its private key, both PEM; the key may stand in the file of the certificate."""

    certificate: Path
    key: Path | None = None


async def certificate_end(
    host: str, port: int, client: ClientFiles | None = None, *, after_greeting: bool = False
) -> float:
    """Read when the certificate of a server ends, in seconds since 1970.

    Args:
        client: for a server that asks for a certificate.
        after_greeting: the server sends a line before TLS begins, as NATS does.

    Raises:
        OSError, TimeoutError, ValueError: there is no server, or it speaks no TLS.
    """
    context = _unverified(client)
    async with asyncio.timeout(HANDSHAKE_SECONDS):
        if after_greeting:
            reader, writer = await asyncio.open_connection(host, port)
            try:
                await reader.readline()
                await writer.start_tls(context, server_hostname=host)
                return _end_of_peer(writer)
            finally:
                await _close(writer)
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
        try:
            return _end_of_peer(writer)
        finally:
            await _close(writer)


def _unverified(client: ClientFiles | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return context


def _end_of_peer(writer: asyncio.StreamWriter) -> float:
    tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls else None
    if certificate is None:
        raise ValueError("the server has shown no certificate")
    return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()
