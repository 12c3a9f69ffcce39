"""ID tokens (OpenID Connect Core 1.0, section 2) which identify a person who signed in with their issuer.

An ID token is for one client, the program that the person signed in to. It is not an access token: an ID token grants no access
by itself, and an access token of the same issuer is not accepted here.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lgsp_auth import signed_jwt
from lgsp_auth.one_time import OneTimeKind, OneTimeValue
from lgsp_auth.signed_jwt import CLOCK_SKEW, InvalidClaimError, MalformedJwtError
from lgsp_auth.token_claims import text_or_empty
from lgsp_auth.token_errors import UnknownKey
from lgsp_auth.trusted_issuer import Issuer
from lgsp_problems import Refusal

MAX_AGE = 600
"""Seconds after which an ID token is too old to be exchanged: it is exchanged right after signing in."""

MAX_SUBJECT = 255
"""Characters of a subject (OpenID Connect Core 1.0, section 2)."""


@dataclass(frozen=True, slots=True)
class SignInIssuer:
    """An issuer whose people may sign in.

    Args:
        issuer: its name, its algorithms and its keys.
        client: the `client_id` of `lgsp login` there, which its ID tokens must name as `aud`.
        scopes: what people who sign in ask it for.
        console_client: the `client_id` of the console there; may be the same.
        console_secret: its secret; empty for a public client.
        title: what the console calls it, by language; empty for its address.
        staff: those who work with the bus sign in with it.
        citizens: citizens sign in with it to read who asked about them.
    """

    issuer: Issuer
    client: str
    scopes: tuple[str, ...] = ("openid",)
    console_client: str = ""
    console_secret: str = ""
    title: Mapping[str, str] = field(default_factory=dict)
    staff: bool = True
    citizens: bool = False


class InvalidGrant(Refusal):
    """The token that was to be exchanged for a session is not valid (RFC 6749, section 5.2)."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__("invalid_grant", vi=vi, en=en)


class Account(NamedTuple):
    """An account of an issuer, as a verified ID token names it: `iss` and `sub`. The latter may be personal data."""

    issuer: str
    subject: str


class VerifiedIdToken(NamedTuple):
    """A verified ID token.

    Args:
        account: that it names.
        key: the thumbprint (RFC 7638) of the key that signed it.
        number: the personal number of the citizen whom it names; "" where its issuer names no citizens.
        authenticated: when the person showed their issuer who they are (`auth_time`, OpenID Connect Core 1.0, section 2), in seconds
            since 1970; 0 where the issuer does not say. Under single sign-on that may be long before the token was issued.
    """

    account: Account
    key: str
    number: str = ""
    authenticated: float = 0.0


class IdTokenVerifier:
    """Turns ID tokens into accounts."""

    def __init__(self, issuers: Iterable[SignInIssuer]) -> None:
        self.issuers: Mapping[str, SignInIssuer] = {sign_in.issuer.name: sign_in for sign_in in issuers}

    def verify(self, token: str, now: float) -> VerifiedIdToken:
        """Verify an ID token; return the account that it names and the key that signed it.

        Args:
            now: seconds since 1970.

        Raises:
            UnknownKey: the issuer's keys should be refreshed, once.
            Refusal: `invalid_grant`.
        """
        try:
            unverified = signed_jwt.parse(token)
        except MalformedJwtError as error:
            raise invalid_grant("không phải JWT", "is not a JWT") from error
        issuer_name, algorithm = unverified.claims.get("iss"), unverified.header_text("alg")
        sign_in_issuer = self.issuers.get(issuer_name) if isinstance(issuer_name, str) else None
        if sign_in_issuer is None:
            raise invalid_grant(
                "do bên không được dùng để đăng nhập ở đây cấp",
                "comes from an issuer that is not configured for sign-in here",
            )
        if (unverified.header_text("typ") or "JWT").upper() != "JWT":
            raise invalid_grant("không phải mã định danh (typ JWT)", "is not an ID token (typ JWT)")
        claims, key = _verify_signature(token, sign_in_issuer.issuer, unverified.header_text("kid"), algorithm)
        try:
            return VerifiedIdToken(
                _account(claims, sign_in_issuer, now),
                key,
                _citizen_number(claims, sign_in_issuer.issuer),
                _authenticated(claims, now),
            )
        except InvalidClaimError as error:
            raise invalid_grant(error.vi, error.en) from error


def _verify_signature(token: str, issuer: Issuer, kid: str, algorithm: str) -> tuple[Mapping[str, Any], str]:
    """Verify a token's signature; return its claims, and the thumbprint of the key."""
    refusal = invalid_grant("không do khóa đang dùng của bên cấp ký", "is not signed by a key the issuer uses")
    if algorithm not in issuer.algorithms:
        raise refusal
    key = issuer.find_key(kid)
    if key is None:
        raise UnknownKey(refusal, issuer.refresh) if issuer.refresh else refusal
    try:
        return signed_jwt.verify_signature(token, key.key, (algorithm,)), key.thumbprint
    except MalformedJwtError as error:
        raise invalid_grant("có chữ ký sai", "has an invalid signature") from error


def _account(claims: Mapping[str, Any], sign_in_issuer: SignInIssuer, now: float) -> Account:
    """Check the claims by OpenID Connect Core 1.0, section 3.1.3.7; return the account."""
    signed_jwt.check_audience(claims, (sign_in_issuer.client,))
    audience, party = claims["aud"], claims.get("azp")
    if party not in (None, sign_in_issuer.client) or (
        party is None and isinstance(audience, list) and len(audience) > 1
    ):
        raise InvalidClaimError(f"phải có azp là {sign_in_issuer.client}", f"must have azp {sign_in_issuer.client}")
    signed_jwt.check_times(claims, now)
    issued = signed_jwt.time_claim(claims, "iat")
    if issued is None or issued < now - MAX_AGE - CLOCK_SKEW:
        raise InvalidClaimError("đã cũ; hãy đăng nhập lại", "is too old; sign in again")
    subject = signed_jwt.text_claim(claims, "sub")
    if len(subject) > MAX_SUBJECT:
        raise InvalidClaimError(f"phải có sub dài tối đa {MAX_SUBJECT}", f"must have sub of at most {MAX_SUBJECT}")
    return Account(sign_in_issuer.issuer.name, subject)


def _authenticated(claims: Mapping[str, Any], now: float) -> float:
    authenticated = signed_jwt.time_claim(claims, "auth_time") or 0.0
    if authenticated > now + CLOCK_SKEW:
        raise InvalidClaimError("có auth_time trong tương lai", "has an auth_time in the future")
    return min(authenticated, now)


def _citizen_number(claims: Mapping[str, Any], issuer: Issuer) -> str:
    return text_or_empty(claims, issuer.person_claim) if issuer.person_kind == "citizen" else ""


def one_time_value(token: str, account: Account) -> OneTimeValue:
    """Return the one-time value of an ID token.

    Args:
        account: the account that the token names.
    """
    # Without the signature: the same one can be written in several ways, and of ECDSA everybody makes another from it.
    signed, _, _ = token.rpartition(".")
    digest = hashlib.sha256(signed.encode("utf-8", "surrogatepass")).hexdigest()
    return OneTimeValue(_ID_TOKEN, f"{account.issuer}\0{account.subject}", digest)


def invalid_grant(vi: str, en: str) -> "InvalidGrant":
    """Create the refusal of an invalid ID token.

    Args:
        vi, en: the rest of a sentence about the token.
    """
    return InvalidGrant(f"Mã định danh {vi}; hãy đăng nhập lại.", f"The ID token {en}; sign in again.")


def _too_many() -> Refusal:
    return Refusal(
        "too-many-attempts",
        vi="Tài khoản này đăng nhập quá thường xuyên; hãy dùng phiên đã có, hoặc thử lại sau vài phút.",
        en="This account signs in too often; use its existing session, or try again in a few minutes.",
        retry_after=60,
    )


_ID_TOKEN = OneTimeKind(
    name="id-token",
    seconds=MAX_AGE + 2 * CLOCK_SKEW,
    limit=100_000,
    limit_per_owner=100,
    replayed=lambda: invalid_grant("đã được dùng một lần", "was exchanged before"),
    too_many=_too_many,
)
