"""Events by webhooks through the whole bus, beside a bare aiohttp loop and bare publishes. `./lgsp bench run`.

A loop and the bus take turns, each posting the same bodies to the same endpoint, which is a process of its own. What is compared is the time between
the first and the last of them at the endpoint, and the processor time that each took: on a machine that others share, the second says more.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from support.jetstream import JetStreamServer, make_stream
from support.processes import Process
from support.subscribing import BIRTHS, FIELDS, REGISTERS, Subscribing, event_grant, subscribed_bus
from support.waits import eventually
from support.workbench import CONTRACTS, TEXT, Workbench, document

from bench import history
from lgsp_auth.signing_keys import SigningKey

ROUNDS = int(os.environ.get("LGSP_BENCH_ROUNDS", "5"))
EVENTS = int(os.environ.get("LGSP_BENCH_EVENTS", "3000"))
CONCURRENCY = 32
SYSTEMS, ENDPOINTS = 20, 50
"""Subscribers, and the endpoints of each: 1,000 in all, each with a subscription and a connection of its own."""
PEERS = str(Path(__file__).parent / "webhook_peers.py")
_TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What a number of posts took: the rate at the endpoint, and milliseconds of processors for each post, by process."""

    rate: float
    sender: float
    server: float = 0.0
    endpoint: float = 0.0


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def delivering(events: Subscribing) -> Process:
    """The gateway that delivers."""
    assert events.bus.deliverer
    return events.bus.deliverer


class WebhookEndpoint:
    """The endpoint, and the loop that posts to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = Process([sys.executable, PEERS, "endpoint"], folder / "endpoint.log")

    async def start(self) -> None:
        await self.process.start()
        self.url = f"http://127.0.0.1:{self.process.output[-1].split()[1]}"
        self.session = aiohttp.ClientSession(self.url)

    async def stop(self) -> None:
        await self.session.close()
        await self.process.kill()

    async def ask(self, path: str = "/") -> Any:
        async with self.session.get(path) as answer:
            return json.loads(await answer.read())

    async def arrived(self, count: int) -> dict[str, Any]:
        """Wait until so many different webhooks have come; return what the endpoint counted."""
        told: dict[str, Any] = {}

        async def came() -> bool:
            told.update(await self.ask())
            await asyncio.sleep(0.2)
            return int(told["ids"]) >= count

        await eventually(came, within=300, seen=lambda: told)
        return told

    async def loop_posts(self, count: int) -> Cost:
        """Have a bare loop, on uvloop as gateways are, post the bodies that came before."""
        bodies = self.folder / "bodies.json"
        bodies.write_text(json.dumps(await self.ask("/bodies")))
        await self.ask("/forget")
        used = processor_seconds(self.process.pid)
        command = [sys.executable, PEERS, "loop", self.url, str(CONCURRENCY), str(bodies), str(count)]
        loop = await Process(command, self.folder / "loop.log").start()
        await loop.ended()
        told = await self.ask()
        assert told["received"] == count
        mine = processor_seconds(self.process.pid) - used
        return Cost(count / told["seconds"], float(loop.output[-1].split()[1]) / count * 1000, 0.0, mine / count * 1000)


@asynccontextmanager
async def endpoint_in(folder: Path) -> AsyncIterator[WebhookEndpoint]:
    endpoint = WebhookEndpoint(folder)
    await endpoint.start()
    try:
        yield endpoint
    finally:
        await endpoint.stop()


async def store_events(events: Subscribing, count: int) -> None:
    """Store events of 500 keys."""
    for first in range(0, count, 100):
        numbers = range(first, min(first + 100, count))
        await asyncio.gather(*(events.publish(maHoSo=f"key-{number % 500}", can=number) for number in numbers))


async def deliver(events: Subscribing, endpoint: WebhookEndpoint, endpoint_id: str, count: int, **more: Any) -> Cost:
    """Have the bus deliver what is stored to a new subscription."""
    await endpoint.ask("/forget")
    pids = delivering(events).pid, events.bus.nats.pid, endpoint.process.pid
    before = [processor_seconds(pid) for pid in pids]
    made = await events.subscribe(
        delivery={"kind": "webhook", "endpoint": endpoint_id}, **{"from": "2020-01-01T00:00:00Z"}, **more
    )
    told = await endpoint.arrived(count)
    used = [(processor_seconds(pid) - was) / count * 1000 for pid, was in zip(pids, before, strict=True)]
    assert (await events.ask("DELETE", f"/{made['id']}")).status in (200, 204)
    if told["received"] != count:
        print(f"repeated: {told['received'] - count}")
    return Cost(told["received"] / told["seconds"], *used)


async def test_webhooks_beside_a_bare_loop(tmp_path: Path) -> None:
    events = await subscribed_bus(tmp_path, "--roles", "http")
    await events.bus.start_deliverer()
    async with endpoint_in(tmp_path) as endpoint:
        wish = {"name": "nhan", "url": endpoint.url, "concurrency": CONCURRENCY, "rate": 10_000}
        made = await events.bus.ask("POST", "/endpoints", wish)
        assert made.status == 201, made.body
        await store_events(events, EVENTS)
        await deliver(events, endpoint, made.json["id"], EVENTS)
        pairs: list[tuple[Cost, Cost]] = []
        for _ in range(ROUNDS):
            its = await endpoint.loop_posts(EVENTS)
            mine = await deliver(events, endpoint, made.json["id"], EVENTS)
            print(f"\nloop {its}\nbus {mine}")
            pairs.append((its, mine))
    await events.stop()
    rate = statistics.median(mine.rate / its.rate for its, mine in pairs)
    cost = statistics.median(its.sender / mine.sender for its, mine in pairs)
    history.record("webhooks, beside a bare aiohttp loop", rate, "×", "≥ 0.6")
    history.record("webhooks, processor time of a bare aiohttp loop beside that of the gateway", cost, "×", "≥ 0.6")
    history.record("processor time of a webhook, gateway", statistics.median(mine.sender for _, mine in pairs), "ms")
    history.record(
        "processor time of a webhook, nats-server", statistics.median(mine.server for _, mine in pairs), "ms"
    )


async def subscribers_on(folder: Path) -> Subscribing:
    """Start a bus with many systems that may receive."""
    names = [f"subscriber-{number}" for number in range(SYSTEMS)]
    jwks = [SigningKey.generate().public_jwk()]
    systems = [document("System", name, agency="H49.1", title=TEXT, jwks=jwks) for name in names]
    grants = [event_grant(f"{name}-births", name, FIELDS) for name in names]
    bench = Workbench(folder, contracts=[*CONTRACTS, BIRTHS, REGISTERS], documents=[*systems, *grants])
    await bench.start("--roles", "http")
    await bench.start_deliverer()
    return await Subscribing(bench).start()


async def subscribe_all(events: Subscribing, url: str) -> None:
    """Make an endpoint and a subscription for each."""

    async def make(system: str, number: int) -> None:
        wish = {"name": f"nhan-{number}", "url": f"{url}/{system}/{number}"}
        made = await events.bus.ask("POST", "/endpoints", wish, system=system)
        assert made.status == 201, made.body
        await events.subscribe(system=system, delivery={"kind": "webhook", "endpoint": made.json["id"]})

    for number in range(ENDPOINTS):
        await asyncio.gather(*(make(f"subscriber-{system}", number) for system in range(SYSTEMS)))


async def bare_publishes(folder: Path) -> float:
    """Publish as nats-py does, 64 at a time, to a server that syncs each message; return how many a second."""
    server = JetStreamServer(folder)
    await server.start()
    async with server.client() as client:
        await make_stream(client, "bare", "bare.>")
        jetstream, numbers = client.jetstream(), iter(range(SYSTEMS * ENDPOINTS))

        async def publisher() -> None:
            for number in numbers:
                await jetstream.publish(f"bare.{number}", bytes(1000))

        began = time.perf_counter()
        await asyncio.gather(*(publisher() for _ in range(64)))
        rate = SYSTEMS * ENDPOINTS / (time.perf_counter() - began)
    await server.process.stop()
    return rate


async def test_one_event_to_a_thousand_webhooks(tmp_path: Path) -> None:
    """With projection, evidence, cipher and signature, each to an endpoint of its own; from publication to the last of them."""
    events = await subscribers_on(tmp_path)
    count = SYSTEMS * ENDPOINTS
    async with endpoint_in(tmp_path) as endpoint:
        await subscribe_all(events, endpoint.url)
        ratios = []
        for number in range(ROUNDS + 1):
            folder = tmp_path / f"bare-{number}"
            folder.mkdir()
            bare = await bare_publishes(folder)
            await endpoint.ask("/forget")
            pids = delivering(events).pid, events.bus.nats.pid, endpoint.process.pid
            before = [processor_seconds(pid) for pid in pids]
            began = time.perf_counter()
            data = json.dumps({"maHoSo": f"one-{number}", "tinh": "22", "can": number}).encode()
            published = await events.publish_over_http(
                data, **{"ce-id": f"one-{number}", "ce-source": "/systems/provider", "ce-specversion": "1.0"}
            )
            assert published.status == 202, published.body
            told = await endpoint.arrived(count)
            used = [(processor_seconds(pid) - was) / count * 1000 for pid, was in zip(pids, before, strict=True)]
            mine = count / (told["until"] - began)
            print(
                f"\nbare {bare:.0f}/s, webhooks {mine:.0f}/s, ms of processors {used}, repeated {told['received'] - count}"
            )
            if number:  # at the first, all connections are opened
                ratios.append(mine / bare)
    await events.stop()
    history.record("one event to 1,000 webhooks, beside bare publishes", statistics.median(ratios), "×", "≥ 0.5")
