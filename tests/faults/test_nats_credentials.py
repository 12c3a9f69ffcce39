"""Programs connect to NATS with tokens: the server's own refusals, and connections that end when their right does."""

import asyncio
import time
from collections.abc import Callable

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from support.workbench import CONTRACTS, TEXT, Workbench, document

from lgsp_auth.signing_keys import SigningKey
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_problems import Refusal
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.nats.protocol import AuthorizationError, PermissionsError
from lgsp_runtime.nats.server_errors import with_type

BOTH = pytest.mark.parametrize("fast", [True, False], ids=["fast", "public"])


async def knock(bus: Workbench, token: str, fast: bool = True) -> CallClient:
    return await connect_for_calls(NatsEndpoint(bus.nats_url, token=lambda: token), "knock", fast_path=fast)


async def closed(connection: CallClient) -> None:
    """Return when the server has closed the connection."""
    async with asyncio.timeout(10):
        while connection.is_connected and not connection.reconnects:
            await asyncio.sleep(0.01)


async def connected(connection: CallClient) -> None:
    """Return when the connection is there and the server answers on it."""
    async with asyncio.timeout(15):
        while not connection.is_connected:
            await asyncio.sleep(0.01)
    await connection.flush()


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
        await connect(NatsEndpoint(bus.nats_url, "provider", "anything"), "knock")
    with pytest.raises(Refusal):
        await connect(NatsEndpoint(bus.nats_url), "knock")


async def test_a_system_that_provides_nothing_hears_nothing(bus: Workbench) -> None:
    refused: asyncio.Queue[Exception] = asyncio.Queue()
    connection = await bus.nats_client("gamma", refused.put)
    for subject in (">", "svc.desk.v1.read", "$SRV.PING"):
        await connection.subscribe(subject)
        said = str(await asyncio.wait_for(refused.get(), 5)).lower()
        assert "permissions violation for subscription" in said
    await connection.close()


async def test_what_nats_py_reports_as_text_becomes_a_type(bus: Workbench) -> None:
    """`with_type` reads the server's own words: here are the real ones, before a connection, on it, and at its end."""
    with pytest.raises(NatsError) as refused:
        await Client().connect(bus.nats_url, token="x.y.z", allow_reconnect=False)
    assert isinstance(with_type(refused.value), AuthorizationError)
    reported: asyncio.Queue[Exception] = asyncio.Queue()
    ended = asyncio.Event()

    async def note_end() -> None:
        ended.set()

    connection, token = Client(), bus.token("gamma", life=3)
    await connection.connect(bus.nats_url, token=token, error_cb=reported.put, closed_cb=note_end)
    await connection.subscribe("svc.desk.v1.read")
    assert isinstance(with_type(await asyncio.wait_for(reported.get(), 20)), PermissionsError)
    await asyncio.wait_for(ended.wait(), 20)
    assert connection.last_error
    assert isinstance(with_type(connection.last_error), AuthorizationError)
    assert isinstance(with_type(ConnectionResetError()), ConnectionResetError)


@BOTH
async def test_the_server_ends_a_connection_when_its_token_expires(bus: Workbench, fast: bool) -> None:
    tokens = iter((bus.token("provider", life=2), *[bus.token("provider")] * 9))
    endpoint = NatsEndpoint(bus.nats_url, token=lambda: next(tokens))
    connection = await connect_for_calls(endpoint, "knock", fast_path=fast)
    assert connection.is_connected
    await closed(connection)
    await connected(connection)  # with its new token
    await connection.close()


@BOTH
async def test_removing_a_system_ends_its_connection(bus: Workbench, fast: bool) -> None:
    created = await bus.registry("POST", "systems", document("System", "leaving", agency="H49.1", title=TEXT))
    connection = await knock(bus, bus.token("leaving"), fast)
    assert connection.is_connected
    began = time.monotonic()
    await bus.registry("DELETE", "systems/leaving", headers={"If-Match": created.headers["ETag"]})
    await closed(connection)
    print(f"closed after {(time.monotonic() - began) * 1000:.0f} ms")
    await connection.close()


@BOTH
async def test_a_new_service_is_served_without_a_restart(bus: Workbench, fast: bool) -> None:
    made = await bus.registry("POST", "systems", document("System", "newcomer", agency="H49.1", title=TEXT))
    assert made.status == 201
    early = await knock(bus, bus.token("newcomer"), fast)
    contract = {**CONTRACTS[0], "service": "novel", "provider": "newcomer"}
    created = await bus.registry("POST", "services", document("Service", "novel-v1", contract=contract))
    assert created.status == 201
    await closed(early)  # it may do more now, so it comes back
    await connected(early)
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    await early.subscribe("svc.novel.v1.read", lambda subject, reply, data, headers: heard.put_nowait(data))
    await early.flush()
    gateway = await connect(bus.endpoint("gateway"), "test")
    await gateway.publish("svc.novel.v1.read", b"x")
    assert await asyncio.wait_for(heard.get(), 5) == b"x"
    await gateway.close()
    await early.close()
    tag = {"If-Match": created.headers["ETag"]}
    assert (await bus.registry("DELETE", "services/novel-v1", headers=tag)).status == 204
    tag = {"If-Match": made.headers["ETag"]}
    assert (await bus.registry("DELETE", "systems/newcomer", headers=tag)).status == 204


@BOTH
async def test_who_is_refused_once_tries_again(bus: Workbench, fast: bool) -> None:
    tokens = iter((bus.token("provider", life=2), "refused", "refused", *[bus.token("provider")] * 9))
    connection = await connect_for_calls(
        NatsEndpoint(bus.nats_url, token=lambda: next(tokens)), "knock", fast_path=fast
    )
    await closed(connection)
    await connected(connection)
    await connection.close()


@BOTH
async def test_a_subscription_outlives_its_connection(bus: Workbench, fast: bool) -> None:
    tokens = iter((bus.token("provider", life=2), *[bus.token("provider")] * 9))
    connection = await connect_for_calls(
        NatsEndpoint(bus.nats_url, token=lambda: next(tokens)), "knock", fast_path=fast
    )
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    await connection.subscribe("svc.hidden.v1.read", lambda subject, reply, data, headers: heard.put_nowait(data), "q")
    await closed(connection)
    await connected(connection)
    gateway = await connect(bus.endpoint("gateway"), "test")
    await gateway.publish("svc.hidden.v1.read", b"after")
    assert await asyncio.wait_for(heard.get(), 5) == b"after"
    await gateway.close()
    await connection.close()
