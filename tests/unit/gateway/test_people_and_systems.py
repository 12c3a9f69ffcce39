"""An issuer that speaks of systems and of people: a person's token is no system's, and a bound one is nothing without its key."""

import base64
import hashlib
import time
import uuid
from typing import Any

import jwt
import pytest
from support.replays import LocalReplayGuard

from lgsp_auth.client_authentication import Client
from lgsp_auth.public_jwk import thumbprint
from lgsp_auth.signing_keys import KeyRing, SigningKey
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_gateway.calls.identification import Credentials, Identification
from lgsp_gateway.registry.indexed_documents import System
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal, Text

ISSUER, NUMBER, PATH = "https://id.example.vn", "022093001234", "/me/access-log"


class Door:
    """What a gateway makes of the tokens of an issuer that has a client `app-1`, the program of the system `alpha`."""

    def __init__(self, claim: str = "so_dinh_danh") -> None:
        self._key = SigningKey.generate()
        self.held = SigningKey.generate()
        self._claim = claim
        issuer = Issuer(
            ISSUER,
            ("ES256",),
            KeyRing([self._key]).find,
            refresh=self._no_more,
            system_claim="client_id",
            systems={"app-1": "alpha"},
            person_claim=claim,
        )
        registry = RegistrySnapshot()
        client = Client("alpha", ())
        registry.systems["alpha"] = System("alpha", "H49.1", Text("Thử", "Try"), frozenset(), client)
        self.who = Identification(Verifier([issuer]), registry, "https://bus", LocalReplayGuard())

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        usual = {"iss": ISSUER, "sub": "app-1", "client_id": "app-1", "aud": "lgsp", "iat": now, "exp": now + 60}
        return self._key.sign({**usual, **claims}, "at+jwt")

    def persons(self, **claims: Any) -> str:
        """The token of a person who signed in to the system's program."""
        return self.token(**{"sub": "a-person", self._claim: NUMBER, **claims})

    def bound(self) -> str:
        return self.persons(cnf={"jkt": thumbprint(self.held.public_jwk())})

    def proof(self, token: str, key: SigningKey | None = None, path: str = PATH) -> str:
        key = key or self.held
        ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        claims = {
            "htm": "GET",
            "htu": "https://bus" + path,
            "iat": int(time.time()),
            "jti": str(uuid.uuid4()),
            "ath": ath,
        }
        jwk = {name: value for name, value in key.public_jwk().items() if name in ("kty", "crv", "x", "y")}
        return jwt.encode(claims, key.private, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": jwk})

    async def caller(self, token: str) -> str:
        shown = Credentials(f"Bearer {token}", "", "POST", "/services/desk/v1/read", "127.0.0.1")
        return (await self.who.caller(shown, time.time())).system.name

    async def citizen(self, token: str, scheme: str = "Bearer", proof: str = "") -> str:
        shown = Credentials(f"{scheme} {token}", proof, "GET", PATH, "127.0.0.1")
        return (await self.who.citizen(shown, time.time())).number

    @staticmethod
    async def _no_more() -> bool:
        return False


@pytest.mark.parametrize("claim", ["so_dinh_danh", "sub"])
async def test_who_signed_in_to_a_systems_program_is_not_that_system(claim: str) -> None:
    door = Door(claim)
    assert await door.caller(door.token()) == "alpha"
    for odd in (NUMBER, "", 22093001234, [NUMBER], {"a": 1}, False):
        with pytest.raises(Refusal) as refused:
            await door.caller(door.persons(**{claim: odd}))
        assert refused.value.code == "token-invalid", odd


@pytest.mark.parametrize("claim", ["so_dinh_danh", "sub"])
async def test_a_systems_token_is_no_persons(claim: str) -> None:
    door = Door(claim)
    assert (await door.who.person(door.persons(), time.time())).number == NUMBER
    with pytest.raises(Refusal):
        await door.who.person(door.token(), time.time())
    with pytest.raises(Refusal):
        await door.citizen(door.token())


async def test_a_persons_bound_token_counts_beside_its_proof_alone() -> None:
    door = Door()
    bound, free = door.bound(), door.persons()
    assert await door.citizen(free) == NUMBER
    proof = door.proof(bound)
    assert await door.citizen(bound, "DPoP", proof) == NUMBER
    stolen: list[tuple[str, str, str]] = [
        (bound, "Bearer", ""),
        (bound, "Bearer", door.proof(bound)),
        (bound, "DPoP", ""),
        (bound, "DPoP", proof),  # used before
        (bound, "DPoP", door.proof(bound, SigningKey.generate())),
        (bound, "DPoP", door.proof(bound, path="/elsewhere")),
        (free, "DPoP", door.proof(free)),
        (door.persons(cnf={"x5t#S256": "a" * 43}), "Bearer", ""),
    ]
    for token, scheme, shown in stolen:
        with pytest.raises(Refusal) as refused:
            await door.citizen(token, scheme, shown)
        assert refused.value.code in ("token-invalid", "invalid_dpop_proof"), (scheme, shown)


async def test_nobody_shows_a_token_that_is_bound_to_anothers_key() -> None:
    door = Door()
    with pytest.raises(Refusal) as refused:
        await door.who.person(door.bound(), time.time())
    assert "bound to a key" in refused.value.detail.en
