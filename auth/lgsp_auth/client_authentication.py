"""Who asks at the token endpoint: a system that signs an assertion (RFC 7523) or sends its secret (RFC 6749, section 2.3.1).

Until a signature holds, every refusal is the same sentence, since it may be read by somebody who tries names. Once it holds the
sender is known, and is told which claim is wrong and what its clock shows.
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
from lgsp_auth.public_jwk import key_for
from lgsp_auth.signed_jwt import CLOCK_SKEW, InvalidClaimError, MalformedJwtError
from lgsp_problems import Refusal

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("ES256", "ES384", "EdDSA", "PS256", "RS256")
MAX_ASSERTION_LIFE = 300

_REMEMBERED_SECONDS = MAX_ASSERTION_LIFE + 2 * CLOCK_SKEW
_MAX_REMEMBERED = 200_000
"""Used assertions in all: some 40 MB."""
_MAX_REMEMBERED_PER_SYSTEM = 10_000
"""Of one system: 24 a second, where a token that counts for an hour is asked for once an hour."""
_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Client:
    """How one system proves who it is.

    Args:
        system: its name in the registry.
        jwks: its public keys (RFC 7517).
        secret_sha256: the SHA-256 of its secret in hexadecimal digits, empty where it has none.
        generation: of the tokens that it gets.
    """

    system: str
    jwks: tuple[Mapping[str, Any], ...]
    secret_sha256: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class AuthenticatedClient:
    """A system that has shown who it is.

    Args:
        client: the system.
        once: the assertion by which it did, which it may use once; None where it showed a secret.
    """

    client: Client
    once: OneTimeValue | None


class UnauthenticatedClient(Refusal):
    """Nothing shows that the request comes from the system that it names: such attempts are counted against its address."""

    def __init__(self) -> None:
        super().__init__(
            "invalid_client",
            vi="Không xác thực được hệ thống; hãy kiểm tra mã hệ thống và khóa đã đăng ký.",
            en="The client could not be authenticated; check its id and the key registered for it.",
            headers=_CHALLENGE,
        )


class ClientAuthenticator:
    """Finds out which system sends a token request.

    Args:
        addresses: what a client assertion may name as its audience: the issuer and the endpoint's own address.
        find: returns the client of a client id, or None.
    """

    def __init__(self, addresses: tuple[str, ...], find: Callable[[str], Client | None]) -> None:
        self._addresses = addresses
        self._find = find

    def authenticate(self, form: Mapping[str, str], authorization: str | None, now: float) -> AuthenticatedClient:
        """Find the system behind a token request. Its assertion is not used up by that.

        Args:
            form: the parameters of the request's body.
            authorization: the request's `Authorization` header.
            now: seconds since 1970.

        Raises:
            Refusal: with an error code of RFC 6749, section 5.2.
            UnauthenticatedClient: where the system is not known to have sent it.
        """
        if "client_assertion" not in form:
            return AuthenticatedClient(self._by_secret(*_credentials(form, authorization)), None)
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise refused(
                "invalid_request",
                f"client_assertion_type phải là {ASSERTION_TYPE}",
                f"client_assertion_type must be {ASSERTION_TYPE}",
            )
        return self._by_assertion(form["client_assertion"], form.get("client_id"), now)

    def _by_secret(self, client_id: str, secret: str) -> Client:
        client = self._find(client_id)
        given = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
        known = client.secret_sha256 if client else ""
        if client is None or not known or not hmac.compare_digest(given, known):
            raise UnauthenticatedClient
        return client

    def _by_assertion(self, assertion: str, client_id: str | None, now: float) -> AuthenticatedClient:
        client, claims = self._signed_by(assertion)
        try:
            identifier = self._check_claims(client.system, claims, client_id, now)
        except InvalidClaimError as error:
            raise refused(
                "invalid_client", f"client_assertion {error.vi}", f"the client_assertion {error.en}"
            ) from error
        return AuthenticatedClient(client, OneTimeValue(ASSERTION, client.system, identifier))

    def _signed_by(self, assertion: str) -> tuple[Client, Mapping[str, Any]]:
        """Return the system whose key signed an assertion, and its claims."""
        try:
            unverified = signed_jwt.parse(assertion)
            client = self._find(signed_jwt.text_claim(unverified.claims, "sub"))
        except (MalformedJwtError, InvalidClaimError) as error:
            raise UnauthenticatedClient from error
        algorithm = unverified.header_text("alg")
        if client is None or algorithm not in ASSERTION_ALGORITHMS:
            raise UnauthenticatedClient
        for key in _keys(client.jwks, unverified.header.get("kid"), algorithm):
            try:
                return client, signed_jwt.verify_signature(assertion, key, (algorithm,))
            except MalformedJwtError:
                continue  # without a kid, the key may be the next one
        raise UnauthenticatedClient

    def _check_claims(self, system: str, claims: Mapping[str, Any], client_id: str | None, now: float) -> str:
        """Hold the claims against RFC 7523, section 3; return the assertion's `jti`."""
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
                f"may live at most {MAX_ASSERTION_LIFE} seconds; set an earlier exp",
            )
        return signed_jwt.text_claim(claims, "jti")


_CHALLENGE = {"WWW-Authenticate": 'Basic realm="lgsp"'}


def refused(code: str, vi: str, en: str) -> Refusal:
    """Make a refusal of the token endpoint, with an error code of RFC 6749, section 5.2."""
    headers = _CHALLENGE if code == "invalid_client" else {}
    return Refusal(code, vi=f"{vi[0].upper()}{vi[1:]}.", en=f"{en[0].upper()}{en[1:]}.", headers=headers)


def _keys(jwks: tuple[Mapping[str, Any], ...], kid: Any, algorithm: str) -> list[Any]:
    """Return the keys of a system that may have signed with this `kid` (any, where none is named) and algorithm."""
    named = (jwk for jwk in jwks if kid is None or jwk.get("kid") == kid)
    # A key that does not go with this algorithm, or counts no more, has signed nothing.
    return [key for jwk in named if (key := key_for(jwk, algorithm)) is not None]


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
    raise refused(
        "invalid_client",
        "yêu cầu không cho biết hệ thống nào đang hỏi; hãy gửi client_assertion hoặc mã hệ thống và mật khẩu",
        "the request does not say who asks; send a client_assertion, or client id and secret",
    )


def _too_many_assertions() -> Refusal:
    return Refusal(
        "too-many-attempts",
        vi="Hệ thống này xin mã quá thường xuyên; hãy dùng lại mã đã có cho đến khi gần hết hạn, và thử lại sau một phút.",
        en="This system asks for tokens too often; use the one it has until it has nearly expired, and try again in a minute.",
        retry_after=_RETRY_SECONDS,
    )


def _replayed_assertion() -> Refusal:
    return refused(
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
