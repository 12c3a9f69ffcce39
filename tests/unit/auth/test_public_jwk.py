"""Which public keys count: their kind, their strength, and what they say of themselves."""

import base64
import secrets
from math import prod
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from lgsp_auth.client_authentication import ASSERTION_ALGORITHMS
from lgsp_auth.public_jwk import fault_of, is_roca, key_for


def number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


def rsa_jwk(bits: int = 2048, **changed: Any) -> dict[str, Any]:
    public = rsa.generate_private_key(65537, bits).public_key()
    return {"kid": "1", **RSAAlgorithm.to_jwk(public, as_dict=True), "key_ops": ["verify"], **changed}


def ec_jwk(curve: ec.EllipticCurve, **changed: Any) -> dict[str, Any]:
    return {"kid": "1", **ECAlgorithm.to_jwk(ec.generate_private_key(curve).public_key(), as_dict=True), **changed}


P256 = ec_jwk(ec.SECP256R1())
RSA = rsa_jwk()
ED25519 = {"kid": "1", **OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True)}
X25519 = {
    "kid": "1",
    "kty": "OKP",
    "crv": "X25519",
    "x": base64.urlsafe_b64encode(x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()).decode(),
}


def is_prime(candidate: int) -> bool:
    """Miller and Rabin, forty rounds."""
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(40):
        at = pow(secrets.randbelow(candidate - 3) + 2, odd, candidate)
        if at not in (1, candidate - 1) and not any(
            (at := at * at % candidate) == candidate - 1 for _ in range(twos - 1)
        ):
            return False
    return True


def roca_modulus() -> int:
    """As the faulty library makes it: each prime is k * M + (65537^a mod M), M the product of the first 126 primes."""
    product = prod(prime for prime in range(2, 702) if all(prime % at for at in range(2, prime)))

    def made() -> int:
        power = pow(65537, secrets.randbits(250), product)
        while True:
            found = secrets.randbits(53) * product + power
            if found >> 1022 == 0b11 and is_prime(found):  # so that the product of two has 2048 bits
                return found

    return made() * made()


GOOD = {
    "P-256": P256,
    "P-384": ec_jwk(ec.SECP384R1(), alg="ES384", use="sig"),
    "Ed25519": ED25519,
    "RSA": RSA,
    "RSA for PSS": {**RSA, "alg": "PS256"},
}


@pytest.mark.parametrize("name", GOOD)
def test_what_counts(name: str) -> None:
    assert fault_of(GOOD[name], ASSERTION_ALGORITHMS) is None


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a short coordinate": ({**P256, "x": "AAAA"}, "cannot be read"),
    "not base64url": ({**P256, "x": "+/+/"}, "cannot be read"),
    "a number": ({**P256, "x": 7}, "cannot be read"),
    "no coordinate": ({"kty": "EC", "crv": "P-256", "kid": "1", "x": P256["x"]}, "cannot be read"),
    "off the curve": ({**P256, "y": P256["x"]}, "cannot be read"),
    "secp256k1": (ec_jwk(ec.SECP256K1()), "has an unsupported key type"),
    "P-521, which no assertion is signed with": (ec_jwk(ec.SECP521R1()), "has an unsupported key type"),
    "X25519": (X25519, "has an unsupported key type"),
    "oct": ({"kty": "oct", "kid": "1"}, "has an unsupported key type"),
    "another kty": ({**P256, "kty": "RSA"}, "2048 to 8192 bits"),
    "a curve that is a list": ({**P256, "crv": ["P-256"]}, "has an unsupported key type"),
    "alg of another kind": ({**P256, "alg": "RS256"}, "use: ES256"),
    "alg none": ({**P256, "alg": "none"}, "use: ES256"),
    "for encryption": ({**P256, "use": "enc"}, 'use must be "sig"'),
    "to sign": ({**P256, "key_ops": ["sign"]}, 'key_ops must be ["verify"]'),
    "to sign and to verify": ({**P256, "key_ops": ["sign", "verify"]}, 'key_ops must be ["verify"]'),
    "private": ({**P256, "d": "x"}, "private part"),
    "private RSA": ({**RSA, "p": "x"}, "private part"),
    "1024 bits": (rsa_jwk(1024), "2048 to 8192 bits"),
    "e = 3": ({**RSA, "e": number(3)}, "65537"),
    "e = 1": ({**RSA, "e": number(1)}, "65537"),
    "an even e": ({**RSA, "e": number(65538)}, "65537"),
    "a long e": ({**RSA, "e": number(2**1000 + 1)}, "65537"),
    "no e": ({name: value for name, value in RSA.items() if name != "e"}, "65537"),
    "n that is no text": ({**RSA, "n": ["x"]}, "2048 to 8192 bits"),
    "a huge n": ({**RSA, "n": number(2**9000 + 1)}, "2048 to 8192 bits"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not(name: str) -> None:
    jwk, words = BAD[name]
    fault = fault_of(jwk, ASSERTION_ALGORITHMS)
    assert fault is not None
    assert words in fault.en
    assert not any(key_for(jwk, algorithm) for algorithm in ASSERTION_ALGORITHMS)


def test_keys_of_the_faulty_library_are_told() -> None:
    modulus = roca_modulus()
    assert is_roca(modulus)
    fault = fault_of({**RSA, "n": number(modulus)}, ASSERTION_ALGORITHMS)
    assert fault is not None
    assert "CVE-2017-15361" in fault.en
    assert not is_roca(int.from_bytes(base64.urlsafe_b64decode(RSA["n"] + "=="), "big"))


def test_a_key_verifies_with_its_own_algorithm_alone() -> None:
    assert key_for(RSA, "RS256")
    assert key_for(RSA, "PS256")
    assert key_for({**RSA, "alg": "PS256"}, "PS256")
    assert key_for({**RSA, "alg": "PS256"}, "RS256") is None
    assert key_for(P256, "ES384") is None
