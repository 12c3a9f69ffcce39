"""What counts once counts once at all gateways together, also after NATS and the gateways were started anew."""

import asyncio
import base64
import hashlib
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest_asyncio
from support.two_gateways import READ, SECRET, TwoGateways
from support.workbench import Workbench

from lgsp_adapters.host.identity import SystemIdentity
from lgsp_auth.signing_keys import SigningKey
from lgsp_gateway.calls import replay_guard
from lgsp_runtime.nats.connection import connect


@pytest_asyncio.fixture
async def two(breakable_bus: Workbench) -> AsyncIterator[TwoGateways]:
    found = await TwoGateways(breakable_bus).start()
    yield found
    await found.stop()


class Program:
    """A program that binds its tokens to a key of its own."""

    def __init__(self, two: TwoGateways) -> None:
        self._two = two
        self._key = SigningKey.generate()

    def proof(self, path: str, token: str = "") -> str:
        claims = {"htm": "POST", "htu": self._two.url(0) + path, "iat": int(time.time()), "jti": str(uuid.uuid4())}
        if token:
            digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest())
            claims["ath"] = digest.rstrip(b"=").decode()
        jwk = {name: value for name, value in self._key.public_jwk().items() if name in ("kty", "crv", "x", "y")}
        return jwt.encode(claims, self._key.private, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": jwk})

    async def token(self) -> str:
        return await self._two.token(DPoP=self.proof("/oauth2/token"))

    def shown(self, token: str) -> dict[str, str]:
        """The headers of one call."""
        return {"Authorization": f"DPoP {token}", "DPoP": self.proof(READ, token)}


async def test_an_assertion_counts_once_at_all_gateways(two: TwoGateways) -> None:
    for first, second in ((0, 1), (1, 0)):
        form = two.assertion()
        assert (await two.ask_for_token(first, form))[0] == 200
        status, said = await two.ask_for_token(second, form)
        assert (status, said["error"]) == (401, "invalid_client")
        assert "used before" in said["error_description"]


async def test_a_proof_counts_once_at_all_gateways(two: TwoGateways) -> None:
    program = Program(two)
    token = await program.token()
    for first, second in ((0, 1), (1, 0)):
        shown = program.shown(token)
        assert (await two.call_with(first, shown))[0] == 200
        status, said = await two.call_with(second, shown)
        assert (status, said["code"]) == (401, "invalid_dpop_proof")
        proof = program.proof("/oauth2/token")
        await two.token(gateway=first, DPoP=proof)
        form = {"client_id": "caller", "client_secret": SECRET}
        status, said = await two.ask_for_token(second, form, DPoP=proof)
        assert (status, said["error"]) == (401, "invalid_dpop_proof")


async def test_of_many_at_once_one_counts(two: TwoGateways) -> None:
    program = Program(two)
    shown, form = program.shown(await program.token()), two.assertion()
    calls = await asyncio.gather(*(two.call_with(number % 2, shown) for number in range(20)))
    assert sorted(status for status, _ in calls) == [200] + [401] * 19
    tokens = await asyncio.gather(*(two.ask_for_token(number % 2, form) for number in range(20)))
    assert sorted(status for status, _ in tokens) == [200] + [401] * 19


async def test_what_was_used_stays_used_when_nats_and_the_gateways_are_killed(two: TwoGateways) -> None:
    program, bus = Program(two), two.bus
    token = await program.token()
    shown, form = program.shown(token), two.assertion()
    assert (await two.call_with(0, shown))[0] == 200
    assert (await two.ask_for_token(0, form))[0] == 200
    await bus.nats.kill()
    await bus.gateway.kill()
    await two.second.kill()
    await bus.start_nats()
    await bus.gateway.start()
    await two.second.start()
    async with asyncio.timeout(20):
        while (await two.call_with(1, program.shown(token)))[0] != 200:
            await asyncio.sleep(0.05)
    for gateway in (0, 1):
        status, said = await two.call_with(gateway, shown)
        assert (status, said["code"]) == (401, "invalid_dpop_proof")
        status, said = await two.ask_for_token(gateway, form)
        assert (status, said["error"]) == (401, "invalid_client")


async def test_while_nats_is_away_nothing_that_counts_once_is_taken(two: TwoGateways) -> None:
    program = Program(two)
    token = await program.token()
    await two.bus.nats.kill()
    for gateway in (0, 1):
        async with asyncio.timeout(15):
            while (said := await two.ask_for_token(gateway, two.assertion()))[0] == 200:
                await asyncio.sleep(0.02)
        assert (said[0], said[1]["error"]) == (503, "bus-unavailable")
        assert "try again in a few seconds" in said[1]["error_description"]
        status, problem = await two.call_with(gateway, program.shown(token))
        assert (status, problem["code"]) == (503, "bus-unavailable")
        await two.token(gateway=gateway)  # by a secret, which is no value that counts once
        refused = await asyncio.gather(*(two.call_with(gateway, program.shown(token)) for _ in range(130)))
        assert {status for status, _ in refused} == {503}
    await two.bus.start_nats()
    async with asyncio.timeout(20):
        while (await two.ask_for_token(0, two.assertion()))[0] != 200:
            await asyncio.sleep(0.05)
    # nobody's address is held against it that NATS was away: a token that is not known yet is looked at, and not put off
    await two.become(await two.token(), [200, 200])


async def test_an_adapter_waits_for_its_token_until_nats_is_back(two: TwoGateways, tmp_path: Path) -> None:
    key = tmp_path / "provider.pem"
    key.write_bytes(two.bus.keys["provider"].to_pem())
    await two.bus.nats.kill()
    async with asyncio.timeout(15):
        while (await two.ask_for_token(0, two.assertion()))[0] != 503:
            await asyncio.sleep(0.02)
    taking = asyncio.create_task(SystemIdentity(two.url(0), "provider", key).token())
    await asyncio.wait({taking}, timeout=0.5)
    assert not taking.done()
    await two.bus.start_nats()
    assert (await asyncio.wait_for(taking, 20)).value


async def test_without_the_memory_nothing_that_counts_once_is_taken(two: TwoGateways) -> None:
    """Its stream is gone behind the gateway's back: nobody can say what was used."""
    await two.bus.drop_stream(replay_guard.STREAM)
    status, said = await two.ask_for_token(0, two.assertion())
    assert (status, said["error"]) == (503, "bus-unavailable")
    assert await two.call(await two.token(), 1) == 200


async def test_a_call_without_proof_writes_nothing_into_the_memory(two: TwoGateways) -> None:
    before = await used(two.bus)
    token = await two.token()
    assert [await two.call(token, gateway) for gateway in (0, 1, 0, 1)] == [200] * 4
    assert await used(two.bus) == before
    await two.ask_for_token(0, two.assertion())
    assert await used(two.bus) == before + 1


async def used(bus: Workbench) -> int:
    """How many values were ever used."""
    connection = await connect(bus.endpoint("gateway"), "test")
    info = await connection.jetstream().stream_info(replay_guard.STREAM)
    await connection.close()
    return int(info.state.last_seq)
