"""Idempotency-Key: a call sent twice happens once, and one key carries one request."""

import asyncio
from typing import Any

import pytest
from support.workbench import NAME, NUMBER, Workbench, idempotency_key

from lgsp_adapters.adapter import Call, Declared


class Desk:
    """Counts what it registers."""

    def __init__(self) -> None:
        self.registered = 0
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.began = asyncio.Event()

    async def register(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.registered += 1
        self.began.set()
        await self.may_finish.wait()
        if request.get("hoVaTen") == "declared":
            raise Declared("person-not-found")
        return {"ketQua": f"so {self.registered}", "biMat": NAME}


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
    assert NAME in got.body.decode()
    store = b"".join(path.read_bytes() for path in bus.state.nats.rglob("*") if path.is_file())
    assert NAME.encode() not in store
