"""Backups that have ceased are noticed: by a check, and by a metric that alerts ask."""

import time
from pathlib import Path

from lgsp_gateway.observability.last_backup import STATUS_FILE, LastBackup, record_backup
from lgsp_gateway.operate.backup import folders


async def _said(last: LastBackup) -> str | None:
    said = await last.by_name()["backups"]()
    return said.en if said else None


def _samples(last: LastBackup) -> dict[str, float]:
    return {sample.name: sample.value for metric in last.collect() for sample in metric.samples}


async def test_an_old_backup_is_noticed(tmp_path: Path) -> None:
    last = LastBackup(tmp_path)
    assert (await _said(last), _samples(last)) == (None, {}), "another machine makes the backups"
    record_backup(tmp_path, time.time() - 60)
    assert await _said(last) is None
    long_ago = time.time() - 30 * 3600
    record_backup(tmp_path, long_ago)
    assert "30 hours old" in (await _said(last) or "")
    samples = _samples(last)
    assert samples["lgsp_backup_last_success_timestamp_seconds"] == long_ago
    assert 30 * 3600 <= samples["lgsp_backup_age_seconds"] < 31 * 3600


async def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    for content in (b"", b"[]", b'{"began": "yesterday"}'):
        (tmp_path / STATUS_FILE).write_bytes(content)
        assert f"{tmp_path / STATUS_FILE} cannot be read" in (await _said(LastBackup(tmp_path)) or "")
        assert _samples(LastBackup(tmp_path)) == {}


def test_the_time_is_no_part_of_a_backup(tmp_path: Path) -> None:
    record_backup(tmp_path, 1.0)
    (tmp_path / "a.key").write_bytes(b"key")
    assert [file.name for file in folders.read(tmp_path, None)] == ["keys/a.key"]
