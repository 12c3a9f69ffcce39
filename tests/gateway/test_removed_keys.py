"""A signing key that is removed ends every token that it signed: at every gateway, remembered or not, and on NATS."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
import pytest_asyncio
from nats.aio.client import Client
from support.issuer import SystemsIssuer
from support.preloaded import run
from support.two_gateways import PLAIN, TwoGateways
from support.workbench import CONTRACTS, Workbench

from lgsp_problems import Refusal
from lgsp_runtime.nats.connection import NatsEndpoint, connect


def _kid(file: Path) -> str:
    return file.stem.split("-", 2)[2]


async def rotated(bus: Workbench) -> str:
    """Make a new key that signs: the name of the one that signed until now."""
    old = max(bus.state.keys.glob("signing-*.pem"))
    code, _, err = await run("keys", "rotate", "--keys", str(bus.state.keys))
    assert code == 0, err
    return _kid(old)


async def signed_by_another(two: TwoGateways, old: str, system: str = "caller") -> str:
    """A token by the new key, once the gateway has noticed it."""
    async with asyncio.timeout(5):
        while jwt.get_unverified_header(token := await two.token(system))["kid"].startswith(old):
            await asyncio.sleep(0.02)
    return token


async def removed(bus: Workbench, key: str) -> None:
    bus.forget_tokens()
    code, _, err = await run("keys", "remove", key, "--keys", str(bus.state.keys))
    assert code == 0, err


class Provider:
    """A system's connection to NATS, by the token that it holds at the moment."""

    def __init__(self, bus: Workbench, token: str) -> None:
        self.token = token
        self._bus = bus
        self._lost = asyncio.Event()

    async def start(self) -> "Provider":
        self.connection: Client = await connect(
            NatsEndpoint(self._bus.nats_url, token=lambda: self.token), "a provider's", on_disconnected=self._note
        )
        return self

    async def ended(self) -> None:
        """Return when the server has closed the connection."""
        await asyncio.wait_for(self._lost.wait(), 20)

    @property
    def was_lost(self) -> bool:
        return self._lost.is_set()

    async def back(self, token: str) -> None:
        """Come back with another token."""
        self.token = token
        self._lost.clear()
        async with asyncio.timeout(15):
            while not self.connection.is_connected:
                await asyncio.sleep(0.02)

    async def is_refused(self) -> bool:
        """Does the token open a further connection?"""
        with pytest.raises(Refusal):
            await connect(NatsEndpoint(self._bus.nats_url, token=lambda: self.token), "once more")
        return True

    async def _note(self) -> None:
        self._lost.set()


async def with_provider(two: TwoGateways) -> None:
    """Register a system `giver` that provides a service."""
    assert (await two.changes.put("System", "giver", **PLAIN)).status == 201
    given = {**CONTRACTS[0], "service": "given", "provider": "giver"}
    assert (await two.changes.put("Service", "given-v1", contract=given)).status == 201


@pytest_asyncio.fixture
async def two(breakable_bus: Workbench) -> AsyncIterator[TwoGateways]:
    found = await TwoGateways(breakable_bus).start()
    yield found
    await found.stop()


async def test_a_removed_key_of_the_bus_ends_what_it_signed_everywhere(two: TwoGateways) -> None:
    await with_provider(two)
    token = await two.token()
    provider = await Provider(two.bus, await two.token("giver")).start()
    assert await two.statuses(token) == [200, 200]
    old = await rotated(two.bus)
    fresh = await signed_by_another(two, old)
    assert await two.statuses(token) == [200, 200], "a rotation ends nothing"
    assert await two.statuses(fresh) == [200, 200]
    stays = await Provider(two.bus, await two.token("giver")).start()
    assert not provider.was_lost
    await removed(two.bus, old)
    await two.become(token, [401, 401])
    await provider.ended()
    assert await provider.is_refused()
    await provider.back(await two.token("giver"))
    await two.become(fresh, [200, 200])  # the adapter that serves it came with a token by the old key, too
    assert not stays.was_lost
    assert await two.statuses(await two.token(gateway=1)) == [200, 200]
    await provider.connection.close()
    await stays.connection.close()


async def test_the_key_that_signs_is_not_removed(two: TwoGateways) -> None:
    key = _kid(max(two.bus.state.keys.glob("signing-*.pem")))
    code, _, err = await run("keys", "remove", key, "--keys", str(two.bus.state.keys))
    assert code != 0
    assert "lgsp keys rotate" in err
    code, _, err = await run("keys", "remove", "nothing", "--keys", str(two.bus.state.keys))
    assert code != 0
    assert "lgsp keys show" in err
    assert await two.statuses(await two.token()) == [200, 200]


async def test_a_gateway_that_was_started_after_the_removal_ends_the_connection_too(two: TwoGateways) -> None:
    """Whoever let a connection in, and whether it saw the key at all."""
    await with_provider(two)
    provider = await Provider(two.bus, await two.token("giver")).start()
    old = await rotated(two.bus)
    await two.second.kill()
    await two.bus.gateway.kill()
    await removed(two.bus, old)
    assert not provider.was_lost
    await two.bus.gateway.start()
    await provider.ended()
    await provider.connection.close()
    await two.second.start()
    await two.become(await two.token(), [200, 200])


@pytest_asyncio.fixture
async def trusting(breakable_bus: Workbench, tmp_path: Path) -> AsyncIterator[tuple[TwoGateways, SystemsIssuer]]:
    """Two gateways that trust another issuer, whose tokens speak of systems."""
    issuer = await SystemsIssuer().start()
    file = issuer.entry(tmp_path)
    await breakable_bus.gateway.stop()
    breakable_bus.gateway.command += ["--issuers", str(file)]
    await breakable_bus.gateway.start()
    found = await TwoGateways(breakable_bus).start("--issuers", str(file))
    yield found, issuer
    await found.stop()
    await issuer.stop()


async def test_a_key_that_another_issuer_removes_ends_what_it_signed(
    trusting: tuple[TwoGateways, SystemsIssuer],
) -> None:
    two, issuer = trusting
    await with_provider(two)
    token = issuer.token("caller")
    await two.become(token, [200, 200])
    provider = await Provider(two.bus, issuer.token("giver")).start()
    issuer.replace_key()
    # A token by the new key has each gateway ask for the keys, at most once in ten seconds.
    await two.become(issuer.token("caller"), [200, 200], seconds=20)
    await two.become(token, [401, 401])
    await provider.ended()
    assert await provider.is_refused()
    await provider.back(issuer.token("giver"))
    await provider.connection.close()


async def test_a_key_of_a_system_that_is_removed_takes_no_token_any_more(two: TwoGateways) -> None:
    sent = await two.changes.spec("systems/alpha")
    assert (await two.ask_for_token(1, two.assertion()))[0] == 200
    waiting = two.assertion()
    without = {name: value for name, value in sent.items() if name != "jwks"}
    assert (await two.changes.put("System", "alpha", **without)).status == 200
    for gateway in (0, 1):
        async with asyncio.timeout(5):
            while (said := await two.ask_for_token(gateway, two.assertion()))[0] != 401:
                await asyncio.sleep(0.02)
        assert said[1]["error"] == "invalid_client"
        assert (await two.ask_for_token(gateway, waiting))[0] == 401
