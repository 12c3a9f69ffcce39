"""The tokens of a system end at once where somebody says so, at every gateway and on NATS; else it is said how long they live."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.preloaded import run
from support.two_gateways import PLAIN, TwoGateways
from support.workbench import CONTRACTS, Workbench, grant

from lgsp_auth.signing_keys import SigningKey
from lgsp_problems import Refusal
from lgsp_runtime.nats.connection import NatsEndpoint, connect


class Two(TwoGateways):
    """Two gateways, asked whether a token has ended."""

    async def ended(self, token: str) -> bool:
        """Is it refused at both gateways, the second after it has heard of the change?"""
        if await self.call(token, 0) != 401:
            return False
        async with asyncio.timeout(5):
            while await self.call(token, 1) != 401:
                await asyncio.sleep(0.01)
        return True


@pytest_asyncio.fixture
async def two(breakable_bus: Workbench) -> AsyncIterator[Two]:
    found = Two(breakable_bus)
    await found.start()
    yield found
    await found.stop()


def until(got: Any) -> datetime.timedelta:
    said = datetime.datetime.fromisoformat(got.json["status"]["tokens"]["oldCountUntil"])
    return said - datetime.datetime.now(datetime.UTC)


async def test_a_replaced_key_says_how_long_old_tokens_count_and_ends_them_where_asked(two: Two) -> None:
    token = await two.token()
    assert [await two.call(token, gateway) for gateway in (0, 1)] == [200, 200]
    other = {**PLAIN, "jwks": [SigningKey.generate().public_jwk()]}
    added = await two.changes.put("System", "caller", **other)
    assert "status" not in added.json  # nothing was replaced
    replaced = await two.changes.put("System", "caller", **{**other, "secretSha256": "0" * 64})
    assert datetime.timedelta(minutes=59) < until(replaced) <= datetime.timedelta(minutes=60)
    assert [await two.call(token, gateway) for gateway in (0, 1)] == [200, 200]
    ended = await two.changes.put("System", "caller", query="?endTokens=true", **PLAIN)
    assert "oldCountUntil" not in ended.json["status"]["tokens"]
    assert await two.ended(token)
    for gateway in (0, 1):
        fresh = await two.token(gateway=gateway)
        assert [await two.call(fresh, at) for at in (0, 1)] == [200, 200]


async def test_tokens_end_without_a_change_of_keys_and_again(two: Two) -> None:
    for _ in range(2):
        token, other = await two.token(), await two.token(gateway=1)
        assert [await two.call(token, 0), await two.call(other, 1)] == [200, 200]
        got = await two.bus.registry("POST", "systems/caller/end-tokens", {"reason": "lộ mã"})
        assert got.status == 200
        assert await two.ended(token)
        assert await two.ended(other)
    history = (await two.bus.registry("GET", "systems/caller/history")).json["items"]
    assert history[0]["metadata"]["reason"] == "lộ mã"


async def test_the_tokens_of_a_deleted_or_moved_system_do_not_come_back(two: Two) -> None:
    token = await two.token()
    assert (await two.changes.delete("grants/caller")).status == 204
    assert (await two.changes.delete("systems/caller")).status == 204
    assert await two.ended(token)
    assert (await two.changes.put("System", "caller", **PLAIN)).status == 201
    assert await two.ended(token)
    again = await two.token()
    assert (await two.changes.send(grant("caller", "caller", read=["*"]))).status == 201
    assert await two.call(again, 0) == 200
    assert (await two.changes.act("caller", "revoke", "operator", reason="x")).status == 200
    assert (await two.changes.put("System", "caller", **{**PLAIN, "agency": "H49.2"})).status == 200
    assert await two.ended(again)


@pytest.mark.parametrize(
    ("system", "code"), [("alpha", "not-granted"), ("asker", "not-granted"), ("developer", "not-granted")]
)
async def test_only_who_may_change_a_system_ends_its_tokens(two: Two, system: str, code: str) -> None:
    got = await two.bus.registry("POST", "systems/caller/end-tokens", {}, system=system)
    assert got.code == code
    assert (await two.bus.registry("POST", "systems/caller/end-tokens", {}, system="agency-admin")).status == 200


async def test_the_nats_connection_of_a_provider_ends_with_its_token(two: Two) -> None:
    assert (await two.changes.put("System", "giver", **PLAIN)).status == 201
    given = {**CONTRACTS[0], "service": "given", "provider": "giver"}
    assert (await two.changes.put("Service", "given-v1", contract=given)).status == 201
    taken = [await two.token("giver")]
    left = asyncio.Event()

    async def lost() -> None:
        left.set()

    connection = await connect(
        NatsEndpoint(two.bus.nats_url, token=lambda: taken[0]), "a provider's", on_disconnected=lost
    )
    got = await two.bus.registry("POST", "systems/giver/end-tokens", {"reason": "x"})
    assert got.status == 200
    async with asyncio.timeout(10):
        await left.wait()
        with pytest.raises(Refusal):
            await connect(NatsEndpoint(two.bus.nats_url, token=lambda: taken[0]), "with the ended token")
        taken[0] = await two.token("giver")
        while not connection.is_connected:
            await asyncio.sleep(0.02)
    await connection.close()


async def test_by_command(two: Two, tmp_path: Any) -> None:
    where = ["--url", f"http://127.0.0.1:{two.ports[0]}", "--token", two.bus.token("operator")]
    document = tmp_path / "caller.yaml"
    key = SigningKey.generate().public_jwk()

    def written(secret: str) -> list[str]:
        title = '{vi: "Thử", en: "Try"}'
        document.write_text(
            "apiVersion: lgsp/v1\nkind: System\nmetadata: {name: caller}\n"
            f'spec: {{agency: H49.1, title: {title}, secretSha256: "{secret}", jwks: [{key}]}}\n'
        )
        return ["apply", "-f", str(document), *where]

    code, out, err = await run(*written("1" * 64))
    assert (code, err) == (0, "")
    assert "tokens taken with an old key or secret count until" in out
    assert "lgsp system end-tokens caller" in out
    code, out, _ = await run(*written("2" * 64), "--end-tokens")
    assert "tokens issued until now have ended" in out
    code, out, _ = await run("system", "end-tokens", "caller", "--reason", "lộ", *where)
    assert (code, out) == (0, "system/caller: tokens issued until now have ended; it takes a new one with its key\n")
