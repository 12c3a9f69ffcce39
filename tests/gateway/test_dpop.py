"""Tokens bound to a key (DPoP, RFC 9449)."""

import base64
import hashlib
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import pytest_asyncio
from support.later import ask, send, until
from support.workbench import Got, Workbench, grant

from lgsp_auth.client_authentication import ASSERTION_TYPE
from lgsp_auth.signing_keys import SigningKey
from lgsp_problems import Refusal
from lgsp_runtime.nats.connection import NatsEndpoint, connect

CALL = "/services/desk/v1/read"


class Program:
    """A program that holds a key of its own beside its system's."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus
        self.url = f"http://127.0.0.1:{bus.port}"
        self.key = SigningKey.generate()
        self.token = ""

    def proof(self, method: str, path: str, key: SigningKey | None = None, **changed: Any) -> str:
        key = key or self.key
        claims = {"htm": method, "htu": self.url + path, "iat": int(time.time()), "jti": str(uuid.uuid4()), **changed}
        jwk = {name: value for name, value in key.public_jwk().items() if name in ("kty", "crv", "x", "y")}
        return jwt.encode(claims, key.private, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": jwk})

    def ath(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.token.encode()).digest()).rstrip(b"=").decode()

    async def take(self, proof: str) -> tuple[int, dict[str, Any]]:
        now = int(time.time())
        claims = {"iss": "alpha", "sub": "alpha", "aud": self.url, "exp": now + 60, "jti": str(uuid.uuid4())}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.bus.keys["alpha"].sign(claims),
        }
        async with self.bus.session.post("/oauth2/token", data=form, headers={"DPoP": proof}) as answer:
            return answer.status, await answer.json()

    async def call(self, proof: str, scheme: str = "DPoP", token: str = "") -> Got:
        headers = {"Authorization": f"{scheme} {token or self.token}", "DPoP": proof, "Accept-Language": "en"}
        return await self.bus.call(headers=headers)


@pytest_asyncio.fixture
async def program(bus: Workbench) -> AsyncIterator[Program]:
    adapter = await bus.serve()
    program = Program(bus)
    status, issued = await program.take(program.proof("POST", "/oauth2/token"))
    assert (status, issued["token_type"]) == (200, "DPoP")
    program.token = issued["access_token"]
    yield program
    await bus.unserve(adapter)


async def test_a_bound_token_calls_beside_a_fresh_proof(program: Program) -> None:
    for _ in range(2):
        assert (await program.call(program.proof("POST", CALL, ath=program.ath()))).status == 200


async def test_a_proof_is_used_once(program: Program) -> None:
    proof = program.proof("POST", CALL, ath=program.ath())
    assert (await program.call(proof)).status == 200
    again = await program.call(proof)
    assert (again.status, again.code) == (401, "invalid_dpop_proof")
    assert again.headers["WWW-Authenticate"].startswith("DPoP ")


@pytest.mark.parametrize(
    "changed",
    [
        {"htm": "GET"},
        {"htu": "http://127.0.0.1/services/desk/v1/read"},
        {"iat": 1},
        {"iat": 4_000_000_000},
        {"ath": "x"},
        {"jti": ""},
        {"jti": None},
        {"iat": "now"},
    ],
    ids=str,
)
async def test_a_proof_for_something_else_does_not_count(program: Program, changed: dict[str, Any]) -> None:
    got = await program.call(program.proof("POST", CALL, **{"ath": program.ath(), **changed}))
    assert (got.status, got.code) == (401, "invalid_dpop_proof")


async def test_a_stolen_token_is_worth_nothing(program: Program) -> None:
    thief = SigningKey.generate()
    got = await program.call(program.proof("POST", CALL, thief, ath=program.ath()))
    assert (got.status, got.code) == (401, "token-invalid")
    assert "another key" in got.json["detail"]
    for proof in ("", "x.y.z", "x" * 5000):
        assert (await program.call(proof)).status == 401
    assert (await program.call("", scheme="Bearer")).code == "token-invalid"
    own = program.bus.token("alpha")
    assert (await program.call(program.proof("POST", CALL), token=own)).code == "token-invalid"


async def test_a_private_key_in_a_proof_is_refused(program: Program) -> None:
    jwk = {**program.key.public_jwk(), "d": "AAAA"}
    claims = {"htm": "POST", "htu": program.url + CALL, "iat": int(time.time()), "jti": "1", "ath": program.ath()}
    headers = {"typ": "dpop+jwt", "jwk": jwk}
    assert (await program.call(jwt.encode(claims, program.key.private, "ES256", headers))).status == 401
    status, said = await program.take("x.y.z")
    assert (status, said["error"]) == (401, "invalid_dpop_proof")


async def test_a_grant_can_ask_for_bound_tokens(bus: Workbench, program: Program) -> None:
    response = f"/messages/{(await send(bus)).message}/response"
    await until(bus, response.split("/")[2], "answered")
    last = await bus.registry("GET", "grants/alpha-desk")
    strict = grant(
        "alpha-desk",
        "alpha",
        **{key.replace("-", "_"): op["fields"] for key, op in last.json["spec"]["operations"].items()},
    )
    strict["spec"] = {**last.json["spec"], "senderConstrained": True}
    put = await bus.registry("PUT", "grants/alpha-desk", strict, headers={"If-Match": last.headers["ETag"]})
    assert put.status == 200
    assert (await bus.call()).code == "token-not-bound"
    assert (await program.call(program.proof("POST", CALL, ath=program.ath()))).status == 200
    got = await ask(bus, response)
    assert (got.status, got.code) == (403, "token-not-bound"), "no answer that waits either"
    proof = {"Authorization": f"DPoP {program.token}", "DPoP": program.proof("GET", response, ath=program.ath())}
    async with bus.session.get(response, headers=proof) as answer:
        assert answer.status == 200
    strict["spec"] = last.json["spec"]
    assert (
        await bus.registry("PUT", "grants/alpha-desk", strict, headers={"If-Match": put.headers["ETag"]})
    ).status == 200


async def test_the_nats_door_takes_no_bound_token(bus: Workbench, program: Program) -> None:
    """NATS carries no proofs, so a bound token opens nothing there."""

    with pytest.raises(Refusal):
        await connect(NatsEndpoint(bus.nats_url, token=lambda: program.token), "knock")
