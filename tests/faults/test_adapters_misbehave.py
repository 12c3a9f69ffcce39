"""Adapters that answer nonsense, answer nothing, die, or reach for what is not theirs."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import OutboundBufferLimitError
from support.waits import until_set
from support.workbench import Workbench, idempotency_key

from lgsp_adapters.adapter import Call
from lgsp_contracts import wire
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import connect

Answer = Callable[[Msg], Awaitable[None]]


async def raw(bus: Workbench, answer: bytes) -> Client:
    """A program on NATS that answers these bytes."""
    connection = await connect(bus.endpoint("provider"), "raw")

    async def respond(message: Msg) -> None:
        await message.respond(answer)

    await connection.subscribe("svc.desk.v1.read", queue="desk", cb=respond)
    await connection.flush()
    return connection


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage",
        b'{"ketQua":"KHOP"}',
        b'{"status":"answered"}\n',
        b'{"status":"answered"}\n{"ketQua":"KHOP"',
        b'{"status":"answered"}\n{"ketQua":"KHOP","ketQua":"KHONG"}',
        b'{"status":"answered"}\n[]',
        b'{"status":"answered"}\n\xff',
        b'{"status":"error","code":"../../etc"}\n',
        b'{"status":"answered"}\n' + b"[" * 5000,
    ],
    ids=lambda answer: answer[:40].decode("latin-1"),
)
async def test_nonsense_never_reaches_the_caller(bus: Workbench, answer: bytes) -> None:
    connection = await raw(bus, answer)
    got = await bus.call(headers={"Accept-Language": "en"})
    await connection.close()
    assert (got.status, got.code) == (502, "provider-broke-contract")
    assert "KHOP" not in got.body.decode()


async def test_an_answer_after_the_deadline_goes_nowhere(bus: Workbench) -> None:
    connection = await connect(bus.endpoint("provider"), "raw")
    late: asyncio.Queue[Msg] = asyncio.Queue()
    await connection.subscribe("svc.desk.v1.read", queue="desk", cb=late.put)
    await connection.flush()
    got = await asyncio.wait_for(bus.call(), 20)
    assert (got.status, got.code) == (504, "provider-timeout")
    await (await late.get()).respond(wire.answered({"ketQua": "KHOP"}))
    await connection.close()
    adapter = await bus.serve()
    assert (await bus.call()).json == {"ketQua": "KHOP"}
    await bus.unserve(adapter)


async def test_an_adapter_that_dies_leaves_503_and_comes_back(bus: Workbench) -> None:
    connection = await raw(bus, wire.answered({"ketQua": "KHOP"}))
    assert (await bus.call()).status == 200
    await connection.close()
    async with asyncio.timeout(10):
        while (got := await bus.call()).code == "provider-timeout":  # the server has not noticed yet
            pass
    assert got.code == "no-adapter"
    connection = await raw(bus, wire.answered({"ketQua": "KHOP"}))
    assert (await bus.call()).status == 200
    await connection.close()


async def test_a_stopping_adapter_finishes_its_calls(bus: Workbench) -> None:
    reached, may_finish = asyncio.Event(), asyncio.Event()

    async def slow(request: dict[str, Any], call: Call) -> dict[str, Any]:
        reached.set()
        await may_finish.wait()
        return {"ketQua": "KHOP"}

    adapter = await bus.serve(wait=slow)
    under_way = asyncio.create_task(bus.call("wait"))
    await reached.wait()
    stopping = asyncio.create_task(bus.unserve(adapter))
    async with asyncio.timeout(5):
        while (await bus.call("narrow")).code != "no-adapter":
            pass
    # another connection of the system ends, so what it may have had is asked again, of nobody
    repeated = bus.gateway.log.read_text().count("calls repeated")
    await (await connect(bus.endpoint("provider"), "another")).close()
    async with asyncio.timeout(4):
        while bus.gateway.log.read_text().count("calls repeated") == repeated:
            await asyncio.sleep(0.01)
    await bus.call("narrow")
    may_finish.set()
    assert (await under_way).status == 200
    await stopping


async def test_an_expired_request_is_not_worked_on(bus: Workbench) -> None:
    worked = []

    async def work(request: dict[str, Any], call: Call) -> dict[str, Any]:
        worked.append(request)
        return {"ketQua": "KHOP"}

    adapter = await bus.serve(read=work)
    gateway = await connect(bus.endpoint("gateway"), "test")
    past = wire.Context("1", "alpha", "H49.1", "", "1.0.0", 1, "")
    replies = [
        await gateway.request("svc.desk.v1.read", data, timeout=2)
        for data in (wire.request(past, b"{}"), b"no wire protocol", b'{"wire":2}\n{}')
    ]
    await gateway.close()
    await bus.unserve(adapter)
    assert [wire.parse_reply(reply.data).status for reply in replies] == ["late", "failed", "failed"]  # type: ignore[union-attr]
    assert worked == []


async def test_an_answer_larger_than_nats_carries_is_a_failure_at_once(bus: Workbench) -> None:
    async def huge(request: dict[str, Any], call: Call) -> dict[str, Any]:
        return {"ketQua": "x" * 18_000_000}

    adapter = await bus.serve(wait=huge)  # whose time is enough to make it on a machine that is busy
    got = await bus.call("wait")
    await bus.unserve(adapter)
    assert (got.status, got.code) == (502, "provider-failed")


async def test_an_adapter_is_announced_by_the_nats_services_protocol(bus: Workbench) -> None:
    adapter = await bus.serve()
    # an operation that may be repeated counts twice when a connection of its system has just ended
    got = await bus.call("register", headers={"Idempotency-Key": idempotency_key()})
    gateway = await connect(bus.endpoint("gateway"), "test")
    info = (await gateway.request("$SRV.INFO.desk", timeout=2)).data
    stats = json.loads((await gateway.request("$SRV.STATS.desk", timeout=2)).data)
    await gateway.close()
    await bus.unserve(adapter)
    assert got.status == 200
    assert b'"svc.desk.v1.read"' in info
    assert {of["name"]: of["num_requests"] for of in stats["endpoints"] if of["num_requests"]} == {"register": 1}


@pytest.mark.parametrize(
    ("verb", "subject"),
    [
        ("subscription", "svc.population.v1.verify-citizen"),
        ("subscription", "svc.>"),
        ("subscription", ">"),
        ("subscription", "evidence.*"),
        ("subscription", "$JS.API.>"),
        ("subscription", "$SYS.>"),
        ("publish", "svc.desk.v1.read"),
        ("publish", "evidence.bench"),
        ("publish", "$JS.API.STREAM.DELETE.LGSP_EVIDENCE"),
        ("publish", "$SYS.REQ.SERVER.PING"),
    ],
)
async def test_the_server_keeps_a_provider_to_its_own_services(bus: Workbench, verb: str, subject: str) -> None:
    refused: asyncio.Queue[Exception] = asyncio.Queue()
    connection = await bus.nats_client("provider", refused.put)
    await (connection.subscribe(subject) if verb == "subscription" else connection.publish(subject, b"{}"))
    said = str(await asyncio.wait_for(refused.get(), 5)).lower()
    await connection.close()
    assert f'permissions violation for {verb} to "{subject.lower()}"' in said


async def test_copies_come_and_go_under_load_without_losing_a_call(bus: Workbench) -> None:
    stop = asyncio.Event()
    statuses: list[int] = []

    async def load() -> None:
        for _ in until_set(stop):
            got = await bus.call()
            statuses.append(got.status)

    stays = await bus.serve()
    callers = [asyncio.create_task(load()) for _ in range(32)]
    for _ in range(8):
        adapter = await bus.serve()
        target = len(statuses) + 100
        async with asyncio.timeout(20):
            while len(statuses) < target:
                await asyncio.sleep(0)
        await bus.unserve(adapter)
    stop.set()
    await asyncio.gather(*callers)
    await bus.unserve(stays)
    assert set(statuses) == {200}


async def test_answers_are_held_while_nats_does_not_read_and_none_is_lost(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    reached: list[dict[str, Any]] = []
    may_answer = asyncio.Event()

    async def large(request: dict[str, Any], call: Call) -> dict[str, Any]:
        reached.append(request)
        await may_answer.wait()
        return {"ketQua": "x" * 1_000_000}

    adapter = await bus.serve(read=large)
    answers: asyncio.Queue[bytes] = asyncio.Queue()
    gateway = await connect_for_calls(bus.endpoint("gateway"), "test")
    await gateway.subscribe("_INBOX.test.*", lambda subject, reply, data, headers: answers.put_nowait(data))
    deadline = int(time.time() * 1000) + 60_000
    for number in range(40):  # 40 MB, of which 16 may wait to be sent
        context = wire.Context(str(number), "alpha", "H49.1", "", "1.0.0", deadline, "")
        gateway.publish_nowait("svc.desk.v1.read", wire.request(context, b"{}"), f"_INBOX.test.{number}")
    async with asyncio.timeout(20):
        while len(reached) < 40:
            await asyncio.sleep(0.01)
    bus.nats.signal(signal.SIGSTOP)
    may_answer.set()
    with contextlib.suppress(OutboundBufferLimitError):  # it waits for room
        async with asyncio.timeout(20):
            while True:
                bus.adapters[adapter].publish_nowait("svc.nobody", b"")
                await asyncio.sleep(0.01)
    bus.nats.signal(signal.SIGCONT)
    for _ in range(40):
        assert len(await asyncio.wait_for(answers.get(), 20)) > 1_000_000
    await gateway.close()
