"""Client authentication at the token endpoint: a signed assertion (RFC 7523) or a secret (RFC 6749, section 2.3.1).

Before a signature is verified, every refusal has the same text, since its reader may be guessing names. After that the sender is
known, and learns which claim is wrong and how far its clock is off.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from lgsp_auth import signed_jwt
from lgsp_auth.one_time import OneTimeKind, OneTimeValue
from lgsp_auth.public_jwk import has_expired, key_for
from lgsp_auth.signed_jwt import CLOCK_SKEW, InvalidClaimError, MalformedJwtError
from lgsp_problems import Refusal

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("ES256", "ES384", "EdDSA", "PS256", "RS256")
MAX_ASSERTION_LIFE = 300

_REMEMBERED_SECONDS = MAX_ASSERTION_LIFE + 2 * CLOCK_SKEW
_MAX_REMEMBERED = 200_000
"""Used assertions in total: some 40 MB."""
_MAX_REMEMBERED_PER_SYSTEM = 10_000
"""Used assertions of one system: 24 a second, although a token that lasts an hour is requested once an hour."""
_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Client:
    """The credentials of one system.

    Args:
        system: its name in the registry.
        jwks: its public keys (RFC 7517).
        secret_sha256: the SHA-256 of its secret in hexadecimal digits, empty where it has none.
        generation: the generation of the tokens issued to it.
    """

    system: str
    jwks: tuple[Mapping[str, Any], ...]
    secret_sha256: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class AuthenticatedClient:
    """A system that has authenticated itself.

    Args:
        client: the system.
        one_time: its assertion, which may be used once; None where it used its secret.
    """

    client: Client
    one_time: OneTimeValue | None


class UnauthenticatedClient(Refusal):
    """The request is not proven to come from the system that it names; such attempts are counted by network address."""

    def __init__(self) -> None:
        super().__init__(
            "invalid_client",
            vi="Không xác thực được hệ thống; hãy kiểm tra mã hệ thống và khóa đã đăng ký.",
            en="The client could not be authenticated; check its id and the key registered for it.",
            headers=_CHALLENGE,
        )


class ClientAuthenticator:
    """Authenticates the system that sends a token request.

    Args:
        addresses: the audiences accepted in a client assertion: the issuer and the endpoint's own address.
        find_client: returns the client of a client id, or None.
    """

    def __init__(self, addresses: tuple[str, ...], find_client: Callable[[str], Client | None]) -> None:
        self._addresses = addresses
        self._find_client = find_client

    def authenticate(self, form: Mapping[str, str], authorization: str | None, now: float) -> AuthenticatedClient:
        """Authenticate the system that sends a token request, without marking its assertion as used.

        Args:
            form: the parameters of the request's body.
            authorization: the request's `Authorization` header.
            now: seconds since 1970.

        Raises:
            Refusal: with an error code of RFC 6749, section 5.2.
            UnauthenticatedClient: where the request is not proven to come from the system.
        """
        if "client_assertion" not in form:
            return AuthenticatedClient(self._authenticate_by_secret(*_credentials(form, authorization)), None)
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise oauth_refusal(
                "invalid_request",
                f"client_assertion_type phải là {ASSERTION_TYPE}",
                f"client_assertion_type must be {ASSERTION_TYPE}",
            )
        return self._authenticate_by_assertion(form["client_assertion"], form.get("client_id"), now)

    def _authenticate_by_secret(self, client_id: str, secret: str) -> Client:
        client = self._find_client(client_id)
        secret_digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
        registered_digest = client.secret_sha256 if client else ""
        if client is None or not registered_digest or not hmac.compare_digest(secret_digest, registered_digest):
            raise UnauthenticatedClient
        return client

    def _authenticate_by_assertion(self, assertion: str, client_id: str | None, now: float) -> AuthenticatedClient:
        client, claims = self._verify_signature_of(assertion, now)
        try:
            identifier = self._check_claims(client.system, claims, client_id, now)
        except InvalidClaimError as error:
            raise oauth_refusal(
                "invalid_client", f"client_assertion {error.vi}", f"the client_assertion {error.en}"
            ) from error
        return AuthenticatedClient(client, OneTimeValue(ASSERTION, client.system, identifier))

    def _verify_signature_of(self, assertion: str, now: float) -> tuple[Client, Mapping[str, Any]]:
        """Return the system whose key signed an assertion, and its claims."""
        try:
            unverified = signed_jwt.parse(assertion)
            client = self._find_client(signed_jwt.text_claim(unverified.claims, "sub"))
        except (MalformedJwtError, InvalidClaimError) as error:
            raise UnauthenticatedClient from error
        algorithm = unverified.header_text("alg")
        if client is None or algorithm not in ASSERTION_ALGORITHMS:
            raise UnauthenticatedClient
        for key in _candidate_keys(client.jwks, unverified.header.get("kid"), algorithm, now):
            try:
                return client, signed_jwt.verify_signature(assertion, key, (algorithm,))
            except MalformedJwtError:
                continue  # without a kid, try the next key
        raise UnauthenticatedClient

    def _check_claims(self, system: str, claims: Mapping[str, Any], client_id: str | None, now: float) -> str:
        """Check the claims by RFC 7523, section 3; return the assertion's `jti`."""
        if signed_jwt.text_claim(claims, "iss") != system:
            raise InvalidClaimError("phải có iss bằng sub", "must have iss equal to sub")
        if client_id is not None and client_id != system:
            raise InvalidClaimError(
                "phải có sub bằng tham số client_id", "must have sub equal to the parameter client_id"
            )  # RFC 7521, section 4.2
        signed_jwt.check_audience(claims, self._addresses)
        signed_jwt.check_times(claims, now)
        expires = signed_jwt.time_claim(claims, "exp")
        if expires is None or expires > now + MAX_ASSERTION_LIFE + CLOCK_SKEW:
            raise InvalidClaimError(
                f"chỉ được có hiệu lực tối đa {MAX_ASSERTION_LIFE} giây; hãy đặt exp gần hơn",
                f"must expire within {MAX_ASSERTION_LIFE} seconds; set an earlier exp",
            )
        return signed_jwt.text_claim(claims, "jti")


_CHALLENGE = {"WWW-Authenticate": 'Basic realm="lgsp"'}


def oauth_refusal(code: str, vi: str, en: str) -> Refusal:
    """Create a refusal of the token endpoint, with an error code of RFC 6749, section 5.2."""
    headers = _CHALLENGE if code == "invalid_client" else {}
    return Refusal(code, vi=f"{vi[0].upper()}{vi[1:]}.", en=f"{en[0].upper()}{en[1:]}.", headers=headers)


def _candidate_keys(jwks: tuple[Mapping[str, Any], ...], kid: Any, algorithm: str, now: float) -> list[Any]:
    """Return the keys of a system that may have signed now with this `kid` (any, where none is named) and algorithm."""
    candidates = (jwk for jwk in jwks if (kid is None or jwk.get("kid") == kid) and not has_expired(jwk, now))
    # A key that does not match the algorithm, or is not valid, has signed nothing.
    return [key for jwk in candidates if (key := key_for(jwk, algorithm)) is not None]


def _credentials(form: Mapping[str, str], authorization: str | None) -> tuple[str, str]:
    """Read client id and secret, from the Basic header (form-encoded as RFC 6749, section 2.3.1 asks) or from the form."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError as error:  # not ASCII, not base64, not UTF-8
            raise UnauthenticatedClient from error
        return unquote_plus(client_id), unquote_plus(secret)
    if "client_id" in form and "client_secret" in form:
        return form["client_id"], form["client_secret"]
    raise oauth_refusal(
        "invalid_client",
        "yêu cầu không cho biết hệ thống nào gửi; hãy gửi client_assertion hoặc mã hệ thống và mật khẩu",
        "the request does not name a client; send a client_assertion, or client id and secret",
    )


def _too_many_assertions() -> Refusal:
    return Refusal(
        "too-many-attempts",
        vi="Hệ thống này xin mã quá thường xuyên; hãy dùng lại mã đã có cho đến khi gần hết hạn, và thử lại sau một phút.",
        en="This system requests tokens too often; reuse its token until it has nearly expired, and try again in a minute.",
        retry_after=_RETRY_SECONDS,
    )


def _replayed_assertion() -> Refusal:
    return oauth_refusal(
        "invalid_client",
        "client_assertion đã được dùng một lần; hãy ký một cái mới cho mỗi yêu cầu",
        "this client_assertion was used before; sign a new one for each request",
    )


ASSERTION = OneTimeKind(
    "assertion",
    seconds=_REMEMBERED_SECONDS,
    limit=_MAX_REMEMBERED,
    limit_per_owner=_MAX_REMEMBERED_PER_SYSTEM,
    replayed=_replayed_assertion,
    too_many=_too_many_assertions,
)
"""The one-time value of an assertion; its owner is the system that signed it."""
