"""What a disk has damaged cannot be delivered; whoever waits for it is told, and everything else goes on."""

from typing import Any

import uuid_utils
from nats.js.errors import NotFoundError
from support.later import entries_of, send, state, until
from support.subscribing import EVENT, SERVICE, Subscribing
from support.waits import eventually
from support.workbench import Workbench

GARBAGE = b"\x01\0\0\0\x01" + b"x" * 60
"""It begins like what the bus encrypts by its first key."""
CODE = "stored-content-damaged"


async def _damage(events: Subscribing, subject: str, **headers: str) -> int:
    """Store garbage where an event or a message should be; return its position."""
    return int((await events.connection.jetstream().publish(subject, GARBAGE, headers=headers)).seq)


async def _damage_event(events: Subscribing) -> int:
    return await _damage(events, f"events.{SERVICE}.v1.{EVENT}", **{"Nats-TTL": "604800s"})


async def _letters(bus: Workbench, subscription: str) -> list[dict[str, Any]]:
    got = await bus.ask("GET", "/dead-letters?kind=event&limit=200")
    assert got.status == 200, got.body
    return [one for one in got.json["items"] if one["subscription"] == subscription]


async def _check_letter(events: Subscribing, subscription: str, position: int) -> None:
    async def is_there() -> bool:
        return bool(await _letters(events.bus, subscription))

    await eventually(is_there)
    (letter,) = await _letters(events.bus, subscription)
    assert (letter["reason"]["code"], letter["name"], letter["size"]) == (CODE, EVENT, 0)
    assert (letter["span"]["from"], letter["span"]["events"]) == (position, 1)
    entries = await events.delivery_entries(subscription)
    (entry,) = [one for one in entries if one["outcome"] == CODE]
    assert (entry["state"], entry["consumer"], entry["event"]) == ("dead", "alpha", EVENT)
    path = f"/dead-letters/{letter['id']}"
    for method, step in (("POST", "/retry"), ("GET", "/payload")):
        refused = await events.bus.ask(method, path + step)
        assert (refused.status, refused.json["code"]) == (409, "step-not-allowed"), step
    given_up = await events.bus.ask("POST", f"{path}/give-up", {"reason": "asked the publisher"})
    assert given_up.status == 200, given_up.body
    assert await _letters(events.bus, subscription) == []


async def test_a_worker_gets_what_is_behind_a_damaged_event(events: Subscribing) -> None:
    made = await events.subscribe(name="damaged-pull")
    position = await _damage_event(events)
    await events.publish()
    items = await events.pull(made["id"])
    assert [item["event"]["id"] for item in items] == events.published[-1:]
    await events.acknowledge(made["id"], items)
    await _check_letter(events, made["id"], position)
    await events.ask("DELETE", f"/{made['id']}")


async def test_readers_of_a_damaged_event_have_one_letter(events: Subscribing) -> None:
    made = await events.subscribe(name="damaged-sse", delivery={"kind": "sse"})
    before = await events.publish()
    position = await _damage_event(events)
    await events.publish()
    for _ in range(2):
        ((_, event),) = await events.follow(made["id"], 1, before)
        assert event["id"] == events.published[-1]
    await _check_letter(events, made["id"], position)
    await events.follow(made["id"], 1, before)
    assert await _letters(events.bus, made["id"]) == [], "somebody has decided about it"
    await events.ask("DELETE", f"/{made['id']}")


async def test_a_damaged_message_becomes_a_dead_letter(events: Subscribing) -> None:
    bus, message = events.bus, str(uuid_utils.uuid7())
    subject = f"work.desk.v1.normal.alpha.{message}"
    first = (await send(bus, "wait")).message  # its lane is there
    stream = events.connection.jetstream()
    waiting = await stream.get_last_msg("LGSP_WORK", f"work.desk.v1.normal.alpha.{first}")
    await _damage(events, subject, **{**(waiting.headers or {}), "Nats-Msg-Id": message})
    found = await until(bus, message, "dead")
    assert (found["reason"]["code"], found["system"], found["service"]) == (CODE, "alpha", "desk")
    letter = (await bus.ask("GET", f"/dead-letters/{message}")).json
    assert (letter["reason"]["code"], letter["system"]) == (CODE, "alpha")
    assert letter["size"] > 0, "what was stored is kept, in case that another key reads it"
    (entry,) = await entries_of(bus, message)
    assert (entry["state"], entry["outcome"], entry["consumer"]) == ("dead", CODE, "alpha")
    (accepted,) = [one for one in await entries_of(bus, first) if one["kind"] == "accepted"]
    assert (letter["name"], entry["operation"]) == ("wait", "wait"), "though nobody can read its envelope"
    assert entry["subject"] == accepted["subject"] != ""

    async def is_settled() -> bool:
        try:
            await stream.get_last_msg("LGSP_WORK", subject)
        except NotFoundError:
            return True
        return False

    await eventually(is_settled)
    answer = await bus.ask("GET", f"/messages/{message}/response")
    assert answer.json["code"] == CODE
    refused = await bus.ask("POST", f"/messages/{message}/retry")
    assert (refused.status, refused.json["code"]) == (409, "step-not-allowed")
    given_up = await bus.ask("POST", f"/dead-letters/{message}/give-up", {"reason": "sent again"})
    assert given_up.status == 200, given_up.body
    assert (await state(bus, message))["state"] == "given-up"
    await bus.ask("POST", f"/messages/{first}/cancel")


async def test_a_message_whose_state_is_damaged_is_shown_and_waits_for_a_person(events: Subscribing) -> None:
    bus = events.bus
    whole, damaged = (await send(bus, "wait")).message, str(uuid_utils.uuid7())
    await _damage(events, f"messages.alpha.{damaged}")
    got = await bus.ask("GET", "/messages?limit=200")
    assert got.status == 200, got.body
    states = {one["id"]: one["state"] for one in got.json["items"]}
    assert states[damaged] == "unreadable"
    assert whole in states
    assert (await state(bus, damaged))["state"] == "unreadable"
    for step in ("cancel", "retry"):
        assert (await bus.ask("POST", f"/messages/{damaged}/{step}")).json["code"] == CODE
    await bus.ask("POST", f"/messages/{whole}/cancel")


async def test_a_message_whose_state_was_damaged_is_not_tried(events: Subscribing) -> None:
    bus = events.bus
    message = (await send(bus, "register")).message  # nobody serves it, so it waits
    await _damage(events, f"messages.alpha.{message}")
    found = await until(bus, message, "dead")
    assert found["reason"]["code"] == "outcome-unknown"
    letter = (await bus.ask("GET", f"/dead-letters/{message}")).json
    assert letter["size"] > 0, "its request is kept"
    assert (await bus.ask("POST", f"/dead-letters/{message}/give-up", {"reason": "a test"})).status == 200


async def test_a_damaged_dead_letter_is_shown_among_the_others(events: Subscribing) -> None:
    bus, message = events.bus, str(uuid_utils.uuid7())
    made = await events.subscribe(name="damaged-letter")
    await _damage(events, f"dead.message.desk.alpha.{message}", **{"Lgsp-Owner": "alpha"})
    await _damage(events, f"dead.event.{made['id']}.{message}", **{"Lgsp-Owner": "alpha"})
    for letter in (message, f"{made['id']}.{message}"):
        got = await bus.ask("GET", "/dead-letters?limit=200")
        assert got.status == 200, got.body
        (shown,) = [one for one in got.json["items"] if one["id"] == letter]
        assert (shown["reason"]["code"], shown["system"], shown["message"]) == (CODE, "alpha", message)
        refused = await bus.ask("POST", f"/dead-letters/{letter}/retry")
        assert (refused.status, refused.json["code"]) == (409, "step-not-allowed")
        given_up = await bus.ask("POST", f"/dead-letters/{letter}/give-up", {"reason": "asked the sender"})
        assert given_up.status == 200, given_up.body
    assert [one["state"] for one in await entries_of(bus, message)] == ["given-up", "given-up"]
    await events.ask("DELETE", f"/{made['id']}")
