"""The `events` of manifests: what `adapter check` finds in them, and what `adapter watch` shows."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.watches import CONTRACT, DOCUMENT

from lgsp_adapters import manifest
from lgsp_adapters.cli.watch_commands import show_events
from lgsp_adapters.conformance.connector_behaviour import check_behaviour
from lgsp_adapters.connectors.findings import examine_manifest
from lgsp_problems import Refusal

WATCH: dict[str, Any] = {
    "statement": "SELECT id, xa, luc FROM khai_sinh WHERE luc > :watermark ORDER BY luc LIMIT :limit",
    "watermark": "luc",
    "start": "2026-01-01 00:00:00",
    "overlap": "10m",
    "id": "row.id",
    "time": "row.luc",
    "data": {"ma": "row.id", "xa": "row.xa"},
}


def written(folder: Path, kind: str = "sql", **changes: Any) -> Path:
    """A manifest beside a database with two births."""
    with sqlite3.connect(folder / "ho-tich.db") as database:
        database.execute("CREATE TABLE IF NOT EXISTS khai_sinh (id INTEGER, xa TEXT, luc TEXT)")
        database.execute("DELETE FROM khai_sinh")
        rows = [(1, "A", "2026-06-01 08:00:00"), (2, "x" * 30, "2026-06-01 08:01:00")]
        database.executemany("INSERT INTO khai_sinh VALUES (?, ?, ?)", rows)
    watch = {key: value for key, value in {**WATCH, **changes}.items() if value is not None}
    document = {
        "service": "births",
        "major": 1,
        "system": "ho-tich",
        "kind": kind,
        "connection": {"url": "sqlite:///ho-tich.db"},
        "events": {"birth-registered": watch},
    }
    (folder / "births.yaml").write_text(yaml.safe_dump(DOCUMENT, allow_unicode=True))
    path = folder / "adapter.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True))
    return path


def faults(path: Path) -> list[str]:
    found = examine_manifest(path, {("births", 1): CONTRACT}, offline=False)  # type: ignore[dict-item]
    return [finding.message.en for finding in found.findings if finding.severity == "error"]


def test_a_right_watch_has_no_fault(tmp_path: Path) -> None:
    assert faults(written(tmp_path)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": {"ma": "row.id"}}, "requires the field xa"),
        ({"data": {"ma": "row.id", "xa": "row.xa", "ten": "row.ten"}}, "has no field ten"),
        ({"statement": "SELECT id FROM khai_sinh WHERE luc > :watermark"}, "must match"),
        ({"start": None}, "is required"),
        ({"overlap": "10 minutes"}, "must match the pattern"),
        ({"id": "request.id"}, "request"),
        ({"data": {"ma": "'một'", "xa": "row.xa"}}, "integer"),
    ],
)
def test_a_fault_of_a_watch_is_found(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    found = faults(written(tmp_path, **changes))
    assert any(said in fault for fault in found), found


def test_the_events_of_a_watch_are_shown_and_not_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path)
    with pytest.raises(Refusal, match="1 of them make no event"):
        show_events(str(path), "birth-registered", contract=[tmp_path / "births.yaml"], output="json")
    shown = json.loads(capsys.readouterr().out)
    assert shown[0]["data"] == {"ma": 1, "xa": "A"}
    assert shown[0]["time"] == "2026-06-01T08:00:00+07:00"
    assert "/xa" in shown[1]["fault"]
    assert "xxx" not in json.dumps(shown)


def test_a_watch_is_shown_from_a_watermark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, data={"ma": "row.id", "xa": "'A'"})
    contract = [tmp_path / "births.yaml"]
    show_events(str(path), "birth-registered", contract=contract, after="2026-06-01 08:00:00")
    assert "events: 1" in capsys.readouterr().out
    with pytest.raises(Refusal, match="watches for no such event"):
        show_events(str(path), "birth-corrected", contract=contract)


async def test_a_connector_that_watches_is_tested(tmp_path: Path) -> None:
    right = manifest.load(written(tmp_path, data={"ma": "row.id", "xa": "'A'"}))
    results = await check_behaviour(right, CONTRACT, allow_writes=False)
    assert {result.what for result in results if result.operation == "birth-registered"} == {
        "what is watched makes events of the contract",
        "each event has an id of its own",
        "an event has the same id each time it is read",
        "what is watched comes in the order of its watermark",
    }
    assert [result.what for result in results if not result.passed] == []
    wrong = manifest.load(written(tmp_path, id="'một'"))
    failed = {result.what for result in await check_behaviour(wrong, CONTRACT, allow_writes=False) if not result.passed}
    assert failed == {"what is watched makes events of the contract", "each event has an id of its own"}
