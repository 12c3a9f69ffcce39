"""Evidence: one entry per passage of an identified caller, on disk before the answer, in groups."""

import asyncio
import hashlib
import json

from support.workbench import NUMBER, Workbench

from lgsp_gateway.calls.record import Passage


async def test_an_entry_proves_what_was_sent_and_answered(bus: Workbench) -> None:
    adapter = await bus.serve()
    body = json.dumps({"soDinhDanh": NUMBER}, indent=3).encode()
    got = await bus.call("read", body)
    entry = await bus.entry(got.message)
    await bus.unserve(adapter)
    assert entry["requestSha256"] == hashlib.sha256(body).hexdigest()
    assert entry["answerSha256"] == hashlib.sha256(got.body).hexdigest()
    assert (entry["requestSize"], entry["answerSize"]) == (len(body), len(got.body))
    assert len(entry["subject"]) == 32


async def test_a_person_has_one_pseudonym(bus: Workbench) -> None:
    adapter = await bus.serve()
    numbers = [NUMBER, "022093001235", NUMBER]
    messages = [(await bus.call("read", {"soDinhDanh": number})).message for number in numbers]
    subjects = [(await bus.entry(message))["subject"] for message in messages]
    await bus.unserve(adapter)
    assert subjects[0] == subjects[2] != subjects[1]


def test_an_entry_is_json_whatever_its_names_hold() -> None:
    strange = 'Sở "Y tế" \\ \n\t'
    passage = Passage("019ab", "1" * 32, "desk", strange, "gw-1", 0.0, 0, provider=strange, grant=strange)
    entry = json.loads(passage.entry())
    assert [entry["agency"], entry["provider"], entry["grant"]] == [strange] * 3
    assert b"\n" not in passage.entry()


async def test_calls_that_finish_together_share_a_publish(bus: Workbench) -> None:
    adapter = await bus.serve()
    before = len(await bus.entries())
    answers = await asyncio.gather(*(bus.call() for _ in range(300)))
    entries = (await bus.entries())[before:]
    await bus.unserve(adapter)
    assert {got.status for got in answers} == {200}
    assert sorted(entry["message"] for entry in entries) == sorted(got.message for got in answers)
    async with bus.session.get("/metrics") as answer:
        lines = dict(line.rsplit(" ", 1) for line in (await answer.text()).splitlines() if not line.startswith("#"))
    assert float(lines["lgsp_evidence_groups_total"]) < float(lines["lgsp_evidence_entries_total"])


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
        async for line in stream.content:
            if line.startswith(b"data: "):
                assert json.loads(line[6:])["message"] == got.message
                break
