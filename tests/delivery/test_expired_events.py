"""Events that a subscription did not take before their retention ended are told of in one dead letter."""

from typing import Any

import pytest
from support.changes import Changes
from support.subscribing import OTHER_EVENT, Subscribing
from support.waits import eventually

SOON = "600s"
"""Events that are kept for no longer are counted at once: the bus looks ahead by more than that."""


async def letters_of(events: Subscribing, subscription: str) -> list[dict[str, Any]]:
    found = (await events.bus.ask("GET", "/dead-letters?kind=expired&limit=200")).json["items"]
    return [one for one in found if one["subscription"] == subscription]


async def expired(events: Subscribing, subscription: str, number: int) -> dict[str, Any]:
    """Return the letter of a subscription that tells of so many events."""
    found: list[dict[str, Any]] = []

    async def is_told() -> bool:
        found[:] = await letters_of(events, subscription)
        return [one["span"]["events"] for one in found] == [number]

    await eventually(is_told, seen=lambda: found, within=20)
    return found[0]


@pytest.mark.long
async def test_events_that_expire_while_a_subscription_is_paused_become_one_letter(events: Subscribing) -> None:
    made = await events.subscribe(filter="can > `1`")
    path = f"/{made['id']}"
    taken = await events.publish(kept=SOON, maHoSo="taken")
    await events.acknowledge(made["id"], await events.pull(made["id"]))
    await events.ask("POST", f"{path}/pause", {"reason": "bảo trì"})
    first = await events.publish(kept=SOON, maHoSo="1")
    await events.publish(kept=SOON, maHoSo="not asked for", can=0)
    await events.publish(maHoSo="kept for longer", event=OTHER_EVENT)
    last = await events.publish(kept=SOON, maHoSo="2")
    await events.publish(maHoSo="kept for longer")
    letter = await expired(events, made["id"], 2)
    assert taken < first
    assert (letter["span"]["from"], letter["span"]["to"]) == (first, last)
    assert (letter["reason"]["code"], letter["name"], letter["size"]) == ("expired-undelivered", "registered", 0)
    third = await events.publish(kept=SOON, maHoSo="3")
    assert (await events.publish(maHoSo="later")) > third, "which waits behind one that is kept for longer"
    retried = await events.bus.ask("POST", f"/dead-letters/{letter['id']}/retry")
    assert (retried.status, retried.code) == (409, "step-not-allowed")
    async with events.bus.session.get("/metrics") as metrics:
        counted = await metrics.text()
    assert "lgsp_subscription_expired_total 2.0" in counted
    entries = [one for one in await events.delivery_entries(made["id"]) if one["outcome"] == "expired-undelivered"]
    assert [(one["state"], one["attempt"]) for one in entries] == [("dead", 0)]
    given_up = await events.bus.ask("POST", f"/dead-letters/{letter['id']}/give-up", {"reason": "đã đối chiếu"})
    assert given_up.json["resolution"] == "given-up"
    assert await letters_of(events, made["id"]) == []
    await events.ask("DELETE", path)


@pytest.mark.long
async def test_a_subscription_without_a_grant_learns_what_expired_and_an_ended_one_is_owed_nothing(
    events: Subscribing,
) -> None:
    changes = Changes(events.bus)
    made = await events.subscribe(system="beta")
    ended = await events.subscribe(name="to be deleted")
    await events.ask("DELETE", f"/{ended['id']}")
    assert (await changes.act("beta-births", "suspend", "operator", reason="kiểm tra")).status == 200
    await events.publish(kept=SOON, maHoSo="1")
    found: list[dict[str, Any]] = []

    async def is_told() -> bool:
        got = await events.bus.ask("GET", "/dead-letters?kind=expired", system="beta")
        found[:] = [one for one in got.json["items"] if one["subscription"] == made["id"]]
        return bool(found)

    await eventually(is_told, within=20)
    assert found[0]["span"]["events"] == 1
    assert (await changes.act("beta-births", "resume", "operator", reason="xong")).status == 200
    assert await letters_of(events, ended["id"]) == []
    await events.ask("DELETE", f"/{made['id']}", system="beta")
