"""What was accepted, announced and delivered later is found like a call: by auditors, by the person it is about, and in the figures."""

import json
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import pytest_asyncio
import uuid_utils
from aiohttp import web
from delivery.test_event_delivery import Register
from support.issuer import PeoplesIssuer
from support.later import send, until
from support.preloaded import run
from support.searched import Searched
from support.subscribing import DATA, EVENT, PURPOSE, SERVICE, Subscribing, subscribed_bus
from support.upstreams import served
from support.waits import eventually
from support.workbench import NUMBER, Got

from lgsp_contracts.names import GatewayName
from lgsp_gateway.delivery.entries import FileEntry
from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search.models import Search
from lgsp_gateway.evidence.search.store import Index

OTHER = "022093009876"
TO_REGISTERS = {"kind": "adapter", "service": "registers", "major": 1, "operation": "receive"}


class Delivered(NamedTuple):
    """A bus on which one call was accepted and answered, and one event announced and delivered at the second attempt."""

    searched: Searched
    issuer: PeoplesIssuer
    message: str
    event: str
    subscription: str
    call: str

    async def found(self, **query: str) -> list[dict[str, Any]]:
        return await self.searched.items(**query)


@pytest_asyncio.fixture(scope="module")
async def delivered(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Delivered]:
    folder = tmp_path_factory.mktemp("delivered")
    issuer, index = await PeoplesIssuer().start(), str(folder / "index.db")
    events = await subscribed_bus(folder, "--index", index, "--issuers", str(issuer.entry(folder)))
    bus = events.bus
    searched = await Searched(bus, folder, index).start()
    received: list[str] = []

    async def receive(request: web.Request) -> web.Response:
        received.append(request.headers["webhook-id"])
        return web.Response(status=500 if len(received) == 1 else 200)

    async with served(receive) as url:
        endpoint = (await bus.ask("POST", "/endpoints", {"name": "nhan", "url": url})).json["id"]
        subscription = (await events.subscribe(delivery={"kind": "webhook", "endpoint": endpoint}))["id"]
        published = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": "/systems/provider",
            "type": f"lgsp.{SERVICE}.v1.{EVENT}",
            "data": DATA,
        }
        headers = {
            "Authorization": f"Bearer {bus.token('provider')}",
            "Content-Type": "application/cloudevents+json",
        }
        path = f"/events/{SERVICE}/v1/{EVENT}"
        async with bus.session.post(path, data=orjson.dumps(published), headers=headers) as answer:
            assert answer.status == 202, await answer.text()
        await eventually(lambda: len(received) == 2)
    message, call = (await send(bus)).message, (await bus.call()).message
    await until(bus, message, "answered")
    await searched.indexed(call)

    async def all_are_indexed() -> bool:
        ended = [one for one in await searched.items(kind="delivery") if one["state"] != "delivering"]
        return len(ended) == 2

    await eventually(all_are_indexed)
    event = (await searched.items(kind="event"))[0]["message"]
    yield Delivered(searched, issuer, message, event, subscription, call)
    await issuer.stop()
    await searched.indexer.stop()
    await events.stop()


async def test_all_that_happened_to_a_message_or_an_event_is_found_by_its_id(delivered: Delivered) -> None:
    kinds = [(one["kind"], one["outcome"], one["state"]) for one in await delivered.found(message=delivered.message)]
    assert kinds == [("delivery", "answered", "answered"), ("accepted", "accepted", "")]
    of_event = await delivered.found(message=delivered.event)
    assert [(one["kind"], one["state"], one["attempt"], one["event"]) for one in of_event] == [
        ("delivery", "delivered", 2, EVENT),
        ("delivery", "delivering", 1, EVENT),
        ("event", "", 0, EVENT),
    ]
    assert {one["to"] for one in of_event[:2]} == {delivered.subscription}


async def test_entries_are_found_by_what_they_say(delivered: Delivered) -> None:
    async def ids(**query: str) -> set[tuple[str, str]]:
        return {(one["kind"], one["message"]) for one in await delivered.found(**query)}

    message, event = delivered.message, delivered.event
    assert await ids(to=delivered.subscription) == {("delivery", event)}
    assert await ids(event=EVENT) == {("event", event), ("delivery", event)}
    assert await ids(event=EVENT, outcome="delivered") == {("delivery", event)}
    assert await ids(kind="accepted") == {("accepted", message)}
    assert await ids(kind="call", grant="alpha-desk") == {("call", delivered.call)}
    assert await ids(consumer="alpha", kind="delivery") == {("delivery", message), ("delivery", event)}
    assert await ids(provider="provider", kind="event") == {("event", event)}
    assert ("delivery", event) in await ids(outcome="server-error")
    by_person = await delivered.searched.items({"Lgsp-Subject": NUMBER})
    assert {one["kind"] for one in by_person} == {"call", "accepted", "delivery", "event"}
    for wrong in ({"kind": "letter"}, {"event": "nothing-of-that-name"}, {"to": "nobody-at-all"}, {"file": "x"}):
        assert (await delivered.searched.get(**wrong)).code == "malformed"


async def test_by_command_each_kind_is_one_line(delivered: Delivered) -> None:
    bus = delivered.searched.bus
    where = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")]
    code, out, _ = await run("evidence", "search", "--message", delivered.event, *where)
    lines = [line.split(maxsplit=1)[1].strip() for line in out.splitlines()]
    assert code == 0
    assert lines[0].startswith(
        f"alpha ← births/registered [{PURPOSE}]  #2 delivered → {delivered.subscription}  200 del"
    )
    assert lines[1].startswith(f"alpha ← births/registered [{PURPOSE}]  #1 delivering →")
    assert lines[2].startswith("provider ! births/registered  202 accepted")
    code, out, _ = await run("evidence", "search", "--kind", "accepted", *where)
    assert "alpha → desk/read  accepted  202 accepted" in out
    code, out, _ = await run("evidence", "tail", "--no-follow", "-n", "1000", *where)
    assert f"alpha ← births/registered [{PURPOSE}]  #2 delivered" in out


async def test_a_person_sees_who_received_an_event_about_them_once(delivered: Delivered) -> None:
    headers = {"Authorization": f"Bearer {delivered.issuer.token(NUMBER)}"}
    async with delivered.searched.bus.session.get("/me/access-log", headers=headers) as answer:
        got = Got(answer.status, await answer.read(), answer.headers)
    assert got.status == 200, got.body
    items = {item["message"]: item for item in got.json["items"]}
    assert len(items) == len(got.json["items"])
    assert items.keys() == {delivered.message, delivered.event, delivered.call}
    event = items[delivered.event]
    assert (event["event"], event["operation"], event["system"]) == (EVENT, "", "alpha")
    assert "được thông báo sự kiện" in event["text"]
    assert event["text"].endswith("đã nhận được.")
    assert "hỏi" in items[delivered.message]["text"]
    assert got.json["own"] == []  # an event about them is no look of their own


async def test_flows_count_attempts_and_statistics_what_has_ended(delivered: Delivered) -> None:
    bus = delivered.searched.bus

    async def ask(path: str) -> list[dict[str, Any]]:
        return list((await bus.ask("GET", path, system="operator")).json["items"])

    flows = {(one["kind"], one["consumer"], one["operation"]): one for one in await ask("/ops/flows?window=1h")}
    attempts = flows["delivery", "alpha", EVENT]
    assert (attempts["calls"], attempts["errorRate"], flows["event", "", EVENT]["calls"]) == (2, 0.5, 1)
    assert flows["delivery", "alpha", "read"]["calls"] == flows["call", "alpha", "read"]["calls"] == 1
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("operator")]
    _, out, err = await run("flows", "--window", "1h", *remote)
    parties = {tuple(line.split()[1:4]) for line in out.splitlines()}
    assert {("<none>", "provider", f"births/{EVENT}"), ("alpha", "provider", f"births/{EVENT}")} <= parties, err
    figures = {(one["agency"], one["operation"]): one for one in await ask("/ops/statistics")}
    assert (figures["H49.1", EVENT]["calls"], figures["H49.1", EVENT]["answered"]) == (1, 1)
    assert figures["H49.1", "read"]["calls"] == 2


async def test_a_system_sees_its_calls_without_what_the_bus_did_later(delivered: Delivered) -> None:
    calls = (await delivered.searched.bus.ask("GET", "/me/calls")).json["items"]
    assert [one["message"] for one in calls] == [delivered.call]


async def test_an_endpoint_that_a_subscription_uses_is_not_deleted(delivered: Delivered) -> None:
    refused = await delivered.searched.bus.ask("DELETE", "/endpoints/nhan")
    assert (refused.status, refused.json["code"]) == (409, "in-use")
    assert delivered.subscription in refused.json["detail"]


async def test_files_are_found_by_their_ids(tmp_path: Path) -> None:
    index, file = Index(str(tmp_path / "index.db"), writes=True), str(uuid_utils.uuid7())
    entries = [
        FileEntry(
            message=str(uuid_utils.uuid7()),
            time=int(time.time() * 1000) + number,
            gateway="gw-1",
            file=file,
            action="uploaded" if number == 0 else "read",
            consumer="alpha",
            agency="H49.1",
            size=500,
        )
        for number in range(2)
    ]
    data = b"\n".join(one.to_bytes() for one in entries) + b'\n{"v":1,"kind":"file","message":"x"}'
    assert await index.add(0, [Batch(1, GatewayName("gw-1"), data)]) == 3
    page = await index.search(Search({"file": file}, {}))
    assert [(one["state"], one["file"], one["requestSize"], one["answerSize"]) for one in page.items] == [
        ("read", file, 0, 500),
        ("uploaded", file, 500, 0),
    ]
    assert json.dumps(page.items)
    await index.close()


async def _letter_of(delivered: Delivered, subscription: str) -> str:
    """Return the message id of the first event of a subscription that is dead."""
    found: list[str] = []

    async def is_there() -> bool:
        letters = (await delivered.searched.bus.ask("GET", "/dead-letters?kind=event")).json["items"]
        found[:] = [one["message"] for one in letters if one["subscription"] == subscription]
        return bool(found)

    await eventually(is_there)
    return found[0]


async def test_what_died_or_was_given_up_is_found_and_stands_in_the_log_of_its_person(delivered: Delivered) -> None:
    bus, searched = delivered.searched.bus, delivered.searched
    events = Subscribing(bus)

    for adapter in list(bus.adapters):
        await bus.unserve(adapter)
    assert (await events.ask("DELETE", f"/{delivered.subscription}")).status < 300
    subscription = (await events.subscribe(name="dead", delivery=TO_REGISTERS))["id"]
    published = await events.publish_over_http(
        orjson.dumps({**DATA, "soDinhDanh": OTHER}),
        **{"ce-specversion": "1.0", "ce-id": str(uuid.uuid4()), "ce-source": "/systems/provider"},
    )
    assert published.status == 202, published.body
    async with Register(events) as register:
        register.refuses.add(DATA["maHoSo"])
        event = await _letter_of(delivered, subscription)
    dead, given_up = [(await send(bus, "wait", {"soDinhDanh": OTHER})).message for _ in range(2)]
    for message in (dead, given_up):
        await until(bus, message, "dead")
    ended = await bus.ask("POST", f"/dead-letters/{given_up}/give-up", {"reason": "asked the provider"})
    assert ended.status == 200, ended.body
    where = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")]

    seen: list[list[str]] = []

    async def states(**query: str) -> list[str]:
        return [one["state"] for one in await searched.items(**query) if one["kind"] == "delivery"]

    async def all_are_indexed() -> bool:
        found = [await states(message=message) for message in (dead, given_up, event)]
        seen[:] = found
        return found == [["dead"], ["given-up", "dead"], ["dead"]]

    await eventually(all_are_indexed, seen=lambda: seen)
    for message, outcome in ((dead, "delivery-deadline-passed"), (given_up, "given-up"), (event, "already-known")):
        code, out, _ = await run("evidence", "search", "--message", message, *where)
        assert code == 0
        assert outcome in out
    headers = {"Authorization": f"Bearer {delivered.issuer.token(OTHER)}"}
    async with bus.session.get("/me/access-log", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        items = {item["message"]: item for item in (await answer.json())["items"]}
    assert items.keys() == {dead, given_up, event}
    for item in items.values():
        assert "đã nhận được" not in item["text"], "nobody received it"

    path = f"/evidence/messages/{event}"
    near = await bus.ask("GET", path, system="agency-admin")
    assert [one["system"] for one in near.json["deadLetters"]] == ["alpha"]
    for held in (await bus.registry("GET", "grants?consumer=alpha")).json["items"]:
        revoked = await bus.registry("POST", f"grants/{held['metadata']['name']}/revoke", {"reason": "alpha moves"})
        assert revoked.status == 200, revoked.body
    known = await bus.registry("GET", "systems/alpha")
    alpha = {**known.json, "spec": {**known.json["spec"], "agency": "H49.2"}}
    moved = await bus.registry("PUT", "systems/alpha", alpha, headers={"If-Match": known.headers["ETag"]})
    assert moved.status == 200, moved.body
    announced = await bus.ask("GET", path, system="agency-admin")
    assert {one["kind"] for one in announced.json["entries"]} == {"event", "delivery"}
    assert announced.json["deadLetters"] == [], "what a receiver decides is not for the agency that announced"
