"""Public keys that others register or publish, as JSON Web Keys (RFC 7517): which of them count.

Held where a key is registered, so that whoever registers it is told, and where it is used, since a registry may hold older
ones. What a key says of itself (`use`, `key_ops`, `alg`) limits it.
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
"""Checking a signature takes longer with the square of the length."""

MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""What makes a public key, by `kty`: the members that its thumbprint is made of (RFC 7638, section 3.2; RFC 8037)."""

_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_SIGNS: dict[tuple[str, str], tuple[str, ...]] = {
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("OKP", "Ed448"): ("EdDSA",),
    ("RSA", ""): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
}
"""The algorithms of a kind of key (RFC 7518, section 3.1; RFC 8037), by `kty` and `crv`."""

ALGORITHMS = tuple(algorithm for algorithms in _SIGNS.values() for algorithm in algorithms)

_NOT_LOADED = (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError)
"""What PyJWT and cryptography say of members that make no key."""


class VerificationKey(NamedTuple):
    """A public key that signatures are checked with.

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


def key_for(jwk: Mapping[str, Any], algorithm: str) -> Any | None:
    """Return the key that verifies signatures of an algorithm; None where this one does not count for it."""
    if _refused(jwk, (algorithm,)) is not None:
        return None
    try:
        return jwt.PyJWK.from_dict(dict(jwk), algorithm=algorithm).key
    except _NOT_LOADED:
        return None


def fault_of(jwk: Mapping[str, Any], algorithms: tuple[str, ...] = ALGORITHMS) -> Text | None:
    """Say what is wrong with a public key; return None where it counts.

    Args:
        algorithms: those of which it must serve one.
    """
    fault = _refused(jwk, algorithms)
    if fault is not None:
        return fault
    try:
        jwt.PyJWK.from_dict(dict(jwk), algorithm=next(name for name in _signs(jwk) if name in algorithms))
    except _NOT_LOADED:
        return Text(
            "không đọc được (thiếu hoặc sai một phần của khóa); hãy xuất lại khóa công khai",
            "cannot be read (a member is missing or wrong); export the public key again",
        )
    return None


def _signs(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the algorithms that a key of this kind signs with."""
    kind = (str(jwk.get("kty")), "" if jwk.get("kty") == "RSA" else str(jwk.get("crv")))
    return _SIGNS.get(kind, ())


def _refused(jwk: Mapping[str, Any], algorithms: tuple[str, ...]) -> Text | None:
    """Say why a key does not count, as far as that shows without loading it; None where nothing shows."""
    if any(member in jwk for member in _PRIVATE):
        return Text(
            "có phần bí mật của khóa; hãy coi khóa này là đã lộ, tạo khóa mới và chỉ gửi phần công khai",
            "holds the private half of the key; regard it as stolen, make another and send its public half alone",
        )
    usable = [algorithm for algorithm in _signs(jwk) if algorithm in algorithms]
    if not usable:
        known = ", ".join(f"{kty} {crv}".strip() for (kty, crv), of in _SIGNS.items() if set(of) & set(algorithms))
        return Text(
            f"không phải loại khóa được dùng ở đây; hãy dùng một trong: {known}",
            f"is not of a kind that is used here; use one of: {known}",
        )
    return _limited(jwk, usable) or (_weak(jwk) if jwk["kty"] == "RSA" else None)


def _limited(jwk: Mapping[str, Any], usable: list[str]) -> Text | None:
    """Say what else the key says that it is for; None where it may verify signatures."""
    if jwk.get("use", "sig") != "sig":
        return Text('không dùng để ký (use phải là "sig")', 'is not for signatures (use must be "sig")')
    if jwk.get("key_ops", ["verify"]) != ["verify"]:
        return Text(
            'không dùng để kiểm chữ ký (key_ops phải là ["verify"])', 'is not to verify (key_ops must be ["verify"])'
        )
    if jwk.get("alg", usable[0]) not in usable:
        known = ", ".join(usable)
        return Text(
            f"có alg không hợp với khóa; hãy dùng: {known}", f"has an alg that does not go with it; use: {known}"
        )
    return None


def _weak(jwk: Mapping[str, Any]) -> Text | None:
    """Say why an RSA key can be broken, or costs too much to use; None where neither is so."""
    modulus, exponent = (_number(jwk.get(member)) for member in ("n", "e"))
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        return Text(
            f"phải có từ {MIN_RSA_BITS} đến {MAX_RSA_BITS} bit; hãy tạo khóa mới",
            f"must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits; make another",
        )
    if not (exponent % 2 and 2**16 < exponent < 2**32):
        return Text("phải có số mũ e là 65537", "must have the exponent e 65537")
    if is_roca(modulus):
        return Text(
            "do thư viện có lỗi tạo ra (ROCA, CVE-2017-15361) nên phá được; hãy tạo khóa mới bằng phần mềm khác",
            "was made by a faulty library (ROCA, CVE-2017-15361) and can be broken; make another with other software",
        )
    return None


def _number(member: Any) -> int:
    """Decode a number in base64url (RFC 7518, section 2); 0 where it is none."""
    if not isinstance(member, str):
        return 0
    try:
        return int.from_bytes(base64.b64decode(member + "=" * (-len(member) % 4), altchars=b"-_", validate=True), "big")
    except ValueError:
        return 0


_SMALL_PRIMES = [prime for prime in range(3, 168) if all(prime % divisor for divisor in range(2, prime))]
_GENERATED = {prime: {pow(65537, power, prime) for power in range(prime - 1)} for prime in _SMALL_PRIMES}


def is_roca(modulus: int) -> bool:
    """Tell whether an RSA modulus was made by Infineon's faulty library.

    Its primes are powers of 65537 modulo every small prime, and so is their product; of other keys one in 2^27 is
    (Nemec, Sýs, Švenda, Klinec, Matyáš: The Return of Coppersmith's Attack, ACM CCS 2017, section 2.1).
    """
    return all(modulus % prime in powers for prime, powers in _GENERATED.items())
