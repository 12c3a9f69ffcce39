"""The memory of the verifier, and keys."""

import pytest

from lgsp_auth import trusted_issuer
from lgsp_auth.public_jwk import VerificationKey
from lgsp_auth.signing_keys import KeyRing, SigningKey
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_problems import Refusal


def verifier(looked: list[str], key: SigningKey) -> Verifier:
    def find(kid: str) -> object | None:
        looked.append(kid)
        return KeyRing([key]).find(kid)

    return Verifier([Issuer("https://bus", ("ES256",), find)])


def token(key: SigningKey, number: int = 1, exp: int = 2**33) -> str:
    claims = {"iss": "https://bus", "sub": "mot-cua", "aud": "lgsp", "iat": 1, "exp": exp, "jti": str(number)}
    return "Bearer " + key.sign(claims, trusted_issuer.TOKEN_TYPE)


def test_a_token_is_verified_once() -> None:
    looked: list[str] = []
    key = SigningKey.generate()
    verifying = verifier(looked, key)
    sent = token(key)
    assert {verifying.verify(sent, 1000).system for _ in range(5)} == {"mot-cua"}
    assert looked == [key.kid]
    verifying.forget(lambda identity: identity.system == "mot-cua")
    verifying.verify(sent, 1000)
    assert looked == [key.kid] * 2


def test_tokens_of_a_key_are_forgotten_and_others_are_not() -> None:
    looked: list[str] = []
    key, other = SigningKey.generate(), SigningKey.generate()

    def find(kid: str) -> VerificationKey | None:
        looked.append(kid)
        return KeyRing([key, other]).find(kid)

    verifying = Verifier([Issuer("https://bus", ("ES256",), find)])
    sent_by = {signing.kid: token(signing) for signing in (key, other)}
    for kid, sent in sent_by.items():
        assert verifying.verify(sent, 1000).key == kid
    verifying.forget_key("https://elsewhere", key.kid)
    verifying.forget_key("https://bus", key.kid)
    for sent in sent_by.values():
        verifying.verify(sent, 1000)
    assert looked == [key.kid, other.kid, key.kid]


def test_what_is_identities_is_bounded() -> None:
    key = SigningKey.generate()
    verifying = Verifier([Issuer("https://bus", ("ES256",), KeyRing([key]).find)], remember=3)
    for number in range(10):
        verifying.verify(token(key, number), 1000)
    assert len(verifying._identities) == 3


def test_a_identities_token_expires() -> None:
    key = SigningKey.generate()
    verifying = verifier([], key)
    sent = token(key, exp=2000)
    assert verifying.verify(sent, 1999)
    with pytest.raises(Refusal):
        verifying.verify(sent, 2000)
    with pytest.raises(Refusal):
        verifying.verify(sent, 1999.5 + 1)


def test_a_key_survives_being_written() -> None:
    key = SigningKey.generate()
    again = SigningKey.from_pem(key.to_pem())
    assert again.kid == key.kid
    assert again.public_jwk() == key.public_jwk()
    assert "d" not in key.public_jwk()
    with pytest.raises(ValueError, match="PEM"):
        SigningKey.from_pem(b"not a key")
    with pytest.raises(ValueError, match="at least one"):
        KeyRing([])
