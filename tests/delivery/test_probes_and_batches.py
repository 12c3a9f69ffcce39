"""Test events of a subscription, and replays of selected events."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import orjson
from aiohttp import web
from support.subscribing import DATA, EVENT, OTHER_EVENT, Subscribing
from support.upstreams import served
from support.waits import eventually


async def pulled(events: Subscribing, subscription: str, number: int) -> list[dict[str, Any]]:
    """Fetch and acknowledge events until so many have come."""
    found: list[dict[str, Any]] = []

    async def have_come() -> bool:
        items = await events.pull(subscription, wait=1)
        await events.acknowledge(subscription, items)
        found.extend(one["event"] for one in items)
        return len(found) >= number

    await eventually(have_come, within=20)
    return found


async def test_a_test_event_goes_to_the_workers_as_the_grant_shows_it(events: Subscribing) -> None:
    made = await events.subscribe(filter="tinh == '99'")
    path = f"/{made['id']}/test"
    sent = (await events.ask("POST", path)).json
    assert (sent["event"], sent["filter"], sent["outcome"]) == (EVENT, "left-out", "queued")
    [event] = await pulled(events, made["id"], 1)
    assert (event["lgsptest"], event["lgspmessage"]) == (True, sent["message"])
    assert event["data"] == {name: DATA[name] for name in ("maHoSo", "tinh", "can")}
    entry: list[dict[str, Any]] = []

    async def is_recorded() -> bool:
        entry[:] = [one for one in await events.delivery_entries(made["id"]) if one["message"] == sent["message"]]
        return bool(entry)

    await eventually(is_recorded)
    assert (entry[0]["outcome"], entry[0].get("subject", "")) == ("test-delivered", ""), "it is about nobody"
    assert (await events.ask("POST", path, {"event": OTHER_EVENT})).code == "malformed"
    for system, code in (("operator", "not-granted"), ("gamma", "not-found")):
        assert (await events.ask("POST", path, system=system)).code == code
    await events.ask("POST", f"/{made['id']}/pause")
    assert (await events.ask("POST", path)).code == "step-not-allowed"
    await events.ask("DELETE", f"/{made['id']}")


async def test_a_test_event_tells_what_an_endpoint_answered(events: Subscribing) -> None:
    received: list[dict[str, Any]] = []
    answers = [204, 500]

    async def answer(request: web.Request) -> web.Response:
        received.append(orjson.loads(await request.read()))
        return web.Response(status=answers.pop(0))

    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(answer))
        endpoint = (await events.bus.ask("POST", "/endpoints", {"name": "test-events", "url": f"{url}/"})).json
        made = await events.subscribe(delivery={"kind": "webhook", "endpoint": endpoint["id"]})
        delivered = (await events.ask("POST", f"/{made['id']}/test")).json
        failed = (await events.ask("POST", f"/{made['id']}/test")).json
    assert (delivered["outcome"], delivered["status"], delivered["filter"]) == ("delivered", 204, "none")
    assert (failed["outcome"], failed["status"], "detail" in failed) == ("server-error", 500, True)
    assert [event["lgsptest"] for event in received] == [True, True], "and it is not tried again"
    await events.ask("DELETE", f"/{made['id']}")
    await events.bus.ask("DELETE", f"/endpoints/{endpoint['id']}")


async def test_no_test_event_goes_where_it_would_be_taken_for_a_real_one(events: Subscribing) -> None:
    delivery = {"kind": "adapter", "service": "registers", "major": 1, "operation": "receive"}
    made = await events.subscribe(delivery=delivery)
    assert (await events.ask("POST", f"/{made['id']}/test")).code == "step-not-allowed"
    await events.ask("DELETE", f"/{made['id']}")


async def test_selected_events_come_again_behind_those_that_wait(events: Subscribing) -> None:
    made = await events.subscribe(events=[EVENT, OTHER_EVENT])
    path = f"/{made['id']}/replay"
    first = await events.publish(maHoSo="r-1", tinh="22")
    for number in range(2, 5):
        await events.publish(maHoSo=f"r-{number}", tinh="31" if number == 3 else "22")
    other = await events.publish(OTHER_EVENT, maHoSo="r-5")
    last = await events.publish(maHoSo="r-6")
    before = await pulled(events, made["id"], 6)

    async def again(number: int, **selection: Any) -> list[str]:
        got = await events.ask("POST", path, {"from": first, **selection})
        assert got.status == 200, got.body
        replayed = got.json["replayed"]
        assert (replayed["events"], "next" in replayed) == (number, False)
        found = await pulled(events, made["id"], number)
        ids = {event["data"]["maHoSo"]: (event["id"], event["data"]) for event in before}
        assert all((event["id"], event["data"]) == ids[event["data"]["maHoSo"]] for event in found)
        return [event["data"]["maHoSo"] for event in found]

    assert await again(1, filter="tinh == '31'") == ["r-3"]
    assert sorted(await again(3, to=first + 2)) == ["r-1", "r-2", "r-3"]
    assert await again(1, events=[OTHER_EVENT], to=last) == ["r-5"]
    assert (await events.ask("GET", f"/{made['id']}")).json["generation"] == 0, "its place is kept"
    assert other < last
    for wrong, code in (
        ({"filter": "hoVaTen == 'An'"}, "malformed"),
        ({"filter": "tinh =="}, "malformed"),
        ({"events": ["unknown"]}, "malformed"),
        ({"to": []}, "contract-violation"),
    ):
        assert (await events.ask("POST", path, {"from": first, **wrong})).code == code
    denied = await events.ask("POST", path, {"from": first, "to": last}, system="operator")
    assert denied.code == "not-granted"
    await events.ask("DELETE", f"/{made['id']}")


async def test_a_replay_of_many_events_goes_on_where_it_stopped(events: Subscribing) -> None:
    made = await events.subscribe()
    first = await events.publish(maHoSo="many")
    await asyncio.gather(*(events.publish(maHoSo="many", can=1) for _ in range(2_050)))
    selection: dict[str, Any] = {"from": first, "filter": "can == `99`"}
    page = (await events.ask("POST", f"/{made['id']}/replay", selection)).json["replayed"]
    assert (page["events"], page["read"] < 2_051, page["next"] > first) == (0, True, True)
    rest = (
        await events.ask("POST", f"/{made['id']}/replay", {**selection, "from": page["next"], "to": page["to"]})
    ).json
    assert (page["read"] + rest["replayed"]["read"], "next" in rest["replayed"]) == (2_051, False)
    await events.ask("DELETE", f"/{made['id']}")


async def test_a_replay_of_large_events_reads_all_of_them(events: Subscribing) -> None:
    made = await events.subscribe()
    large = "x" * 100_000
    first = await events.publish(maHoSo="large", hoVaTen=large)
    await asyncio.gather(*(events.publish(maHoSo="large", hoVaTen=large) for _ in range(69)))
    got = await events.ask("POST", f"/{made['id']}/replay", {"from": first, "filter": "can == `99`"})
    assert (got.json["replayed"]["read"], "next" in got.json["replayed"]) == (70, False), got.body
    await events.ask("DELETE", f"/{made['id']}")
