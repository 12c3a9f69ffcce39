"""A certificate authority of the tests' own."""

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority that vouches for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        certificate = self._certificate(self._name, self._key.public_key(), authority=True)
        self.path = folder / "ca.pem"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *, days: int = 2, starts: int = -1) -> int:
        """Write a new `cert.pem` and `key.pem`, which count from so many days on until so many days from now: the serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        certificate = self._certificate(name, key.public_key(), authority=False, days=days, starts=starts)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self._folder / "key.pem").write_bytes(pem)
        (self._folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return certificate.serial_number

    def write(
        self,
        name: str,
        *,
        names: Sequence[x509.GeneralName] = (),
        days: tuple[float, float] = (-1, 2),
        below: bool = False,
        with_chain: bool = True,
    ) -> tuple[Path, Path]:
        """Write `NAME-cert.pem` and `NAME-key.pem` of a server: their paths.

        Args:
            names: for which it counts; none gives a certificate with a common name alone.
            days: from when until when it counts, from now.
            below: issued by an authority below this one, whose certificate stands behind it `with_chain`.
        """
        key, signing, issuer, chain = ec.generate_private_key(ec.SECP256R1()), self._key, self._name, b""
        now = datetime.datetime.now(datetime.UTC)
        if below:
            signing = ec.generate_private_key(ec.SECP256R1())
            issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority below")])
            chain = self._certificate(issuer, signing.public_key(), authority=True).public_bytes(
                serialization.Encoding.PEM
            )
        begins, ends = (now + datetime.timedelta(days=day) for day in days)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
        )
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        pem = made.sign(signing, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        paths = self._folder / f"{name}-cert.pem", self._folder / f"{name}-key.pem"
        paths[0].write_bytes(pem + (chain if with_chain else b""))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths

    def _certificate(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool, days: int = 2, starts: int = -1
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=-starts))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
