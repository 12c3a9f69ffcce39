"""Proof of possession (DPoP, RFC 9449): a stolen token is worth nothing without the key that it is bound to.

A client signs a small JWT for each request with a key of its own. A token issued to such a request carries the key's
thumbprint, and counts only beside a proof by that key, for that method and address, made just now and never seen before.

Proofs are remembered by the gateway that saw them; behind several gateways one proof could be used once at each within
its minute.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jwt

from lgsp_problems import Refusal

PROOF_TYPE = "dpop+jwt"
ALGORITHMS = ("ES256", "EdDSA", "PS256")
PROOF_SECONDS = 60
MAX_PROOF_LENGTH = 4096
MAX_REMEMBERED = 100_000

_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


class Proofs:
    """Checks proofs and remembers them for as long as they could be used again."""

    def __init__(self) -> None:
        self._seen: dict[bytes, float] = {}

    def check(self, proof: str, method: str, url: str, now: float, token: str = "") -> str:
        """The thumbprint of the key behind a proof.

        Args:
            method, url: of the request that it must be for; the address without query.
            token: the access token that it must be for, empty at the token endpoint.

        Raises:
            Refusal: `invalid_dpop_proof`.
        """
        header, claims = _verified(proof)
        digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        made = claims.get("iat")
        if claims.get("htm") != method or claims.get("htu") != url:
            raise _refused("dành cho một yêu cầu khác (htm, htu)", f"is for another request; htu must be {url}")
        if not isinstance(made, (int, float)) or abs(now - made) > PROOF_SECONDS:
            raise _refused("không phải vừa được tạo (iat)", "was not made just now (iat)")
        if token and claims.get("ath") != digest:
            raise _refused("dành cho một mã truy cập khác (ath)", "is for another access token (ath)")
        self._remember(claims.get("jti"), header["jwk"], now)
        return thumbprint(header["jwk"])

    def _remember(self, jti: Any, jwk: Mapping[str, Any], now: float) -> None:
        if not isinstance(jti, str) or not jti:
            raise _refused("thiếu jti", "has no jti")
        key = hashlib.sha256(f"{thumbprint(jwk)} {jti}".encode()).digest()
        if self._seen.get(key, 0) > now:
            raise _refused("đã được dùng", "was used before")
        if len(self._seen) >= MAX_REMEMBERED:
            self._seen = {seen: until for seen, until in self._seen.items() if until > now}
        self._seen[key] = now + 2 * PROOF_SECONDS


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint of a public key."""
    members = {name: jwk[name] for name in _MEMBERS[jwk["kty"]]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def _verified(proof: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        if len(proof) > MAX_PROOF_LENGTH:
            raise ValueError("too long")
        header = jwt.get_unverified_header(proof)
        jwk = header["jwk"]
        if header.get("typ") != PROOF_TYPE or header.get("alg") not in ALGORITHMS or "d" in jwk:
            raise ValueError("not a proof")
        key = jwt.PyJWK.from_dict(jwk, algorithm=header["alg"])
        thumbprint(jwk)
        claims = jwt.decode(
            proof, key.key, algorithms=[header["alg"]], options={"verify_aud": False, "verify_iat": False}
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        raise _refused("không phải JWT dpop+jwt được ký đúng", "is not a well-signed dpop+jwt") from None
    return header, claims


def _refused(vi: str, en: str) -> Refusal:
    return Refusal(
        "invalid_dpop_proof",
        vi=f"Bằng chứng DPoP {vi}; hãy ký bằng chứng mới cho mỗi yêu cầu.",
        en=f"The DPoP proof {en}; sign a new one for each request.",
        headers={"WWW-Authenticate": 'DPoP realm="lgsp", error="invalid_dpop_proof"'},
    )
