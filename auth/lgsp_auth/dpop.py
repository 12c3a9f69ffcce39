"""Proof of possession (DPoP, RFC 9449): a stolen token is useless without the key that it is bound to.

A client signs a small JWT for each request with a key of its own. A token issued to such a request carries the key's
thumbprint, and is valid only with a proof by that key, for that method and URL, signed just now and never used before.

A proof is verified first and marked as used (`one_time.ReplayGuard`) only after its sender is authenticated, so that
unauthenticated senders cannot fill the memory.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_auth import signed_jwt
from lgsp_auth.one_time import OneTimeKind, OneTimeValue
from lgsp_auth.public_jwk import MEMBERS, key_for, thumbprint
from lgsp_auth.signed_jwt import InvalidClaimError, MalformedJwtError
from lgsp_problems import Refusal

PROOF_TYPE = "dpop+jwt"
ALGORITHMS = ("ES256", "EdDSA", "PS256")
PROOF_SECONDS = 60
MAX_PROOF_LENGTH = 4096

_MAX_REMEMBERED = 500_000
"""Used proofs in total: some 100 MB."""
_MAX_REMEMBERED_PER_KEY = 240_000
"""Used proofs of one key: 2,000 requests a second for as long as they are remembered."""

_KEY_TYPES = {"ES256": "EC", "EdDSA": "OKP", "PS256": "RSA"}
_MAX_MEMBER = 684
"""Characters of a member of a JWK: the modulus of an RSA key of 4,096 bits."""
_MAX_EXPONENT = 6
"""Characters of an RSA exponent, 32 bits: checking a signature takes as long as the exponent is."""


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A valid proof; whether it was used before is not checked yet.

    Args:
        thumbprint: of the key that signed it (RFC 7638).
        one_time: the value that its sender may use once.
    """

    thumbprint: str
    one_time: OneTimeValue


def verify_proof(proof: str, method: str, url: str, now: float, token: str = "") -> VerifiedProof:
    """Verify a proof, without marking it as used.

    Args:
        proof: the `DPoP` header.
        method: of the request that it must be for.
        url: the address of that request, without query.
        now: seconds since 1970.
        token: the access token that it must be for, empty at the token endpoint.

    Raises:
        Refusal: `invalid_dpop_proof`.
    """
    jwk, claims = _verify_signature(proof)
    if claims.get("htm") != method or claims.get("htu") != url:
        raise _invalid_proof(
            "dành cho một yêu cầu khác (htm, htu)", f"is for another request; htm must be {method} and htu {url}"
        )
    try:
        issued = signed_jwt.time_claim(claims, "iat")
        identifier = signed_jwt.text_claim(claims, "jti")
    except InvalidClaimError as error:
        raise _invalid_proof(error.vi, error.en) from error
    if issued is None or abs(now - issued) > PROOF_SECONDS:
        raise _invalid_proof("không phải vừa được tạo (iat)", "was not created just now (iat)")
    digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())
    if token and claims.get("ath") != digest.rstrip(b"=").decode():
        raise _invalid_proof("dành cho một mã truy cập khác (ath)", "is for another access token (ath)")
    key = thumbprint(jwk)
    return VerifiedProof(key, OneTimeValue(PROOF, key, identifier))


def _verify_signature(proof: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the key in a proof's header, and the claims that it signed."""
    try:
        if len(proof) > MAX_PROOF_LENGTH:
            raise MalformedJwtError(f"longer than {MAX_PROOF_LENGTH} characters")
        unverified = signed_jwt.parse(proof)
        algorithm = unverified.header_text("alg")
        if unverified.header_text("typ") != PROOF_TYPE or algorithm not in ALGORITHMS:
            raise MalformedJwtError(f"not a {PROOF_TYPE} with one of {', '.join(ALGORITHMS)}")
        jwk = unverified.header.get("jwk")
        if not isinstance(jwk, dict):
            raise MalformedJwtError("it has no jwk")
        key = _public_key(jwk, algorithm)
        return jwk, signed_jwt.verify_signature(proof, key, (algorithm,))
    except MalformedJwtError as error:
        raise _invalid_proof(
            "không phải JWT dpop+jwt được ký đúng", "is not a dpop+jwt with a valid signature"
        ) from error


def _public_key(jwk: Mapping[str, Any], algorithm: str) -> Any:
    """Load the key in a proof's header, if it may sign proofs and is not slower than usual to verify with."""
    key_type = _KEY_TYPES[algorithm]
    if jwk.get("kty") != key_type or "d" in jwk or "k" in jwk:
        raise MalformedJwtError("its jwk is no public key for its algorithm")
    members = [jwk.get(name) for name in MEMBERS[key_type]]
    if not all(isinstance(member, str) and len(member) <= _MAX_MEMBER for member in members):
        raise MalformedJwtError("its jwk lacks a member of its kty, or one is too long")
    if len(jwk.get("e", "")) > _MAX_EXPONENT:
        raise MalformedJwtError("its jwk has an RSA exponent of more than 32 bits")
    key = key_for(jwk, algorithm)
    if key is None:
        raise MalformedJwtError("its jwk is weak, for something else, or cannot be loaded")
    return key


def _invalid_proof(vi: str, en: str) -> Refusal:
    return Refusal(
        "invalid_dpop_proof",
        vi=f"Bằng chứng DPoP {vi}; hãy ký bằng chứng mới cho mỗi yêu cầu.",
        en=f"The DPoP proof {en}; sign a new one for each request.",
        headers={"WWW-Authenticate": 'DPoP realm="lgsp", error="invalid_dpop_proof"'},
    )


def _too_many_proofs() -> Refusal:
    return Refusal(
        "too-many-attempts",
        vi="Có quá nhiều bằng chứng DPoP trong hai phút vừa qua; hãy thử lại sau một phút.",
        en="There were too many DPoP proofs in the last two minutes; try again in a minute.",
        retry_after=PROOF_SECONDS,
    )


PROOF = OneTimeKind(
    "proof",
    seconds=2 * PROOF_SECONDS,
    limit=_MAX_REMEMBERED,
    limit_per_owner=_MAX_REMEMBERED_PER_KEY,
    replayed=lambda: _invalid_proof("đã được dùng", "was used before"),
    too_many=_too_many_proofs,
)
"""The one-time value of a proof; its owner is the key that signed it."""
