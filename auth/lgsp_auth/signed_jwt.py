"""JWTs from untrusted senders: parsing, signature and claims, with one exception type per kind of error.

PyJWT verifies the signature. The claims are checked here, since a JSON text may contain what PyJWT does not expect: `exp` as NaN, as
10^400 or as a list makes PyJWT 2.15 raise a TypeError or an OverflowError, and its exceptions name the wrong claim only in their
messages.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

MAX_LENGTH = 8192
"""Characters of a JWT; HTTP headers have the same limit."""

MAX_TEXT = 2048
"""Characters of a string claim."""

LATEST = 253_402_300_800
"""The first second of the year 10000, later than any valid time claim."""

CLOCK_SKEW = 60
"""Seconds by which the clock of an honest sender may differ (RFC 7519, section 4.1.4: "no more than a few minutes")."""


_SIGNATURE_ONLY: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class MalformedJwtError(ValueError):
    """The text is not a JWT in compact form, or its signature is not valid for the key."""


class InvalidClaimError(ValueError):
    """A claim is missing, of a wrong type, or has a value that is not accepted.

    Args:
        vi, en: the rest of a sentence whose subject is the JWT: what is wrong and what it must be.
    """

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


@dataclass(frozen=True, slots=True)
class UnverifiedJwt:
    """The content of a JWT whose signature is not verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def header_text(self, name: str) -> str:
        """Return a string member of the header; empty where it is missing or no string."""
        value = self.header.get(name)
        return value if isinstance(value, str) else ""


def parse(token: str | bytes) -> UnverifiedJwt:
    """Parse a JWT without verifying its signature.

    Raises:
        MalformedJwtError: the text is no JWT, or longer than `MAX_LENGTH`.
    """
    if len(token) > MAX_LENGTH:
        raise MalformedJwtError(f"longer than {MAX_LENGTH} characters")
    try:
        parsed = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise MalformedJwtError("not a JWT in compact form") from error
    return UnverifiedJwt(parsed["header"], parsed["payload"])


def verify_signature(token: str | bytes, key: Any, algorithms: Sequence[str]) -> Mapping[str, Any]:
    """Verify the signature of a JWT and nothing else.

    Args:
        token: the JWT in compact form.
        key: the public key, as PyJWT takes it.
        algorithms: those that the key may be used with, whatever the header names.

    Returns:
        The claims.

    Raises:
        MalformedJwtError: the signature is not valid for this key.
    """
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=list(algorithms), options=_SIGNATURE_ONLY)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise MalformedJwtError("the signature is not valid for this key") from error
    return claims


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that must be a string of 1 to `MAX_TEXT` Unicode characters.

    Raises:
        InvalidClaimError: it is missing or no such string.
    """
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not _is_unicode(value):
        raise InvalidClaimError(f"phải có {name} là một chuỗi ký tự", f"must have {name}, a string")
    return value


def time_claim(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a claim that must be a NumericDate (RFC 7519, section 2): seconds since 1970; None where it is missing.

    Raises:
        InvalidClaimError: it is no such number.
    """
    if name not in claims:
        return None
    value = claims[name]
    # False for NaN, which is not less than anything.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LATEST:
        return float(value)
    raise InvalidClaimError(
        f"phải có {name} là số giây kể từ 1970", f"must have {name}, a JSON number of seconds since 1970"
    )


def check_audience(claims: Mapping[str, Any], accepted: Collection[str]) -> None:
    """Check that `aud`, a string or a list of strings, names an accepted audience.

    Raises:
        InvalidClaimError: it names none.
    """
    audience = claims.get("aud")
    if audience not in accepted if isinstance(audience, str) else not _contains_accepted(audience, accepted):
        expected = " or ".join(accepted)
        raise InvalidClaimError(f"phải có aud là {' hoặc '.join(accepted)}", f"must have aud {expected}")


def check_times(claims: Mapping[str, Any], now: float, *, expiry: bool = True) -> None:
    """Check `exp`, `nbf` and `iat` against the clock, with a tolerance of `CLOCK_SKEW` seconds.

    Args:
        now: seconds since 1970.
        expiry: whether `exp` is required and must be in the future.

    Raises:
        InvalidClaimError: the JWT has expired, or is not valid yet.
    """
    expires = time_claim(claims, "exp")
    if expiry:
        if expires is None:
            raise InvalidClaimError("phải có exp", "must have exp")
        if expires <= now - CLOCK_SKEW:
            seconds_ago = int(now - expires)
            raise InvalidClaimError(
                f"đã hết hạn {seconds_ago} giây trước; hãy ký cái mới, hoặc chỉnh đồng hồ của máy",
                f"expired {seconds_ago} seconds ago; sign a new one, or correct the clock of the sender",
            )
    for name in ("iat", "nbf"):
        not_before = time_claim(claims, name)
        if not_before is not None and not_before > now + CLOCK_SKEW:
            seconds_ahead = int(not_before - now)
            raise InvalidClaimError(
                f"có {name} ở tương lai: đồng hồ của bên gửi chạy nhanh {seconds_ahead} giây; hãy chỉnh lại đồng hồ",
                f"has {name} in the future: the sender's clock is {seconds_ahead} seconds ahead; correct it",
            )


def _contains_accepted(audiences: Any, accepted: Collection[str]) -> bool:
    return isinstance(audiences, list) and any(isinstance(name, str) and name in accepted for name in audiences)


def _is_unicode(text: str) -> bool:
    """Tell whether a text can be encoded: JSON allows lone surrogates, UTF-8 does not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
