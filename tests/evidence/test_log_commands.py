"""What `lgsp evidence export | verify` say where there is nothing to verify."""

from pathlib import Path

from support.preloaded import run


async def test_a_bus_without_a_call_has_no_evidence_yet(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_bytes(b"")  # as an export of such a bus has it
    code, _, err = await run("evidence", "verify", str(tmp_path))
    assert code == 1
    assert "after the first call" in err
    assert "keys.txt" not in err
    (tmp_path / "gw-1.checkpoints.json").write_text('{"items":[]}')  # a log whose keys were taken away
    code, _, err = await run("evidence", "verify", str(tmp_path))
    assert code == 1
    assert "holds no key" in err
