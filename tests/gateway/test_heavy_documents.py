"""What takes long to check is checked beside the gateway: the same answers, and nobody waits for anybody else's documents."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from support.workbench import EXAMPLE, NUMBER, TEXT, Workbench

from lgsp_adapters.adapter import Call
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.projection import Projection
from lgsp_gateway.document_workers.pool import DocumentWorkerError, DocumentWorkers
from lgsp_gateway.document_workers.turns import MAX_WAITING
from lgsp_problems import Refusal

ROWS = {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}}
RUNAWAY = {
    "properties": {"in": {"$ref": "#/$defs/r"}},
    "$defs": {"r": {"anyOf": [{"properties": {"a": {"$ref": "#/$defs/r"}}, "required": [name]} for name in "yz"]}},
}
"""Each level of a document that it refuses costs twice what the one above did."""


def operation(request: dict[str, Any], response: Any = None, **more: Any) -> Operation:
    told = {"title": TEXT, "request": request, "response": response or {}, "example": {"request": {}, "response": {}}}
    about = {"service": "x", "version": "1.0.0", "title": TEXT, "provider": "p", "classification": "open"}
    return Contract.from_document({**about, "operations": {"x": {**told, **more}}}).operations["x"]


@pytest_asyncio.fixture
async def workers() -> AsyncIterator[DocumentWorkers]:
    found = DocumentWorkers()
    yield found
    await found.stop()


async def test_it_says_what_the_gateway_says(workers: DocumentWorkers) -> None:
    asked = operation(
        {"properties": {"so": {"type": "string"}, "r": ROWS}}, ROWS | {"type": ["array", "object"]}, subject="/so"
    )
    assert (
        await workers.subject_of_request("a", asked, json.dumps({"so": NUMBER, "r": [{"a": "x"}]}).encode()) == NUMBER
    )
    for body in (
        b'{"r": [{"a": 1}, {"a": "x"}, {"a": 2}]}',
        b'{"r": "x", "r": 1}',
        b'{"so": "\\u0000"}',
        b"{",
        b"\xff\xfe{\x00",
    ):
        with pytest.raises(Refusal) as there:
            await workers.subject_of_request("a", asked, body)
        with pytest.raises(Refusal) as here:
            asked.check_request(body)
        assert there.value.detail == here.value.detail
        assert there.value.violations == here.value.violations
    await workers.check_answer("a", asked, b'[{"a": "x"}]')
    with pytest.raises(Refusal) as refused:
        await workers.check_answer("a", asked, b'[{"a": 1}]')
    assert refused.value.private == "breaks /items/properties/a/type"
    assert await workers.project("a", Projection(["/a"]), b'{"a": 1.10, "b": 2}') == b'{"a":1.10}'


async def test_a_contract_raises_its_limits(workers: DocumentWorkers) -> None:
    body = json.dumps({"r": [{"a": "x"}] * 60_000}).encode()
    with pytest.raises(Refusal) as refused:
        await workers.subject_of_request("a", operation({"properties": {"r": ROWS}}), body)
    assert refused.value.code == "too-large"
    wide = operation({"properties": {"r": ROWS}}, limits={"values": 200_000})
    assert await workers.subject_of_request("a", wide, body) is None


async def test_what_runs_away_is_ended(workers: DocumentWorkers) -> None:
    document: dict[str, Any] = {}
    for _ in range(40):
        document = {"a": document}
    running = operation(RUNAWAY)
    with pytest.raises(Refusal) as refused:
        await workers.subject_of_request("a", running, json.dumps({"in": document}).encode())
    assert refused.value.code == "too-large"
    assert await workers.subject_of_request("a", running, b"{}") is None


async def test_each_waits_for_itself(workers: DocumentWorkers) -> None:
    """One sends many documents, another one: it does not wait for the many."""
    asked, body = operation({"properties": {"r": ROWS}}), json.dumps({"r": [{"a": "x"}] * 40_000}).encode()
    done: list[str] = []

    async def ask(consumer: str) -> None:
        await workers.subject_of_request(consumer, asked, body)
        done.append(consumer)

    await asyncio.gather(ask("many"), ask("one"))  # both processes have started: that takes longer than a document
    done.clear()
    many = [asyncio.create_task(ask("many")) for _ in range(8)]
    await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(*many, ask("one")), 20)
    assert done.index("one") < len(many) // 2
    assert len(done) == 9


async def test_too_many_of_one_are_refused(workers: DocumentWorkers) -> None:
    asked = operation({})
    calls = [workers.subject_of_request("many", asked, b"{}") for _ in range(MAX_WAITING + 5)]
    said = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 20)
    assert {one.code for one in said if isinstance(one, Refusal)} == {"quota-exceeded"}
    assert said.count(None) == MAX_WAITING + 1


async def test_a_killed_process_is_started_again(workers: DocumentWorkers) -> None:
    asked = operation({})
    await workers.subject_of_request("a", asked, b"{}")
    [child] = _children(os.getpid())
    os.kill(child, signal.SIGKILL)
    with pytest.raises(Refusal):
        await workers.subject_of_request("a", asked, b"{}")
    assert await workers.subject_of_request("a", asked, b"{}") is None


async def test_a_defect_is_not_blamed_on_the_document(workers: DocumentWorkers) -> None:
    with structlog.testing.capture_logs() as logs, pytest.raises(DocumentWorkerError):
        await workers.describe("a", "page", b"{}", notices=1)
    [line] = [line for line in logs if line["event"] == "document worker raised"]
    assert line["frames"][0] == "TypeError"
    assert line["frames"][-1].endswith("_run_page")
    assert await workers.subject_of_request("a", operation({}), b"{}") is None


async def test_who_gives_up_takes_nobody_s_turn(workers: DocumentWorkers) -> None:
    asked, body = operation({"properties": {"r": ROWS}}), json.dumps({"r": [{"a": "x"}] * 40_000}).encode()
    calls = [asyncio.create_task(workers.subject_of_request("a", asked, body)) for _ in range(4)]
    await asyncio.sleep(0)
    for call in calls[:3]:
        call.cancel()
    assert await asyncio.wait_for(calls[3], 20) is None
    assert await asyncio.wait_for(workers.subject_of_request("a", asked, body), 20) is None


def _children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, status = (folder / "cmdline").read_bytes(), (folder / "stat").read_text()
        except OSError:
            continue
        if b"document_workers.worker" in command and int(status.rpartition(")")[2].split()[1]) == pid:
            found.append(int(folder.name))
    return found


HOSTILE = {
    "nested": (b'{"hoVaTen":[' + b",".join([b'{"a":[[]]}'] * 95_000) + b"]}", {413, 422}),
    "nested within the limits": (b'{"hoVaTen":[' + b",".join([b'{"a":[[]]}'] * 20_000) + b"]}", {422}),
    "fields": (b"{" + b",".join(b'"f%d":1' % n for n in range(85_000)) + b"}", {413}),
    "fields within the limits": (b"{" + b",".join(b'"f%d":1' % n for n in range(4_900)) + b"}", {422}),
    "numbers": (b'{"hoVaTen":[' + b",".join([b"1"] * 520_000) + b"]}", {413}),
    "one text": (b'{"soDinhDanh":"' + b"x" * 1_000_000 + b'"}', {422}),
    "colons": (b'{"hoVaTen":"' + b":" * 1_000_000 + b'"}', {422}),
    "escapes": (b'{"hoVaTen":"' + b"\\u0041" * 160_000 + b'\\u0000"}', {422}),
    "no JSON": (b"[" * 1_000_000, {400}),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_documents_get_their_refusal(bus: Workbench, name: str) -> None:
    body, statuses = HOSTILE[name]
    got = await asyncio.wait_for(bus.call("read", body), 20)
    assert got.status in statuses, got.body[:300]
    assert len(got.body) < 20_000
    entry = await bus.entry(got.message)
    assert (entry["status"], entry["requestSize"]) == (got.status, len(body))


async def test_a_large_answer_arrives_whole_and_without_what_is_hidden(bus: Workbench) -> None:
    text = (
        '{"ketQua":"' + "x" * 90_000 + '","cha":{"hoVaTen":"An","tonGiao":"-","so":12345678901234567.890},"biMat":"m"}'
    )
    large = json.loads(text)

    async def answer(request: dict[str, Any], call: Call) -> dict[str, Any]:
        return {**large, "cha": {**large["cha"], "con": [{"hoVaTen": str(n)} for n in range(8_000)]}}

    served = await bus.serve(read=answer, narrow=answer)
    whole, narrow = await bus.call("read"), await bus.call("narrow")
    await bus.unserve(served)
    assert (whole.status, narrow.status) == (200, 200), (whole.body[:200], narrow.body[:200])
    assert len(whole.json["cha"]["con"]) == 8_000
    assert narrow.json == {"ketQua": large["ketQua"], "cha": {"hoVaTen": "An"}}


async def test_the_rules_that_an_answer_breaks_are_in_the_log(bus: Workbench) -> None:
    async def answer(request: dict[str, Any], call: Call) -> dict[str, Any]:
        return {**EXAMPLE["response"], "cha": [{"a": n} for n in range(9_000)]}

    served = await bus.serve(read=answer)
    got = await bus.call("read")
    await bus.unserve(served)
    assert (got.status, got.code) == (502, "provider-broke-contract")
    assert "/properties/cha/type" in bus.gateway.log.read_text()
