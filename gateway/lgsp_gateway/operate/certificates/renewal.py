"""Renews the certificate of the gateways' domain in good time, and writes it where the HTTP server reads it.

A certificate is renewed when a third of its life is left, as certbot and the authorities advise, each gateway at a moment of its own
within the tenth before: they do not all ask at once, and when the one whose turn it is fails, another tries.
"""

import asyncio
import datetime
import secrets
import time
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nats.aio.client import Client

from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.operate.certificates.acme_order import AcmeOrder, Authority, IssuedCertificate
from lgsp_gateway.operate.certificates.certificate_store import CertificateStore
from lgsp_gateway.operate.certificates.challenge_server import open_challenge_server
from lgsp_problems import Refusal
from lgsp_runtime import durable_file
from lgsp_runtime.background import Background

LOOK_SECONDS = 5.0
RETRY_SECONDS = 3600.0
"""After an authority refused: it limits how often one may fail."""
RENEW_AT, SPREAD = 1 / 3, 1 / 10
ROUND_SECONDS = 300.0


class CertificateRenewal:
    """Keeps one gateway's certificate files up to date.

    Args:
        gateway: its name.
        domain: the name for which the certificate counts.
        certificate, key: the files that the HTTP server reads.
    """

    def __init__(
        self, store: CertificateStore, authority: Authority, gateway: str, domain: str, certificate: Path, key: Path
    ) -> None:
        self._store = store
        self._authority = authority
        self._gateway = gateway
        self._domain = domain
        self._certificate = certificate
        self._key = key
        self._spread = secrets.randbelow(1000) / 1000 * SPREAD
        self._not_before = 0.0

    async def look(self) -> None:
        """Use what another gateway has got, and get a new certificate where it is time for one."""
        issued = await self._store.certificate()
        if issued:
            self._use(issued)
        now = time.time()
        if (issued and not self._is_due(issued, now)) or now < self._not_before:
            return
        if not await self._store.take_turn(self._gateway):
            return
        try:
            issued = await self._order()
        except Refusal as refusal:
            self._not_before = now + RETRY_SECONDS
            structlog.get_logger().error("no certificate", reason=refusal.detail.en)
            return
        await self._store.put_certificate(issued)
        self._use(issued)
        structlog.get_logger().info("certificate renewed", domain=self._domain)

    async def _order(self) -> IssuedCertificate:
        order = AcmeOrder(self._authority, await self._store.account_key(), self._domain)
        challenges = await asyncio.to_thread(order.begin)
        for challenge in challenges:
            await self._store.put_challenge(challenge)
        try:
            return await asyncio.to_thread(order.finish)
        finally:
            for challenge in challenges:
                await self._store.forget_challenge(challenge.token)

    def _is_due(self, issued: IssuedCertificate, now: float) -> bool:
        leaf = x509.load_pem_x509_certificates(issued.chain.encode())[0]
        begin, end = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if self._domain not in names.get_values_for_type(x509.DNSName):
            return True
        return end - now < (end - begin) * (RENEW_AT + self._spread)

    def _use(self, issued: IssuedCertificate) -> None:
        """Write the files, the key first: the server uses a pair alone that belongs together."""
        if self._certificate.exists() and self._certificate.read_text() == issued.chain:
            return
        durable_file.write(self._key, issued.key.encode())
        durable_file.write(self._certificate, issued.chain.encode())


def ensure_files(settings: GatewaySettings) -> None:
    """Write a certificate that nobody trusts where there is none yet, so that the server can start before it has got one.

    Raises:
        OSError: it cannot be written.
    """
    if not settings.acme_directory or settings.tls_cert is None or settings.tls_key is None:
        return
    if settings.tls_cert.exists() and settings.tls_key.exists():
        return
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lgsp, until there is a certificate")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    durable_file.write(settings.tls_key, pem)
    durable_file.write(settings.tls_cert, made.public_bytes(serialization.Encoding.PEM))


async def open_renewal(
    stack: AsyncExitStack,
    settings: GatewaySettings,
    connection: Client,
    cipher: PayloadCipher,
    background: Background,
) -> None:
    """Get and renew the certificate from now on, where the settings name an authority.

    Raises:
        Refusal: `cannot-start`.
    """
    if not settings.acme_directory or settings.tls_cert is None or settings.tls_key is None:
        return
    store = CertificateStore(connection, cipher)
    await store.open(settings.replicas)
    await open_challenge_server(stack, store, settings.host, settings.acme_port, settings.public_url)
    renewal = CertificateRenewal(
        store,
        Authority(settings.acme_directory, settings.acme_contact, settings.acme_ca),
        settings.name,
        urlsplit(settings.public_url).hostname or "",
        settings.tls_cert,
        settings.tls_key,
    )
    background.run_every("certificate of the domain", LOOK_SECONDS, renewal.look, within=ROUND_SECONDS)
