"""The keys that sign access tokens: one signs, all of them verify until the last token they signed has expired."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHM = "ES256"
"""ECDSA on P-256: 90 µs to verify, signatures of 64 bytes, in every JOSE library."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One private key. `kid` is its RFC 7638 thumbprint."""

    kid: str
    private: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls) -> "SigningKey":
        """A new key."""
        return cls._named(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """Read an unencrypted PKCS #8 PEM.

        Raises:
            ValueError: it is not a P-256 private key.
        """
        private = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
            raise ValueError("not a P-256 private key")
        return cls._named(private)

    @classmethod
    def _named(cls, private: ec.EllipticCurvePrivateKey) -> "SigningKey":
        return cls(_thumbprint(_public_jwk(private)), private)

    def to_pem(self) -> bytes:
        """The key as unencrypted PKCS #8 PEM; whoever writes it keeps it to itself (mode 0600)."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key (RFC 7517)."""
        return _public_jwk(self.private) | {"kid": self.kid, "use": "sig", "alg": ALGORITHM}

    def sign(self, claims: Mapping[str, Any], typ: str = "JWT") -> str:
        """A JWT with these claims, signed by this key."""
        return jwt.encode(dict(claims), self.private, algorithm=ALGORITHM, headers={"kid": self.kid, "typ": typ})


class KeyRing:
    """The keys of one issuer, newest last: the last one signs, all of them verify."""

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        self._keys = {key.kid: key for key in keys}
        if not self._keys:
            raise ValueError("a key ring holds at least one key")
        self.current = list(self._keys.values())[-1]

    def public_key(self, kid: str) -> ec.EllipticCurvePublicKey | None:
        """What verifies the tokens of one key."""
        key = self._keys.get(kid)
        return key.private.public_key() if key else None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JSON Web Key Set that `/.well-known/jwks.json` shows."""
        return {"keys": [key.public_jwk() for key in self._keys.values()]}


def _public_jwk(private: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
