"""Evidence: one entry per passage of an identified caller, on disk before the answer, in groups."""

import asyncio
import hashlib
import json
from typing import Any

from support.workbench import NUMBER, Workbench, idempotency_key

from lgsp_adapters.adapter import Call
from lgsp_contracts.entry import SALT_HEADER
from lgsp_gateway.calls.record import CallRecord


async def test_an_entry_proves_what_was_sent_and_answered(bus: Workbench) -> None:
    adapter = await bus.serve()
    body = json.dumps({"soDinhDanh": NUMBER}, indent=3).encode()
    got = await bus.call("read", body)
    entry = await bus.entry(got.message)
    await bus.unserve(adapter)
    salt = bytes.fromhex(got.headers[SALT_HEADER])
    assert len(salt) == 16
    assert entry["requestDigest"] == hashlib.sha256(salt + body).hexdigest()
    assert entry["answerDigest"] == hashlib.sha256(salt + got.body).hexdigest()
    assert salt.hex() not in json.dumps(entry)
    assert (entry["requestSize"], entry["answerSize"]) == (len(body), len(got.body))
    assert len(entry["subject"]) == 32


async def test_the_same_documents_have_other_digests_in_each_entry(bus: Workbench) -> None:
    """Also where an answer is the one that an Idempotency-Key got before; a refusal comes with its salt too."""
    seen: list[str] = []

    async def told(request: dict[str, Any], call: Call) -> dict[str, Any]:
        seen.append(call.context.salt)
        return {"ketQua": "KHOP"}

    adapter = await bus.serve(register=told)
    key = {"Idempotency-Key": idempotency_key()}
    answers = [await bus.call("register", headers=key) for _ in range(2)]
    answers.append(await bus.call("read", b'{"soDinhDanh":"1"}'))
    entries = [await bus.entry(got.message) for got in answers]
    await bus.unserve(adapter)
    assert [entry["outcome"] for entry in entries] == ["answered", "replayed", "contract-violation"]
    salts = [got.headers[SALT_HEADER] for got in answers]
    assert len(set(salts)) == 3
    assert seen == salts[:1]
    assert entries[0]["requestSize"] == entries[1]["requestSize"]
    assert entries[0]["requestDigest"] != entries[1]["requestDigest"]
    assert entries[0]["answerDigest"] != entries[1]["answerDigest"]
    replayed = bytes.fromhex(salts[1])
    assert entries[1]["answerDigest"] == hashlib.sha256(replayed + answers[0].body).hexdigest()
    refused = bytes.fromhex(salts[2])
    assert entries[2]["requestDigest"] == hashlib.sha256(refused + b'{"soDinhDanh":"1"}').hexdigest()


async def test_a_person_has_one_pseudonym(bus: Workbench) -> None:
    adapter = await bus.serve()
    numbers = [NUMBER, "022093001235", NUMBER]
    messages = [(await bus.call("read", {"soDinhDanh": number})).message for number in numbers]
    subjects = [(await bus.entry(message))["subject"] for message in messages]
    await bus.unserve(adapter)
    assert subjects[0] == subjects[2] != subjects[1]


def test_an_entry_is_json_whatever_its_names_hold() -> None:
    strange = 'Sở "Y tế" \\ \n\t'
    record = CallRecord("019ab", "1" * 32, "desk", strange, "gw-1", 0.0, 0, bytes(16), provider=strange, grant=strange)
    entry = json.loads(record.finish())
    assert [entry["agency"], entry["provider"], entry["grant"]] == [strange] * 3
    assert b"\n" not in record.finish()


async def test_calls_that_finish_together_share_a_publish(bus: Workbench) -> None:
    adapter = await bus.serve()
    before, counted = len(await bus.entries()), await _written(bus)
    for _ in range(5):
        await bus.call()
    alone = await _written(bus)
    assert [alone[name] - counted[name] for name in ("batches", "entries")] == [5, 5]  # nobody to share with
    answers = await asyncio.gather(*(bus.call() for _ in range(300)))
    entries = (await bus.entries())[before + 5 :]
    await bus.unserve(adapter)
    assert {got.status for got in answers} == {200}
    assert sorted(entry["message"] for entry in entries) == sorted(got.message for got in answers)
    together = await _written(bus)
    assert together["entries"] - alone["entries"] == 300
    assert 0 < together["batches"] - alone["batches"] < 150


async def _written(bus: Workbench) -> dict[str, float]:
    """How many batches and entries the gateway has written."""
    async with bus.session.get("/metrics") as answer:
        lines = dict(line.rsplit(" ", 1) for line in (await answer.text()).splitlines() if not line.startswith("#"))
    return {name: float(lines[f"lgsp_evidence_{name}_total"]) for name in ("batches", "entries")}


async def test_only_an_auditor_reads_it(bus: Workbench) -> None:
    for system, status in (("auditor", 200), ("alpha", 403)):
        headers = {"Authorization": f"Bearer {bus.token(system)}"}
        async with bus.session.get("/evidence/entries", headers=headers) as answer:
            assert answer.status == status
    async with bus.session.get("/evidence/entries") as answer:
        assert answer.status == 401
    headers = {"Authorization": f"Bearer {bus.token('auditor')}"}
    async with bus.session.get("/evidence/entries?last=x", headers=headers) as answer:
        assert answer.status == 400


async def test_a_follower_sees_what_comes(bus: Workbench) -> None:
    headers = {"Authorization": f"Bearer {bus.token('auditor')}"}
    async with bus.session.get("/evidence/entries?last=0&follow=true", headers=headers) as stream:
        got = await bus.call(system="gamma")
        async with asyncio.timeout(20):
            line = await anext(line async for line in aiter(stream.content) if line.startswith(b"data: "))
    assert json.loads(line[6:])["message"] == got.message
