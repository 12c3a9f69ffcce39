"""Inboxes that are watched for events: each row of each new file, once."""

import json
import os
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs
from support.event_bus import EventBus
from support.waits import eventually
from support.watches import CONTRACT, adapter_of, manifest_of, status

from lgsp_adapters.manifest import Manifest

WATCH: dict[str, Any] = {"data": {"ma": 'number(row."Số")', "xa": 'row."Xã"'}}
FILES = {"pattern": "*.csv", "format": "csv", "poll-seconds": 0.2}


def watching(folder: Path) -> Manifest:
    return manifest_of("files", {"folder": str(folder)}, WATCH, files=FILES)


def drop(folder: Path, name: str, begin: int, end: int, *more: str) -> None:
    rows = [f"{number},X{number % 2}" for number in range(begin, end)]
    (folder / ".part").write_text("\n".join(["Số,Xã", *rows, *more]) + "\n", encoding="utf-8")
    os.utime(folder / ".part", (1e9, 1e9))  # it has not changed for long
    (folder / ".part").rename(folder / name)


def record(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.birth-registered.events.json").read_text())
    return found


def finished(folder: Path, name: str) -> bool:
    return (folder / f"{name}.birth-registered.events.json").exists() and record(folder, name)["finished"] is True


async def test_rows_of_new_files_become_events(events: EventBus, tmp_path: Path) -> None:
    drop(tmp_path, "1.csv", 0, 700, "x,A", f"1,{'x' * 30}")
    manifest = watching(tmp_path)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(700)
        drop(tmp_path, "2.csv", 700, 703)
        found = await events.received(703)
        await eventually(lambda: finished(tmp_path, "2.csv"))
        await eventually(lambda: status(watch)["state"] == "watching")
    assert [item["ma"] for item in found if item["xa"] == "X0"] == list(range(0, 703, 2))
    first = record(tmp_path, "1.csv")
    assert (first["finished"], first["rows"], first["done"], first["faulty"]) == (True, 702, 702, 2)
    assert [fault["line"] for fault in first["faults"]] == [702, 703]
    assert "xxx" not in json.dumps(first)


async def test_a_file_that_was_published_is_not_published_again(events: EventBus, tmp_path: Path) -> None:
    drop(tmp_path, "1.csv", 0, 3)
    manifest = watching(tmp_path)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        await events.received(3)
        await eventually(lambda: finished(tmp_path, "1.csv"))
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        drop(tmp_path, "2.csv", 3, 5)
        await events.received(5)
    assert len(events.sent) == 5


async def test_what_was_accepted_and_not_recorded_counts_once(events: EventBus, tmp_path: Path) -> None:
    drop(tmp_path, "1.csv", 0, 2)
    events.silent = True
    manifest = watching(tmp_path)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        await events.received(2)
    events.silent = False
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        await eventually(lambda: finished(tmp_path, "1.csv"))
    assert len(events.events) == 2


async def test_a_long_file_is_published_in_one_look(events: EventBus, tmp_path: Path) -> None:
    drop(tmp_path, "1.csv", 0, 1010)
    manifest = watching(tmp_path)
    with capture_logs() as logs:
        async with events.watching(adapter_of(manifest), manifest, CONTRACT):
            await events.received(1010)
            await eventually(lambda: finished(tmp_path, "1.csv"))
    assert "watch failed, trying again" not in [line["event"] for line in logs]


async def test_a_row_that_the_bus_refuses_is_set_aside_and_keeps_no_file_back(events: EventBus, tmp_path: Path) -> None:
    drop(tmp_path, "1.csv", 0, 520)
    drop(tmp_path, "2.csv", 1000, 1004)
    events.refused["3"] = "forbidden"
    manifest = watching(tmp_path)
    odd = [*range(1, 520, 2), 1001, 1003]
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(263)
        await eventually(lambda: record(tmp_path, "1.csv")["done"] == 520)
        assert [item["ma"] for item in events.data if item["xa"] == "X1"] == [1], "they wait behind one of their key"
        assert record(tmp_path, "1.csv")["held"][0] == {"row": 4}
        assert status(watch)["held"] == 1
    events.refused.clear()
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(524)
        await eventually(lambda: finished(tmp_path, "1.csv") and finished(tmp_path, "2.csv"))
        await eventually(lambda: status(watch)["held"] == 0)
    assert [item["ma"] for item in events.data if item["xa"] == "X1"] == odd
