"""What is sent for as long as somebody reads ends when its reader would not be let in any more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
import pytest_asyncio
from support.changes import Changes
from support.preloaded import run
from support.two_gateways import PLAIN, TwoGateways
from support.workbench import Workbench


@pytest_asyncio.fixture
async def two(breakable_bus: Workbench) -> AsyncIterator[TwoGateways]:
    found = await TwoGateways(breakable_bus).start()
    yield found
    await found.stop()


async def tokens_ended(two: TwoGateways) -> None:
    got = await two.bus.registry("POST", "systems/reader/end-tokens", {"reason": "x"})
    assert got.status == 200


async def role_taken_away(two: TwoGateways) -> None:
    assert (await Changes(two.bus).put("System", "reader", **PLAIN)).status == 200


async def system_deleted(two: TwoGateways) -> None:
    assert (await Changes(two.bus).delete("systems/reader")).status == 204


async def key_removed(two: TwoGateways) -> None:
    old = max(two.bus.state.keys.glob("signing-*.pem")).stem.split("-", 2)[2]
    for command in (["rotate"], ["remove", old]):
        code, _, err = await run("keys", *command, "--keys", str(two.bus.state.keys))
        assert code == 0, err
    two.bus.forget_tokens()


@pytest.mark.parametrize("end", [tokens_ended, role_taken_away, system_deleted, key_removed])
async def test_a_reader_of_the_evidence_is_cut_off(
    two: TwoGateways, end: Callable[[TwoGateways], Awaitable[None]]
) -> None:
    assert (await two.changes.put("System", "reader", **PLAIN, roles=["auditor"])).status == 201
    token = await two.token("reader", gateway=1)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(f"{two.url(1)}/evidence/entries?follow=true", headers=headers) as answer:
            assert answer.status == 200
            assert await two.call(await two.token(), 0) == 200
            assert await answer.content.readuntil(b"data: ")
            await end(two)
            with pytest.raises(aiohttp.ClientError):
                await read_on(two, answer)


async def read_on(two: TwoGateways, answer: aiohttp.ClientResponse) -> None:
    """Read to the end; each call is evidence, so there is always more to come."""
    async with asyncio.timeout(20):
        while not answer.content.at_eof():
            await two.call(await two.token(), 0)
            await asyncio.wait_for(answer.content.readany(), 10)
