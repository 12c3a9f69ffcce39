"""Keys of the bus in a PKCS#11 token (an HSM, SoftHSM): they are made in it, sign in it, and never leave it.

Of two kinds: `evidence-log` (Ed25519, which C2SP prescribes for logs; a token without EdDSA cannot hold it) and `signing` (P-256, ES256);
each rotation adds one with a number. Which of them signs is said by the folder of keys, which names their public halves.
A signature takes the event loop as long as the token takes; where that is more than some milliseconds, tokens are issued more slowly.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pkcs11
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import NoSuchKey, PKCS11Error
from pkcs11.util.ec import encode_named_curve_parameters

from lgsp_auth.public_jwk import thumbprint
from lgsp_auth.signing_keys import ALGORITHM, jwk_of
from lgsp_problems import CannotStart, Refusal

LOG_LABEL, SIGNING_LABEL = "evidence-log", "signing"
_ED25519 = bytes.fromhex("130c") + b"edwards25519"
"""The curve as PKCS#11 2.40 names it: a PrintableString."""
_P256_POINT_BYTES, _ED25519_POINT_BYTES = 65, 32


@dataclass(frozen=True, slots=True)
class TokenAddress:
    """Where a token is.

    Args:
        module: the library (`.so`) of its maker.
        label: of the token.
        pin_file: holds the PIN of the user.
    """

    module: Path
    label: str
    pin_file: Path


class Pkcs11Key:
    """A private key in the token.

    Args:
        public: the public key: 32 bytes of Ed25519, or the 65 bytes of an uncompressed P-256 point.
    """

    def __init__(self, private: Any, public: bytes, mechanism: Mechanism) -> None:
        self._private = private
        self._mechanism = mechanism
        self.public = public

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes.

        Raises:
            Refusal: `cannot-start`, where the token refuses.
        """
        try:
            return bytes(self._private.sign(message, mechanism=self._mechanism))
        except PKCS11Error as error:
            raise _token_refused(error) from error


class TokenSigningKey:
    """The key in the token that signs access tokens, as `SigningKey` is one in a file."""

    def __init__(self, key: Pkcs11Key) -> None:
        self._key = key
        self.public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public)
        self.kid = thumbprint(jwk_of(self.public))

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as a JSON Web Key (RFC 7517)."""
        return jwk_of(self.public) | {"kid": self.kid, "use": "sig", "alg": ALGORITHM}

    def sign(self, claims: Mapping[str, Any], typ: str = "JWT") -> str:
        """Return a JWT with these claims, signed by this key: r and s side by side (RFC 7518, section 3.4), as PKCS#11 returns them."""
        header = {"alg": ALGORITHM, "kid": self.kid, "typ": typ}
        signed = b".".join(base64url_encode(orjson.dumps(part)) for part in (header, dict(claims)))
        digest = hashes.Hash(hashes.SHA256())
        digest.update(signed)
        return (signed + b"." + base64url_encode(self._key.sign(digest.finalize()))).decode()


class Pkcs11Token:
    """An open token.

    Raises:
        Refusal: `cannot-start`, where it cannot be opened.
    """

    def __init__(self, address: TokenAddress) -> None:
        try:
            pin = address.pin_file.read_text(encoding="utf-8").strip()
            token = pkcs11.lib(str(address.module)).get_token(token_label=address.label)
            self._session = token.open(user_pin=pin, rw=True)
        except (PKCS11Error, OSError, RuntimeError) as error:
            raise _token_refused(error) from error
        self._found: dict[bytes, Pkcs11Key] = {}

    def log_key(self, public: bytes) -> Pkcs11Key | None:
        """Return the key that signs checkpoints, of which the public half is known, 32 bytes; None where the token does not have it."""
        return self._find(public, LOG_LABEL, KeyType.EC_EDWARDS, Mechanism.EDDSA)

    def signing_key(self, public: ec.EllipticCurvePublicKey) -> TokenSigningKey | None:
        """Return the key that signs access tokens, of which the public half is known; None where the token does not have it."""
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        key = self._find(point, SIGNING_LABEL, KeyType.EC, Mechanism.ECDSA)
        return TokenSigningKey(key) if key else None

    def make_log_key(self) -> Pkcs11Key:
        """Make a key that signs checkpoints, in the token.

        Raises:
            Refusal: `cannot-start`, where the token cannot do Ed25519, or refuses.
        """
        made = self._make(LOG_LABEL, KeyType.EC_EDWARDS, _ED25519, Mechanism.EC_EDWARDS_KEY_PAIR_GEN)
        key = self.log_key(made[-_ED25519_POINT_BYTES:])
        assert key is not None
        return key

    def make_signing_key(self) -> TokenSigningKey:
        """Make a key that signs access tokens, in the token.

        Raises:
            Refusal: `cannot-start`, where the token refuses.
        """
        curve = encode_named_curve_parameters("secp256r1")
        made = self._make(SIGNING_LABEL, KeyType.EC, curve, Mechanism.EC_KEY_PAIR_GEN)
        point = made[-_P256_POINT_BYTES:]
        key = self.signing_key(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
        assert key is not None
        return key

    def _make(self, label: str, kind: KeyType, curve: bytes, mechanism: Mechanism) -> bytes:
        """Make a key pair under a label that no other has, and return the public half as the token writes it."""
        private = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
        try:
            taken = {public[Attribute.LABEL] for public in self._publics(kind)}
            free = next(name for name in _numbered(label) if name not in taken)
            parameters = self._session.create_domain_parameters(kind, {Attribute.EC_PARAMS: curve}, local=True)
            make = partial(parameters.generate_keypair, mechanism=mechanism, store=True, label=free)
            public, _ = make(private_template=private)
            return bytes(public[Attribute.EC_POINT])
        except PKCS11Error as error:
            raise _token_refused(error) from error

    def _find(self, point: bytes, label: str, kind: KeyType, mechanism: Mechanism) -> Pkcs11Key | None:
        if point not in self._found:
            try:
                labels = [public[Attribute.LABEL] for public in self._publics(kind) if _has_point(public, point)]
                own = [name for name in labels if name.startswith(label)]
                if not own:
                    return None
                private = self._session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=own[0])
            except NoSuchKey:
                return None
            except PKCS11Error as error:
                raise _token_refused(error) from error
            self._found[point] = Pkcs11Key(private, point, mechanism)
        return self._found[point]

    def _publics(self, kind: KeyType) -> list[Any]:
        return list(self._session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.KEY_TYPE: kind}))


def _numbered(label: str) -> Iterator[str]:
    yield label
    for number in itertools.count(2):
        yield f"{label}-{number}"


def _has_point(public: Any, point: bytes) -> bool:
    return bytes(public[Attribute.EC_POINT]).endswith(point)


def _token_refused(error: Exception) -> Refusal:
    why = f"{type(error).__name__} {error}".strip()
    return CannotStart(
        vi=f"Không dùng được thiết bị khóa PKCS#11: {why}; hãy kiểm tra thư viện, nhãn, tệp PIN, và thiết bị có Ed25519.",
        en=f"Cannot use the PKCS#11 token: {why}; check module, label and PIN file, and that the token has Ed25519.",
    )
