"""Accepted messages while parts of the bus are killed, and what becomes of those that cannot be delivered."""

import asyncio
import copy
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.changes import Changes
from support.later import Register, ask, entries_of, letters, named, send, state, until
from support.processes import free_port
from support.waits import eventually
from support.workbench import CONTRACTS, OWNER, Got, Workbench, grant, idempotency_key

from lgsp_adapters.adapter import Call, Declared
from lgsp_contracts.names import ServiceName, SystemName
from lgsp_gateway.delivery.dead_letters.letter import DeadLetter
from lgsp_gateway.delivery.messages.envelope import Envelope
from lgsp_gateway.delivery.messages.message_store import MessageRecord
from lgsp_gateway.delivery.messages.state import Attempt, MessageState, Reason
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_problems import Text
from lgsp_runtime.nats.connection import NatsEndpoint, connect


async def test_an_answer_whose_entry_may_be_missing_is_recorded_again(bus: Workbench, register: Register) -> None:
    """A gateway may be killed after it has stored an answer, and before its entry; then the message comes again."""
    message = (await send(bus, "read", named("A"))).message
    await until(bus, message, "answered")
    connection = await connect(bus.endpoint("gateway"), "test")
    cipher = PayloadCipher(KeyStore(bus.state.keys).storage_keys)
    subject, work = f"messages.alpha.{message}", f"work.desk.v1.normal.alpha.{message}"
    stored = await connection.jetstream().get_last_msg("LGSP_MESSAGES", subject)
    envelope = json.loads(cipher.decrypt(subject, stored.data or b""))["envelope"]
    payload = json.dumps(envelope).encode() + b"\n" + json.dumps(named("A")).encode()
    await connection.jetstream().publish(work, cipher.encrypt(work, payload))
    await connection.close()
    found: list[dict[str, Any]] = []

    async def is_recorded() -> bool:
        found[:] = [entry for entry in await entries_of(bus, message) if entry["kind"] == "delivery"]
        return len(found) == 2

    await eventually(is_recorded, seen=lambda: found)
    first, again = (
        {name: entry[name] for name in ("outcome", "attempt", "answerDigest", "requestDigest", "subject")}
        for entry in found
    )
    assert first == again
    assert register.names == ["A"], "and it is not done again"


async def test_a_cancellation_whose_entry_is_missing_is_recorded_later(bus: Workbench, register: Register) -> None:
    """A gateway may be killed after it has stored that a message is cancelled, and before the entry of that."""
    register.may_answer.clear()
    held = {"Lgsp-Ordering-Key": "cancelled"}
    first, second = [(await send(bus, "read", named(name), headers=held)).message for name in "AB"]
    await asyncio.wait_for(register.asked.wait(), 10)
    connection = await connect(bus.endpoint("gateway"), "test")
    cipher = PayloadCipher(KeyStore(bus.state.keys).storage_keys)
    subject, work = f"messages.alpha.{second}", f"work.desk.v1.normal.alpha.{second}"
    waiting = await connection.jetstream().get_last_msg("LGSP_WORK", work)
    envelope = Envelope.from_document(json.loads(cipher.decrypt(work, waiting.data or b"").partition(b"\n")[0]))
    record = MessageRecord(envelope, MessageState("cancelled", envelope.accepted - 60_000, by="alpha"))
    await connection.jetstream().publish(subject, cipher.encrypt(subject, record.serialize()))
    await connection.close()
    register.may_answer.set()
    await until(bus, first, "answered")

    async def recorded() -> list[dict[str, Any]]:
        return [one for one in await entries_of(bus, second) if one["kind"] == "delivery"]

    async def is_recorded() -> bool:
        return bool(await recorded())

    await eventually(is_recorded)
    assert [(one["outcome"], one["by"]) for one in await recorded()] == [("cancelled", "alpha")]
    assert register.names == ["A"]
    again = await ask(bus, f"/messages/{second}/cancel", "POST")
    assert (again.status, again.json["state"]) == (200, "cancelled"), again.body
    assert len(await recorded()) == 1, "and once"


@pytest.mark.parametrize(("step", "body"), [("retry", None), ("give-up", {"reason": "không cần"})])
async def test_nobody_decides_about_a_dead_letter_without_evidence(
    bus: Workbench, register: Register, step: str, body: Any
) -> None:
    register.fails = True
    message = (await send(bus, "register", named("B"))).message
    await until(bus, message, "dead")
    register.fails = False
    await _limit_stream(bus, "LGSP_EVIDENCE", 1)
    refused = await ask(bus, f"/dead-letters/{message}/{step}", "POST", body=body)
    assert (refused.status, refused.code) == (503, "evidence-unavailable"), refused.body
    letter = await ask(bus, f"/dead-letters/{message}")
    assert (letter.status, letter.json.get("resolution")) == (200, None), letter.body
    assert (await state(bus, message))["state"] == "dead"
    await _limit_stream(bus, "LGSP_EVIDENCE", -1)
    decided = await ask(bus, f"/dead-letters/{message}/{step}", "POST", body=body)
    assert decided.status == 200, decided.body
    await until(bus, message, "answered" if step == "retry" else "given-up")
    outcomes: list[str] = []

    async def is_corrected() -> bool:  # the entry of the one that was refused is not left to be believed
        outcomes[:] = [one["outcome"] for one in await entries_of(bus, message)]
        return "evidence-unavailable" in outcomes

    await eventually(is_corrected, seen=lambda: outcomes)


async def test_an_error_of_a_later_attempt_replaces_no_answer(bus: Workbench) -> None:
    """A gateway that stood still for a while does not know that another one has delivered its message meanwhile."""
    calls, is_first, is_answered = 0, asyncio.Event(), asyncio.Event()

    async def read(request: dict[str, Any], call: Call) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls > 1:
            return {"ketQua": "KHOP"}
        is_first.set()
        await is_answered.wait()
        raise Declared("person-not-found")

    adapter = await bus.serve(read=read)
    message = (await send(bus, "read", named("A"))).message
    await asyncio.wait_for(is_first.wait(), 10)
    connection = await connect(bus.endpoint("gateway"), "test")
    work = f"work.desk.v1.normal.alpha.{message}"
    stored = await connection.jetstream().get_last_msg("LGSP_WORK", work)
    await connection.jetstream().publish(work, stored.data or b"")  # as if it came again
    await connection.close()
    answered = await until(bus, message, "answered")
    is_answered.set()

    async def is_over() -> bool:
        # A machine under load lets the time of the first attempt pass before the second has answered.
        ends = {"person-not-found", "provider-timeout"}
        return len([one for one in await entries_of(bus, message) if one["outcome"] in ends]) == 1

    await eventually(is_over, seen=lambda: calls)
    answer = await ask(bus, answered["answer"]["href"])
    assert (answer.status, answer.json) == (200, {"ketQua": "KHOP"}), answer.body
    await bus.unserve(adapter)


async def test_a_dead_letter_whose_state_is_missing_is_not_delivered(bus: Workbench, register: Register) -> None:
    """A gateway may be killed after it has stored a dead letter, and before the state that tells of it; then the message comes again."""
    register.fails = True
    message = (await send(bus, "read", named("A"))).message
    await eventually(lambda: _was_attempted(bus, message))
    connection = await connect(bus.endpoint("gateway"), "test")
    cipher = PayloadCipher(KeyStore(bus.state.keys).storage_keys)
    subject = f"messages.alpha.{message}"
    stored = await connection.jetstream().get_last_msg("LGSP_MESSAGES", subject)
    record = json.loads(cipher.decrypt(subject, stored.data or b""))
    reason = Reason("not-granted", Text("một", "one"))
    attempts = tuple(Attempt(**one) for one in record["state"]["latest"])
    letter = DeadLetter(
        *("message", message, SystemName("alpha"), ServiceName("desk"), 1, "read"),
        *(record["envelope"], reason, attempts, record["state"]["changed"]),
    )
    payload = cipher.encrypt(letter.subject, letter.serialize(json.dumps(named("A")).encode()))
    await connection.jetstream().publish(letter.subject, payload)
    await connection.close()
    dead = await until(bus, message, "dead")
    assert dead["reason"]["code"] == "not-granted"
    assert (await ask(bus, f"/dead-letters/{message}/payload")).json == named("A")
    register.fails = False
    assert (await ask(bus, f"/dead-letters/{message}/retry", "POST")).status == 200
    await until(bus, message, "answered")


async def _was_attempted(bus: Workbench, message: str) -> bool:
    return bool((await state(bus, message))["attemptCount"])


@pytest.mark.long
async def test_what_is_accepted_outlives_the_gateway_and_the_server(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    key = {"Idempotency-Key": idempotency_key(), "Lgsp-Ordering-Key": "one"}
    first = await send(bus, "register", named("0"), headers=key)
    messages = [first.message]
    for number in range(1, 10):
        got = await send(bus, "register", named(str(number)), headers={"Lgsp-Ordering-Key": "one"})
        messages.append(got.message)
    await bus.gateway.kill()
    await bus.nats.kill()
    await bus.start_nats()
    await bus.gateway.start()
    await bus.ready()
    again = await send(bus, "register", named("0"), headers=key)
    assert (again.status, again.message) == (202, messages[0])
    register = Register()
    adapter = await bus.serve(register=register.register)
    for message in messages:
        assert (await until(bus, message, "answered"))["attemptCount"] == 1
    assert register.names == [str(number) for number in range(10)]
    await bus.nats.kill()
    await bus.start_nats()
    await bus.ready()
    after = await bus.answers(
        lambda got: got.status == 202,
        "register",
        named("0"),
        headers={**key, "Prefer": "respond-async"},
    )
    assert after.message == messages[0]
    last = (await send(bus, "register", named("last"), headers={"Lgsp-Ordering-Key": "one"})).message
    await until(bus, last, "answered")
    assert register.names == [*(str(number) for number in range(10)), "last"]
    await bus.unserve(adapter)


async def test_a_gateway_that_is_killed_in_the_middle_leaves_a_dead_letter(breakable_bus: Workbench) -> None:
    bus, register = breakable_bus, Register()
    adapter = await bus.serve(register=register.register, register_once=register.register)
    register.may_answer.clear()
    once = (await send(bus, "register", named("once"))).message
    await asyncio.wait_for(register.asked.wait(), 20)
    register.asked.clear()
    deduplicated = (
        await send(bus, "register-once", named("key"), headers={"Idempotency-Key": idempotency_key()})
    ).message
    await asyncio.wait_for(register.asked.wait(), 20)
    await bus.gateway.kill()
    register.may_answer.set()
    await bus.gateway.start()
    dead = await until(bus, once, "dead")
    assert dead["reason"]["code"] == "outcome-unknown"
    answered = await until(bus, deduplicated, "answered")
    assert [one["outcome"] for one in answered["attempts"]] == ["outcome-unknown", "answered"]
    assert register.names.count("once") == 1
    response = await ask(bus, f"/messages/{once}/response")
    assert (response.status, response.code) == (502, "outcome-unknown")
    assert [one["id"] for one in await letters(bus)] == [once]
    await bus.unserve(adapter)


async def test_a_grant_that_is_withdrawn_before_the_delivery(bus: Workbench) -> None:
    changes = Changes(bus)
    assert (await changes.send(grant("gamma-later", "gamma", register=["*"]))).status == 201
    got: list[Got] = []

    async def is_accepted() -> bool:
        got[:] = [await send(bus, "register", named("D"), system="gamma")]
        return got[0].status == 202

    await eventually(is_accepted)
    message = got[0].message
    await changes.undo()
    register = Register()
    await eventually(lambda: _is_refused(bus))
    adapter = await bus.serve(register=register.register)
    dead = await until(bus, message, "dead", system="gamma")
    assert dead["reason"]["code"] == "not-granted"
    assert register.names == []
    await bus.unserve(adapter)


async def test_a_grant_that_ends_while_the_mark_of_an_attempt_waits_to_be_stored(
    bus: Workbench, register: Register
) -> None:
    await until(bus, (await send(bus, "read", named("A"))).message, "answered")
    logged, changes = len(bus.gateway.log.read_text()), Changes(bus)

    async def waits() -> bool:
        return "the outcome of a message waits to be stored" in bus.gateway.log.read_text()[logged:]

    async with full_stream(bus, "LGSP_MESSAGES"):
        message = (await send(bus, "register", named("B"))).message
        await eventually(waits)
        assert (await changes.act("alpha-desk", "suspend", "operator", reason="kiểm tra")).status == 200

        async def is_suspended() -> bool:
            return (await bus.call("register", named("C"))).code == "grant-suspended"

        await eventually(is_suspended)
    dead = await until(bus, message, "dead")
    assert dead["reason"]["code"] == "grant-suspended"
    assert register.names == ["A"]
    assert (await changes.act("alpha-desk", "resume", "operator", reason="xong")).status == 200


@asynccontextmanager
async def full_stream(bus: Workbench, name: str) -> AsyncIterator[None]:
    """A stream that stores nothing under a new subject."""
    connection = await connect(bus.endpoint("gateway"), "test")

    async def ask_server(verb: str, body: bytes = b"") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((await connection.request(f"$JS.API.STREAM.{verb}.{name}", body)).data)
        assert "error" not in found, found
        return found

    found = await ask_server("INFO")
    full = {**found["config"], "max_msgs": found["state"]["messages"], "discard": "new"}
    await ask_server("UPDATE", json.dumps(full).encode())
    try:
        yield
    finally:
        await ask_server("UPDATE", json.dumps(found["config"]).encode())
        await connection.close()


async def _is_refused(bus: Workbench) -> bool:
    return (await bus.call("register", named("D"), system="gamma")).status == 403


@pytest.mark.long
async def test_two_gateways_deliver_each_message_once(breakable_bus: Workbench) -> None:
    bus, port = breakable_bus, free_port()
    second = bus.another_gateway("second", port)
    await second.start()
    register = Register()
    adapter = await bus.serve(register=register.register)
    url = f"http://127.0.0.1:{port}"
    messages = []
    async with aiohttp.ClientSession() as session:
        for number in range(40):
            headers = {
                "Authorization": f"Bearer {bus.token('alpha')}",
                "Prefer": "respond-async",
                "Lgsp-Ordering-Key": str(number % 4),
                "Lgsp-Priority": ("high", "normal", "low")[number % 3],
            }
            where = f"{url}/services/desk/v1/register" if number % 2 else "/services/desk/v1/register"
            client = session if number % 2 else bus.session
            async with client.post(where, json=named(str(number)), headers=headers) as answer:
                assert answer.status == 202, await answer.text()
                messages.append(answer.headers["Lgsp-Message-Id"])
    for message in messages:
        await until(bus, message, "answered")
    assert sorted(map(int, register.names)) == list(range(40))
    await second.stop()
    await bus.unserve(adapter)


async def test_a_full_disk_refuses_before_it_accepts(breakable_bus: Workbench) -> None:
    bus, register = breakable_bus, Register()
    await _limit_stream(bus, "LGSP_WORK", 1)
    refused = await send(bus, "register", named("A"), headers={"Idempotency-Key": idempotency_key()})
    assert (refused.status, refused.code) == (503, "bus-unavailable"), refused.body
    assert int(refused.headers["Retry-After"]) > 0
    await _limit_stream(bus, "LGSP_WORK", -1)
    key = {"Idempotency-Key": idempotency_key()}
    accepted = await send(bus, "register", named("B"), headers=key)
    assert accepted.status == 202
    adapter = await bus.serve(register=register.register)
    await until(bus, accepted.message, "answered")
    assert register.names == ["B"]
    await bus.unserve(adapter)


async def _limit_stream(bus: Workbench, name: str, max_bytes: int) -> None:
    """Let a stream take so many bytes, as a disk does that is full; -1 for any number."""
    connection = await connect(NatsEndpoint(bus.nats_url, "owner-of-the-disk", OWNER), "test")
    info = json.loads((await connection.request(f"$JS.API.STREAM.INFO.{name}")).data)
    config = {**info["config"], "max_bytes": max_bytes, "discard": "new" if max_bytes >= 0 else "old"}
    updated = json.loads((await connection.request(f"$JS.API.STREAM.UPDATE.{name}", json.dumps(config).encode())).data)
    assert "error" not in updated, updated
    await connection.close()


@pytest.mark.long
async def test_an_answer_that_comes_after_the_message_was_taken_for_dead(tmp_path: Path) -> None:
    contracts = copy.deepcopy(CONTRACTS)
    contracts[0]["operations"]["register"]["timeout"] = "60s"
    bus, register, port = await Workbench(tmp_path, contracts=contracts).start(), Register(), free_port()
    adapter = await bus.serve(register=register.register)
    register.may_answer.clear()
    message = (await send(bus, "register", named("A"))).message
    await asyncio.wait_for(register.asked.wait(), 20)
    second = bus.another_gateway("second", port)
    await second.start()
    bus.gateway.signal(signal.SIGSTOP)
    url = f"http://127.0.0.1:{port}"
    dead = await until(bus, message, "dead", url=url)
    assert dead["reason"]["code"] == "outcome-unknown"
    register.may_answer.set()
    bus.gateway.signal(signal.SIGCONT)
    answered = await until(bus, message, "answered")
    assert (await ask(bus, answered["answer"]["href"])).json == {"ketQua": "so 1"}
    late = await ask(bus, f"/dead-letters/{message}/retry", "POST")
    assert (late.status, late.code) == (409, "step-not-allowed")
    assert register.names == ["A"]
    await second.stop()
    await bus.unserve(adapter)
    await bus.stop()


async def test_messages_that_always_fail_keep_no_other_waiting(bus: Workbench) -> None:
    async def read(request: dict[str, Any], call: Call) -> dict[str, Any]:
        if request["hoVaTen"].startswith("bad"):
            raise RuntimeError
        return {"ketQua": "so 1"}

    adapter = await bus.serve(read=read)
    bad = [(await send(bus, "read", named(f"bad {number}"))).message for number in range(3)]

    async def lane_pauses() -> bool:
        return all(["held" in await state(bus, message) for message in bad])

    await eventually(lane_pauses)
    good = (await send(bus, "read", named("good"))).message
    await until(bus, good, "answered")

    async def all_are_cancelled() -> bool:  # one that is being tried is refused
        return all([(await ask(bus, f"/messages/{message}/cancel", method="POST")).status == 200 for message in bad])

    await eventually(all_are_cancelled)
    good = (await send(bus, "read", named("good"))).message
    await until(bus, good, "answered")  # nothing fails any more when the next test begins
    await bus.unserve(adapter)


@pytest.mark.long
async def test_what_waits_for_a_provider_that_was_away_is_delivered_soon_after_it_is_back(bus: Workbench) -> None:
    register = Register()
    register.fails = True
    adapter = await bus.serve(read=register.register, register=register.register)
    once = [(await send(bus, "register", named(f"once {number}"))).message for number in range(5)]
    messages = [(await send(bus, "read", named(str(number)))).message for number in range(40)]
    await eventually(lambda: len(register.names) > 4)  # after three failures, one is tried after each pause
    register.fails = False
    answered = [await until(bus, message, "answered") for message in messages]
    assert sum(one["attemptCount"] for one in answered) < 3 * len(messages)  # nobody hammered what was away
    for message in once:
        await until(bus, message, "answered", "dead")
    assert all(register.names.count(f"once {number}") <= 1 for number in range(5))
    await bus.unserve(adapter)
