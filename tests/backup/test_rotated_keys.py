"""Backups of a bus whose log key was changed: the next one builds on the last, and auditors go on with the key that they have."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.backups import BackedUp
from support.preloaded import run
from support.waits import eventually

from lgsp_gateway.evidence.verify.instance_note import InstanceNote
from lgsp_gateway.evidence.verify.signers import FileLogKey, Signer, succeed

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture
async def backed_up(tmp_path: Path) -> AsyncIterator[BackedUp]:
    backed_up = await BackedUp(tmp_path).start()
    yield backed_up
    await backed_up.bus.stop()


async def signs_anew(backed_up: BackedUp) -> None:
    """Make calls until a checkpoint names the succession of the key."""
    bus = backed_up.bus
    headers = {"Authorization": f"Bearer {bus.token('auditor')}"}

    async def names_it() -> bool:
        await bus.call()
        async with bus.session.get("/evidence/logs", headers=headers) as answer:
            return all("\nsuccessor " in log["checkpoint"] for log in (await answer.json())["items"])

    await eventually(names_it)


async def test_a_bus_with_a_rotated_log_key_is_backed_up_on_and_restored(backed_up: BackedUp) -> None:
    bus = backed_up.bus
    await bus.serve()
    for _ in range(3):
        await bus.call()
    await backed_up.signed(3)
    auditor = await backed_up.auditors_keys()
    await backed_up.backup()
    place = Path(backed_up.place)
    first = set(place.glob("chunk-*"))
    keys = ["--keys", str(bus.state.keys)]
    code, out, err = await run("keys", "rotate-log", *keys)
    assert code == 0, (out, err)
    await signs_anew(backed_up)
    await backed_up.backup()
    assert first < set(place.glob("chunk-*")), "it builds on the one that the old key has signed"
    code, out, err = await run("backup", "prune", backed_up.place, *keys)
    assert code == 0, (out, err)
    code, out, err = await run(
        *("backup", "verify", backed_up.place, "--identity", str(backed_up.identity)),
        *("--verifier-key", str(auditor)),
    )
    assert (code, "the evidence is whole: bench" in out) == (0, True), (out, err)

    await backed_up.lose()
    code, out, err = await backed_up.restore("--verifier-key", str(auditor))
    assert (code, "from now on called restored-1.lgsp/bench" in out) == (0, True), (out, err)
    await backed_up.restart()
    await bus.serve()
    assert (await bus.call()).status == 200
    await signs_anew(backed_up)
    code, out, err = await backed_up.evidence_is_whole(auditor)
    assert (code, "whole" in out) == (0, True), (out, err)
    await backed_up.backup()


async def test_a_backup_says_that_a_key_is_in_a_token_which_a_restore_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("softhsm2-util") or not SOFTHSM.exists():
        pytest.skip("softhsm2 is missing: apt-get install softhsm2")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    environment = {"SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf")}
    monkeypatch.setenv(*environment.popitem())
    pin = tmp_path / "pin"
    pin.write_text("135790\n")
    initialise = ["softhsm2-util", "--init-token", "--free", "--label", "lgsp", "--pin", "135790", "--so-pin", "246800"]
    subprocess.run(initialise, check=True, capture_output=True)
    token = ["--pkcs11-module", str(SOFTHSM), "--pkcs11-pin-file", str(pin)]
    environment = {"SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf")}
    backed_up = await BackedUp(tmp_path, environment=environment).start()
    bus = backed_up.bus
    try:
        await bus.serve()
        await bus.call()
        await backed_up.signed(1)
        auditor = await backed_up.auditors_keys()
        await backed_up.backup()
        moved = ["keys", "move-to-token", "--module", str(SOFTHSM), "--pin-file", str(pin)]
        code, out, err = await backed_up.run(*moved, "--keys", str(bus.state.keys))
        assert code == 0, (out, err)
        await bus.gateway.stop()
        bus.gateway.command += token
        await bus.gateway.start()
        await bus.ready()
        await signs_anew(backed_up)
        said = await backed_up.backup()
        assert "is in a PKCS#11 token and not in the backup; keep a second token" in said
        code, out, err = await backed_up.verify()
        assert (code, "the evidence is whole" in out) == (0, True), (out, err)
        await backed_up.lose()
        code, out, err = await backed_up.restore()
        assert (code, "name that token, or a copy of it, by --pkcs11-module" in err) == (1, True), (out, err)
        code, out, err = await backed_up.restore(*token, "--verifier-key", str(auditor))
        assert (code, "from now on called restored-1.lgsp/bench" in out) == (0, True), (out, err)
    finally:
        await bus.stop()


def test_a_gateway_is_known_by_any_key_of_its_log() -> None:
    old, new, other = (FileLogKey(bytes([number]) * 32) for number in (1, 2, 3))
    before, after = Signer("lgsp/gw-1", old), Signer("lgsp/gw-1", new, (succeed(old, new.public),))
    note = InstanceNote("lgsp/gw-1", "aa", "nonce")
    assert InstanceNote.verified(note.signed(after), "nonce", (old.public,)) == note, "a copy of before the rotation"
    assert InstanceNote.verified(note.signed(before), "nonce", (new.public, old.public)) == note
    assert InstanceNote.verified(note.signed(after), "nonce", (other.public,)) is None
    assert InstanceNote.verified(note.signed(after), "another", (old.public,)) is None
