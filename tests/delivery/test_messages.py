"""Asynchronous calls: accepted is delivered, once, in order where it matters, or in a place where a person sees it."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook
from support.changes import Changes
from support.later import ASYNC, ask, entries_of, named, send, state, until
from support.preloaded import run
from support.upstreams import served
from support.waits import eventually
from support.workbench import NUMBER, Workbench, idempotency_key

from lgsp_adapters.adapter import Call, Declared
from lgsp_gateway.delivery.storage.stored_bytes import EACH_BYTES


class Desk:
    """Notes what it is asked, and does what a test says."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.keys: list[str] = []
        self.seconds = 0.0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()

    async def answer(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.names.append(request.get("hoVaTen", ""))
        self.keys.append(call.context.key)
        self.asked.set()
        await self.may_answer.wait()
        await asyncio.sleep(self.seconds)
        if request.get("hoVaTen") == "declared":
            raise Declared("person-not-found")
        return {"ketQua": f"so {len(self.names)}", "biMat": "x"}


@pytest.fixture
async def desk(bus: Workbench) -> AsyncIterator[Desk]:
    desk = Desk()
    adapter = await bus.serve(read=desk.answer, register=desk.answer, register_once=desk.answer, narrow=desk.answer)
    yield desk
    await bus.unserve(adapter)


async def test_a_call_is_accepted_and_answered_later(bus: Workbench, desk: Desk) -> None:
    accepted = await send(bus, "narrow")
    assert accepted.status == 202, accepted.body
    message = accepted.message
    assert accepted.headers["Location"] == f"/messages/{message}"
    assert accepted.headers["Preference-Applied"] == "respond-async"
    assert accepted.json == {"id": message, "state": "accepted", "href": f"/messages/{message}"}
    answered = await until(bus, message, "answered")
    assert (answered["service"], answered["operation"], answered["attemptCount"]) == ("desk", "narrow", 1)
    assert answered["attempts"][0]["outcome"] == "answered"
    response = await ask(bus, answered["answer"]["href"])
    assert (response.status, response.json) == (200, {"ketQua": "so 1"})  # what the grant hides is not in it
    assert response.headers["Lgsp-Digest-Salt"] == accepted.headers["Lgsp-Digest-Salt"]
    kinds = [(entry["kind"], entry["outcome"]) for entry in await entries_of(bus, message)]
    assert kinds == [("accepted", "accepted"), ("delivery", "answered")]


async def test_what_is_kept_of_a_message_that_is_over_counts_towards_the_quota(bus: Workbench, desk: Desk) -> None:
    before = await _stored(bus)
    for message in [(await send(bus, "read", named("A"))).message for _ in range(10)]:
        await until(bus, message, "answered")
    least = 10 * (EACH_BYTES + 500)  # of each state, beside its answer, which takes as much in the stream

    async def is_counted() -> bool:
        return await _stored(bus) - before >= least + 10 * EACH_BYTES

    await eventually(is_counted)


async def _stored(bus: Workbench) -> float:
    """Return how many bytes the agency of alpha has stored, as operators see it."""
    async with bus.session.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    found = [line for line in lines if line.startswith("lgsp_agency_stored_bytes{") and '"H49.1"' in line]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


async def test_other_systems_see_nothing_of_a_message(bus: Workbench, desk: Desk) -> None:
    message = (await send(bus)).message
    await until(bus, message, "answered")
    for path, method in (("", "GET"), ("/response", "GET"), ("/cancel", "POST"), ("/retry", "POST")):
        got = await ask(bus, f"/messages/{message}{path}", method, system="beta")
        assert (got.status, got.code) == (404, "not-found"), path
    assert message not in {one["id"] for one in (await ask(bus, "/messages", system="beta")).json["items"]}
    assert (await ask(bus, "/messages?system=alpha", system="beta")).status == 404
    assert (await state(bus, message, system="operator"))["system"] == "alpha"
    response = await ask(bus, f"/messages/{message}/response", system="operator")
    assert (response.status, response.code) == (403, "not-granted")


async def test_an_answer_that_waits_is_shown_as_the_grant_says_when_it_is_read(bus: Workbench, desk: Desk) -> None:
    changes = Changes(bus)
    response = f"/messages/{(await send(bus, system='beta')).message}/response"
    await until(bus, response.split("/")[2], "answered", system="beta")
    assert "biMat" in (await ask(bus, response, system="beta")).json
    assert (await changes.act("beta-desk", "suspend", "operator", reason="kiểm tra")).status == 200
    got = await ask(bus, response, system="beta")
    assert (got.status, got.code) == (403, "grant-suspended")
    assert (await changes.act("beta-desk", "resume", "operator", reason="xong")).status == 200
    spec = (await bus.registry("GET", "grants/beta-desk")).json["spec"]
    narrow = {**spec["operations"], "read": {"fields": ["/ketQua"]}}
    assert (await changes.put("Grant", "beta-desk", **{**spec, "operations": narrow})).status == 200
    assert (await ask(bus, response, system="beta")).json.keys() == {"ketQua"}
    assert (await changes.put("Grant", "beta-desk", **spec)).status == 200


async def test_a_flood_of_one_system_keeps_no_other_waiting(bus: Workbench, desk: Desk) -> None:
    await until(bus, (await send(bus, system="beta")).message, "answered", system="beta")
    desk.seconds = 0.05
    flood = [asyncio.create_task(send(bus, "read", named("flood"))) for _ in range(300)]
    sent = await asyncio.gather(*flood)
    other = (await send(bus, "read", named("other"), system="beta")).message
    await until(bus, other, "answered", system="beta")
    before = desk.names.count("flood")
    desk.seconds = 0.0
    for one in sent:
        await until(bus, one.message, "answered")
    assert before < 250, "it waited for the flood"


async def test_a_list_goes_back_page_by_page(bus: Workbench, desk: Desk) -> None:
    messages = [(await send(bus, "read", named("A"), system="beta")).message for _ in range(5)]
    for message in messages:
        await until(bus, message, "answered", system="beta")
    seen: list[str] = []
    path = "/messages?limit=2&state=answered"
    async with asyncio.timeout(20):
        while path:
            page = (await ask(bus, path, system="beta")).json
            seen += [one["id"] for one in page["items"]]
            path = f"/messages?limit=2&state=answered&after={page['next']}" if "next" in page else ""
    assert len(seen) == len(set(seen))
    assert set(messages) <= set(seen)
    assert (await ask(bus, "/messages?after=x", system="beta")).code == "malformed"


async def test_an_error_of_the_contract_is_the_answer(bus: Workbench, desk: Desk) -> None:
    message = (await send(bus, "read", named("declared"))).message
    answered = await until(bus, message, "answered")
    assert answered["reason"]["code"] == "person-not-found"
    response = await ask(bus, f"/messages/{message}/response")
    assert (response.status, response.code) == (404, "person-not-found")


async def test_a_repeated_call_is_the_same_message(bus: Workbench, desk: Desk) -> None:
    headers = {"Idempotency-Key": idempotency_key()}
    first, second = [await send(bus, "register", named("A"), headers=headers) for _ in range(2)]
    assert (first.status, second.status) == (202, 202)
    assert (first.body, first.headers["Location"]) == (second.body, second.headers["Location"])
    await until(bus, first.message, "answered")
    third = await send(bus, "register", named("A"), headers=headers)
    assert (third.status, third.body) == (202, first.body)
    assert desk.names == ["A"]
    other = await send(bus, "register", named("B"), headers=headers)
    assert (other.status, other.code) == (409, "idempotency-conflict")
    ordered = await send(bus, "register", named("A"), headers={**headers, "Lgsp-Ordering-Key": "1"})
    assert (ordered.status, ordered.code) == (409, "idempotency-conflict")
    at_once = await bus.call("register", named("A"), headers=headers)
    assert (at_once.status, at_once.code) == (409, "idempotency-conflict")
    outcomes = [entry["outcome"] for entry in await entries_of(bus, first.message) if entry["kind"] == "accepted"]
    assert outcomes == ["accepted", "repeated", "repeated"]


async def test_each_attempt_has_one_key(bus: Workbench, desk: Desk) -> None:
    key = idempotency_key()
    message = (await send(bus, "register-once", headers={"Idempotency-Key": key})).message
    await until(bus, message, "answered")
    without = (await send(bus)).message
    await until(bus, without, "answered")
    assert len({uuid.UUID(one) for one in desk.keys}) == 2


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({**ASYNC, "Lgsp-Ordering-Key": "x" * 256}, "malformed"),
        ({**ASYNC, "Lgsp-Ordering-Key": "hồ sơ"}, "malformed"),
        ({**ASYNC, "Lgsp-Ordering-Key": "a b"}, "malformed"),
        ({**ASYNC, "Lgsp-Priority": "urgent"}, "malformed"),
        ({**ASYNC, "Lgsp-Callback": "Not A Name"}, "malformed"),
        ({**ASYNC, "Lgsp-Callback": "nowhere"}, "not-found"),
        ({**ASYNC, "Idempotency-Key": "short"}, "malformed"),
        ({"Lgsp-Ordering-Key": "1"}, "malformed"),
        ({"Lgsp-Priority": "high"}, "malformed"),
    ],
)
async def test_what_is_wrong_is_refused(bus: Workbench, desk: Desk, headers: dict[str, str], code: str) -> None:
    got = await bus.call("read", headers=headers)
    assert (got.status >= 400, got.code) == (True, code)
    assert not desk.names


async def test_an_ordering_key_of_a_megabyte(bus: Workbench) -> None:
    got = await bus.call("read", headers={**ASYNC, "Lgsp-Ordering-Key": "x" * 1_000_000})
    assert (got.status, got.code) == (400, "malformed")
    assert "8 KiB" in got.json["detail"]


async def test_what_may_not_be_called_later_is_answered_at_once(bus: Workbench, desk: Desk) -> None:
    headers = {"Lgsp-Purpose": "thu-nghiem"}
    got = await send(bus, "read-person", headers=headers)
    assert (got.status, "Preference-Applied" in got.headers) == (200, False)
    ordered = await send(bus, "read-person", headers={**headers, "Lgsp-Ordering-Key": "1"})
    assert (ordered.status, ordered.code) == (422, "async-not-allowed")


@pytest.mark.parametrize(
    "prefer", ["RESPOND-ASYNC", "wait=5, respond-async", 'x="a, b"; respond-async, respond-async;a=b']
)
async def test_forms_of_the_preference(bus: Workbench, desk: Desk, prefer: str) -> None:
    assert (await bus.call("read", headers={"Prefer": prefer})).status == 202


@pytest.mark.parametrize("prefer", ["return=minimal", '"respond-async"', "respond-async-not", 'x="respond-async"'])
async def test_other_preferences_are_ignored(bus: Workbench, desk: Desk, prefer: str) -> None:
    assert (await bus.call("read", headers={"Prefer": prefer})).status == 200


async def test_messages_of_one_key_keep_their_order(bus: Workbench, desk: Desk) -> None:
    desk.may_answer.clear()
    sent = []
    for number in range(30):
        got = await send(
            bus, "read", named(f"{number % 3} {number:02}"), headers={"Lgsp-Ordering-Key": str(number % 3)}
        )
        sent.append(got.message)
    desk.may_answer.set()
    for message in sent:
        await until(bus, message, "answered")
    for key in range(3):
        # What only reads may be asked twice at the same time, where another adapter has just gone.
        mine = list(dict.fromkeys(name for name in desk.names if name.startswith(f"{key} ")))
        assert mine == sorted(mine), desk.names
        assert len(mine) == 10


async def test_a_message_that_waits_can_be_cancelled_and_one_under_way_cannot(bus: Workbench, desk: Desk) -> None:
    desk.may_answer.clear()
    first, second = [
        (await send(bus, "register", named(name), headers={"Lgsp-Ordering-Key": "c"})).message for name in "AB"
    ]
    await asyncio.wait_for(desk.asked.wait(), 20)
    late = await ask(bus, f"/messages/{first}/cancel", "POST")
    assert (late.status, late.code) == (409, "step-not-allowed")
    cancelled = await ask(bus, f"/messages/{second}/cancel", "POST")
    assert (cancelled.status, cancelled.json["state"]) == (200, "cancelled")
    desk.may_answer.set()
    await until(bus, first, "answered")
    third = (await send(bus, "register", named("C"), headers={"Lgsp-Ordering-Key": "c"})).message
    await until(bus, third, "answered")
    assert desk.names == ["A", "C"]
    assert (await ask(bus, f"/messages/{second}/response")).code == "answer-not-available"
    assert (await ask(bus, f"/messages/{first}/cancel", "POST")).code == "step-not-allowed"
    assert [entry["state"] for entry in await entries_of(bus, second) if entry["kind"] == "delivery"] == ["cancelled"]


async def test_a_message_waits_for_its_adapter_until_its_deadline(bus: Workbench) -> None:
    late = (await send(bus, "wait")).message
    message = (await send(bus, "register", named("A"))).message
    assert (await state(bus, message))["state"] in ("accepted", "delivering")

    async def is_explained() -> bool:
        listed = (await ask(bus, "/messages?service=desk&limit=200")).json["items"]
        (one,) = [one for one in listed if one["id"] == message]
        seen = await state(bus, message)
        return "held" in one and "held" in seen and one["held"]["code"] == seen["held"]["code"] == "no-adapter"

    await eventually(is_explained)
    not_yet = await ask(bus, f"/messages/{message}/response")
    assert (not_yet.status, not_yet.code) == (404, "answer-not-available")
    assert int(not_yet.headers["Retry-After"]) > 0
    desk = Desk()
    await asyncio.sleep(1)  # the deadline of the contract, which is counted from the acceptance
    adapter = await bus.serve(register=desk.answer, wait=desk.answer)
    await until(bus, message, "answered")
    dead = await until(bus, late, "dead")
    assert (dead["reason"]["code"], dead["attemptCount"]) == ("delivery-deadline-passed", 0)
    await bus.unserve(adapter)
    assert desk.names == ["A"]


class Endpoint:
    """A webhook endpoint that notes what it is sent."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        return web.Response(status=204)


async def test_the_caller_is_told_when_its_message_is_over(bus: Workbench, desk: Desk) -> None:
    endpoint = Endpoint()
    async with served(endpoint.take) as url:
        told = {"name": f"cho-{uuid.uuid4().hex[:8]}", "url": f"{url}/hook"}
        made = await bus.ask("POST", "/endpoints", told)
        assert made.status == 201, made.body
        got = await send(bus, "read", named("A"), headers={"Lgsp-Callback": told["name"]})
        assert got.status == 202, got.body
        await until(bus, got.message, "answered")
        await eventually(lambda: endpoint.received)
    headers, body = endpoint.received[0]
    event = json.loads(body)
    Webhook(made.json["secret"]).verify(body, headers)
    assert (event["type"], event["subject"]) == ("lgsp.message.completed", got.message)
    assert event["data"] == {"id": got.message, "state": "answered", "href": f"/messages/{got.message}"}
    assert NUMBER.encode() not in body
    attempts: list[dict[str, Any]] = []

    async def is_listed() -> bool:
        attempts[:] = (await bus.ask("GET", f"/endpoints/{made.json['id']}/attempts")).json["items"]
        return bool(attempts)

    await eventually(is_listed)
    assert attempts[0]["event"] == {"name": event["type"], "source": event["source"], "id": got.message}
    assert (await bus.ask("DELETE", f"/endpoints/{made.json['id']}")).status == 204


async def test_commands(bus: Workbench, desk: Desk) -> None:
    message = (await send(bus, "read", named("A"))).message
    await until(bus, message, "answered")

    async def lgsp(*words: str) -> str:
        url = f"http://127.0.0.1:{bus.port}"
        status, output, errors = await run(*words, "--url", url, "--token", bus.token("alpha"))
        assert status == 0, errors
        return output

    assert message in await lgsp("messages", "list", "--state", "answered", "--limit", "500")
    assert "answered" in await lgsp("messages", "show", message)
    assert json.loads(await lgsp("messages", "response", message))["ketQua"].startswith("so ")
    assert (
        json.loads(await lgsp("dead-letters", "list", "--service", "desk", "--reason", "malformed", "-o", "json")) == []
    )


async def test_the_command_that_calls_has_a_message_delivered_later(bus: Workbench, desk: Desk) -> None:
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("alpha")]
    request = json.dumps(named("lệnh"))
    later = ["--async", "--ordering-key", "H49-1", "--priority", "high", "--idempotency-key", idempotency_key()]
    code, out, err = await run("call", "desk", "read", "-d", request, *later, *remote)
    assert code == 0, err
    message = json.loads(out)["id"]
    assert f"lgsp messages show {message}" in err
    assert (await until(bus, message, "answered"))["state"] == "answered"
    code, out, err = await run("call", "desk", "read", "-d", request, *later, "--wait", *remote)
    assert (code, json.loads(out)["ketQua"].startswith("so ")) == (0, True), err
    assert message in err, "the same key is the same message"


async def test_the_command_that_waits_says_what_a_message_was_refused_with(bus: Workbench, desk: Desk) -> None:
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("alpha")]
    request = json.dumps(named("declared"))
    code, out, err = await run("call", "desk", "read", "-d", request, "--async", "--wait", *remote)
    assert (code, out, "No such person" in err) == (1, "", True), err
    code, _, err = await run("call", "desk", "read", "--priority", "low", *remote)
    assert (code, "add --async" in err) == (1, True), err
    code, _, err = await run(
        "call", "desk", "read-person", "--purpose", "thu-nghiem", "-d", request, "--async", *remote
    )
    assert (code, "Answered at once" in err) == (0, True), err
