"""The two clients that carry calls, each against real servers that die, stop reading, refuse, or hand over: what one does, both do."""

import asyncio
import contextlib
import json
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.errors import ConnectionClosedError, MaxPayloadError, OutboundBufferLimitError
from support.authority import Authority
from support.nats_server import PASSWORD, NatsServer
from support.slow_relay import SlowRelay

from lgsp_problems import Refusal
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsEndpoint
from lgsp_runtime.nats.fast_client import FastNatsClient
from lgsp_runtime.nats.link import MAX_UNSENT_BYTES
from lgsp_runtime.nats.protocol import encode_headers

Opened = Callable[..., Awaitable[CallClient]]


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    found = await NatsServer(tmp_path).start()
    yield found
    go_on(found)
    await found.process.stop()


def go_on(server: NatsServer) -> None:
    """Let a server run on that was stopped by a test, if it is there."""
    with contextlib.suppress(ProcessLookupError):
        server.process.signal(signal.SIGCONT)


@pytest_asyncio.fixture(params=[True, False], ids=["fast", "public"])
async def opened(request: pytest.FixtureRequest, server: NatsServer) -> AsyncIterator[Opened]:
    """Connect, with one client and then with the other."""
    clients: list[CallClient] = []

    async def connect(user: str = "u", url: str = "", **more: Any) -> CallClient:
        endpoint = NatsEndpoint(url or server.url, user, PASSWORD, **more.pop("endpoint", {}))
        client = await connect_for_calls(endpoint, "test", fast_path=request.param, **more)
        clients.append(client)
        return client

    yield connect
    go_on(server)
    for client in clients:
        await client.close()


class Inbox:
    """What a subscription brings."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[tuple[bytes, bytes, bytes, bytes]] = asyncio.Queue()

    def take(self, *message: bytes) -> None:
        self.messages.put_nowait(message)  # type: ignore[arg-type]

    async def next(self) -> tuple[bytes, bytes, bytes, bytes]:
        return await asyncio.wait_for(self.messages.get(), 20)


async def holds(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_messages_arrive_as_they_were_published(opened: Opened) -> None:
    client, inbox = await opened(), Inbox()
    await client.subscribe("a.*", inbox.take)
    large = bytes(range(256)) * 8_192
    client.publish_nowait("a.1", b"")
    client.publish_nowait("a.2", b"x\r\ny", "reply.1")
    client.publish_nowait("a.3", large, "reply.2", encode_headers({"Nats-Msg-Id": "7"}))
    assert await inbox.next() == (b"a.1", b"", b"", b"")
    assert await inbox.next() == (b"a.2", b"reply.1", b"x\r\ny", b"")
    assert await inbox.next() == (b"a.3", b"reply.2", large, b"NATS/1.0\r\nNats-Msg-Id: 7\r\n\r\n")
    client.publish_nowait("nobody.here", b"", "a.4")
    subject, _, data, headers = await inbox.next()
    assert (subject, data, headers[:12]) == (b"a.4", b"", b"NATS/1.0 503")
    with pytest.raises(MaxPayloadError):
        client.publish_nowait("a.5", bytes(client.max_payload + 1))


async def test_a_handler_that_raises_ends_nothing(opened: Opened) -> None:
    client, inbox = await opened(), Inbox()
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def take(*message: bytes) -> None:
        inbox.take(*message)
        raise RuntimeError

    try:
        await client.subscribe("a", take)
        client.publish_nowait("a", b"1")
        client.publish_nowait("a", b"2")
        assert [(await inbox.next())[2], (await inbox.next())[2]] == [b"1", b"2"]
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert [type(context["exception"]) for context in told] == [RuntimeError, RuntimeError]
    assert client.is_connected


async def test_what_is_published_without_a_connection_is_refused_and_not_kept(
    opened: Opened, server: NatsServer
) -> None:
    lost, back = asyncio.Event(), asyncio.Event()

    async def on_disconnected() -> None:
        lost.set()

    async def on_reconnected() -> None:
        back.set()

    client, inbox = await opened(on_disconnected=on_disconnected, on_reconnected=on_reconnected), Inbox()
    await client.subscribe("a", inbox.take)
    await client.flush()
    await server.process.kill()
    await asyncio.wait_for(lost.wait(), 20)
    with pytest.raises(ConnectionClosedError):
        client.publish_nowait("a", b"lost")
    with pytest.raises(ConnectionClosedError):
        await client.flush()
    await server.again()
    await asyncio.wait_for(back.wait(), 20)
    await client.flush()
    client.publish_nowait("a", b"after")
    assert (await inbox.next())[2] == b"after"


async def test_a_server_that_does_not_read_stops_whoever_writes(opened: Opened, server: NatsServer) -> None:
    client, inbox = await opened(), Inbox()
    await client.subscribe("a", inbox.take)
    await client.flush()
    server.process.signal(signal.SIGSTOP)
    sent, payload, refused = 0, bytes(256 * 1024), False
    async with asyncio.timeout(20):
        while not refused and sent < 8 * MAX_UNSENT_BYTES:
            try:
                client.publish_nowait("a", payload)
            except OutboundBufferLimitError:
                refused = True
            sent += len(payload)
            await asyncio.sleep(0)
    assert refused
    writable = asyncio.create_task(client.wait_writable())
    assert not (await asyncio.wait({writable}, timeout=0.1))[0]
    server.process.signal(signal.SIGCONT)
    await asyncio.wait_for(writable, 20)
    client.publish_nowait("a", b"last")
    async with asyncio.timeout(20):
        while (await inbox.next())[2] != b"last":
            pass


async def test_a_drained_subscription_loses_nothing_that_it_was_given(opened: Opened) -> None:
    """Of a group of two, one leaves under load: each message is answered once."""
    sender, stays, leaves = await opened(), await opened(), await opened()
    answered: list[bytes] = []
    by: list[str] = []

    def answer(client: CallClient, name: str) -> Callable[..., None]:
        def take(_subject: bytes, reply: bytes, data: bytes, _headers: bytes) -> None:
            by.append(name)
            client.publish_nowait(reply.decode(), data)

        return take

    await sender.subscribe("replies", lambda subject, reply, data, headers: answered.append(data))
    await stays.subscribe("work", answer(stays, "stays"), "q")
    leaving = await leaves.subscribe("work", answer(leaves, "leaves"), "q")
    for client in (sender, stays, leaves):
        await client.flush()
    sent = [b"%d" % number for number in range(4_000)]
    draining: asyncio.Task[None] | None = None
    for number, data in enumerate(sent):
        sender.publish_nowait("work", data, "replies")
        if number % 50 == 0:
            await asyncio.sleep(0.001)
        if number == 2_000:
            draining = asyncio.create_task(leaves.drain(leaving))
    assert draining
    await asyncio.wait_for(draining, 20)
    await leaves.flush()
    await holds(lambda: len(answered) >= len(sent))
    await sender.flush()
    assert sorted(answered) == sorted(sent)
    assert by.count("leaves") > 100


async def test_a_flush_returns_after_what_was_said_before_it(opened: Opened, server: NatsServer) -> None:
    """Whoever subscribed and flushed gets everything from then on, however slowly the bytes pass."""
    relay = await SlowRelay(server.port).start()
    slow, other, inbox = await opened(url=relay.url), await opened(), Inbox()
    await slow.subscribe("a", inbox.take)
    await slow.flush()
    other.publish_nowait("a", b"1")
    assert (await inbox.next())[2] == b"1"
    await relay.stop()


async def test_after_a_drain_nothing_more_is_sent_to_who_left(opened: Opened, server: NatsServer) -> None:
    """Another of its group gets all that is published once it has left, however slowly the bytes pass."""
    relay = await SlowRelay(server.port).start()
    leaves, stays, sender, inbox = await opened(url=relay.url), await opened(), await opened(), Inbox()
    left: list[bytes] = []
    leaving = await leaves.subscribe("work", lambda *message: left.append(message[2]), "q")
    await leaves.flush()
    await leaves.drain(leaving)
    await stays.subscribe("work", inbox.take, "q")
    await stays.flush()
    sent = [b"%d" % number for number in range(50)]
    for data in sent:
        sender.publish_nowait("work", data)
    assert [(await inbox.next())[2] for _ in sent] == sent
    assert left == []
    await relay.stop()


async def test_what_is_drained_while_the_connection_is_away_is_not_heard_when_it_is_back(
    opened: Opened, server: NatsServer
) -> None:
    lost, back = asyncio.Event(), asyncio.Event()

    async def on_disconnected() -> None:
        lost.set()

    async def on_reconnected() -> None:
        back.set()

    client, drained, kept = (
        await opened(on_disconnected=on_disconnected, on_reconnected=on_reconnected),
        Inbox(),
        Inbox(),
    )
    leaving = await client.subscribe("a", drained.take)
    await client.subscribe("a", kept.take)
    await client.flush()
    await server.process.kill()
    await asyncio.wait_for(lost.wait(), 20)
    await asyncio.wait_for(client.drain(leaving), 5)
    await server.again()
    await asyncio.wait_for(back.wait(), 20)
    client.publish_nowait("a", b"after")
    assert (await kept.next())[2] == b"after"
    await client.flush()
    assert drained.messages.empty()


async def test_a_flush_that_is_given_up_ends_nothing(opened: Opened, server: NatsServer) -> None:
    """The server reads again, and answers a question that nobody waits for any more."""
    client, inbox = await opened(), Inbox()
    await client.subscribe("a", inbox.take)
    await client.flush()
    server.process.signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        await client.flush(0.2)
    server.process.signal(signal.SIGCONT)
    await client.flush()
    client.publish_nowait("a", b"1")
    assert (await inbox.next())[2] == b"1"
    assert (client.is_connected, client.reconnects) == (True, 0)


@pytest.mark.long
async def test_a_drain_that_no_server_answers_ends_and_stays_drained(opened: Opened, server: NatsServer) -> None:
    client, drained, kept = await opened(), Inbox(), Inbox()
    leaving = await client.subscribe("a", drained.take)
    await client.subscribe("a", kept.take)
    await client.flush()
    server.process.signal(signal.SIGSTOP)
    await asyncio.wait_for(client.drain(leaving), 20)
    server.process.signal(signal.SIGCONT)
    await holds(lambda: client.is_connected)
    await client.flush()
    client.publish_nowait("a", b"after")
    assert (await kept.next())[2] == b"after"
    await client.flush()
    assert drained.messages.empty()


async def test_a_subject_that_is_refused_does_not_end_the_connection(opened: Opened) -> None:
    client, inbox = await opened("limited"), Inbox()
    await client.subscribe("secret.>", inbox.take)
    await client.subscribe("a.>", inbox.take)
    client.publish_nowait("a.1", b"refused")
    await client.flush()
    other = await opened()
    other.publish_nowait("secret.1", b"never")
    other.publish_nowait("a.1", b"heard")
    assert (await inbox.next())[2] == b"heard"
    assert inbox.messages.empty()
    assert (client.is_connected, client.reconnects) == (True, 0)


async def test_a_wrong_password_is_told_at_once(opened: Opened) -> None:
    with pytest.raises(Refusal) as refused:
        await opened("nobody")
    assert "authorization" in refused.value.detail.en.lower()


async def test_of_several_addresses_one_that_answers_is_taken(
    opened: Opened, server: NatsServer, tmp_path: Path
) -> None:
    other = await NatsServer(tmp_path, "b").start()
    client, inbox = await opened(url=f"{server.url}, {other.url}"), Inbox()
    await client.subscribe("a", inbox.take)
    await client.flush()
    await server.process.kill()
    await other.process.stop()
    await other.again()  # whichever it was on, only this one is there now
    await holds(lambda: client.is_connected and client.reconnects > 0)
    await client.flush()
    client.publish_nowait("a", b"after")
    assert (await inbox.next())[2] == b"after"
    await other.process.stop()


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "public"])
async def test_tls_is_spoken_or_nothing_is_said(tmp_path: Path, fast: bool) -> None:
    authority = Authority(tmp_path)
    authority.issue()
    tls = {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")}
    secured = await NatsServer(tmp_path, "tls", tls=tls).start()
    plain = await NatsServer(tmp_path, "plain").start()
    trusting, strange = ssl.create_default_context(cafile=authority.path), ssl.create_default_context()
    endpoint = NatsEndpoint(secured.url.replace("nats:", "tls:"), "u", PASSWORD, tls=trusting)
    client, inbox = await connect_for_calls(endpoint, "test", fast_path=fast), Inbox()
    await client.subscribe("a", inbox.take)
    payload = bytes(300_000)
    client.publish_nowait("a", payload)
    assert (await inbox.next())[2] == payload
    await client.close()
    with pytest.raises(Refusal):
        await connect_for_calls(NatsEndpoint(secured.url, "u", PASSWORD, tls=strange), "test", fast_path=fast)
    if fast:  # nats-py says its password to a server that offers no TLS
        with pytest.raises(Refusal, match="offers no TLS"):
            await connect_for_calls(NatsEndpoint(plain.url, "u", PASSWORD, tls=trusting), "test")
    await secured.process.stop()
    await plain.process.stop()


async def test_a_server_that_stops_in_good_order_is_left_before_it_ends(tmp_path: Path) -> None:
    """Lame duck mode: the next connection is there before the last one goes, and what is on its way arrives."""
    first, second = NatsServer(tmp_path, "first"), NatsServer(tmp_path, "second")
    await first.start([second])
    await second.start([first])
    losses: list[int] = []

    async def on_disconnected() -> None:
        losses.append(1)

    # Of the second server it learns from the first.
    client = FastNatsClient(NatsEndpoint(first.url, "u", PASSWORD), "test", on_disconnected)
    await client.connect(5)
    replies: list[bytes] = []
    await client.subscribe("replies", lambda subject, reply, data, headers: replies.append(data))
    subscription = await client.subscribe(
        "work", lambda subject, reply, data, headers: client.publish_nowait(reply.decode(), data), "q"
    )
    for server in (first, second):
        await asyncio.wait_for(_routed(server), 20)
    await client.flush()
    stopping = asyncio.create_task(_stop_in_good_order(first, second))
    sent = 0
    async with asyncio.timeout(20):
        while not stopping.done():
            client.publish_nowait("work", b"%d" % sent, "replies")
            sent += 1
            await asyncio.sleep(0.002)
    await stopping
    for number in range(100):
        client.publish_nowait("work", b"after %d" % number, "replies")
    await client.flush()
    await holds(lambda: len(set(replies)) == sent + 100)
    assert losses == []
    await client.drain(subscription)
    await client.close()
    await first.process.stop()
    await second.process.stop()


async def _routed(server: NatsServer) -> None:
    """Return when the servers of a cluster know each other."""
    system = Client()
    await system.connect(server.url, user="system", password=PASSWORD)
    async with asyncio.timeout(20):
        while True:
            asked = json.dumps({"server_name": server.name})
            answers = await system.request("$SYS.REQ.SERVER.PING.ROUTEZ", asked.encode(), timeout=5)
            if json.loads(answers.data)["data"]["num_routes"]:
                break
            await asyncio.sleep(0.05)
    await system.close()


async def _stop_in_good_order(server: NatsServer, other: NatsServer) -> None:
    """Tell a server to go, and return when the client of the test is with the other one."""
    system = Client()
    await system.connect(other.url, user="system", password=PASSWORD)
    server.process.signal(signal.SIGUSR2)
    asked = json.dumps({"acc": "LGSP", "server_name": other.name}).encode()  # or the one that goes may be heard first
    async with asyncio.timeout(20):
        while True:
            inbox = await system.request("$SYS.REQ.SERVER.PING.CONNZ", asked, timeout=5)
            if json.loads(inbox.data)["data"]["num_connections"]:
                break
            await asyncio.sleep(0.05)
    await system.close()
