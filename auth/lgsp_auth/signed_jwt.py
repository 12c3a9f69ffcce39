"""JWTs that strangers send: parsing, signature and claims, each fault one exception type.

The signature is PyJWT's work. The claims are read here, since a JSON text may hold what PyJWT takes for granted it does not:
`exp` as NaN, as 10^400 or as a list leaves PyJWT 2.15 as a TypeError or an OverflowError, and which claim was wrong can be
told from its exceptions by their wording alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

MAX_LENGTH = 8192
"""Characters of a JWT; headers of HTTP are no longer either."""

MAX_TEXT = 2048
"""Characters of a claim that is a text."""

LATEST = 253_402_300_800
"""The first second of the year 10000, after any time that a claim can mean."""

CLOCK_SKEW = 60
"""Seconds by which the clock of an honest sender may differ (RFC 7519, section 4.1.4: "no more than a few minutes")."""


_SIGNATURE_ALONE: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class MalformedJwtError(ValueError):
    """The text is not a JWT in compact form, or its signature is not one of the key's."""


class InvalidClaimError(ValueError):
    """A claim is missing, of another type than its RFC says, or does not hold.

    Args:
        vi, en: the rest of a sentence whose subject is the JWT: what is wrong and what it must be.
    """

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


@dataclass(frozen=True, slots=True)
class UnverifiedJwt:
    """What a JWT says of itself; nobody has vouched for it."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def header_text(self, name: str) -> str:
        """Return a member of the header that is a text; empty where it is missing or something else."""
        value = self.header.get(name)
        return value if isinstance(value, str) else ""


def parse(token: str | bytes) -> UnverifiedJwt:
    """Read a JWT without looking at its signature.

    Raises:
        MalformedJwtError: it is not one, or longer than `MAX_LENGTH`.
    """
    if len(token) > MAX_LENGTH:
        raise MalformedJwtError(f"longer than {MAX_LENGTH} characters")
    try:
        parsed = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise MalformedJwtError("not a JWT in compact form") from error
    return UnverifiedJwt(parsed["header"], parsed["payload"])


def verify_signature(token: str | bytes, key: Any, algorithms: Sequence[str]) -> Mapping[str, Any]:
    """Check the signature of a JWT and nothing else.

    Args:
        token: the JWT in compact form.
        key: the public key, as PyJWT takes it.
        algorithms: what the key may be used with, whatever the header says.

    Returns:
        The claims.

    Raises:
        MalformedJwtError: the signature is not one of this key.
    """
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=list(algorithms), options=_SIGNATURE_ALONE)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise MalformedJwtError("the signature is not one of this key") from error
    return claims


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that must be a text of 1 to `MAX_TEXT` Unicode characters.

    Raises:
        InvalidClaimError: it is missing or something else.
    """
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not _is_unicode(value):
        raise InvalidClaimError(f"phải có {name} là một chuỗi ký tự", f"must have {name}, a text")
    return value


def time_claim(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a claim that must be a NumericDate (RFC 7519, section 2): seconds since 1970; None where it is missing.

    Raises:
        InvalidClaimError: it is something else.
    """
    if name not in claims:
        return None
    value = claims[name]
    # NaN is not less than anything.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LATEST:
        return float(value)
    raise InvalidClaimError(
        f"phải có {name} là số giây kể từ 1970", f"must have {name} in seconds since 1970, as a JSON number"
    )


def check_audience(claims: Mapping[str, Any], accepted: Collection[str]) -> None:
    """Hold `aud`, a text or a list of texts, against the names of whoever reads it.

    Raises:
        InvalidClaimError: none of them is named.
    """
    named = claims.get("aud")
    if named not in accepted if isinstance(named, str) else not _names_one(named, accepted):
        wanted = " or ".join(accepted)
        raise InvalidClaimError(f"phải có aud là {' hoặc '.join(accepted)}", f"must have aud {wanted}")


def check_times(claims: Mapping[str, Any], now: float, *, expiry: bool = True) -> None:
    """Hold `exp`, `nbf` and `iat` against the clock, `CLOCK_SKEW` seconds of difference allowed.

    Args:
        now: seconds since 1970.
        expiry: whether `exp` must be there and lie ahead.

    Raises:
        InvalidClaimError: it has expired, or does not count yet.
    """
    expires = time_claim(claims, "exp")
    if expiry:
        if expires is None:
            raise InvalidClaimError("phải có exp", "must have exp")
        if expires <= now - CLOCK_SKEW:
            late = int(now - expires)
            raise InvalidClaimError(
                f"đã hết hạn {late} giây trước; hãy ký cái mới, hoặc chỉnh đồng hồ của máy",
                f"expired {late} seconds ago; sign a new one, or set the clock of the sender",
            )
    for name in ("iat", "nbf"):
        begins = time_claim(claims, name)
        if begins is not None and begins > now + CLOCK_SKEW:
            early = int(begins - now)
            raise InvalidClaimError(
                f"có {name} ở tương lai: đồng hồ của bên gửi chạy nhanh {early} giây; hãy chỉnh lại đồng hồ",
                f"has {name} in the future: the sender's clock is {early} seconds ahead; set it right",
            )


def _names_one(named: Any, accepted: Collection[str]) -> bool:
    return isinstance(named, list) and any(isinstance(name, str) and name in accepted for name in named)


def _is_unicode(text: str) -> bool:
    """Tell whether a text can be encoded: lone surrogates pass through JSON and through no encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
