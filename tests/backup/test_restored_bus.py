"""The machine is gone: a bus is restored from its backup, and goes on as the same bus."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.backups import BackedUp
from support.changes import Changes
from support.filings import pdf
from support.later import Register, named, send
from support.preloaded import run
from support.waits import eventually
from support.workbench import TEXT


@pytest.fixture
async def backed_up(tmp_path: Path) -> AsyncIterator[BackedUp]:
    backed_up = await BackedUp(tmp_path).start()
    yield backed_up
    await backed_up.bus.stop()


async def test_the_same_bus_answers_after_its_machine_is_gone(backed_up: BackedUp, tmp_path: Path) -> None:
    bus = backed_up.bus
    adapter = await bus.serve()
    answered = [await bus.call() for _ in range(20)]
    await bus.unserve(adapter)
    waiting = [(await send(bus, "register", named(f"before {number}"))).message for number in range(3)]
    content = pdf(700_000)
    file = (await bus.upload(content)).json["href"]
    await backed_up.signed(24)
    auditor, token = await backed_up.auditors_keys(), bus.token("alpha")
    witness = ["evidence", "witness", str(tmp_path / "witness"), "--name", "kiem-toan.example", "--once"]
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")]
    await backed_up.backup()
    async with bus.session.get("/metrics") as metrics:
        assert "lgsp_backup_last_success_timestamp_seconds" in await metrics.text()
    refused = await backed_up.restore()
    assert (refused[0], "data of a bus is here" in refused[2]) == (1, True), refused
    late = (await send(bus, "register", named("after the backup"))).message
    await backed_up.signed(25)
    await run(*witness, *remote)

    await backed_up.lose()
    code, out, err = await backed_up.restore()
    assert (code, "from now on called restored-1.lgsp/bench" in out) == (0, True), (out, err)
    assert (await backed_up.restore())[0] == 0, "nothing has happened since: it is the same restore"
    await backed_up.restart()

    assert bus.token("alpha") == token, "a token of before"
    register = Register()
    await bus.serve(register=register.register)
    assert (await bus.call()).status == 200

    async def answered_all() -> bool:
        return all([(await bus.ask("GET", f"/messages/{one}")).json["state"] == "answered" for one in waiting])

    await eventually(answered_all)
    assert sorted(register.names) == [f"before {number}" for number in range(3)], "each once"
    assert (await bus.ask("GET", f"/messages/{late}")).status == 404, "accepted after the backup: it is lost"
    assert (await bus.ask("GET", file)).body == content
    known = {entry["message"] for entry in await bus.entries()}
    assert {one.message for one in answered} <= known
    await backed_up.signed(26)
    code, out, err = await backed_up.evidence_is_whole(auditor)
    assert (code, "whole" in out) == (0, True), (out, err)
    code, _, err = await run(*witness, *remote)
    assert code != 0
    assert "of 25 entries of the log bench that were seen 24 are left: those from 24 to 24 are lost" in err


async def test_only_what_came_since_is_stored_and_only_the_owner_reads_it(backed_up: BackedUp) -> None:
    bus = backed_up.bus
    await bus.serve()
    content = pdf(3_000_000)
    await bus.upload(content)
    for _ in range(5):
        await bus.call()
    await backed_up.signed(6)
    await backed_up.backup()
    place = Path(backed_up.place)
    first = {path.name: path.stat().st_size for path in place.glob("chunk-*")}
    assert sum(first.values()) > len(content)
    await bus.call()
    await backed_up.signed(7)
    await backed_up.backup()
    added = sum(path.stat().st_size for path in place.glob("chunk-*") if path.name not in first)
    assert added < 200_000
    stored = b"".join(path.read_bytes() for path in place.iterdir())
    for secret in ((bus.state.keys / "evidence-log.key").read_bytes(), b"alpha-desk", content[1000:1032]):
        assert secret not in stored
    code, out, err = await backed_up.verify()
    assert (code, "the evidence is whole: bench 7" in out) == (0, True), (out, err)
    another = backed_up.folder / "another.txt"
    await run("backup", "keygen", str(another))
    code, _, err = await run("backup", "verify", backed_up.place, "--identity", str(another))
    assert (code, "does not open the backup" in err) == (1, True), err
    largest = max(place.glob("chunk-*"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-1] + b"x")
    code, _, err = await run("backup", "verify", backed_up.place)
    assert (code, "The backup is not whole" in err) == (1, True), err


async def test_the_registry_as_it_was_at_a_time(backed_up: BackedUp) -> None:
    bus = backed_up.bus
    before = (await bus.registry("GET", "grants/beta-desk")).json
    revision = before["metadata"]["revision"]
    made = await Changes(bus).put("Agency", "H49.9", title=TEXT)
    newest = made.json["metadata"]["revision"] - 1
    suspended = await bus.registry("POST", "grants/beta-desk/suspend", {"reason": "by mistake"})
    assert suspended.status == 200, suspended.body
    await backed_up.backup()
    await backed_up.lose()
    code, out, err = await backed_up.restore("--registry-at", str(newest))
    assert (code, "2 documents" in out) == (0, True), (out, err)
    await backed_up.restart()
    now = (await bus.registry("GET", "grants/beta-desk")).json
    assert now["metadata"]["revision"] > revision
    assert {**now, "metadata": {}} == {**before, "metadata": {}}
    assert (await bus.registry("GET", "agencies/H49.9")).status == 404
    history = (await bus.registry("GET", "grants/beta-desk/history")).json["items"]
    assert [one["metadata"].get("reason") for one in history][:2] == [f"as of {newest}", "by mistake"]


async def test_what_was_archived_between_backups_is_not_in_the_later_one(backed_up: BackedUp) -> None:
    bus = backed_up.bus
    await bus.serve()
    for _ in range(5):
        await bus.call()
    await backed_up.signed(5)
    await backed_up.backup()
    archive = str(backed_up.folder / "archive")
    keys = ["--keys", str(bus.state.keys)]
    code, out, err = await run("evidence", "archive", "--to", archive, "--older-than", "0s", *backed_up.nats, *keys)
    assert (code, "5 entries archived" in out) == (0, True), (out, err)
    for _ in range(3):
        await bus.call()
    await backed_up.signed(8)
    await backed_up.backup()
    code, out, err = await backed_up.verify()
    assert (code, "the evidence is whole: bench 8" in out) == (0, True), (out, err)
    await backed_up.lose()
    code, out, err = await backed_up.restore()
    assert (code, "LGSP_EVIDENCE: 3 messages" in out) == (0, True), (out, err)
    await backed_up.restart()
    assert len(await bus.entries()) == 3
