"""The keys that sign access tokens: one signs, all of them verify until the last token they signed has expired."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lgsp_auth.public_jwk import VerificationKey, thumbprint

ALGORITHM = "ES256"
"""ECDSA on P-256: 90 µs to verify, signatures of 64 bytes, in every JOSE library."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One private key. `kid` is its RFC 7638 thumbprint."""

    kid: str
    private: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls) -> "SigningKey":
        """Generate a new key."""
        return cls._with_thumbprint(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """Read an unencrypted PKCS #8 PEM.

        Raises:
            ValueError: it is not a P-256 private key.
        """
        private = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
            raise ValueError("not a P-256 private key")
        return cls._with_thumbprint(private)

    @classmethod
    def _with_thumbprint(cls, private: ec.EllipticCurvePrivateKey) -> "SigningKey":
        return cls(thumbprint(jwk_of(private.public_key())), private)

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        """Return the public half."""
        return self.private.public_key()

    def to_pem(self) -> bytes:
        """Return the key as unencrypted PKCS #8 PEM; a file with it must be private (mode 0600)."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as a JSON Web Key (RFC 7517)."""
        return jwk_of(self.public) | {"kid": self.kid, "use": "sig", "alg": ALGORITHM}

    def sign(self, claims: Mapping[str, Any], typ: str = "JWT") -> str:
        """Return a JWT with these claims, signed by this key."""
        return jwt.encode(dict(claims), self.private, algorithm=ALGORITHM, headers={"kid": self.kid, "typ": typ})


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """The public half of a key whose private half another process has. `kid` is its RFC 7638 thumbprint."""

    kid: str
    public: ec.EllipticCurvePublicKey

    @classmethod
    def of(cls, public: ec.EllipticCurvePublicKey) -> "PublishedKey":
        """Return a public key with its thumbprint."""
        return cls(thumbprint(jwk_of(public)), public)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "PublishedKey":
        """Read a P-256 public key.

        Raises:
            ValueError: it is none.
        """
        try:
            public = jwt.PyJWK.from_dict(dict(jwk)).key
        except jwt.PyJWTError as error:
            raise ValueError("not a public key") from error
        if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
            raise ValueError("not a P-256 public key")
        return cls.of(public)

    def public_jwk(self) -> dict[str, str]:
        """Return it as a JSON Web Key (RFC 7517)."""
        return jwk_of(self.public) | {"kid": self.kid, "use": "sig", "alg": ALGORITHM}


class TokenKey(Protocol):
    """A key that signs access tokens, wherever its private half is: in a file (`SigningKey`), or in a token that keeps it."""

    @property
    def kid(self) -> str:
        """Return its RFC 7638 thumbprint."""

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        """Return its public half."""

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as a JSON Web Key (RFC 7517)."""

    def sign(self, claims: Mapping[str, Any], typ: str = "JWT") -> str:
        """Return a JWT with these claims, signed by this key."""


class KeyRing:
    """The keys of one issuer: the last one that is at hand signs, all of them verify.

    Args:
        keys: at least one, the newest last.
        published: those that other processes sign with.

    Raises:
        ValueError: there is no key that signs.
    """

    def __init__(self, keys: Iterable[TokenKey], published: Iterable[PublishedKey] = ()) -> None:
        signing = list(keys)
        if not signing:
            raise ValueError("a key ring needs at least one key")
        self.current = signing[-1]
        self._keys: dict[str, TokenKey | PublishedKey] = {key.kid: key for key in published}
        self._keys |= {key.kid: key for key in signing}
        self._verifying = {kid: VerificationKey(kid, key.public) for kid, key in self._keys.items()}

    def find(self, kid: str) -> VerificationKey | None:
        """Return what verifies the tokens of a key; None where it is not in the ring."""
        return self._verifying.get(kid)

    @property
    def thumbprints(self) -> frozenset[str]:
        """Return the RFC 7638 thumbprints of all keys, which are also their `kid`s."""
        return frozenset(self._keys)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the JSON Web Key Set that `/.well-known/jwks.json` serves."""
        return {"keys": [key.public_jwk() for key in self._keys.values()]}


def jwk_of(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return a P-256 public key as a JSON Web Key (RFC 7517), without an id."""
    numbers = public.public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
