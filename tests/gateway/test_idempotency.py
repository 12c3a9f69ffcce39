"""Idempotency-Key: a call sent twice happens once, and one key carries one request."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from support.preloaded import run
from support.waits import SECONDS
from support.workbench import NUMBER, Workbench, idempotency_key

from lgsp_adapters.adapter import Call, Declared, LimitReached
from lgsp_gateway.calls.idempotency import call_key

# No other test writes this to the bus that the tests of a session share.
SECRET = "Hoàng Thị Bí Mật"


class Desk:
    """Counts what it registers."""

    def __init__(self) -> None:
        self.registered = 0
        self.keys: list[str] = []
        self.limited = 0
        self.requests = 0
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.began = asyncio.Event()

    async def register(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.registered += 1
        self.keys.append(call.context.key)
        self.began.set()
        await self.may_finish.wait()
        if request.get("hoVaTen") == "declared":
            raise Declared("person-not-found")
        if self.registered <= self.limited:
            call.requests = self.requests
            raise LimitReached("the limit of the provider's system is reached: per-second", 1)
        return {"ketQua": f"so {self.registered}", "biMat": SECRET}


@pytest.fixture
async def desk(bus: Workbench) -> Any:
    desk = Desk()
    adapter = await bus.serve(register=desk.register)
    yield desk
    await bus.unserve(adapter)


async def test_the_second_call_gets_the_first_answer(bus: Workbench, desk: Desk) -> None:
    headers = {"Idempotency-Key": f'"{idempotency_key()}"'}
    first, second = [await bus.call("register", headers=headers) for _ in range(2)]
    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body
    assert first.message != second.message
    assert desk.registered == 1
    assert (await bus.entry(second.message))["outcome"] == "replayed"


async def test_another_request_under_the_same_key_is_409(bus: Workbench, desk: Desk) -> None:
    headers = {"Idempotency-Key": idempotency_key()}
    await bus.call("register", headers=headers)
    got = await bus.call("register", {"soDinhDanh": NUMBER, "hoVaTen": "Khác"}, headers=headers)
    assert (got.status, got.code) == (409, "idempotency-conflict")
    read = await bus.call("read", headers=headers)
    assert (read.status, read.code) == (409, "idempotency-conflict")
    assert desk.registered == 1


async def test_a_call_that_the_limit_of_the_provider_refused_may_come_again_with_its_key(
    bus: Workbench, desk: Desk
) -> None:
    headers = {"Idempotency-Key": idempotency_key()}
    desk.limited = 1
    refused = await bus.call("register", headers=headers)
    assert (refused.status, refused.code) == (503, "provider-limit-reached")
    assert (await bus.call("register", headers=headers)).status == 200


async def test_a_limit_that_is_reached_between_two_requests_of_a_call_leaves_its_outcome_open(
    bus: Workbench, desk: Desk
) -> None:
    headers = {"Idempotency-Key": idempotency_key()}
    desk.limited, desk.requests = 1, 1
    failed = await bus.call("register", headers=headers)
    assert (failed.status, failed.code) == (502, "provider-failed")
    assert (await bus.call("register", headers=headers)).code == "idempotency-conflict"
    assert desk.registered == 1


async def test_keys_of_two_systems_do_not_meet(bus: Workbench, desk: Desk) -> None:
    headers = {"Idempotency-Key": idempotency_key()}
    assert (await bus.call("read", headers=headers)).status == 200
    assert (await bus.call("read", {"soDinhDanh": "022093001235"}, system="beta", headers=headers)).status == 200


async def test_a_call_under_way_is_409(bus: Workbench, desk: Desk) -> None:
    headers = {"Idempotency-Key": idempotency_key()}
    desk.may_finish.clear()
    first = asyncio.create_task(bus.call("register", headers=headers))
    await desk.began.wait()
    second = await bus.call("register", headers=headers)
    desk.may_finish.set()
    assert (second.status, second.code) == (409, "idempotency-conflict")
    assert int(second.headers["Retry-After"]) > 0
    assert (await first).status == 200
    assert desk.registered == 1


async def test_a_key_is_free_again_when_nothing_happened(bus: Workbench, desk: Desk) -> None:
    headers = {"Idempotency-Key": idempotency_key()}
    body = {"soDinhDanh": NUMBER, "hoVaTen": "declared"}
    assert (await bus.call("register", body, headers=headers)).status == 404
    assert (await bus.call("register", body, headers=headers)).status == 404
    assert desk.registered == 2


async def test_a_repeatable_operation_runs_again(bus: Workbench, desk: Desk) -> None:
    headers = {"Idempotency-Key": idempotency_key()}
    outcomes = [(await bus.entry((await bus.call("read", headers=headers)).message))["outcome"] for _ in range(2)]
    assert outcomes == ["answered", "answered"]


async def test_a_kept_answer_is_unreadable_on_disk(bus: Workbench, desk: Desk) -> None:
    got = await bus.call("register", headers={"Idempotency-Key": idempotency_key()})
    assert SECRET in got.body.decode()
    store = b"".join(path.read_bytes() for path in bus.state.nats.rglob("*") if path.is_file())
    assert SECRET.encode() not in store


async def test_a_provider_is_told_a_key_that_is_the_same_for_each_try(bus: Workbench, desk: Desk) -> None:
    key = idempotency_key()
    body = {"soDinhDanh": NUMBER, "hoVaTen": "declared"}
    for _ in range(2):
        await bus.call("register", body, headers={"Idempotency-Key": key})
    await bus.call("register", body, headers={"Idempotency-Key": idempotency_key()})
    await bus.call("register", body)
    first, second, other, without = desk.keys
    assert first == second
    assert first != other
    assert call_key("alpha", key) == first != call_key("beta", key)
    assert uuid.UUID(first).version == 8
    assert key not in first
    assert without == ""


async def test_a_contract_can_demand_a_key(bus: Workbench, desk: Desk) -> None:
    got = await bus.call("register-once", headers={"Accept-Language": "en"})
    assert (got.status, got.code) == (400, "idempotency-key-required")
    assert "Idempotency-Key" in got.json["detail"]
    assert (await bus.entry(got.message))["outcome"] == "idempotency-key-required"


class Register:
    """A provider that does nothing twice under one key, and whose answers are lost at first."""

    def __init__(self) -> None:
        self.done: dict[str, str] = {}
        self.answers = asyncio.Event()

    async def register_once(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        result = self.done.setdefault(call.context.key, f"so {len(self.done) + 1}")
        await self.answers.wait()
        return {"ketQua": result}


async def test_a_call_whose_outcome_is_unknown_is_sent_again_where_the_provider_knows_its_key(bus: Workbench) -> None:
    register = Register()
    adapter = await bus.serve(register_once=register.register_once)
    headers = {"Idempotency-Key": idempotency_key()}
    lost = await bus.call("register-once", headers=headers)
    assert (lost.status, lost.code) == (504, "provider-timeout")
    register.answers.set()
    again = [await bus.call("register-once", headers=headers) for _ in range(3)]
    assert [got.status for got in again] == [200] * 3
    assert {got.json["ketQua"] for got in again} == {"so 1"}
    assert len(register.done) == 1
    assert (await bus.entry(again[-1].message))["outcome"] == "replayed"
    await bus.unserve(adapter)


async def test_tries_at_once_get_one_answer(bus: Workbench) -> None:
    register = Register()
    register.answers.set()
    adapter = await bus.serve(register_once=register.register_once)
    headers = {"Idempotency-Key": idempotency_key()}
    answers = await asyncio.gather(*(bus.call("register-once", headers=headers) for _ in range(8)))
    assert {(got.status, got.body) for got in answers} == {(200, b'{"ketQua":"so 1"}')}
    await bus.unserve(adapter)


@pytest.mark.parametrize("refuses", [False, True], ids=["answers too", "takes the repeat for another request"])
async def test_the_first_try_gets_the_answer_that_a_repeat_was_first_to_get(bus: Workbench, refuses: bool) -> None:
    began, repeated = asyncio.Event(), asyncio.Event()

    async def register_once(request: dict[str, Any], call: Call) -> dict[str, Any]:
        if not began.is_set():
            began.set()
            await repeated.wait()
            if refuses:
                raise Declared("person-not-found")
        return {"ketQua": "so 1"}

    adapter = await bus.serve(register_once=register_once)
    headers = {"Idempotency-Key": idempotency_key()}
    async with asyncio.timeout(SECONDS):
        first = asyncio.create_task(bus.call("register-once", headers=headers))
        await began.wait()
        again = await bus.call("register-once", headers=headers)
        repeated.set()
        answers = [await first, again]
    await bus.unserve(adapter)
    assert {(got.status, got.body) for got in answers} == {(200, b'{"ketQua":"so 1"}')}
    assert (await bus.entry(answers[0].message))["outcome"] == ("replayed" if refuses else "answered")


async def _unknown(bus: Workbench, key: str) -> str:
    """A call whose outcome nobody knows: its message."""
    forever = asyncio.Event()

    async def register(request: dict[str, Any], call: Call) -> dict[str, Any]:
        await forever.wait()
        return {"ketQua": "never"}

    adapter = await bus.serve(register=register)
    lost = await bus.call("register", headers={"Idempotency-Key": key})
    await bus.unserve(adapter)
    assert lost.status == 504
    again = await bus.call("register", headers={"Idempotency-Key": key, "Accept-Language": "en"})
    assert (again.status, again.code) == (409, "idempotency-conflict")
    assert "operator" in again.json["detail"]
    return lost.message


async def _settle(bus: Workbench, key: str, outcome: str, *more: str) -> tuple[int, str, str]:
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("operator")]
    return await run("idempotency", "settle", key, outcome, "--system", "alpha", "-m", "asked", *more, *remote)


async def test_an_operator_looks_a_key_up_and_frees_it(bus: Workbench) -> None:
    key = idempotency_key()
    message = await _unknown(bus, key)
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("operator")]
    code, out, err = await run("idempotency", "show", key, "--system", "alpha", *remote)
    assert (code, message in out, "svc.desk.v1.register" in out, "begun" in out) == (0, True, True, True), err
    code, out, err = await _settle(bus, key, "did-not-happen")
    assert (code, message in out) == (0, True), err
    desk = Desk()
    adapter = await bus.serve(register=desk.register)
    assert (await bus.call("register", headers={"Idempotency-Key": key})).status == 200
    assert desk.registered == 1
    code, _, err = await _settle(bus, key, "did-not-happen")
    assert (code, "outcome of this call is known" in err) == (1, True), err
    await bus.unserve(adapter)


async def test_the_key_of_an_operation_that_reads_is_not_said_to_wait(bus: Workbench) -> None:
    key = idempotency_key()
    adapter = await bus.serve()
    assert (await bus.call(headers={"Idempotency-Key": key})).status == 200
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("operator")]
    code, out, err = await run("idempotency", "show", key, "--system", "alpha", *remote)
    assert (code, "the operation only reads" in out) == (0, True), err
    code, _, err = await _settle(bus, key, "did-not-happen")
    assert (code, "there is nothing to settle" in err) == (1, True)
    assert (await bus.call(headers={"Idempotency-Key": key})).status == 200
    await bus.unserve(adapter)


async def test_an_operator_says_that_it_happened(bus: Workbench, tmp_path: Path) -> None:
    key, answered = idempotency_key(), idempotency_key()
    for one in (key, answered):
        await _unknown(bus, one)
    answer = tmp_path / "answer.json"
    answer.write_text('{"khac": 1}')
    code, _, err = await _settle(bus, answered, "happened", "--answer", str(answer))
    assert (code, "violates the contract" in err) == (1, True), err
    answer.write_text('{"ketQua": "so 17"}')
    assert (await _settle(bus, answered, "happened", "--answer", str(answer)))[0] == 0
    got = await bus.call("register", headers={"Idempotency-Key": answered})
    assert (got.status, got.json) == (200, {"ketQua": "so 17"})
    # no provider said so: whoever proves this call later must see that
    assert (await bus.entry(got.message))["outcome"] == "settled"
    assert (await _settle(bus, key, "happened"))[0] == 0
    desk = Desk()
    adapter = await bus.serve(register=desk.register)
    got = await bus.call("register", headers={"Idempotency-Key": key, "Accept-Language": "en"})
    await bus.unserve(adapter)
    assert (got.status, got.code) == (409, "idempotency-conflict")
    assert "did happen" in got.json["detail"]
    assert "Retry-After" not in got.headers
    assert desk.registered == 0


@pytest.mark.parametrize("system", ["alpha", "auditor", "agency-admin", "integrator", "developer"])
async def test_only_an_operator_settles(bus: Workbench, system: str) -> None:
    headers = {"Authorization": f"Bearer {bus.token(system)}", "Idempotency-Key": idempotency_key()}
    path = "/ops/idempotency-key?system=alpha"
    async with bus.session.get(path, headers=headers) as looked:
        assert looked.status == 403
    body = {"outcome": "did-not-happen", "reason": "x"}
    path = "/ops/idempotency-key/settle?system=alpha"
    async with bus.session.post(path, headers=headers, json=body) as settled:
        assert settled.status == 403
