"""The NATS door: the server's own refusals, and connections that end when their right does."""

import asyncio
import time
from collections.abc import Callable

import pytest
from nats.aio.client import Client
from support.workbench import CONTRACTS, TEXT, Workbench, document

from lgsp_auth.keys import SigningKey
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_problems import Refusal
from lgsp_runtime.nats.connection import Door, connect


async def knock(bus: Workbench, token: str) -> Client:
    return await connect(Door(bus.nats_url, token=lambda: token), "knock")


async def closed(connection: Client) -> None:
    """Return when the server has closed the connection."""
    async with asyncio.timeout(10):
        while connection.is_connected and not connection.stats["reconnects"]:
            await asyncio.sleep(0.01)


def bad_tokens(bus: Workbench) -> dict[str, Callable[[], str]]:
    now = int(time.time())
    issuer = f"http://127.0.0.1:{bus.port}"
    claims = {"iss": issuer, "sub": "provider", "aud": "lgsp", "iat": now, "exp": now + 600, "jti": "1"}
    key = KeyStore(bus.state.keys).ring().current
    return {
        "none": lambda: "",
        "nonsense": lambda: "x.y.z",
        "a stranger's": lambda: SigningKey.generate().sign(claims, "at+jwt"),
        "expired": lambda: key.sign({**claims, "exp": now - 1}, "at+jwt"),
        "of nobody": lambda: key.sign({**claims, "sub": "nobody"}, "at+jwt"),
        "an assertion": lambda: key.sign(claims, "JWT"),
    }


@pytest.mark.parametrize("kind", ["none", "nonsense", "a stranger's", "expired", "of nobody", "an assertion"])
async def test_a_token_that_does_not_count_opens_nothing(bus: Workbench, kind: str) -> None:
    with pytest.raises(Refusal) as refused:
        await knock(bus, bad_tokens(bus)[kind]())
    assert "authorization" in refused.value.detail.en.lower()


async def test_the_old_passwords_are_gone(bus: Workbench) -> None:
    with pytest.raises(Refusal):
        await connect(Door(bus.nats_url, "provider", "anything"), "knock")
    with pytest.raises(Refusal):
        await connect(Door(bus.nats_url), "knock")


async def test_a_system_that_provides_nothing_hears_nothing(bus: Workbench) -> None:
    refused: asyncio.Queue[Exception] = asyncio.Queue()
    connection = await knock(bus, bus.token("gamma"))
    connection._error_cb = refused.put
    for subject in (">", "svc.desk.v1.read", "$SRV.PING"):
        await connection.subscribe(subject)
        said = str(await asyncio.wait_for(refused.get(), 5)).lower()
        assert "permissions violation for subscription" in said
    await connection.close()


async def test_the_server_ends_a_connection_when_its_token_expires(bus: Workbench) -> None:
    tokens = iter((bus.token("provider", life=2), bus.token("provider")))
    connection = await connect(Door(bus.nats_url, token=lambda: next(tokens)), "knock")
    assert connection.is_connected
    await closed(connection)
    async with asyncio.timeout(10):
        while not connection.is_connected:  # with its new token
            await asyncio.sleep(0.01)
    assert await connection.rtt() > 0
    await connection.close()


async def test_removing_a_system_ends_its_connection(bus: Workbench) -> None:
    created = await bus.registry("POST", "systems", document("System", "leaving", agency="H49.1", title=TEXT))
    connection = await knock(bus, bus.token("leaving"))
    assert connection.is_connected
    began = time.monotonic()
    await bus.registry("DELETE", "systems/leaving", headers={"If-Match": created.headers["ETag"]})
    await closed(connection)
    print(f"closed after {(time.monotonic() - began) * 1000:.0f} ms")
    await connection.close()


async def test_a_new_service_is_served_without_a_restart(bus: Workbench) -> None:
    made = await bus.registry("POST", "systems", document("System", "newcomer", agency="H49.1", title=TEXT))
    assert made.status == 201
    early = await knock(bus, bus.token("newcomer"))
    contract = {**CONTRACTS[0], "service": "novel", "provider": "newcomer"}
    created = await bus.registry("POST", "services", document("Service", "novel-v1", contract=contract))
    assert created.status == 201
    await closed(early)  # it may do more now, so it comes back
    async with asyncio.timeout(10):
        while not early.is_connected:
            await asyncio.sleep(0.01)
    heard: asyncio.Queue[object] = asyncio.Queue()
    await early.subscribe("svc.novel.v1.read", cb=heard.put)
    await early.flush()
    gateway = await connect(bus.door("gateway"), "test")
    await gateway.publish("svc.novel.v1.read", b"x")
    await asyncio.wait_for(heard.get(), 5)
    await gateway.close()
    await early.close()
    tag = {"If-Match": created.headers["ETag"]}
    assert (await bus.registry("DELETE", "services/novel-v1", headers=tag)).status == 204
    tag = {"If-Match": made.headers["ETag"]}
    assert (await bus.registry("DELETE", "systems/newcomer", headers=tag)).status == 204


async def test_who_is_refused_once_tries_again(bus: Workbench) -> None:
    tokens = iter((bus.token("provider", life=2), "refused", "refused", *[bus.token("provider")] * 9))
    connection = await connect(Door(bus.nats_url, token=lambda: next(tokens)), "knock")
    await closed(connection)
    async with asyncio.timeout(15):
        while not connection.is_connected:
            await asyncio.sleep(0.01)
    assert await connection.rtt() > 0
    await connection.close()
