"""Evidence that version 0.1 wrote is read, found, verified, proved, archived and witnessed by today's gateways, which go on from it."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support import kept_evidence
from support.kept_evidence import FOLDER, KeptBus
from support.preloaded import run

from lgsp_gateway.evidence.archive.file_format import Archive
from lgsp_gateway.evidence.verify import merkle
from lgsp_gateway.evidence.verify.inclusion_proof import verify_proof
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.local import nats_config

DOMAIN = "lgsp.quangninh.gov.vn"


@pytest_asyncio.fixture(params=["", DOMAIN], ids=["the same origin", "a new origin"])
async def kept(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[KeptBus]:
    bus = await KeptBus(tmp_path).start(*(["--domain", request.param] if request.param else []))
    yield bus
    await bus.stop()


async def test_what_was_written_then_is_read_found_and_proved(kept: KeptBus) -> None:
    keys, calls = kept_evidence.keys(), kept_evidence.calls()
    assert {call.gateway for call in calls} == {"bench", "other"}
    for call in calls:
        found = await kept.searched.indexed(call.message)
        assert (found["operation"] or "unknown", found["status"]) == (call.operation, call.status)
        assert found["gateway"] == call.gateway
        proof = await kept.asked(f"messages/{call.message}/proof")
        request = call.request.encode() if call.code != "unknown-service" else None
        answer = call.answer.encode() if call.status == 200 else None
        entry = verify_proof(proof, LogKeys([keys[call.gateway]]), request, answer)
        assert entry["message"] == call.message
    streamed = {entry["message"]: entry for entry in await kept.bus.entries()}
    assert {call.message for call in calls[-5:]} <= streamed.keys()
    replayed = [entry for entry in streamed.values() if entry["outcome"] == "replayed"]
    assert {entry["operation"] for entry in replayed} == {"register"}


async def test_whole_logs_of_then_are_verified_and_go_on(kept: KeptBus) -> None:
    new = await kept.bus.call()
    await kept.searched.indexed(new.message)
    code, _, err = await run("evidence", "prove", new.message, "-o", str(kept.folder / "new.json"), *kept.remote)
    assert code == 0, err
    trusted = ["--key", str(kept.trusted)]
    code, out, err = await run("evidence", "verify", "--archive", str(kept.archive), *trusted)
    assert (code, out.count("whole")) == (0, 1), err
    code, out, err = await run("evidence", "verify", *trusted, *kept.remote)
    assert (code, out.count("whole")) == (0, 2), err
    code, _, err = await run("evidence", "check", str(kept.folder / "new.json"), *trusted)
    assert code == 0, err
    for gateway, key in kept_evidence.keys().items():
        before = key.verify(kept_evidence.last_checkpoint(gateway))
        [log] = [one for one in (await kept.asked("logs"))["items"] if one["gateway"] == gateway]
        path = await kept.asked(f"logs/{gateway}/consistency?from={before.size}&to={log['size']}")
        steps = [base64.b64decode(step) for step in path["path"]]
        root = base64.b64decode(log["checkpoint"].split("\n")[2])
        assert merkle.verify_consistency(before.root, before.size, root, log["size"], steps)


async def test_a_witness_and_the_archiver_of_then_go_on(kept: KeptBus) -> None:
    new = await kept.bus.call()
    code, _, err = await run("evidence", "prove", new.message, *kept.remote)
    assert code == 0, err
    name = (kept.witnesses).read_text().partition("+")[0]
    code, out, err = await run("evidence", "witness", str(kept.witness), "--name", name, "--once", *kept.remote)
    assert (code, out.count("entries sealed")) == (0, 2), out + err
    nats = ["--nats", kept.bus.nats_url, "--nats-passwords", str(nats_config.passwords(kept.bus.state))]
    command = ["evidence", "archive", "--to", str(kept.archive), "--older-than", "0s", *nats]
    code, out, err = await run(*command, "--keys", str(kept.bus.state.keys))
    assert (code, out.count("archived, verified and deleted")) == (0, 2), out + err
    code, out, err = await run("evidence", "verify", "--archive", str(kept.archive), "--key", str(kept.trusted))
    assert (code, out.count("whole")) == (0, 3), out + err
    for call in (*kept_evidence.calls()[:2], *kept_evidence.calls()[-2:]):
        proof = await kept.asked(f"messages/{call.message}/proof")
        assert json.loads(proof["entry"])["message"] == call.message


async def test_files_of_then_need_no_bus() -> None:
    key = kept_evidence.keys()["bench"]
    proof = json.loads((FOLDER / "proof.json").read_text())
    [call] = [one for one in kept_evidence.calls() if one.message == json.loads(proof["entry"])["message"]]
    assert verify_proof(proof, key, call.request.encode(), call.answer.encode())["outcome"] == "answered"
    command = ["evidence", "check", str(FOLDER / "proof.json"), "--key", str(FOLDER / "keys.txt")]
    code, out, err = await run(*command, "--witness", str(FOLDER / "witnesses.txt"))
    assert (code, "sealed: by" in out) == (0, True), err
    [file] = (FOLDER / "archive").iterdir()
    assert Archive(file).verify(key)[1].size == 38


async def test_the_new_origin_cites_where_the_log_ended_under_the_old_one(tmp_path: Path) -> None:
    kept = await KeptBus(tmp_path).start("--domain", DOMAIN)
    try:
        old = kept_evidence.keys()["bench"].verify(kept_evidence.last_checkpoint("bench"))
        new = await kept.bus.call()
        file = tmp_path / "proof.json"
        assert (await run("evidence", "prove", new.message, "-o", str(file), *kept.remote))[0] == 0
        proof = json.loads(file.read_text())
        now = LogKeys([kept_evidence.keys()["bench"]]).verify(proof["checkpoint"])
        assert now.origin == f"{DOMAIN}/bench"
        assert [(one.origin, one.size, one.root) for one in now.predecessors] == [(old.origin, old.size, old.root)]
        assert json.loads(proof["entry"])["message"] == new.message
        code, out, _ = await run("evidence", "keys", *kept.remote[:2])
        assert (code, [line.partition("+")[0] for line in out.splitlines()]) == (
            0,
            [f"{DOMAIN}/bench", "lgsp/bench", f"{DOMAIN}/other", "lgsp/other"],
        )
        (tmp_path / "now.txt").write_text(out)
        for trusted in (kept.trusted, tmp_path / "now.txt"):
            code, out, err = await run("evidence", "verify", "--key", str(trusted), *kept.remote)
            assert (code, out.count("whole"), f"{DOMAIN}/bench: entries 38 to" in out) == (0, 2, True), out + err
            code, out, err = await run("evidence", "check", str(file), "--key", str(trusted))
            assert (code, f"of {DOMAIN}/bench" in out) == (0, True), err
        # Once it has ended under a name, it does not go on under it.
        await kept.bus.gateway.stop()
        kept.bus.gateway.command = kept.bus.gateway.command[:-2]
        with pytest.raises(AssertionError, match=f"goes on as {DOMAIN}/bench"):
            await kept.bus.gateway.start()
        kept.bus.gateway.command += ["--domain", DOMAIN]
        await kept.bus.gateway.start()
    finally:
        await kept.stop()
