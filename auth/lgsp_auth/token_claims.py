"""The claims of an access token: checks of RFC 9068, and what they mean to the bus."""

from collections.abc import Mapping
from typing import Any

from lgsp_auth import signed_jwt
from lgsp_auth.signed_jwt import InvalidClaimError
from lgsp_auth.token_errors import invalid_token
from lgsp_auth.trusted_issuer import GENERATION_CLAIM, Issuer


def check_claims(claims: Mapping[str, Any], issuer: Issuer, now: float) -> float:
    """Check the claims of a token by RFC 9068, section 2.2; return its expiry in seconds since 1970."""
    try:
        signed_jwt.check_audience(claims, (issuer.audience,))
    except InvalidClaimError as error:
        raise invalid_token("được cấp cho nơi khác", "was issued for another audience") from error
    try:
        signed_jwt.text_claim(claims, "sub")
        if issuer.is_own:
            signed_jwt.text_claim(claims, "jti")
        signed_jwt.check_times(claims, now, expiry=False)
        expires, issued = (signed_jwt.time_claim(claims, name) for name in ("exp", "iat"))
    except InvalidClaimError as error:
        raise invalid_token(error.vi, error.en) from error
    if expires is None or issued is None:
        raise invalid_token("thiếu exp hoặc iat", "lacks exp or iat")
    return expires


def text_or_empty(claims: Mapping[str, Any], name: str) -> str:
    """Return a string claim; empty where it is missing or no string."""
    if not name:
        return ""
    try:
        return signed_jwt.text_claim(claims, name)
    except InvalidClaimError:
        return ""


def is_of_person(claims: Mapping[str, Any], issuer: Issuer) -> bool:
    """Tell whether a token names a person. Where nobody signed in, a claim like `sub` names the program itself (RFC 9068, section 2.2)."""
    person = claims.get(issuer.person_claim) if issuer.person_claim else None
    return person is not None and person != claims.get(issuer.system_claim)


def generation_of(claims: Mapping[str, Any]) -> int:
    """Return the generation of tokens that a token of the bus belongs to; -1 where the claim is no integer."""
    number = claims.get(GENERATION_CLAIM, 0)
    return number if isinstance(number, int) else -1


def key_binding_of(claims: Mapping[str, Any]) -> str:
    """Return the thumbprint of the key that a token is bound to (RFC 9449, section 6.1); empty for a bearer token."""
    confirmation = claims.get("cnf")
    if confirmation is None:
        return ""
    bound = confirmation.get("jkt") if isinstance(confirmation, dict) else None
    if not isinstance(bound, str) or not bound:
        # Bound to something that is not checked here, such as a certificate (RFC 8705), it must not pass for a bearer token.
        raise invalid_token(
            "gắn với một khóa theo cách không hỗ trợ ở đây (chỉ cnf.jkt)",
            "is bound to a key in a way that is not supported here (only cnf.jkt is)",
        )
    return bound
