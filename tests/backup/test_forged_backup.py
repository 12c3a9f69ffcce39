"""Whoever can write to the place of the backups can make one of their own: the public key to encrypt it to stands in each manifest."""

from pathlib import Path

import pytest
from support import preloaded

from lgsp_gateway.evidence.verify.signers import FileLogKey
from lgsp_gateway.evidence.verify.succession import Succession, signed_text
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_gateway.operate.backup.chunks import ChunkWriter, new_identity, parse_recipients
from lgsp_gateway.operate.backup.manifest import Manifest, StoredFile
from lgsp_gateway.operate.backup.places import open_place

OWN, FORGED = (FileLogKey(bytes([number]) * 32) for number in (1, 2))
FORGED_SEED = bytes([2]) * 32


@pytest.fixture
def forged(tmp_path: Path) -> list[str]:
    """How the owner of the bus restores the newest backup, which somebody else has put there, as if the key of the bus vouched for theirs."""
    recipient, identity = new_identity()
    (tmp_path / "identity.txt").write_text(identity)
    place = open_place(str(tmp_path / "place"))
    writer = ChunkWriter(place, b"k" * 32, parse_recipients([recipient]), ())
    key = StoredFile("keys/evidence-log.key", 0o600, [writer.write(FORGED_SEED)])
    follows = Succession(OWN.public, FORGED.public, FORGED.sign(signed_text(OWN.public, FORGED.public)))
    made = Manifest("20261129T013000Z", "0", [recipient], [], [key], {}, [follows.line().rstrip("\n")])
    place.put(made.name, made.signed(FORGED))
    return ["restore", place.address, "--identity", str(tmp_path / "identity.txt"), "--keys", str(tmp_path / "keys")]


async def test_a_restore_without_a_verifier_key_is_refused(forged: list[str], tmp_path: Path) -> None:
    code, out, err = await preloaded.run(*forged)
    assert (code, "name by --verifier-key" in err) == (1, True), out + err
    assert not (tmp_path / "keys").exists()


async def test_a_restore_accepted_unverified_says_who_signed_the_backup(forged: list[str]) -> None:
    code, out, err = await preloaded.run(*forged, "--accept-unverified")
    assert code == 0, err
    assert str(VerifierKey("", FORGED.public)).lstrip("+") in out
    assert "whoever can write to the place" in out
    assert "hours ago)" in out


async def test_a_backup_of_another_key_is_refused(forged: list[str], tmp_path: Path) -> None:
    (tmp_path / "logs.txt").write_text(f"{VerifierKey('lgsp/gw-1', OWN.public)}\n")
    code, out, err = await preloaded.run(*forged, "--verifier-key", str(tmp_path / "logs.txt"))
    assert (code, "is not signed by this bus" in err) == (1, True), out + err
    assert not (tmp_path / "keys").exists()


async def test_the_key_of_the_bus_is_kept_with_the_identity(forged: list[str], tmp_path: Path) -> None:
    (tmp_path / "logs.txt").write_text(f"{VerifierKey('lgsp/gw-1', OWN.public)}\n")
    bound = tmp_path / "bound.txt"
    code, out, err = await preloaded.run("backup", "keygen", str(bound), "--verifier-key", str(tmp_path / "logs.txt"))
    assert code == 0, out + err
    restore = [str(bound) if one.endswith("identity.txt") else one for one in forged]
    code, out, err = await preloaded.run(*restore)
    assert (code, "is not signed by this bus" in err) == (1, True), out + err
    code, out, err = await preloaded.run(*restore, "--accept-unverified")
    assert (code, "is not signed by this bus" in err) == (1, True), "what is known is not passed over"
    assert not (tmp_path / "keys").exists()
