"""Subscriptions to events: who may make one, what it shows, and that every delivery obeys the registry of that moment."""

import asyncio
import secrets

import pytest
from support.changes import Changes
from support.subscribing import DATA, EVENT, FIELDS, Subscribing, event_grant
from support.waits import eventually
from support.workbench import ALL

from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.keys.key_store import KeyStore


async def test_a_subscription_is_its_owners_alone(events: Subscribing) -> None:
    made = await events.subscribe(name="mine")
    path = f"/{made['id']}"
    assert made["state"] == "active"
    assert made["consumer"] == "alpha"
    for system in ("beta", "gamma", "auditor"):
        assert (await events.ask("GET", path, system=system)).code == "not-found"
        assert (await events.ask("DELETE", path, system=system)).code == "not-found"
        assert (await events.ask("GET", f"{path}/events", system=system)).code == "not-found"
        assert path[1:] not in [one["id"] for one in (await events.ask("GET", "", system=system)).json["items"]]
    assert (await events.ask("GET", path, system="operator")).json["name"] == "mine"
    assert (await events.ask("GET", f"{path}/events", system="operator")).code == "not-found", "payloads are its own"
    assert (await events.ask("DELETE", path)).status == 204
    assert (await events.ask("GET", path)).code == "not-found"


async def test_an_operator_may_stop_a_subscription_and_nothing_else(events: Subscribing) -> None:
    made = await events.subscribe(filter="maHoSo == 'H49-1'")
    path = f"/{made['id']}"
    seen = (await events.ask("GET", path, system="operator")).json
    assert ("filter" in seen, seen["filtered"]) == (False, True), "a filter may hold what its owner knows of a person"
    for method, step, body in (("PATCH", "", {"filter": ""}), ("POST", "/replay", {"from": "now"})):
        assert (await events.ask(method, path + step, body, system="operator")).code == "not-granted"
    for method, step in (("POST", "/pause"), ("DELETE", "")):
        assert (await events.ask(method, path + step, system="operator")).code == "malformed", "without a reason"
    assert (await events.ask("POST", f"{path}/pause", {"reason": "quá tải"}, system="operator")).status == 200
    assert (await events.ask("POST", f"{path}/resume")).code == "step-not-allowed"
    shown = (await events.ask("GET", path)).json
    assert (shown["filter"], shown["decision"]["by"]) == ("maHoSo == 'H49-1'", "operator")
    assert (await events.ask("DELETE", path)).code == "step-not-allowed", "nor does it make the same anew"
    assert (await events.ask("POST", "", events.wish())).code == "step-not-allowed"
    assert (await events.ask("POST", f"{path}/resume", {"reason": "xong"}, system="operator")).json["state"] == "active"
    assert (await events.ask("DELETE", f"{path}?reason=thừa", system="operator")).status == 204
    deleted = (await events.bus.ask("GET", "/deletions")).json["items"]
    [one] = [one for one in deleted if one["id"] == made["id"]]
    assert (one["kind"], one["decision"]["by"], one["decision"]["reason"]) == ("subscription", "operator", "thừa")
    for who in ("alpha", "operator"):
        history = await events.ask("GET", f"{path}/history", system=who)
        assert [(change["step"], change["by"]) for change in history.json["items"]] == [
            ("created", "alpha"),
            ("paused", "operator"),
            ("resumed", "operator"),
            ("deleted", "operator"),
        ]
        assert b"H49-1" not in history.body, "a filter is its owner's"
    assert (await events.ask("GET", f"{path}/history", system="beta")).code == "not-found"


async def test_lists_come_in_pages(events: Subscribing) -> None:
    made = [(await events.subscribe(name=f"page {number}"))["id"] for number in range(3)]
    found, query = [], "?limit=1"
    for _ in range(100):
        page = (await events.ask("GET", query)).json
        found += [one["id"] for one in page["items"]]
        if "next" not in page:
            break
        query = f"?limit=1&after={page['next']}"
    assert [one for one in found if one in made] == made
    for one in made:
        await events.ask("DELETE", f"/{one}")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"purpose": "tra-cuu"}, "purpose-not-granted"),
        ({"service": "nowhere"}, "unknown-service"),
        ({"events": ["unheard"]}, "unknown-service"),
        ({"events": []}, "contract-violation"),
        ({"filter": "hoVaTen == 'An'"}, "malformed"),  # the grant does not show it
        ({"filter": "khongCo == 'x'"}, "malformed"),
        ({"filter": "tinh == `22`"}, "malformed"),
        ({"filter": "[@,@]|[@,@][]"}, "malformed"),
        ({"filter": "x" * 501}, "contract-violation"),
        ({"delivery": {"kind": "webhook", "endpoint": "019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11"}}, "not-found"),
        ({"delivery": {"kind": "adapter", "service": "desk", "major": 1, "operation": "read"}}, "not-found"),
        (
            {"delivery": {"kind": "adapter", "service": "registers", "major": 1, "operation": "receive-once"}},
            "malformed",
        ),
        ({"from": "yesterday"}, "malformed"),
        ({"from": "0001-01-01T00:00:00+07:00"}, "malformed"),
        ({"from": "9999-12-31T23:59:59-07:00"}, "malformed"),
        ({"extra": 1}, "contract-violation"),
    ],
)
async def test_what_cannot_be_subscribed_to(events: Subscribing, fields: dict[str, object], code: str) -> None:
    got = await events.ask("POST", "", {**events.wish(), **fields})
    assert got.code == code, got.body


async def test_many_at_the_same_time_exceed_no_limit(events: Subscribing) -> None:
    wish, bus = events.wish(delivery={"kind": "sse"}), events.bus
    for _ in range(90):
        await events.subscribe(system="beta", delivery={"kind": "sse"})
    got = await asyncio.gather(*(events.ask("POST", "", wish, system="beta") for _ in range(40)))
    listed = (await events.ask("GET", "?limit=200", system="beta")).json["items"]
    assert len(listed) == 100
    assert {one.code for one in got if one.status != 201} == {"step-not-allowed"}
    for one in listed:
        await events.ask("DELETE", f"/{one['id']}", system="beta")
    hooks = [{"name": f"hook-{number}", "url": "https://8.8.8.8/"} for number in range(80)]
    await asyncio.gather(*(bus.ask("POST", "/endpoints", one, system="beta") for one in hooks))
    listed = (await bus.ask("GET", "/endpoints?limit=200", system="beta")).json["items"]
    assert len(listed) == 50
    for one in listed:
        await bus.ask("DELETE", f"/endpoints/{one['id']}", system="beta")


async def test_a_system_without_a_grant_and_a_person_get_nothing(events: Subscribing) -> None:
    assert (await events.ask("POST", "", events.wish(), system="gamma")).code == "not-granted"


async def test_a_change_names_the_version_it_was_made_from(events: Subscribing) -> None:
    made = await events.subscribe()
    path = f"/{made['id']}"
    etag = (await events.ask("GET", path)).headers["ETag"]
    changed = await events.ask("PATCH", path, {"name": "new", "filter": "can > `2`"}, **{"If-Match": etag})
    assert (changed.status, changed.json["name"], changed.json["filter"]) == (200, "new", "can > `2`")
    assert (await events.ask("PATCH", path, {"name": "late"}, **{"If-Match": etag})).code == "revision-conflict"
    assert (await events.ask("PATCH", path, {"delivery": {"kind": "sse"}})).code == "malformed"
    assert (await events.ask("PATCH", path, {"filter": "hoVaTen == 'x'"})).code == "malformed"
    await events.ask("DELETE", path)


async def test_events_are_projected_and_filtered_by_what_is_shown(events: Subscribing) -> None:
    made = await events.subscribe(filter="can > `3`")
    await events.publish(can=3, maHoSo="small")
    await events.publish(can=4, maHoSo="large")
    [item] = await events.pull(made["id"])
    event = item["event"]
    assert event["data"] == {"maHoSo": "large", "tinh": DATA["tinh"], "can": 4}, "what the grant shows and no more"
    assert "orderingkey" not in event
    assert "key of" not in str(event)
    assert (await events.acknowledge(made["id"], [item])).json == {"acknowledged": 1, "givenBack": 0, "unknown": []}
    entries = await events.delivery_entries(made["id"])
    assert [(entry["channel"], entry["outcome"], entry["state"]) for entry in entries] == [
        ("pull", "delivered", "delivering"),
        ("pull", "delivered", "delivered"),
    ]
    assert all(entry["subject"] and entry["purpose"] and entry["grant"] == "alpha-births" for entry in entries)
    await events.ask("DELETE", f"/{made['id']}")


async def test_the_next_delivery_obeys_a_changed_grant(events: Subscribing) -> None:
    changes = Changes(events.bus)
    made = await events.subscribe()
    spec = event_grant("alpha-births", "alpha", ["/maHoSo"])["spec"]
    assert (await changes.put("Grant", "alpha-births", **spec)).status == 200
    await events.publish(maHoSo="narrow")
    [item] = await events.pull(made["id"])
    assert item["event"]["data"] == {"maHoSo": "narrow"}
    await events.acknowledge(made["id"], [item])
    assert (await changes.put("Grant", "alpha-births", **{**spec, "validUntil": "2021-01-01"})).status == 200
    await events.publish(maHoSo="unseen")
    assert (await events.ask("GET", f"/{made['id']}/events?wait=1")).code == "not-granted"
    blocked = (await events.ask("GET", f"/{made['id']}")).json["blocked"]
    assert blocked["code"] == "not-granted"
    assert blocked["en"]
    whole = event_grant("alpha-births", "alpha", FIELDS)["spec"]
    assert (await changes.put("Grant", "alpha-births", **whole)).status == 200
    [item] = await events.pull(made["id"])
    assert item["event"]["data"]["maHoSo"] == "unseen", "it goes on where it stood"
    assert "blocked" not in (await events.ask("GET", f"/{made['id']}")).json
    await events.ask("DELETE", f"/{made['id']}")


async def test_where_events_go_is_decided_with_a_bound_token_where_a_grant_asks_for_it(events: Subscribing) -> None:
    changes, bus = Changes(events.bus), events.bus
    made = await bus.ask("POST", "/endpoints", {"name": "own", "url": "https://example.org/hook"}, system="beta")
    hook = {"kind": "webhook", "endpoint": made.json["id"]}
    subscribed = await events.subscribe(system="beta")
    spec = event_grant("beta-births", "beta", ALL)["spec"]
    assert (await changes.put("Grant", "beta-births", **spec, senderConstrained=True)).status == 200
    path = f"/endpoints/{made.json['id']}"
    for refused in (
        await events.ask("POST", "", events.wish(delivery=hook), system="beta"),
        await events.ask("PATCH", f"/{subscribed['id']}", {"filter": ""}, system="beta"),
        await bus.ask("POST", "/endpoints", {"name": "thiefs", "url": "https://example.org/t"}, system="beta"),
        await bus.ask("PATCH", path, {"url": "https://example.org/t"}, system="beta"),
        await bus.ask("POST", f"{path}/secrets", system="beta"),
        *[await bus.ask("POST", f"{path}/{step}", system="beta") for step in ("pause", "resume", "test")],
        await bus.ask("DELETE", path, system="beta"),
        await bus.ask("DELETE", f"{path}/secrets/{made.json['secrets'][0]['id']}", system="beta"),
        *[
            await events.ask("POST", f"/{subscribed['id']}/{step}", system="beta")
            for step in ("pause", "resume", "test")
        ],
        await events.ask("POST", f"/{subscribed['id']}/replay", {"from": "now"}, system="beta"),
        await events.ask("DELETE", f"/{subscribed['id']}", system="beta"),
        await events.ask("POST", f"/{subscribed['id']}/acknowledgements", {"acknowledge": []}, system="beta"),
    ):
        assert (refused.status, refused.code) == (403, "token-not-bound")
    assert (await events.ask("GET", f"/{subscribed['id']}", system="beta")).status == 200, "how it stands"
    for step in ("pause", "resume"):
        body = {"reason": "quá tải"}
        assert (await events.ask("POST", f"/{subscribed['id']}/{step}", body, system="operator")).status == 200
    assert (await changes.put("Grant", "beta-births", **spec)).status == 200
    assert (await events.ask("DELETE", f"/{subscribed['id']}", system="beta")).status == 204
    assert (await bus.ask("DELETE", path, system="beta")).status == 204


async def test_a_suspended_grant_stops_a_stream(events: Subscribing) -> None:
    changes = Changes(events.bus)
    made = await events.subscribe(system="beta", delivery={"kind": "sse"})
    await events.publish(maHoSo="before")
    [(position, event)] = await events.follow(made["id"], 1, system="beta")
    assert event["data"] == {**DATA, "maHoSo": "before"}

    async def end() -> None:
        assert (await changes.act("beta-births", "suspend", "operator", reason="kiểm tra")).status == 200

    ending = asyncio.create_task(events.follow(made["id"], 99, position, system="beta"))
    await events.publish(maHoSo="seen")
    await end()
    await events.publish(maHoSo="hidden")
    seen = await ending
    assert "hidden" not in [event["data"]["maHoSo"] for _, event in seen]
    assert (await events.ask("GET", f"/{made['id']}/events", system="beta", Accept="text/event-stream")).code == (
        "grant-suspended"
    )
    assert (await changes.act("beta-births", "resume", "operator", reason="xong")).status == 200
    last = seen[-1][0] if seen else position
    missed = await events.follow(made["id"], 2 - len(seen), last, system="beta")
    assert [event["data"]["maHoSo"] for _, event in [*seen, *missed]] == ["seen", "hidden"]
    await events.ask("DELETE", f"/{made['id']}", system="beta")


async def test_pause_resume_and_replay(events: Subscribing) -> None:
    made = await events.subscribe()
    path = f"/{made['id']}"
    first = await events.publish(maHoSo="replayed")
    [item] = await events.pull(made["id"])
    await events.acknowledge(made["id"], [item])
    paused = await events.ask("POST", f"{path}/pause", {"reason": "bảo trì"})
    assert (paused.json["state"], paused.json["decision"]["reason"]) == ("paused", "bảo trì")
    await events.publish(maHoSo="waited")
    assert (await events.ask("GET", f"{path}/events")).code == "step-not-allowed"
    assert (await events.ask("POST", f"{path}/resume")).json["state"] == "active"
    [waited] = await events.pull(made["id"])
    assert waited["event"]["data"]["maHoSo"] == "waited"
    await events.acknowledge(made["id"], [waited])
    assert (await events.ask("POST", f"{path}/replay", {"from": first})).json["generation"] == 1
    again: list[dict[str, object]] = []

    async def has_both() -> bool:
        again.extend(await events.pull(made["id"], wait=2))
        return len(again) == 2

    await eventually(has_both, within=20)
    assert [one["event"] | {"lgspsalt": ""} for one in again] == [  # type: ignore[operator]
        one["event"] | {"lgspsalt": ""} for one in (item, waited)
    ], "the same events under the same ids"
    await events.ask("DELETE", path)


async def test_a_subscription_begins_at_a_time(events: Subscribing) -> None:
    await events.publish(maHoSo="too early")
    now = (await events.ask("POST", "", events.wish())).json
    position = await events.publish(maHoSo="in time")
    made = await events.subscribe(**{"from": now["createdAt"]})
    assert made["start"] == position
    assert (await events.ask("POST", f"/{made['id']}/replay", {"from": "now"})).json["start"] == position + 1
    for one in (now, made):
        await events.ask("DELETE", f"/{one['id']}")


async def test_replays_count_towards_the_quota(events: Subscribing) -> None:
    changes = Changes(events.bus)
    spec = event_grant("gamma-births", "gamma", FIELDS, quota={"requests": 2, "per": "day"})["spec"]
    assert (await changes.put("Grant", "gamma-births", **spec)).status == 201
    made = await events.subscribe(system="gamma")
    path = f"/{made['id']}"
    got = [await events.ask("POST", f"{path}/replay", {"from": "now"}, system="gamma") for _ in range(3)]
    assert [one.code if one.status != 200 else one.status for one in got] == [200, 200, "quota-exceeded"]
    assert (await events.ask("DELETE", path, system="gamma")).status == 204
    await changes.undo()


@pytest.mark.parametrize("start", [-1, 2**53, 2**63, 2**64, 10**30, True, 1.5, None, [], "0001-01-01"])
async def test_a_replay_begins_where_there_are_events(events: Subscribing, start: object) -> None:
    made = await events.subscribe()
    assert (await events.ask("POST", f"/{made['id']}/replay", {"from": start})).code == "malformed"
    assert (await events.ask("GET", f"/{made['id']}")).json["generation"] == 0
    await events.ask("DELETE", f"/{made['id']}")


async def test_an_event_whose_key_is_missing_is_received_once_the_key_is_there(events: Subscribing) -> None:
    pulling, reading = await events.subscribe(), await events.subscribe(name="read", delivery={"kind": "sse"})
    keys = KeyStore(events.bus.state.keys).storage_keys()
    number, key = max(keys) + 1, secrets.token_bytes(32)
    position = await events.publish(cipher=PayloadCipher(lambda: {**keys, number: key}), maHoSo="encrypted")
    later = await events.publish(maHoSo="later")
    read = asyncio.create_task(events.follow(reading["id"], 2))
    assert await events.pull(pulling["id"], wait=2) == []
    assert not read.done()
    file = events.bus.state.keys / f"storage-{number}.key"
    file.touch(mode=0o600)
    file.write_bytes(key)
    assert [at for at, _ in await read] == [position, later]
    received: list[str] = []

    async def are_received() -> bool:
        items = await events.pull(pulling["id"])
        received.extend(item["event"]["data"]["maHoSo"] for item in items)
        await events.acknowledge(pulling["id"], items)
        return len(received) == 2

    await eventually(are_received)
    assert received == ["encrypted", "later"]
    for one in (pulling, reading):
        await events.ask("DELETE", f"/{one['id']}")


async def test_no_other_event_is_received(events: Subscribing) -> None:
    made = await events.subscribe(events=["amended"])
    await events.publish(EVENT, maHoSo="registered")
    await events.publish("amended", maHoSo="amended")
    [item] = await events.pull(made["id"])
    assert item["event"]["type"].endswith("amended")
    await events.ask("DELETE", f"/{made['id']}")
