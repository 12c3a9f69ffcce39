"""A rolling upgrade: a gateway of 0.2.0 and one of today serve the same bus side by side."""

import subprocess
import sys
import tarfile
from pathlib import Path

import aiohttp
import pytest
from support.old_stores import OldStore
from support.processes import Process, free_port

ROOT = Path(__file__).parents[2]
RELEASE = "129adede"
"""The commit with which 0.2.0 ended."""
PACKAGES = ("gateway", "auth", "contracts", "adapters")
LATER_OPTIONS = ("--replicas", "--webhook-networks")
"""Which 0.2.0 does not have."""


@pytest.mark.long
async def test_a_gateway_of_0_2_0_serves_beside_one_of_today(tmp_path: Path) -> None:
    archive = tmp_path / "release.tar"
    asked = ["git", "archive", "--output", str(archive), RELEASE, *PACKAGES]
    if subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip(f"the commit {RELEASE} is not in this clone")
    with tarfile.open(archive) as content:
        content.extractall(tmp_path / "release", filter="data")
    (tmp_path / "bus").mkdir()
    bus = OldStore(tmp_path / "bus", "0.2.0")
    await bus.start()
    port = free_port()
    command = bus.another_gateway("old", port).command
    for option in LATER_OPTIONS:
        at = command.index(option)
        del command[at : at + 2]
    path = ":".join(str(tmp_path / "release" / package) for package in PACKAGES)
    old = Process([sys.executable, "-m", "lgsp_gateway", *command], bus.state.logs / "old.log", {"PYTHONPATH": path})
    try:
        await bus.ready()
        await bus.serve()
        await old.start()
        today = bus.session
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as bus.session:
            statuses = [(await bus.call()).status for _ in range(20)]
        bus.session = today
        statuses += [(await bus.call()).status for _ in range(20)]
        assert set(statuses) == {200}
    finally:
        await old.stop()
        await bus.stop()
