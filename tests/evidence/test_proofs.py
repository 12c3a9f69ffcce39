"""Proving to an outsider: the commands as an auditor uses them, and a verifier that shares no code with ours."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.preloaded import run
from support.searched import Searched
from support.workbench import Workbench
from uuid_utils import uuid7

OUTSIDER = Path(__file__).parents[1] / "support" / "verify_log.mjs"


@dataclass
class Auditor:
    bus: Workbench
    folder: Path

    async def lgsp(self, *arguments: str) -> tuple[int, str, str]:
        remote = ["--url", f"http://127.0.0.1:{self.bus.port}"]
        token = ["--token", self.bus.token("auditor")] if arguments[0] in ("export", "prove") else []
        needs_bus = arguments[0] in ("export", "prove", "keys")
        return await run("evidence", *arguments, *(remote + token if needs_bus else []))

    async def outsider(self, *arguments: str) -> tuple[int, str]:
        node = shutil.which("node")
        assert node, "node is missing, which the independent verifier needs"
        process = await asyncio.create_subprocess_exec(
            node, str(OUTSIDER), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    async def proved(self, message: str, file: Path) -> dict[str, Any]:
        """The proof of a message that passed just now."""
        code, _, err = await self.lgsp("prove", message, "-o", str(file))
        assert code == 0, err
        return dict(json.loads(file.read_text()))

    async def key(self) -> str:
        _, out, _ = await self.lgsp("keys")
        return next(line for line in out.splitlines() if line.startswith("lgsp/bench+"))


@pytest_asyncio.fixture
async def auditor(bus: Workbench, tmp_path: Path) -> AsyncIterator[Auditor]:
    served = await bus.serve()
    yield Auditor(bus, tmp_path)
    await bus.unserve(served)


async def test_a_message_is_proved_to_an_outsider(auditor: Auditor) -> None:
    body = b'{"soDinhDanh": "022093001234"}'
    got = await auditor.bus.call(body=body)
    file, request, answer = (auditor.folder / name for name in ("proof.json", "request", "answer"))
    proof = await auditor.proved(got.message, file)
    request.write_bytes(body)
    answer.write_bytes(got.body)
    key = await auditor.key()
    files = ["--request", str(request), "--answer", str(answer)]
    mine = [*files, "--salt", got.headers["Lgsp-Digest-Salt"]]
    code, out, err = await auditor.lgsp("check", str(file), "--key", key, *mine)
    assert code == 0, err
    assert f"proved: entry {proof['index']} of lgsp/bench" in out
    assert await auditor.outsider("proof", str(file), key) == (0, f"proved: {got.message}\n")
    code, _, err = await auditor.lgsp("check", str(file), "--key", key, *files)
    assert (code, "--salt" in err) == (1, True), err
    code, _, err = await auditor.lgsp("check", str(file), "--key", key, *files, "--salt", "0" * 32)
    assert (code, "not what passed" in err) == (1, True), err
    answer.write_bytes(b'{"ketQua":"KHONG_KHOP"}')
    code, _, err = await auditor.lgsp("check", str(file), "--key", key, *mine)
    assert (code, "answer" in err) == (1, True)


async def test_a_forged_proof_proves_nothing(auditor: Auditor) -> None:
    for _ in range(3):
        got = await auditor.bus.call()
    file, key = auditor.folder / "proof.json", await auditor.key()
    proof = await auditor.proved(got.message, file)
    for change in (
        {"entry": proof["entry"].replace("answered", "refused")},
        {"index": proof["index"] - 1},
        {"path": proof["path"][:-1]},
        {"checkpoint": proof["checkpoint"].replace("\n", "1\n", 2)},
    ):
        file.write_text(json.dumps(proof | change))
        code, _, err = await auditor.lgsp("check", str(file), "--key", key)
        assert (code, "not true" in err) == (1, True), err
        assert (await auditor.outsider("proof", str(file), key))[0] != 0


@pytest.mark.parametrize("seals", [5, True, None, {"by": "x"}, [5], ["x"], [{}]])
async def test_cosignatures_of_another_shape_are_no_proof(auditor: Auditor, seals: Any) -> None:
    got = await auditor.bus.call()
    file = auditor.folder / "proof.json"
    proof = await auditor.proved(got.message, file)
    file.write_text(json.dumps(proof | {"seals": seals}))
    code, _, err = await auditor.lgsp("check", str(file), "--key", await auditor.key())
    assert (code, "not true" in err, "Traceback" in err) == (1, True, False), err


async def test_an_export_is_verified_without_the_bus(auditor: Auditor) -> None:
    got = await auditor.bus.call()
    await auditor.proved(got.message, auditor.folder / "proof.json")
    code, _, err = await auditor.lgsp("export", str(auditor.folder / "logs"))
    assert code == 0, err
    code, out, err = await auditor.lgsp("verify", str(auditor.folder / "logs"))
    assert (code, "lgsp/bench:" in out) == (0, True), err
    entries, notes = (auditor.folder / "logs" / f"bench.{kind}" for kind in ("jsonl", "checkpoints.json"))
    code, said = await auditor.outsider("log", str(entries), str(notes), await auditor.key())
    assert (code, said.startswith("whole")) == (0, True), said
    lines = entries.read_bytes().splitlines(keepends=True)
    entries.write_bytes(b"".join(lines[:-1]))
    code, _, err = await auditor.lgsp("verify", str(auditor.folder / "logs"))
    assert (code, "missing" in err) == (1, True)
    assert (await auditor.outsider("log", str(entries), str(notes), await auditor.key()))[0] != 0


async def test_a_log_continues_its_older_self(auditor: Auditor) -> None:
    got = await auditor.bus.call()
    proof = await auditor.proved(got.message, auditor.folder / "proof.json")
    size = int(proof["checkpoint"].split("\n")[1])
    session, headers = auditor.bus.session, {"Authorization": f"Bearer {auditor.bus.token('auditor')}"}
    path = f"/evidence/logs/bench/consistency?from=1&to={size}"
    async with session.get(path, headers=headers) as answer:
        assert answer.status == 200
        assert (await answer.json())["path"] or size == 1
    async with session.get(f"/evidence/logs/bench/consistency?from={size + 9}&to=1", headers=headers) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("path", ["logs", "logs/bench/entries", "logs/bench/checkpoints", "messages/x/proof"])
async def test_only_an_auditor_reads(bus: Workbench, path: str) -> None:
    headers = {"Authorization": f"Bearer {bus.token('alpha')}"}
    async with bus.session.get(f"/evidence/{path}", headers=headers) as answer:
        assert answer.status == 403


async def test_a_message_that_never_passed_is_not_waited_for(auditor: Auditor) -> None:
    """One of long ago: no checkpoint to come covers it. One of now is waited for as long as was asked."""
    code, _, err = await auditor.lgsp("prove", "019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11")
    assert (code, "checkpoint" in err) == (1, True), err
    headers = {"Authorization": f"Bearer {auditor.bus.token('auditor')}"}
    async with auditor.bus.session.get(f"/evidence/messages/{uuid7()}/proof?wait=1", headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "not-found")


async def test_proofs_of_messages_of_now_are_waited_for_with_an_index_too(searched: Searched) -> None:
    headers = {"Authorization": f"Bearer {searched.bus.token('auditor')}"}
    for _ in range(3):
        message = (await searched.bus.call()).message
        async with searched.bus.session.get(f"/evidence/messages/{message}/proof?wait=20", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            assert json.loads((await answer.json())["entry"])["message"] == message
