"""Instances of adapters are drained and resumed: no call is lost, others take the new ones, and who did it stays known."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio
from support.changes import Changes
from support.waits import eventually, until_set
from support.workbench import TEXT, Got, Workbench

from lgsp_adapters.adapter import Call
from lgsp_adapters.host.instance import Instance
from lgsp_adapters.host.served_adapter import ServedAdapter

REASON = {"reason": "Bảo trì máy chủ"}


@pytest_asyncio.fixture(scope="module")
async def site(tmp_path_factory: Any) -> AsyncIterator[Workbench]:
    """A bus of this file's own, whose gateway is restarted."""
    bench = await Workbench(tmp_path_factory.mktemp("drain")).start()
    changes = Changes(bench)
    for name, agency in (("runner", "H49.1"), ("foreign", "H49.2")):
        bench.keys[name] = bench.keys["integrator"]
        spec = {"agency": agency, "title": TEXT, "jwks": [bench.keys[name].public_jwk()], "roles": ["integrator"]}
        assert (await changes.put("System", name, **spec)).status == 201
    yield bench
    await bench.stop()


Serve = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture
async def serve(site: Workbench) -> AsyncIterator[Serve]:
    """Put an instance on the bus, and return its id."""
    mine: list[ServedAdapter] = []

    async def served(**answers: Any) -> str:
        instance = Instance()
        mine.append(await site.serve(instance=instance, **answers))
        return instance.id

    yield served
    for one in mine:
        await site.unserve(one)


async def listed(bus: Workbench, system: str = "operator") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await bus.ask("GET", "/ops/adapters", system=system)).json["items"]
    return items


async def shown(bus: Workbench, instance: str) -> dict[str, Any]:
    return next(one for one in await listed(bus) if one["id"] == instance)


async def decide(bus: Workbench, instance: str, step: str, by: str = "operator", body: Any = REASON) -> Got:
    return await bus.ask("POST", f"/ops/adapters/{instance}/{step}", body, system=by)


def answering(
    said: list[str], name: str, begun: asyncio.Event | None = None, go_on: asyncio.Event | None = None
) -> Any:
    async def read(_: dict[str, Any], __: Call) -> dict[str, Any]:
        said.append(name)
        if begun and go_on:
            begun.set()
            await go_on.wait()
        return {"ketQua": "KHOP"}

    return read


async def test_a_drained_instance_finishes_its_calls_and_others_take_the_new_ones(
    site: Workbench, serve: Serve
) -> None:
    said: list[str] = []
    first = await serve(read=answering(said, "first"))
    await serve(read=answering(said, "second"))
    stop = asyncio.Event()

    async def caller() -> list[int]:
        return [(await site.call()).status for _ in until_set(stop)]

    calling = [asyncio.create_task(caller()) for _ in range(8)]
    await eventually(lambda: {"first", "second"} <= set(said))
    got = await decide(site, first, "drain")
    assert (got.status, got.json["state"], got.json["instance"]["drained"]) == (200, "drained", True)
    asked = said.count("first")
    before = len(said)
    await eventually(lambda: len(said) > before + 200)
    assert said.count("first") == asked
    assert (await decide(site, first, "resume")).json["state"] == "serving"
    await eventually(lambda: said.count("first") > asked)
    stop.set()
    statuses = [status for done in await asyncio.gather(*calling) for status in done]
    assert set(statuses) == {200}


async def test_what_is_under_way_is_answered_and_shown(site: Workbench, serve: Serve) -> None:
    said: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()
    instance = await serve(wait=answering(said, "only", begun, go_on))
    call = asyncio.create_task(site.call("wait"))
    await asyncio.wait_for(begun.wait(), 20)
    got = await decide(site, instance, "drain")
    assert got.json["state"] == "draining"
    assert got.json["instance"]["working"] >= 1  # those who leave the bus have calls repeated here
    refused = await site.call(headers={"Accept-Language": "en"})
    assert "drained for maintenance" in refused.json["detail"]
    refused = await site.call(headers={"Accept-Language": "vi"})
    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (503, "no-adapter", "30")
    assert "đang tạm dừng" in refused.json["detail"]
    checks = (await site.ask("GET", "/ops/checks", system="operator")).json["items"]
    drained = next(one for one in checks if one["check"] == "drained adapters")
    assert "lgsp adapter resume" in drained["detail"]["en"]
    go_on.set()
    assert (await call).status == 200
    assert (await shown(site, instance))["state"] == "drained"
    await decide(site, instance, "resume")
    assert (await site.call()).status == 200


async def test_who_drained_it_stays_known_over_a_restart_of_the_gateway(site: Workbench, serve: Serve) -> None:
    instance = await serve()
    assert (await decide(site, instance, "drain")).status == 200
    await site.gateway.stop()
    await site.gateway.start()
    after = await shown(site, instance)
    assert after["state"] == "drained"
    [decision] = after["decisions"]
    assert (decision["by"], decision["role"], decision["reason"]) == ("operator", "operator", REASON["reason"])
    assert (await site.call()).code == "no-adapter"
    assert (await decide(site, instance, "resume")).json["state"] == "serving"
    assert [one["drained"] for one in (await shown(site, instance))["decisions"]] == [False, True]


async def test_an_agency_drains_the_adapters_of_its_own_systems_alone(site: Workbench, serve: Serve) -> None:
    instance = await serve()
    assert [one["id"] for one in await listed(site, "runner")] == [instance]
    assert await listed(site, "foreign") == []
    assert (await decide(site, instance, "drain", by="foreign")).code == "not-found"
    assert (await decide(site, instance, "drain", by="developer")).code == "not-granted"
    assert (await decide(site, instance, "drain", by="auditor")).code == "not-granted"
    assert (await decide(site, instance, "drain", body={})).code == "malformed"  # an operator says why
    assert (await decide(site, f"alpha.{instance}", "drain")).code == "not-found"
    mine = await decide(site, f"provider.{instance}", "drain", by="runner", body=None)
    assert mine.json["decisions"][0]["role"] == "owner"
    assert (
        await decide(site, instance, "resume")
    ).code == "step-not-allowed"  # what one side stopped, that side lets go on
    assert (await decide(site, instance, "resume", by="agency-admin", body={})).status == 200
    assert (await decide(site, instance, "drain")).status == 200
    assert (await decide(site, instance, "resume", by="runner", body={})).code == "step-not-allowed"
    assert (await decide(site, instance, "resume")).status == 200


async def test_the_list_comes_live_with_load_latency_and_circuit(site: Workbench, serve: Serve) -> None:
    instance = await serve()
    for _ in range(5):
        assert (await site.call()).status == 200
    headers = {"Authorization": f"Bearer {site.token('runner')}", "Accept": "text/event-stream"}
    async with asyncio.timeout(20), site.session.get("/ops/adapters", headers=headers) as answer:
        lists = [json.loads((await answer.content.readuntil(b"\n\n"))[6:]) for _ in range(2)]
    [one] = lists[-1]["items"]
    assert (one["id"], one["wire"], one["state"], one["agency"]) == (instance, "1.3", "serving", "H49.1")
    assert one["instance"]["concurrency"] >= 1
    assert one["instance"]["connector"] == "python"
    assert one["instance"]["circuit"]["open"] is False
    upstream = one["operations"]["read"]["upstream"]
    assert 0 < upstream["p50Ms"] <= upstream["p95Ms"]
    assert lists[1]["time"] > lists[0]["time"]
