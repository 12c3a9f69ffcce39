"""Claims of any type, size and encoding: a signed one and an unsigned one are refused in a sentence, never by an accident."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from support.replays import LocalReplayGuard

from lgsp_auth.client_authentication import ASSERTION_TYPE, Client, ClientAuthenticator
from lgsp_auth.dpop import verify_proof
from lgsp_auth.issuing import AccessTokens, TokenEndpoint
from lgsp_auth.signing_keys import ALGORITHM, KeyRing, SigningKey
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_problems import Refusal

ISSUER = "https://lgsp.test"
KEY = SigningKey.generate()
DPOP_JWK = {name: value for name, value in KEY.public_jwk().items() if name in ("kty", "crv", "x", "y")}

ODD: list[Any] = [
    None,
    True,
    [],
    {},
    ["x"],
    "text",
    "",
    "\ud800",
    -1,
    1.5,
    10**400,
    float("nan"),
    float("inf"),
    float("-inf"),
]


def packed(part: str) -> str:
    return base64.urlsafe_b64encode(part.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


def unsigned(header: str, claims: str) -> str:
    return f"{packed(header)}.{packed(claims)}.AAAA"


DEEP = "[" * 5000
BROKEN = [
    "",
    "a",
    "a.b.c",
    "\ud800",
    "é.é.é",
    unsigned(DEEP, "{}"),
    unsigned('{"alg":"ES256"}', DEEP),
    unsigned('{"alg":"ES256"}', '{"a":' * 1500),
    unsigned("[]", "[]"),
    unsigned('{"alg":["ES256"]}', "{}"),
    unsigned('{"alg":"ES256","kid":{}}', '{"iss":"' + ISSUER + '"}'),
    unsigned('{"alg":"ES256","typ":7,"kid":null}', '{"sub":["x"]}'),
    unsigned('{"alg":"ES256","b64":false,"crit":["b64"]}', "{}"),
    unsigned('{"alg":"ES256","jwk":"abc","typ":"dpop+jwt"}', "{}"),
    unsigned('{"alg":"ES256","jwk":["abc"],"typ":"dpop+jwt"}', "{}"),
    unsigned('{"alg":"ES256","jwk":{"kty":["EC"]},"typ":"dpop+jwt"}', "{}"),
    unsigned('{"alg":"ES256","jwk":{"kty":"EC","crv":7,"x":1,"y":[]},"typ":"dpop+jwt"}', "{}"),
]


def endpoint(jwks: tuple[dict[str, Any], ...] = (KEY.public_jwk(),)) -> TokenEndpoint:
    ring = KeyRing([KEY])
    clients = ClientAuthenticator((ISSUER,), lambda name: Client("alpha", jwks) if name == "alpha" else None)
    return TokenEndpoint(AccessTokens(ISSUER, lambda: ring), clients, LocalReplayGuard())


def verifier() -> Verifier:
    return Verifier([Issuer(ISSUER, (ALGORITHM,), KeyRing([KEY]).find, person_claim="cccd")])


def assertion_form(assertion: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }


def claims(now: float, **changed: Any) -> dict[str, Any]:
    return {"iss": "alpha", "sub": "alpha", "aud": ISSUER, "iat": int(now), "exp": int(now) + 60, "jti": "1", **changed}


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
async def test_what_is_no_token_is_refused_at_every_place_that_reads_one(text: str) -> None:
    now = time.time()
    with pytest.raises(Refusal):
        verifier().verify(f"Bearer {text}", now)
    with pytest.raises(Refusal):
        verifier().verify_person(text, now)
    with pytest.raises(Refusal):
        await endpoint().issue(assertion_form(text), None, now)
    with pytest.raises(Refusal):
        verify_proof(text, "POST", ISSUER, now)


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "aud", "iss", "sub", "jti"])
async def test_a_signed_assertion_with_an_odd_claim_is_refused(claim: str, value: Any) -> None:
    now = time.time()
    signed = signed_text(claims(now, **{claim: value}), {"kid": KEY.kid})
    if (claim, value) in (("iat", 1.5), ("iat", -1), ("nbf", 1.5), ("nbf", -1), ("jti", "text")):
        await endpoint().issue(assertion_form(signed), None, now)
        return
    with pytest.raises(Refusal) as refused:
        await endpoint().issue(assertion_form(signed), None, now)
    assert refused.value.code == "invalid_client"


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "aud", "iss", "sub", "jti", "cnf", "cccd"])
def test_a_token_of_a_trusted_issuer_with_an_odd_claim_is_refused_or_read(claim: str, value: Any) -> None:
    now = time.time()
    said = {**claims(now), "iss": ISSUER, "sub": "alpha", "aud": "lgsp", "cccd": "022093001234", claim: value}
    signed = signed_text(said, {"kid": KEY.kid, "typ": "at+jwt"})
    for found in (
        outcome(lambda: verifier().verify(f"Bearer {signed}", now)),
        outcome(lambda: verifier().verify_person(signed, now)),
    ):
        assert getattr(found, "code", "token-invalid") == "token-invalid"
        assert getattr(found, "expires", now) <= now + 61
        str(found).encode()


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("claim", ["htm", "htu", "iat", "jti", "ath"])
def test_a_proof_with_an_odd_claim_is_refused(claim: str, value: Any) -> None:
    now = time.time()
    said = {"htm": "POST", "htu": ISSUER, "iat": int(now), "jti": "1", "ath": "x", claim: value}
    signed = signed_text(said, {"typ": "dpop+jwt", "jwk": DPOP_JWK})
    with pytest.raises(Refusal):
        verify_proof(signed, "POST", ISSUER, now, token="t")


@pytest.mark.parametrize("iat", [float("nan"), 10**400, float("inf"), True, "now"])
def test_a_proof_is_of_now(iat: Any) -> None:
    now = time.time()
    signed = signed_text({"htm": "POST", "htu": ISSUER, "iat": iat, "jti": "1"}, {"typ": "dpop+jwt", "jwk": DPOP_JWK})
    with pytest.raises(Refusal):
        verify_proof(signed, "POST", ISSUER, now)


@pytest.mark.parametrize(
    "authorization", ["Basic é", "Basic \udcff", "Basic 4pyT", "Basic", "Basic YQ==", "Basic " + "A" * 20_000, "\ud800"]
)
async def test_an_odd_basic_header_is_refused(authorization: str) -> None:
    with pytest.raises(Refusal):
        await endpoint().issue({"grant_type": "client_credentials"}, authorization, time.time())


@pytest.mark.parametrize("name", ["grant_type", "client_id", "client_secret", "client_assertion"])
async def test_an_odd_parameter_is_refused(name: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "alpha", "client_secret": "x", name: "\ud800"}
    with pytest.raises(Refusal):
        await endpoint().issue(form, None, time.time())


def outcome(read: Callable[[], Any]) -> Any:
    """What is read, or the refusal."""
    try:
        return read()
    except Refusal as refusal:
        return refusal


def signed_text(said: dict[str, Any], header: dict[str, Any]) -> str:
    """A signed JWT of claims that jwt.encode would not take."""
    head = packed(json.dumps({"alg": ALGORITHM, "typ": "JWT", **header}))
    body = packed(json.dumps(said))
    signature = jwt.get_algorithm_by_name(ALGORITHM).sign(f"{head}.{body}".encode(), KEY.private)
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
