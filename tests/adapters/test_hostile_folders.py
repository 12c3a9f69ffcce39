"""Folders in which others write, on this machine, in S3 and behind SFTP alike: nothing there stops the looking or leads elsewhere."""

import asyncio
import itertools
import json
import os
import socket
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio
from support import folders
from support.folders import Bucket, OnDisk, Place
from support.office import HEADING, POLL_SECONDS, Office, loaded, written
from support.preloaded import run
from support.sftp import shared

from lgsp_adapters.connectors import connector_lookup
from lgsp_adapters.inboxes import sftp
from lgsp_adapters.inboxes.inbox import open_inbox
from lgsp_adapters.inboxes.inbox_file import FileNotReadyError, InboxFile, sidecar_name
from lgsp_adapters.inboxes.stable_files import StableFiles

Kind = Callable[[Path], AbstractAsyncContextManager[Place]]
ROW = "A{0},Người {0},{0}\n"


def rows(*numbers: int) -> str:
    return HEADING + "".join(ROW.format(number) for number in numbers)


@pytest_asyncio.fixture(params=[folders.local, folders.s3, folders.sftp], ids=["local", "s3", "sftp"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    async with request.param(tmp_path) as there:
        yield there


@asynccontextmanager
async def answering(folder: Path, place: Place, **changed: Any) -> AsyncIterator[Office]:
    """An adapter before a folder."""
    connection = {name: value for name, value in place.connection.items() if name != "folder"}
    manifest, contract = loaded(written(folder, drops=place.connection["folder"], connection=connection, **changed))
    adapter = connector_lookup.build_adapter(manifest, contract)
    await adapter.open()
    try:
        yield Office(folder, folder, manifest, adapter)
    finally:
        await adapter.close()


ODD_NAMES = ["\x1b]0;x\x07.csv", "Giấy phép.csv", "%2e%2e b?#&+;.csv", "ⓐ" * 60 + ".csv"]


async def test_any_name_is_taken_and_reported(place: Place, tmp_path: Path) -> None:
    names = [*ODD_NAMES, *(["a\nb.csv", "Gi\udcca phÐp\udcff.csv"] if place.names_are_bytes else [])]
    async with answering(tmp_path, place) as there:
        for number, name in enumerate(names, 1):
            await place.put(name, rows(number))
            report = json.loads(await written_beside(place, name))
            assert (report["taken"], report["file"].isprintable()) == (True, True)
            assert (await there.find(so=f"A{number}"))["cccd"] == str(number)


async def written_beside(place: Place, name: str) -> bytes:
    async with asyncio.timeout(20):
        while not (found := await place.get(sidecar_name(name, ".report.json"))):
            await asyncio.sleep(0.05)
    return found


async def test_a_shrunken_register_is_held_over_a_restart_until_it_is_accepted(place: Place, tmp_path: Path) -> None:
    async with answering(tmp_path, place) as there:
        await place.put("1.csv", rows(*range(8)))
        assert (await place.report("1.csv"))["taken"]
        await place.put("2.csv", rows(1, 2))
        report = await place.report("2.csv")
        assert (report["taken"], report["held"], report["register"]) == (False, True, {"find": 8})
        assert "find would find 2 rows, and finds 8 now" in report["faults"][0]["fault"]
        assert (await there.find(so="A7"))["cccd"] == "7"
        data = there.adapter.standing()["data"]
        assert (data["file"], data["current"], data["why"]) == ("1.csv", False, "held")
    async with answering(tmp_path, place) as there:
        assert (await there.find_when_read(so="A7"))["cccd"] == "7"
        manifest = str(tmp_path / "adapter.yaml")
        assert (await run("adapter", "accept", manifest))[1].startswith(
            "2.csv: find would find 2 rows, and finds 8 now"
        )
        code, out, err = await run("adapter", "accept", manifest, "3.csv")
        assert (code, out, "these are: 2.csv" in err) == (1, "", True)
        code, out, _ = await run("adapter", "accept", manifest, "2.csv")
        assert (code, "answers from these 2 rows" in out) == (0, True)
        async with asyncio.timeout(20):
            while await there.find(so="A7") != "not-found-here":
                await asyncio.sleep(0.05)
        assert (await there.find(so="A1"))["cccd"] == "1"
        async with asyncio.timeout(20):
            while not (await place.report("2.csv"))["taken"]:
                await asyncio.sleep(0.05)
        assert there.adapter.standing()["data"]["current"]
    async with answering(tmp_path, place) as there:
        assert await there.find_when_read(so="A7") == "not-found-here"
        assert (await there.find(so="A1"))["cccd"] == "1"


async def test_after_a_restart_the_last_good_file_answers(place: Place, tmp_path: Path) -> None:
    async with answering(tmp_path, place):
        await place.put("1.csv", rows(1))
        await place.report("1.csv")
        await place.put("2.csv", "Lạ\n1\n")
        assert not (await place.report("2.csv"))["taken"]
    async with answering(tmp_path, place) as there:
        assert (await there.find_when_read(so="A1"))["cccd"] == "1"
        await place.put("3.csv", HEADING)
        assert (await place.report("3.csv"))["held"]
        assert (await there.find(so="A1"))["cccd"] == "1"


async def test_what_others_wrote_beside_a_file_is_not_believed(place: Place, tmp_path: Path) -> None:
    await place.put("1.csv", rows(1))
    for name, content in {
        "1.csv.report.json": '{"taken": true, "register": {"find": "x"}, "stamp": 7}',
        "1.csv.accepted.json": "[1]",
        "0.csv.report.json": "{" * 100_000,
    }.items():
        await place.put(name, content)
    async with answering(tmp_path, place) as there:
        assert (await there.find_when_read(so="A1"))["cccd"] == "1"
        assert (await place.report("1.csv", until="content"))["taken"]
        assert not [name for name in await place.names() if name.endswith(".lgsp-part")]


async def test_a_file_that_is_another_than_was_listed_is_not_read(place: Place, tmp_path: Path) -> None:
    await place.put("1.csv", rows(1))
    manifest, _ = loaded(
        written(
            tmp_path,
            drops=place.connection["folder"],
            connection={k: v for k, v in place.connection.items() if k != "folder"},
        )
    )
    folder = open_inbox(manifest)
    [drop] = (await folder.listing("*.csv")).files
    await place.put("1.csv", rows(1, 2))
    with pytest.raises(FileNotReadyError):
        async with folder.opened(drop):
            pass
    with pytest.raises(FileNotReadyError):
        async with folder.opened(InboxFile("gone.csv", '"x"', 1.0, 3)):
            pass
    await folder.close()


async def test_keys_that_are_no_paths_hide_no_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with folders.s3(tmp_path) as there:
        assert isinstance(there, Bucket)
        for key in (
            "xuat//b.csv",
            "xuat/..",
            "xuat/./b.csv",
            "xuat/deep/c.csv",
            "xuat/",
            "xuat/\x01.csv",
            "khac/d.csv",
            "xuat",
        ):
            await there.put_key(key, "Lạ\n")
        await asyncio.sleep(1.1)
        await there.put("good.csv", rows(5))
        async with answering(tmp_path, there) as office:
            assert (await office.find_when_read(so="A5"))["cccd"] == "5"
        assert "give them another key" in capsys.readouterr().out


class Moody(asyncssh.SFTPServer):
    """A server that says nothing, or does not end, for as long as it likes; its connection is alive all the while."""

    mood = "well"

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        if Moody.mood == "silent":
            await asyncio.Event().wait()
        if Moody.mood == "endless":
            for number in itertools.count():
                yield asyncssh.SFTPName(b"%d.txt" % number, b"", asyncssh.SFTPAttrs(type=1, size=1, mtime=1))
        async for name in super().scandir(path):
            yield name

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if Moody.mood == "slow":
            await asyncio.Event().wait()
        found: bytes = super().read(file_obj, offset, size)
        return found


@pytest.mark.parametrize("mood", ["silent", "endless", "slow"])
async def test_a_server_that_does_not_end_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str) -> None:
    for name, value in {"LIST_SECONDS": 0.5, "FETCH_SECONDS": 0.5, "ANSWER_SECONDS": 2.0, "MAX_LISTED": 3000}.items():
        monkeypatch.setattr(sftp, name, value)
    monkeypatch.setattr(Moody, "mood", "well")
    path = tmp_path / "drops"
    path.mkdir()
    async with shared(path, Moody) as there:
        place = OnDisk({"folder": there.url, "key": there.key, "known-hosts": there.known_hosts}, path)
        await place.put("1.csv", rows(1))
        async with answering(tmp_path, place) as office:
            assert (await office.find_when_read(so="A1"))["cccd"] == "1"
            monkeypatch.setattr(Moody, "mood", mood)
            await place.put("2.csv", rows(2))
            async with asyncio.timeout(20):
                while office.adapter.standing()["data"]["current"]:
                    await asyncio.sleep(0.02)
            assert office.adapter.standing()["data"]["why"] == ("unread" if mood == "slow" else "unreachable")
            assert (await office.find(so="A1"))["cccd"] == "1"
            monkeypatch.setattr(Moody, "mood", "well")
            assert (await place.report("2.csv"))["taken"]
            assert (await office.find(so="A2"))["cccd"] == "2"


# What only a folder of this machine can hold


@pytest_asyncio.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    async with folders.local(tmp_path) as there:
        yield there


async def test_links_and_special_files_are_never_read(
    disk: OnDisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(rows(66))
    (disk.path / "link.csv").symlink_to(other)
    (disk.path / "hard.csv").hardlink_to(other)
    (disk.path / "folder.csv").mkdir()
    (disk.path / "nowhere.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(disk.path / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(disk.path / "socket.csv"))
        await disk.put("1.csv", rows(1))
        async with answering(tmp_path, disk) as there:
            assert (await there.find_when_read(so="A1"))["cccd"] == "1"
            assert await there.find(so="A66") == "not-found-here"
    out = capsys.readouterr().out
    for name in ("link.csv", "hard.csv", "folder.csv", "nowhere.csv", "pipe.csv", "socket.csv"):
        assert name in out
    assert other.read_text() == rows(66)


async def test_nothing_is_written_through_a_link(disk: OnDisk, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("secret")
    for name in (".1.csv.report.json.part", "1.csv.report.json", "2.csv.report.json"):
        (disk.path / name).symlink_to(key)
    os.mkfifo(disk.path / ".2.csv.report.json.part")
    async with answering(tmp_path, disk) as there:
        for number in (1, 2):
            await disk.put(f"{number}.csv", rows(number))
            async with asyncio.timeout(20):
                while (disk.path / f"{number}.csv.report.json").is_symlink():
                    await asyncio.sleep(0.02)
            assert (await there.find(so=f"A{number}"))["cccd"] == str(number)
    assert key.read_text() == "secret"


async def test_a_report_that_cannot_be_written_stops_nothing(disk: OnDisk, tmp_path: Path) -> None:
    (disk.path / "1.csv.report.json").mkdir()
    async with answering(tmp_path, disk) as there:
        await disk.put("1.csv", rows(1))
        async with asyncio.timeout(20):
            while not there.adapter.standing()["data"]["current"]:
                await asyncio.sleep(0.02)
        await disk.put("2.csv", rows(2))
        async with asyncio.timeout(20):
            while "file" not in there.adapter.standing()["data"] or there.adapter.standing()["data"]["file"] != "2.csv":
                await asyncio.sleep(0.02)
        assert (await there.find(so="A2"))["cccd"] == "2"


async def test_a_folder_that_is_a_link_or_comes_late(disk: OnDisk, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(disk.path)
    linked = OnDisk({"folder": str(link)}, disk.path)
    await disk.put("1.csv", rows(1))
    async with answering(tmp_path, linked) as there:
        assert there.adapter.standing()["data"]["about"] == "it is a link; name the folder that it leads to"
        link.unlink()
        disk.path.rename(link)
        async with asyncio.timeout(20):
            while not there.adapter.standing()["data"]["current"]:
                await asyncio.sleep(0.02)
        assert (await there.find(so="A1"))["cccd"] == "1"


async def test_a_name_matches_however_its_accents_are_written(disk: OnDisk, tmp_path: Path) -> None:
    await disk.put(unicodedata.normalize("NFD", "Giấy phép 1.csv"), rows(1))
    async with answering(tmp_path, disk, files={"pattern": "Giấy*.csv"}) as there:
        assert (await there.find_when_read(so="A1"))["cccd"] == "1"


async def test_a_large_folder_is_looked_at_at_leisure(disk: OnDisk, tmp_path: Path) -> None:
    for number in range(5000):
        (disk.path / f"{number}.csv").touch()
    manifest, _ = loaded(written(tmp_path, drops=str(disk.path)))
    watched = StableFiles(open_inbox(manifest), "*.csv")
    assert watched.pause() == POLL_SECONDS
    await watched.stable()
    assert watched.pause() > POLL_SECONDS
