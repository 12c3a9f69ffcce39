"""Public keys as others hand them over: a JSON Web Key, a set of them, a PEM or DER public key, or a certificate.

Whoever runs a system need not have our tool: what `openssl`, a Java keystore or a JOSE library exports is taken as it is.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from lgsp_auth import public_jwk
from lgsp_auth.client_authentication import ASSERTION_ALGORITHMS
from lgsp_gateway.cli.files import read_bytes
from lgsp_problems import Refusal

Jwk = dict[str, Any]

_KEPT = ("kid", "alg")
"""Members of a key of others that the registry takes as they are."""


def read_public_keys(file: Path) -> list[Jwk]:
    """Read the public keys in a file, as the registry has them.

    A key without a `kid` gets its RFC 7638 thumbprint as one.

    Raises:
        Refusal: `not-found` where the file cannot be read; `malformed` where it holds no public key that can be used.
    """
    found = [_as_registered(jwk) for jwk in _parse(file, read_bytes(file).strip())]
    for jwk in found:
        fault = public_jwk.fault_of(jwk, ASSERTION_ALGORITHMS)
        if fault:
            raise Refusal("malformed", vi=f"{file}: khóa {fault.vi}.", en=f"{file}: the key {fault.en}.")
    return found


def _parse(file: Path, content: bytes) -> list[Jwk]:
    if b"PRIVATE KEY-----" in content:
        raise Refusal(
            "malformed",
            vi=f"{file} là khóa riêng: hãy coi là đã lộ nếu người khác gửi cho bạn, và chỉ nhận khóa công khai (openssl pkey -in KHÓA -pubout).",
            en=f"{file} is a private key: consider it compromised if somebody sent it to you, and take its public half alone (openssl pkey -in KEY -pubout).",
        )
    if content.startswith(b"{"):
        return _parse_json(file, content)
    for load in _LOADERS:
        try:
            return [_to_jwk(load(content))]
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    raise _no_key(file)


def _parse_json(file: Path, content: bytes) -> list[Jwk]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _no_key(file) from error
    keys = document.get("keys", [document])
    if not (isinstance(keys, list) and keys and all(isinstance(key, dict) for key in keys)):
        raise _no_key(file)
    return keys


def _as_registered(jwk: Mapping[str, Any]) -> Jwk:
    """Return a key with the members that the registry keeps; those of a private key stay, to be refused."""
    if public_jwk.has_private_part(jwk):
        return dict(jwk)
    members = public_jwk.MEMBERS.get(str(jwk.get("kty")), ("kty",))
    kept = {name: jwk[name] for name in (*members, *_KEPT) if name in jwk}
    try:
        thumbprint = public_jwk.thumbprint(jwk)
    except (KeyError, TypeError):
        thumbprint = ""  # its fault is found next
    return {"kid": thumbprint, **kept, "use": jwk.get("use", "sig")}


def _to_jwk(key: Any) -> Jwk:
    match key:
        case ec.EllipticCurvePublicKey():
            return ECAlgorithm.to_jwk(key, as_dict=True)
        case rsa.RSAPublicKey():
            return RSAAlgorithm.to_jwk(key, as_dict=True)
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return OKPAlgorithm.to_jwk(key, as_dict=True)
    raise ValueError(f"keys of {type(key).__name__} do not sign tokens")


_LOADERS: tuple[Callable[[bytes], Any], ...] = (
    load_pem_public_key,
    load_der_public_key,
    lambda content: x509.load_pem_x509_certificate(content).public_key(),
    lambda content: x509.load_der_x509_certificate(content).public_key(),
)


def _no_key(file: Path) -> Refusal:
    return Refusal(
        "malformed",
        vi=f"{file} không chứa khóa công khai; hãy đưa JWK (JSON), hoặc khóa công khai hay chứng thư ở dạng PEM hoặc DER.",
        en=f"{file} holds no public key; give a JWK (JSON), or a public key or certificate in PEM or DER.",
    )
