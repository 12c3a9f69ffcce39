"""Validation of public keys that others register or publish, as JSON Web Keys (RFC 7517).

Keys are validated when they are registered, so that errors are reported, and when they are used, since a registry may have older ones.
The members `use`, `key_ops` and `alg` restrict a key.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt

from lgsp_problems import Text

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
"""The time to verify a signature grows with the square of the length."""

MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""The members of a public key, by `kty`, from which its thumbprint is computed (RFC 7638, section 3.2; RFC 8037)."""

EXPIRY = "exp"
"""The member of a key that ends it, in seconds since 1970: set while its successor is introduced."""

_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_ALGORITHMS_BY_TYPE: dict[tuple[str, str], tuple[str, ...]] = {
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("OKP", "Ed448"): ("EdDSA",),
    ("RSA", ""): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
}
"""The algorithms of a kind of key (RFC 7518, section 3.1; RFC 8037), by `kty` and `crv`."""

ALGORITHMS = tuple(algorithm for algorithms in _ALGORITHMS_BY_TYPE.values() for algorithm in algorithms)

_LOAD_ERRORS = (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError)
"""The exceptions of PyJWT and cryptography for members that are no valid key."""


class VerificationKey(NamedTuple):
    """A public key that verifies signatures.

    Args:
        thumbprint: of the key (RFC 7638): the same under whatever `kid` it is published.
        key: as PyJWT takes it.
    """

    thumbprint: str
    key: Any


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the RFC 7638 thumbprint of a public key: SHA-256 in base64url.

    Raises:
        KeyError: its `kty` is none of `MEMBERS`, or a member is missing.
    """
    members = {name: jwk[name] for name in MEMBERS[jwk["kty"]]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def has_private_part(jwk: Mapping[str, Any]) -> bool:
    """Tell whether a key that is to be public has members of a private or symmetric one."""
    return any(member in jwk for member in _PRIVATE)


def has_expired(jwk: Mapping[str, Any], now: float) -> bool:
    """Tell whether a key is past its `exp`, the time from which it no longer counts (as keys of OpenID Federation 1.0 may).

    Args:
        now: seconds since 1970.
    """
    expires = jwk.get(EXPIRY)
    return expires is not None and not (isinstance(expires, int | float) and now < expires)


def key_for(jwk: Mapping[str, Any], algorithm: str) -> Any | None:
    """Return the key that verifies signatures of an algorithm; None where the key must not be used for it."""
    if _fault_before_loading(jwk, (algorithm,)) is not None:
        return None
    try:
        return jwt.PyJWK.from_dict(dict(jwk), algorithm=algorithm).key
    except _LOAD_ERRORS:
        return None


def fault_of(jwk: Mapping[str, Any], algorithms: tuple[str, ...] = ALGORITHMS) -> Text | None:
    """Find the fault of a public key; None where it is valid.

    Args:
        algorithms: the key must support at least one of them.
    """
    fault = _fault_before_loading(jwk, algorithms)
    if fault is not None:
        return fault
    try:
        jwt.PyJWK.from_dict(dict(jwk), algorithm=next(name for name in _algorithms_of(jwk) if name in algorithms))
    except _LOAD_ERRORS:
        return Text(
            "không đọc được (thiếu hoặc sai một phần của khóa); hãy xuất lại khóa công khai",
            "cannot be read (a member is missing or wrong); export the public key again",
        )
    return None


def _algorithms_of(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the signature algorithms of a key's type."""
    kind = (str(jwk.get("kty")), "" if jwk.get("kty") == "RSA" else str(jwk.get("crv")))
    return _ALGORITHMS_BY_TYPE.get(kind, ())


def _fault_before_loading(jwk: Mapping[str, Any], algorithms: tuple[str, ...]) -> Text | None:
    """Find a fault of a key that can be found without loading it; None where there is none."""
    if has_private_part(jwk):
        return Text(
            "có phần bí mật của khóa; hãy coi khóa này là đã lộ, tạo khóa mới và chỉ gửi phần công khai",
            "contains the private part of the key; consider it compromised, generate a new key and send only its public part",
        )
    usable = [algorithm for algorithm in _algorithms_of(jwk) if algorithm in algorithms]
    if not usable:
        usable_types = ", ".join(
            f"{kty} {crv}".strip() for (kty, crv), names in _ALGORITHMS_BY_TYPE.items() if set(names) & set(algorithms)
        )
        return Text(
            f"không phải loại khóa được dùng ở đây; hãy dùng một trong: {usable_types}",
            f"has an unsupported key type; use one of: {usable_types}",
        )
    return _fault_of_usage(jwk, usable) or (_fault_of_rsa(jwk) if jwk["kty"] == "RSA" else None)


def _fault_of_usage(jwk: Mapping[str, Any], usable: list[str]) -> Text | None:
    """Find a restriction of a key that keeps it from verifying signatures; None where there is none."""
    if jwk.get("use", "sig") != "sig":
        return Text('không dùng để ký (use phải là "sig")', 'is not for signatures (use must be "sig")')
    if jwk.get("key_ops", ["verify"]) != ["verify"]:
        return Text(
            'không dùng để kiểm chữ ký (key_ops phải là ["verify"])',
            'is not for verification (key_ops must be ["verify"])',
        )
    if jwk.get("alg", usable[0]) not in usable:
        algorithms = ", ".join(usable)
        return Text(
            f"có alg không hợp với khóa; hãy dùng: {algorithms}",
            f"has an alg that does not match its type; use: {algorithms}",
        )
    return None


def _fault_of_rsa(jwk: Mapping[str, Any]) -> Text | None:
    """Find why an RSA key is weak or too slow; None where it is neither."""
    modulus, exponent = (_number(jwk.get(member)) for member in ("n", "e"))
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        return Text(
            f"phải có từ {MIN_RSA_BITS} đến {MAX_RSA_BITS} bit; hãy tạo khóa mới",
            f"must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits; generate a new key",
        )
    if not (exponent % 2 and 2**16 < exponent < 2**32):
        return Text("phải có số mũ e là 65537", "must have the exponent e 65537")
    if is_roca(modulus):
        return Text(
            "do thư viện có lỗi tạo ra (ROCA, CVE-2017-15361) nên phá được; hãy tạo khóa mới bằng phần mềm khác",
            "was made by a faulty library (ROCA, CVE-2017-15361) and can be broken; generate a new key with other software",
        )
    return None


def _number(member: Any) -> int:
    """Decode a number in base64url (RFC 7518, section 2); 0 where it is invalid."""
    if not isinstance(member, str):
        return 0
    try:
        return int.from_bytes(base64.b64decode(member + "=" * (-len(member) % 4), altchars=b"-_", validate=True), "big")
    except ValueError:
        return 0


_SMALL_PRIMES = [prime for prime in range(3, 168) if all(prime % divisor for divisor in range(2, prime))]
_GENERATED = {prime: {pow(65537, power, prime) for power in range(prime - 1)} for prime in _SMALL_PRIMES}


def is_roca(modulus: int) -> bool:
    """Tell whether an RSA modulus was generated by Infineon's faulty library.

    Its primes are powers of 65537 modulo every small prime, and so is their product; of other keys one in 2^27 is
    (Nemec, Sýs, Švenda, Klinec, Matyáš: The Return of Coppersmith's Attack, ACM CCS 2017, section 2.1).
    """
    return all(modulus % prime in powers for prime, powers in _GENERATED.items())
