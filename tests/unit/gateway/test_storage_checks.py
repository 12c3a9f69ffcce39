"""The check `storage` names the folder that is short of room, or cannot be read."""

from pathlib import Path

import pytest

from lgsp_gateway.delivery.storage import space as spaces
from lgsp_gateway.observability.storage_checks import StorageChecks


async def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    space = spaces.StorageSpace(tmp_path / "moved")
    check = StorageChecks(space).by_name()["storage"]
    await space.measure_disk()
    said = await check()
    assert said
    assert f"The free space of the folder {tmp_path / 'moved'} cannot be read (No such file or directory)" in said.en
    assert str(tmp_path / "moved") in said.vi
    (tmp_path / "moved").mkdir()
    await space.measure_disk()
    after = await check()
    assert after is None or "cannot be read" not in after.en


async def test_a_full_disk_is_named_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = spaces.Room(spaces.DISK, used=95 << 30, limit=100 << 30, reserve=10 << 30)
    monkeypatch.setattr(spaces, "disk_room", lambda _: room)
    space = spaces.StorageSpace(tmp_path)
    await space.measure_disk()
    said = await StorageChecks(space).by_name()["storage"]()
    assert said
    assert f"The storage of NATS ({tmp_path}) has 5,120 MiB left" in said.en
