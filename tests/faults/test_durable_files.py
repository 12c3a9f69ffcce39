"""What says that it is written is on disk: seen in the system calls of whoever says so."""

import multiprocessing
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import apt_install

from lgsp_process import durable_file


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_what_is_written_is_whole_and_private(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.key"
    assert durable_file.ensure(file, b"first") == b"first"
    assert durable_file.ensure(file, b"second") == b"first"
    assert not durable_file.create(file, b"second")
    durable_file.write(file, b"third")
    assert file.read_bytes() == b"third"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert names(file.parent) == ["b.key"]
    durable_file.remove(file)
    durable_file.remove(file)
    assert names(file.parent) == []


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "state"
    durable_file.write(file, b"before")
    script = (
        "import resource, signal, sys; from pathlib import Path; from lgsp_process import durable_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "durable_file.write(Path(sys.argv[1]), b'x' * 5000)"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=False)
    assert "File too large" in ended.stderr
    assert file.read_bytes() == b"before"
    assert names(tmp_path) == ["state"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere, file = tmp_path / "elsewhere", tmp_path / "state"
    elsewhere.write_bytes(b"another's")
    file.symlink_to(elsewhere)
    durable_file.write(file, b"ours")
    assert (elsewhere.read_bytes(), file.read_bytes()) == (b"another's", b"ours")


def _first(file: Path, content: bytes, found: "multiprocessing.Queue[bytes]") -> None:
    found.put(durable_file.ensure(file, content))


def test_several_processes_make_one_file(tmp_path: Path) -> None:
    """Two gateways that start on an empty folder sign with one key."""
    context = multiprocessing.get_context("fork")
    found: multiprocessing.Queue[bytes] = context.Queue()
    makers = [context.Process(target=_first, args=(tmp_path / "k" / "one.key", bytes([n]), found)) for n in range(8)]
    for maker in makers:
        maker.start()
    contents = {found.get(timeout=20) for _ in makers}
    for maker in makers:
        maker.join(20)
    assert len(contents) == 1


CALLS = re.compile(r"(\w+)\((.*?)\) += (-?\d+)")


def calls(tmp_path: Path, script: str) -> list[str]:
    """The calls by which a script changes what is on disk below a folder, in their order, files by their names."""
    if not shutil.which("strace"):
        apt_install("strace")
    log = tmp_path / "strace"
    traced = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,openat,write"
    told = ["strace", "-f", "-y", "-qq", "-e", f"trace={traced}", "-o", str(log), sys.executable, "-c", script]
    ended = subprocess.run(told, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    return [line for line in log.read_text().splitlines() if str(tmp_path / "place") in line]


@pytest.mark.parametrize("what", ["write", "create"])
def test_file_and_folder_are_synced_before_it_returns(tmp_path: Path, what: str) -> None:
    script = (
        "from pathlib import Path; from lgsp_process import durable_file\n"
        f"durable_file.make_folder(Path('{tmp_path}/place')); durable_file.{what}(Path('{tmp_path}/place/a'), b'x')"
    )
    found = [re.split(r"[ (]", line, maxsplit=2)[1] for line in calls(tmp_path, script)]
    named = "rename" if what == "write" else "linkat" if "linkat" in found else "link"
    assert found.index("fsync") < found.index(named)  # the content, then the name
    assert "fsync" in found[found.index(named) :]  # then the folder
