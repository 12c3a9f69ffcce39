"""Messages that cannot be delivered: what people decide about them, one by one and by a filter."""

from support.changes import Changes
from support.later import Register, ask, entries_of, letters, named, send, state, until
from support.waits import eventually
from support.workbench import Workbench, grant


async def test_an_outcome_that_is_unknown_is_for_a_person(bus: Workbench, register: Register) -> None:
    register.fails = True
    message = (await send(bus, "register", named("A"))).message
    dead = await until(bus, message, "dead")
    assert dead["reason"]["code"] == "outcome-unknown"
    assert [one["outcome"] for one in dead["attempts"]] == ["provider-failed"]
    assert register.names == ["A"]
    [letter] = [one for one in await letters(bus, "?reason=outcome-unknown&service=desk") if one["id"] == message]
    assert letter["size"] > 0
    payload = await ask(bus, f"/dead-letters/{message}/payload")
    assert payload.json == named("A")
    for system, status in (("operator", 403), ("beta", 404)):
        assert (await ask(bus, f"/dead-letters/{message}/payload", system=system)).status == status
    read = [entry for entry in await entries_of(bus, message) if entry["outcome"] == "payload-read"]
    assert [entry["by"] for entry in read] == ["alpha"]
    register.fails = False
    retried = await ask(bus, f"/messages/{message}/retry", "POST")
    assert retried.status == 202, retried.body
    answered = await until(bus, message, "answered")
    assert [one["outcome"] for one in answered["attempts"]] == ["provider-failed", "answered"]
    assert message not in {one["id"] for one in await letters(bus)}
    [resolved] = [one for one in await letters(bus, "?resolved=true") if one["id"] == message]
    assert (resolved["resolution"], resolved["resolvedBy"], resolved["size"]) == ("retried", "alpha", 0)
    again = await ask(bus, f"/dead-letters/{message}/retry", "POST", system="operator")
    assert (again.status, again.code) == (409, "step-not-allowed")
    states = [entry["state"] for entry in await entries_of(bus, message) if entry["kind"] == "delivery"]
    assert states == ["dead", "dead", "delivering", "answered"]


async def test_a_dead_letter_is_given_up(bus: Workbench, register: Register) -> None:
    register.fails = True
    message = (await send(bus, "register", named("B"))).message
    await until(bus, message, "dead")
    unsaid = await ask(bus, f"/dead-letters/{message}/give-up", "POST", body={})
    assert (unsaid.status, unsaid.code) == (400, "malformed")
    given_up = await ask(bus, f"/dead-letters/{message}/give-up", "POST", system="operator", body={"reason": "đã có"})
    assert (given_up.status, given_up.json["resolution"], given_up.json["note"]) == (200, "given-up", "đã có")
    assert (await state(bus, message))["state"] == "given-up"
    assert (await ask(bus, f"/dead-letters/{message}/payload")).code == "step-not-allowed"


async def test_a_retry_counts_like_a_call(bus: Workbench, register: Register) -> None:
    register.fails = True
    changes = Changes(bus)
    spec = grant("gamma-desk", "gamma", register=["*"])["spec"]
    spec["quota"] = {"requests": 4, "per": "day"}
    assert (await changes.put("Grant", "gamma-desk", **spec)).status == 201
    message = (await send(bus, "register", named("A"), system="gamma")).message
    statuses: list[int] = []
    for number in (0, 1, 2, 3, 3):

        async def is_buried(rounds: int = number) -> bool:
            return [one["round"] for one in await letters(bus, system="gamma")] == [rounds]

        await eventually(is_buried)
        statuses.append((await ask(bus, f"/messages/{message}/retry", "POST", system="gamma")).status)
    assert statuses == [202, 202, 202, 429, 429]
    assert len(register.names) == 4
    assert (await changes.act("gamma-desk", "suspend", "operator", reason="kiểm tra")).status == 200
    got = await ask(bus, f"/dead-letters/{message}/retry", "POST", system="gamma")
    assert (got.status, got.code) == (403, "grant-suspended")
    assert (await changes.act("gamma-desk", "resume", "operator", reason="xong")).status == 200
    by_operator = await ask(bus, f"/dead-letters/{message}/retry", "POST", system="operator")
    assert by_operator.status == 200, "an operator's retries count by themselves"
    await until(bus, message, "dead", system="gamma")
    await changes.undo()


async def test_many_letters_are_retried_by_a_filter(bus: Workbench, register: Register) -> None:
    register.fails = True
    messages = [(await send(bus, "register", named("C"))).message for _ in range(2)]
    for message in messages:
        await until(bus, message, "dead")
    register.fails = False
    other = await ask(bus, "/dead-letters/retry?service=hidden", "POST")
    assert other.json == {"retried": 0, "refused": [], "more": False}
    got = await ask(bus, "/dead-letters/retry?reason=outcome-unknown", "POST", system="operator")
    assert got.json["retried"] >= 2
    for message in messages:
        await until(bus, message, "answered")
