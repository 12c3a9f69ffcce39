"""A provider's limit, kept by copies of an adapter in processes of their own, before a server that counts."""

import asyncio
import json
import shutil
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from support.authority import Authority
from support.preloaded import Preloaded
from support.processes import free_port
from support.upstreams import ask, opened, served
from support.waits import eventually
from support.workbench import CONTRACTS, Got, Workbench

from lgsp_adapters.adapter import LimitReached, UpstreamFailed
from lgsp_adapters.host.shared_permits import SharedPermits
from lgsp_contracts.provider_limit import MAX_PERMIT_AGE_MS, Denial, ProviderLimit
from lgsp_gateway.nats.provider_limits import MAX_NAMES
from lgsp_runtime.nats.connect import connect_for_calls

OPERATIONS = CONTRACTS[0]["operations"]


class Provider:
    """A system that counts who asks it: when, how many at a time, and by which copy."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.times: list[float] = []
        self.copies: set[str] = set()
        self.running = 0
        self.peak = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.times.append(time.monotonic())
        self.copies.add(request.headers["X-Copy"])
        self.running += 1
        self.peak = max(self.peak, self.running)
        await asyncio.sleep(self.seconds)
        self.running -= 1
        return web.json_response({"said": "KHOP"})

    def most_within(self, seconds: float) -> int:
        """The most requests that came within a span of time."""
        return max(sum(begin <= moment < begin + seconds for moment in self.times) for begin in self.times)


class Copies:
    """Copies of one adapter."""

    def __init__(self, bus: Workbench, folder: Path, url: str, limit: dict[str, Any]) -> None:
        self.bus = bus
        self.folder = folder
        document = {
            "service": "desk",
            "major": 1,
            "system": "provider",
            "kind": "http",
            "connection": {"url": url, "copy": {"env": "COPY"}},
            "limit": limit,
            "headers": {"X-Copy": "connection.copy"},
            "operations": {name: {"path": "/ask", "answer": {"ketQua": "answer.said"}} for name in OPERATIONS},  # type: ignore[attr-defined]
        }
        (folder / "adapter.yaml").write_text(yaml.safe_dump(document))
        (folder / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
        shutil.copytree(bus.catalog_folder, folder / "contracts")
        self.running: list[Preloaded] = []

    async def start(self, name: str) -> None:
        command = ["adapter", "run", str(self.folder / "adapter.yaml"), "--nats", self.bus.nats_url]
        command += ["--gateway", f"http://127.0.0.1:{self.bus.port}", "--keys", str(self.folder)]
        command += ["--catalog", str(self.folder / "contracts")]
        copy = Preloaded(command, self.folder / f"{name}.log", {"COPY": name})
        await copy.start()
        self.running.append(copy)

    async def stop(self) -> None:
        for copy in self.running:
            await copy.stop()
        self.running.clear()


@asynccontextmanager
async def copies(bus: Workbench, folder: Path, provider: Provider, **limit: Any) -> AsyncIterator[Copies]:
    async with served(provider.answer) as url:
        found = Copies(bus, folder, url, limit)
        await found.start("one")
        await found.start("two")
        try:
            yield found
        finally:
            await found.stop()


async def calls(bus: Workbench, count: int, operation: str) -> list[Got]:
    return list(await asyncio.gather(*(bus.call(operation) for _ in range(count))))


async def test_two_copies_and_two_gateways_keep_one_limit(bus: Workbench, tmp_path: Path) -> None:
    provider = Provider(0.1)
    other = bus.another_gateway("limits", free_port())
    await other.start()
    limit = {"per-second": 8, "concurrent": 2, "name": "together"}
    async with copies(bus, tmp_path, provider, **limit):
        got = await calls(bus, 24, "wait")
    await other.stop()
    assert [answer.status for answer in got] == [200] * 24
    assert provider.copies == {"one", "two"}
    assert provider.peak <= 2
    assert provider.most_within(0.8) <= 8  # they were let go a second apart, and do not all travel equally fast


async def test_what_cannot_wait_is_refused_and_not_sent(bus: Workbench, tmp_path: Path) -> None:
    provider = Provider()
    async with copies(bus, tmp_path, provider, **{"per-second": 1, "name": "one-each"}):
        got = await calls(bus, 6, "read")
    answered = [answer for answer in got if answer.status == 200]
    refused = [answer for answer in got if answer.status != 200]
    assert answered
    assert refused
    assert len(provider.times) == len(answered)
    assert {(answer.status, answer.code, answer.headers["Retry-After"]) for answer in refused} <= {
        (503, "provider-limit-reached", "1"),
        (503, "provider-limit-reached", "2"),
    }
    entry = await bus.entry(refused[0].message)
    assert entry["outcome"] == "provider-limit-reached"


async def test_a_restart_keeps_the_count_of_the_day(breakable_bus: Workbench, tmp_path: Path) -> None:
    bus, provider = breakable_bus, Provider()
    async with copies(bus, tmp_path, provider, **{"per-day": 5}) as adapter:
        got = await calls(bus, 3, "wait")
        assert [answer.status for answer in got] == [200] * 3
        await adapter.stop()
        await bus.gateway.stop()
        await bus.nats.stop()
        await bus.start_nats()
        await bus.gateway.start()
        await bus.ready()
        await adapter.start("three")
        got = await calls(bus, 4, "wait")
        assert sorted(answer.status for answer in got) == [200, 200, 503, 503]
        refused = next(answer for answer in got if answer.status == 503)
        assert refused.code == "provider-limit-reached"
        assert 0 < int(refused.headers["Retry-After"]) <= 86_400
        assert len(provider.times) == 5
        await bus.drop_stream("KV_LGSP_LIMITS")  # nobody can say any more how many there were
        got = await calls(bus, 2, "wait")
        assert {(answer.status, answer.code) for answer in got} == {(503, "bus-unavailable")}
        assert len(provider.times) == 5


@pytest.mark.long
async def test_a_copy_that_is_killed_does_not_hold_its_permits_for_ever(bus: Workbench, tmp_path: Path) -> None:
    provider = Provider(30)
    async with copies(bus, tmp_path, provider, concurrent=1, name="killed") as adapter:
        begun = asyncio.create_task(bus.call("read"))
        await eventually(lambda: provider.running == 1)
        for copy in adapter.running:
            await copy.kill()
        await begun
        adapter.running.clear()
        provider.seconds = 0
        await adapter.start("after")
        await bus.answers(lambda got: got.status == 200, "read")
        assert len(provider.times) == 2


async def test_a_system_asks_for_permits_of_its_own_alone(bus: Workbench) -> None:
    refused: asyncio.Queue[Exception] = asyncio.Queue()
    client = await bus.nats_client("provider", refused.put)
    replies: asyncio.Queue[bytes] = asyncio.Queue()
    asked = b'{"name": "x", "permit": "0123456789abcdef", "limit": {"per-second": 1}, "seconds": 1}'

    async def keep(message: Any) -> None:
        await replies.put(message.data)

    await client.subscribe("limit-reply.provider.>", cb=keep)
    await client.subscribe("svc.desk.v1.read", cb=keep)
    await client.publish("limit.provider", asked, reply="svc.desk.v1.read")  # a reply that would be sent as the gateway
    await client.publish("limit.provider", asked, reply="limit-reply.provider.1")
    assert b'"granted"' in await asyncio.wait_for(replies.get(), 10)
    assert replies.empty()
    await client.publish("limit.alpha", asked, reply="limit-reply.provider.2")
    assert "limit.alpha" in str(await asyncio.wait_for(refused.get(), 10))
    await client.subscribe("limit-reply.alpha.>")
    assert "limit-reply.alpha" in str(await asyncio.wait_for(refused.get(), 10))
    await client.publish("$KV.LGSP_LIMITS.provider.x", b"{}")
    assert "LGSP_LIMITS" in str(await asyncio.wait_for(refused.get(), 10)).upper()
    await client.close()


async def test_a_system_that_makes_up_names_reaches_neither_the_gateways_nor_the_counts_of_others(
    bus: Workbench,
) -> None:
    replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    client = await bus.nats_client("provider", replies.put)

    async def keep(message: Any) -> None:
        await replies.put(json.loads(message.data))

    await client.subscribe("limit-reply.provider.>", cb=keep)

    async def ask_for(name: str) -> None:
        question = {"name": name, "permit": "0" * 16, "limit": {"per-day": 9}, "seconds": 1}
        await client.publish("limit.provider", json.dumps(question).encode(), reply="limit-reply.provider.1")

    await ask_for("n" * 8_000)  # longer than a subject of NATS may be: the server would close the gateway's connection
    await ask_for("mine")
    assert await asyncio.wait_for(replies.get(), 10) == {"status": "granted"}
    for number in range(MAX_NAMES + 1):
        await ask_for(f"made-up-{number}")
        latest = await asyncio.wait_for(replies.get(), 10)
    assert latest == {"status": "unavailable"}
    await ask_for("mine")
    assert await asyncio.wait_for(replies.get(), 10) == {"status": "granted"}
    await client.close()
    await bus.empty_stream("KV_LGSP_LIMITS")  # other tests name limits of this system too


async def test_a_change_of_connection_loses_no_permit(bus: Workbench) -> None:
    permits, limit = SharedPermits("provider"), ProviderLimit(concurrent=2)
    connections = [await connect_for_calls(bus.endpoint("provider"), "permits") for _ in range(3)]
    with pytest.raises(UpstreamFailed) as failed:
        await permits.acquire(limit, "moved", "0" * 16, 9)
    assert failed.value.why == "uncounted"
    await permits.connect(connections[0])
    assert await permits.acquire(limit, "moved", "0" * 16, 9) is None
    await permits.connect(connections[1])
    permits.disconnect(connections[0])
    assert await permits.acquire(limit, "moved", "1" * 16, 9) is None
    await permits.connect(connections[2])
    permits.disconnect(connections[2])  # the adapter could not start with it
    assert await permits.acquire(limit, "moved", "2" * 16, 9) == Denial("concurrent", 50)
    permits.release("moved", "0" * 16)
    assert await permits.acquire(limit, "moved", "2" * 16, 9) is None
    permits.disconnect(connections[1])
    for connection in connections:
        await connection.close()


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("999999", 86_400), ("Wed, 21 Oct 2026 07:28:00 GMT", 1), ("-5", 1), ("", 1)]
)
async def test_a_429_is_the_limit_in_the_providers_words(header: str, seconds: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"code": "SLOW_DOWN"}, status=429, headers={"Retry-After": header})

    told = {"operations": {"read": {"path": "/people", "answer": {"ketQua": "answer.a"}}}}
    async with served(answer) as url, opened("http", url, **told) as adapter:
        with pytest.raises(LimitReached, match="HTTP 429") as reached:
            await ask(adapter)
    assert reached.value.retry_after == seconds


async def test_each_login_counts_and_nothing_is_sent_beyond_the_limit() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.json_response({"access_token": "t", "a": "KHOP"})

    oauth2 = {"path": "/token", "client": "'a'", "secret": "'b'"}
    told = {"operations": {"read": {"path": "/people", "answer": {"ketQua": "answer.a"}}}}
    async with (
        served(answer) as url,
        opened("http", url, **told, authentication={"oauth2": oauth2}, limit={"per-day": 2}) as adapter,
    ):
        assert await ask(adapter) == {"ketQua": "KHOP"}
        with pytest.raises(LimitReached) as reached:
            await ask(adapter)
    assert "per-day" in reached.value.private
    assert seen == ["/token", "/people"]


@asynccontextmanager
async def slow_to_greet(port: int, seconds: float) -> AsyncIterator[int]:
    """A port before another one that lets nothing through for a while after it was connected."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(10):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        behind = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, behind[1]), pump(behind[0], writer), return_exceptions=True)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_permit_that_a_handshake_made_old_is_not_used(tmp_path: Path) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.json_response({"a": "KHOP"})

    Authority(tmp_path).issue()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    told = {"operations": {"read": {"path": "/people", "answer": {"ketQua": "answer.a"}}}, "tls": {"ca": "ca.pem"}}
    async with (
        served(answer, tls) as url,
        slow_to_greet(int(url.rpartition(":")[2]), 2 * MAX_PERMIT_AGE_MS / 1000) as port,
        opened("http", f"https://127.0.0.1:{port}", tmp_path, **told, limit={"per-day": 3}) as adapter,
    ):
        assert await ask(adapter) == {"ketQua": "KHOP"}  # the old permit counts too
        assert await ask(adapter) == {"ketQua": "KHOP"}  # on the connection that is there
        with pytest.raises(LimitReached, match="per-day"):
            await ask(adapter)
    assert len(seen) == 2
