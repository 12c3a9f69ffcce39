"""One order at an ACME authority, in two steps: ask for the challenge, and once it can be fetched, get the certificate.

The protocol is certbot's own library, `acme`. It waits for the authority with `requests`, so its calls run in a thread.
"""

import datetime
import logging
from dataclasses import dataclass
from pathlib import Path

import josepy.errors
from acme import challenges, client, crypto_util, messages
from acme import errors as acme_errors
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy.jwk import JWKRSA
from requests.exceptions import RequestException

from lgsp_problems import CannotStart, Refusal

ORDER_SECONDS = 90
_USER_AGENT = "lgsp"


@dataclass(frozen=True, slots=True)
class Authority:
    """An ACME authority.

    Args:
        directory: the URL of its directory.
        contact: a mail address that it may write to; empty for none.
        trusted: the authorities (PEM) of its own HTTPS; None for those that the machine trusts.
    """

    directory: str
    contact: str = ""
    trusted: Path | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the authority fetches from port 80 of the domain: the `validation` under `/.well-known/acme-challenge/TOKEN`."""

    token: str
    validation: str


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate chain and its private key, both PEM."""

    chain: str
    key: str


def new_account_key() -> str:
    """Return a new private key of an account, PEM."""
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


class AcmeOrder:
    """One order of a certificate.

    Args:
        account_key: PEM; an account that the authority does not know is opened.
        domain: the name for which the certificate counts.
    """

    def __init__(self, authority: Authority, account_key: str, domain: str) -> None:
        self._authority = authority
        self._account_key = JWKRSA.load(account_key.encode())
        self._domain = domain
        self._key = _pem(ec.generate_private_key(ec.SECP256R1()))

    def begin(self) -> list[Challenge]:
        """Open the account and the order, and return what the authority will fetch; nothing where it has checked that lately.

        Raises:
            Refusal: `cannot-start`, with what the authority says.
        """
        try:
            self._client = self._open_account()
            csr = crypto_util.make_csr(self._key.encode(), domains=[self._domain])
            self._order = self._client.new_order(csr)
        except (acme_errors.Error, messages.Error, RequestException, josepy.errors.Error, ValueError) as error:
            raise self._refused(error) from error
        self._challenges = [
            body
            for authorization in self._order.authorizations
            if authorization.body.status != messages.STATUS_VALID
            for body in authorization.body.challenges
            if isinstance(body.chall, challenges.HTTP01)
        ]
        return [
            Challenge(body.chall.encode("token"), body.chall.validation(self._account_key)) for body in self._challenges
        ]

    def finish(self) -> IssuedCertificate:
        """Have the authority fetch the challenges, and return the certificate.

        Raises:
            Refusal: `cannot-start`, with what the authority says.
        """
        # acme compares it with a naive time of its own.
        deadline = datetime.datetime.now() + datetime.timedelta(seconds=ORDER_SECONDS)
        try:
            for body in self._challenges:
                self._client.answer_challenge(body, body.chall.response(self._account_key))
            order = self._client.poll_and_finalize(self._order, deadline)
        except (acme_errors.Error, messages.Error, RequestException, josepy.errors.Error, ValueError) as error:
            raise self._refused(error) from error
        return IssuedCertificate(order.fullchain_pem, self._key)

    def _open_account(self) -> client.ClientV2:
        logging.getLogger("acme.client").setLevel(logging.WARNING)  # it logs each answer
        network = client.ClientNetwork(self._account_key, user_agent=_USER_AGENT)
        if self._authority.trusted:
            # It is handed to requests, which takes a path too.
            network.verify_ssl = str(self._authority.trusted)  # type: ignore[assignment]
        directory = client.ClientV2.get_directory(self._authority.directory, network)
        opened = client.ClientV2(directory, network)
        registration = messages.NewRegistration.from_data(
            email=self._authority.contact or None, terms_of_service_agreed=True
        )
        try:
            opened.new_account(registration)
        except acme_errors.ConflictError as known:
            network.account = messages.RegistrationResource(uri=known.location, body=messages.Registration())
        return opened

    def _refused(self, error: Exception) -> Refusal:
        reason = _reason(error)
        return CannotStart(
            vi=f"Máy chủ ACME {self._authority.directory} không cấp chứng thư cho {self._domain}: {reason}; hãy kiểm tra tên miền trỏ về gateway và cổng 80 mở.",
            en=f"The ACME authority {self._authority.directory} issues no certificate for {self._domain}: {reason}; check that the domain leads to a gateway, and that port 80 is open.",
        )


def _reason(error: Exception) -> str:
    if isinstance(error, acme_errors.ValidationError):
        failed = [
            str(body.error.detail)
            for authorization in error.failed_authzrs
            for body in authorization.body.challenges
            if body.error
        ]
        return "; ".join(failed)[:300]
    return f"{type(error).__name__} {error}"[:300]


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
