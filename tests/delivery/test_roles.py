"""One process answers and accepts, another one delivers: what people ask of the first knows what the second does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from support.later import entries_of, send, until
from support.subscribing import Subscribing, subscribed_bus
from support.upstreams import served
from support.waits import WORK_SECONDS, eventually
from support.workbench import NUMBER, Workbench

from lgsp_adapters.adapter import Call


class Divided:
    """A bus whose gateway `bench` only answers, and whose gateway `deliverer` only delivers."""

    def __init__(self, events: Subscribing, port: int) -> None:
        self.events = events
        self.bus: Workbench = events.bus
        assert self.bus.deliverer
        self.deliverer = self.bus.deliverer
        self.port = port

    async def health(self, path: str, port: int = 0) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port or self.port}{path}") as answer,
        ):
            return answer.status, await answer.text()

    async def problems(self) -> dict[str, str]:
        """What `lgsp doctor` finds wrong, by its check."""
        got = await self.bus.ask("GET", "/ops/checks", system="operator")
        return {one["check"]: one["detail"]["en"] for one in got.json["items"] if not one["ok"]}


@pytest_asyncio.fixture(scope="module")
async def divided(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Divided]:
    events = await subscribed_bus(tmp_path_factory.mktemp("roles"), "--roles", "http")
    yield Divided(events, await events.bus.start_deliverer())
    await events.stop()


async def test_what_one_accepts_the_other_delivers(divided: Divided) -> None:
    adapter = await divided.bus.serve()
    accepted = await send(divided.bus)
    assert accepted.status == 202, accepted.body
    answered = await until(divided.bus, accepted.message, "answered")
    assert [attempt["gateway"] for attempt in answered["attempts"]] == ["deliverer"]
    response = await divided.bus.ask("GET", f"/messages/{accepted.message}/response")
    assert response.json["ketQua"] == "KHOP"
    entries = {entry["kind"]: entry["gateway"] for entry in await entries_of(divided.bus, accepted.message)}
    assert entries == {"accepted": "bench", "delivery": "deliverer"}
    assert (await divided.bus.call()).status == 200
    await divided.bus.unserve(adapter)


async def test_the_port_of_one_that_only_delivers_serves_health_and_metrics_alone(divided: Divided) -> None:
    assert await divided.health("/livez") == (200, "ok\n")
    status, ready = await divided.health("/readyz")
    assert status == 200, ready
    status, metrics = await divided.health("/metrics")
    assert status == 200
    assert "lgsp_check_failed" in metrics
    for path in ("/services/desk/v1/read", "/messages", "/catalog", "/oauth2/token"):
        assert (await divided.health(path))[0] == 404
    assert "vai trò http" in (await divided.health("/services/desk/v1/read"))[1]


async def test_an_endpoint_that_fails_elsewhere_is_shown_here(divided: Divided) -> None:
    came = asyncio.Event()

    async def fail(_: web.Request) -> web.Response:
        came.set()
        return web.Response(status=500)

    async with served(fail) as url:
        made = await divided.bus.ask("POST", "/endpoints", {"name": "hong", "url": url})
        path = f"/endpoints/{made.json['id']}"
        delivery = {"kind": "webhook", "endpoint": made.json["id"]}
        subscription = await divided.events.subscribe(name="hong", delivery=delivery)
        for number in range(8):
            await divided.events.publish(maHoSo=f"hong-{number}")
        await asyncio.wait_for(came.wait(), WORK_SECONDS)

        async def is_shown() -> bool:
            return bool((await divided.bus.ask("GET", path)).json["failing"])

        await eventually(is_shown, within=WORK_SECONDS)
        assert "do not answer, of the systems: alpha" in (await divided.problems())["endpoints"]
        tested = await divided.bus.ask("POST", f"{path}/test")
        assert tested.json["outcome"] == "server-error"
    await divided.events.ask("DELETE", f"/{subscription['id']}")
    await divided.bus.ask("DELETE", path)


async def test_a_lane_that_waits_elsewhere_says_why_here(divided: Divided) -> None:
    delivery = {"kind": "adapter", "service": "registers", "major": 1, "operation": "receive"}
    made = await divided.events.subscribe(name="cho", delivery=delivery)
    await divided.events.publish(maHoSo="cho-1")

    async def is_told() -> bool:
        return bool((await divided.events.ask("GET", f"/{made['id']}")).json.get("waiting"))

    await eventually(is_told, within=WORK_SECONDS)
    assert (await divided.events.ask("GET", f"/{made['id']}")).json["waiting"] == "no-adapter"
    await divided.events.ask("DELETE", f"/{made['id']}")


async def test_workers_fetch_through_one_that_does_not_deliver(divided: Divided) -> None:
    made = await divided.events.subscribe(name="lay")
    await divided.events.publish(maHoSo="lay-1")
    items = await divided.events.pull(made["id"])
    assert [item["event"]["data"]["maHoSo"] for item in items] == ["lay-1"]
    assert (await divided.events.acknowledge(made["id"], items)).status == 200
    await divided.events.ask("DELETE", f"/{made['id']}")


async def test_nothing_is_lost_where_the_one_that_delivers_is_killed(divided: Divided) -> None:
    got: list[str] = []
    many = asyncio.Event()

    async def note(request: dict[str, Any], _: Call) -> dict[str, Any]:
        got.append(request.get("hoVaTen", ""))
        if len(got) >= 30:
            many.set()
        return {"ketQua": "KHOP"}

    adapter = await divided.bus.serve(read=note)
    sent = [f"{number}" for number in range(120)]

    async def send_key(key: int) -> None:
        for name in sent[key::6]:
            accepted = await send(
                divided.bus,
                body={"soDinhDanh": NUMBER, "hoVaTen": name},
                headers={"Lgsp-Ordering-Key": f"k{key}"},
            )
            assert accepted.status == 202, accepted.body

    sending = asyncio.gather(*(send_key(key) for key in range(6)))
    await asyncio.wait_for(many.wait(), WORK_SECONDS)
    await divided.deliverer.kill()
    await sending  # acceptance goes on without it

    async def is_noticed() -> bool:
        return "no gateway delivers; calls are served" in (await divided.health("/readyz", divided.bus.port))[1]

    await eventually(is_noticed)
    assert (await divided.bus.call()).status == 200
    assert "--roles delivery" in (await divided.problems())["delivery"]
    await divided.deliverer.start()
    await eventually(lambda: set(got) >= set(sent), within=WORK_SECONDS, seen=lambda: sorted(set(sent) - set(got)))
    for key in range(6):
        of_key = list(dict.fromkeys(name for name in got if name in sent[key::6]))
        assert of_key == sent[key::6]
    assert "delivery" not in await divided.problems()
    await divided.bus.unserve(adapter)
