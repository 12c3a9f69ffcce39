"""Gateways and the NATS server are killed while events are delivered: nothing is lost, the order of each key holds, repeats have the same id."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from support.processes import Process, free_port
from support.subscribing import Subscribing, subscribed_bus
from support.upstreams import served
from support.waits import SECONDS, eventually, until_set

KEYS, EACH = 20, 10


class TwoGateways:
    """The bus with two gateways, either of which may be killed."""

    def __init__(self, events: Subscribing, port: int) -> None:
        self.events = events
        self.url = f"http://127.0.0.1:{port}"
        self.second: Process = events.bus.another_gateway("second", port)

    async def kill_and_restart(self, gateway: Process) -> None:
        await gateway.kill()
        await gateway.start()


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[TwoGateways]:
    events = await subscribed_bus(tmp_path)
    found = TwoGateways(events, free_port())
    await found.second.start()
    yield found
    await found.second.stop()
    await events.stop()


class Ledger:
    """What a subscriber got: ids and data in order."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []

    def add(self, delivery: str, data: dict[str, Any]) -> None:
        self.got.append((delivery, data))

    @property
    def seen(self) -> set[tuple[str, int]]:
        return {(data["maHoSo"], data["can"]) for _, data in self.got}

    def check(self) -> None:
        first: dict[tuple[str, int], str] = {}
        orders: defaultdict[str, list[int]] = defaultdict(list)
        for delivery, data in self.got:
            one = data["maHoSo"], data["can"]
            if one not in first:
                orders[data["maHoSo"]].append(data["can"])
            assert first.setdefault(one, delivery) == delivery, "a repeat has the id of the first"
        assert set(orders) == {f"key-{key}" for key in range(KEYS)}
        assert all(order == list(range(EACH)) for order in orders.values()), orders


async def publish_all(events: Subscribing) -> None:
    for number in range(EACH):
        for key in range(KEYS):
            await events.publish(maHoSo=f"key-{key}", can=number)


async def test_webhooks_while_gateways_and_the_server_are_killed(two: TwoGateways) -> None:
    events, ledger = two.events, Ledger()
    attempted = asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        event = await request.json()
        await asyncio.sleep(0.02)
        ledger.add(request.headers["webhook-id"], event["data"])
        if len(ledger.got) >= 20:
            attempted.set()
        return web.Response()

    async with served(receive) as url:
        made = await events.bus.ask("POST", "/endpoints", {"name": "nhan", "url": url})
        await events.subscribe(delivery={"kind": "webhook", "endpoint": made.json["id"]})
        await publish_all(events)
        await asyncio.wait_for(attempted.wait(), SECONDS)
        await two.kill_and_restart(events.bus.gateway)
        await events.bus.nats.kill()
        await events.bus.start_nats()
        await two.kill_and_restart(two.second)
        await eventually(lambda: len(ledger.seen) == KEYS * EACH, seen=lambda: len(ledger.seen))
    ledger.check()


@pytest.mark.long
async def test_workers_while_gateways_and_the_server_are_killed(two: TwoGateways) -> None:
    events, ledger = two.events, Ledger()
    made = await events.subscribe(delivery={"kind": "pull", "visibility": 5})

    done = asyncio.Event()

    async def work(url: str) -> None:
        for _ in until_set(done):
            try:
                items = await events.pull(made["id"], limit=20, wait=1, url=url)
                for item in items:
                    ledger.add(item["event"]["id"], item["event"]["data"])
                if items:
                    await events.acknowledge(made["id"], items, url=url)
            except (AssertionError, aiohttp.ClientError, json.JSONDecodeError):
                await asyncio.sleep(0.1)  # the gateway is away

    async with asyncio.TaskGroup() as workers:
        for url in ("", two.url, two.url):
            workers.create_task(work(url))
        await publish_all(events)
        await two.kill_and_restart(events.bus.gateway)
        await events.bus.nats.kill()
        await events.bus.start_nats()
        await two.kill_and_restart(two.second)
        await eventually(lambda: len(ledger.seen) == KEYS * EACH, seen=lambda: len(ledger.seen))
        done.set()
    ledger.check()


async def test_a_reader_goes_on_at_another_gateway(two: TwoGateways) -> None:
    events, ledger = two.events, Ledger()
    made = await events.subscribe(delivery={"kind": "sse"})
    await publish_all(events)
    first = await events.follow(made["id"], 37)
    await events.bus.gateway.kill()
    rest = await events.follow(made["id"], KEYS * EACH - 37, first[-1][0], url=two.url)
    for _, event in [*first, *rest]:
        ledger.add(event["id"], event["data"])
    assert len(ledger.got) == KEYS * EACH, "each once"
    ledger.check()
    await events.bus.gateway.start()
