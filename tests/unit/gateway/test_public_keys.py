"""Public keys as somebody without our tool hands them over: each usual file is taken, each that is no public key is refused."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lgsp_auth.public_jwk import thumbprint
from lgsp_auth.signing_keys import SigningKey
from lgsp_gateway.cli.public_keys import read_public_keys
from lgsp_problems import Refusal

EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()
OURS = SigningKey.generate()
INFO = PublicFormat.SubjectPublicKeyInfo


def certificate(key: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mot-cua")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now)
    return builder.sign(key, hashes.SHA256())


GOOD = {
    "EC in PEM": (EC.public_key().public_bytes(Encoding.PEM, INFO), "EC"),
    "EC in DER": (EC.public_key().public_bytes(Encoding.DER, INFO), "EC"),
    "Ed25519 in PEM": (ED.public_key().public_bytes(Encoding.PEM, INFO), "OKP"),
    "RSA in PEM": (RSA.public_key().public_bytes(Encoding.PEM, INFO), "RSA"),
    "RSA in PKCS #1": (RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1), "RSA"),
    "certificate in PEM": (certificate(EC).public_bytes(Encoding.PEM), "EC"),
    "certificate in DER": (certificate(RSA).public_bytes(Encoding.DER), "RSA"),
    "JWK": (json.dumps(OURS.public_jwk()).encode(), "EC"),
    "JWK Set": (json.dumps({"keys": [OURS.public_jwk()]}).encode(), "EC"),
}


@pytest.mark.parametrize("form", GOOD)
def test_each_usual_form_is_taken_with_a_kid(tmp_path: Path, form: str) -> None:
    content, kind = GOOD[form]
    (tmp_path / "key").write_bytes(content)
    [jwk] = read_public_keys(tmp_path / "key")
    assert jwk["kty"] == kind
    assert jwk["kid"] == thumbprint(jwk)


def test_a_kid_of_theirs_stays_since_their_program_sends_it(tmp_path: Path) -> None:
    theirs = {**OURS.public_jwk(), "kid": "key-2026", "x5c": ["more"]}
    (tmp_path / "key.json").write_text(json.dumps(theirs))
    [jwk] = read_public_keys(tmp_path / "key.json")
    assert jwk["kid"] == "key-2026"
    assert "x5c" not in jwk


WEAK = rsa.generate_private_key(65537, 1024)
BAD = {
    "private key in PEM": (OURS.to_pem(), "is a private key"),
    "private RSA key in PKCS #1": (
        RSA.private_bytes(Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()),
        "is a private key",
    ),
    "private JWK": (json.dumps({**OURS.public_jwk(), "d": "AAAA"}).encode(), "contains the private part"),
    "short RSA key": (WEAK.public_key().public_bytes(Encoding.PEM, INFO), "must have 2048 to 8192 bits"),
    "DSA key": (dsa.generate_private_key(1024).public_key().public_bytes(Encoding.PEM, INFO), "holds no public key"),
    "encryption key": (json.dumps({**OURS.public_jwk(), "use": "enc"}).encode(), "is not for signatures"),
    "JWK without a member": (b'{"kty": "EC", "crv": "P-256", "x": "AAAA"}', "cannot be read"),
    "JWK of no kind": (b'{"kty": "oct", "x": "AAAA"}', "unsupported key type"),
    "other JSON": (b'{"keys": [1]}', "holds no public key"),
    "broken JSON": (b'{"keys": ', "holds no public key"),
    "text": (b"ssh-ed25519 AAAA", "holds no public key"),
    "nothing": (b"", "holds no public key"),
}


@pytest.mark.parametrize("form", BAD)
def test_what_is_no_public_key_is_refused_with_why(tmp_path: Path, form: str) -> None:
    content, why = BAD[form]
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(Refusal) as refused:
        read_public_keys(tmp_path / "key")
    assert refused.value.code == "malformed"
    assert why in refused.value.detail.en
