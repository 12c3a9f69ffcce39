"""The archiver is killed at each of its system calls that change something, and run again: every entry is archived once, whole.

A kill leaves what the machine has in memory, a power cut does not: so what is asked of the disk, and when, is looked at too.
"""

import asyncio
import re
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from evidence.test_archive import Archived
from support.preloaded import surroundings
from support.processes import LGSP, apt_install
from support.searched import Searched
from support.waits import WORK_SECONDS
from support.workbench import Workbench

from lgsp_gateway.evidence.search.store import Index
from lgsp_gateway.local import nats_config
from lgsp_problems import Refusal

CHANGES = "fsync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,fchmod,write,sendto,sendmsg"
_CALL = re.compile(r"^\d+ +(\w+)\((.*)$")


class Traced(Archived):
    """The same, with an archiver whose system calls are seen and can be its last."""

    async def archive_traced(self, *inject: str) -> tuple[int, list[tuple[str, str]]]:
        """Run the archiver: how it ended, and its calls in their order, each with its arguments."""
        log = self.shelf.parent / "strace.log"
        # Without --seccomp-bpf: with it, strace 6.1 injects nothing here.
        command = ["strace", "-f", "-y", "-qq", "-s", "200", "-o", str(log), f"-etrace={CHANGES}"]
        command += [f"-einject={one}" for one in inject]
        command += [*LGSP, "evidence", "archive", "--to", str(self.shelf), "--older-than", "0s"]
        command += ["--nats", self.bus.nats_url, "--nats-passwords", str(nats_config.passwords(self.bus.state))]
        command += ["--keys", str(self.bus.state.keys)]
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**surroundings(None), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(WORK_SECONDS):
            code = await process.wait()
        found = [_CALL.match(line) for line in log.read_text(errors="replace").splitlines()]
        return code, [(one[1], one[2]) for one in found if one]

    async def whole(self) -> None:
        """All that was ever written is in the archives or in the stream, and true."""
        for more in (["--archive", str(self.shelf)], []):
            code, out, err = await self.verify(*more)
            assert code == 0, out + err

    async def archived_up_to(self) -> int:
        ends = [int(file.name.rsplit("-", 1)[1].split(".")[0]) for file in self.shelf.glob("*.tar.gz")]
        return max(ends, default=0)


@pytest_asyncio.fixture
async def traced(tmp_path: Path) -> AsyncIterator[Traced]:
    if not shutil.which("strace"):
        apt_install("strace")
    bus = await Workbench(tmp_path).start("--archive", str(tmp_path / "archive"))
    await bus.serve()
    yield Traced(bus, tmp_path)
    await bus.stop()


async def test_the_archive_is_on_disk_before_anything_is_deleted(traced: Traced) -> None:
    await traced.signed(3)
    code, calls = await traced.archive_traced()
    assert code == 0
    order = [n for n, (name, arguments) in enumerate(calls) if _of_the_shelf(name, arguments, traced.shelf)]
    kinds = [calls[n][0] for n in order]
    purge = next(n for n, (_, arguments) in enumerate(calls) if "STREAM.PURGE" in arguments)
    written = kinds.index("fsync")
    renamed = next(n for n, name in enumerate(kinds) if name.startswith("rename"))
    assert written < renamed < len(kinds) - 1 - kinds[::-1].index("fsync"), kinds
    assert order[-1] < purge


def _of_the_shelf(name: str, arguments: str, shelf: Path) -> bool:
    return str(shelf) in arguments and (name == "fsync" or name.startswith("rename"))


async def _kill_at(traced: Traced, name: str, number: int) -> bool:
    """Kill it at a call, let the log go on, run it to its end; whether it came as far as that call."""
    await traced.signed(2)
    code, _ = await traced.archive_traced(f"{name}:signal=KILL:when={number}")
    await traced.signed(2)  # so that the next run would end its archive elsewhere
    again, _, err = await traced.archive()
    assert again == 0, f"after a kill at {name} {number}: {err}"
    await traced.whole()
    return code in (-signal.SIGKILL, 128 + signal.SIGKILL)


async def test_killed_where_it_hurts_it_goes_on(traced: Traced) -> None:
    """Before the folder is synced that names the archive, and before each of the two streams is purged."""
    await traced.signed(1)
    _, calls = await traced.archive_traced()
    purges = [n for n, (_, arguments) in enumerate(calls) if "STREAM.PURGE" in arguments]
    sent = calls[purges[0]][0]
    points = [("fsync", sum(name == "fsync" for name, _ in calls))]
    points += [(sent, sum(name == sent for name, _ in calls[: n + 1])) for n in purges]
    for name, number in points:
        assert await _kill_at(traced, name, number), (name, number)
    assert await traced.archived_up_to() == 1 + 4 * len(points)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_killed_at_each_of_its_calls_it_goes_on(traced: Traced, tmp_path: Path) -> None:
    await traced.signed(1)
    _, calls = await traced.archive_traced()
    points = killed = 0
    for name, count in Counter(name for name, _ in calls).items():
        for number in range(1, count + 1):
            points += 1
            killed += await _kill_at(traced, name, number)
    print(f"killed at {killed} of {points} calls, {await traced.archived_up_to()} entries archived")
    assert killed > points / 2
    # A new index reads the archives of all these runs, whatever they share.
    indexer = Searched(traced.bus, tmp_path, str(tmp_path / "index.db")).indexer
    indexer.command += ["--archive", str(traced.shelf)]
    await indexer.start()
    index = Index(str(tmp_path / "index.db"), writes=False)
    async with asyncio.timeout(20):
        while await _size_of_index(index) < await traced.archived_up_to():
            await asyncio.sleep(0.1)
    await index.close()
    await indexer.stop()


async def _size_of_index(index: Index) -> int:
    try:
        return await index.size_of("bench")
    except Refusal:  # the indexer has not made its file yet
        return 0
