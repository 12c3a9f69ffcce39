"""What says that it is written is on disk: seen in the system calls of whoever says so."""

import multiprocessing
import re
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.processes import ROOT, apt_install

from lgsp_gateway.keys.key_store import KeyStore
from lgsp_runtime import durable_file


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_what_is_written_is_whole_and_private(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.key"
    assert durable_file.ensure(file, lambda: b"first") == b"first"
    assert durable_file.ensure(file, lambda: b"second") == b"first"
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
        "import resource, signal, sys; from pathlib import Path; from lgsp_runtime import durable_file\n"
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
    found.put(durable_file.ensure(file, lambda: content))


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
        "from pathlib import Path; from lgsp_runtime import durable_file\n"
        f"durable_file.make_folder(Path('{tmp_path}/place')); durable_file.{what}(Path('{tmp_path}/place/a'), b'x')"
    )
    found = [found[1] for line in calls(tmp_path, script) if (found := re.search(r"(\w+)\(", line))]
    named = "rename" if what == "write" else "linkat" if "linkat" in found else "link"
    assert found.index("fsync") < found.index(named)  # the content, then the name
    assert "fsync" in found[found.index(named) :]  # then the folder


def test_a_key_is_on_disk_before_it_signs(tmp_path: Path) -> None:
    place = tmp_path / "place"
    found = calls(
        tmp_path,
        f"from lgsp_gateway.cli.main import main; import sys; sys.argv = ['lgsp', 'keys', 'rotate', '--keys', '{place}']; main()",
    )
    made = [line for line in found if re.search(r"\b(rename\w*|link\w*)\(", line)]
    assert len(made) == 7  # two that sign tokens; of pseudonyms, the log, the account, webhooks and what is stored
    for line in made:
        before, after = found[: found.index(line)], found[found.index(line) + 1 :]
        assert "fsync(" in before[-1]
        assert re.search(rf"fsync\(\d+<{place}>\)", after[1])  # after it was opened
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in place.iterdir())


def test_a_key_made_while_the_clock_was_ahead_does_not_stay_the_newest(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    keys.ensure()
    [first] = tmp_path.glob("signing-*.pem")
    tomorrow = int((time.time() + 86400) * 1000)
    first.rename(tmp_path / f"signing-{tomorrow:014d}-{first.name[-12:]}")
    made = keys.rotate()
    assert KeyStore(tmp_path).ring().current.kid == made


WRITERS = re.compile(r"\.write_(bytes|text)\(|\.open\(\"[wax]|os\.open\(")
FOR_PEOPLE = {
    "file_format.py": "written to a temporary folder; laid down by store.py",
    "archiver.py": "a temporary folder",
    "store.py": "has its own fsync",
    "log_commands.py": "what an auditor exports and looks at",
    "proof_commands.py": "a proof that somebody asked for",
    "main.py": "/dev/null",
    "processes.py": "the log of a child",
    "mock.py": "the temporary folder of lgsp contract mock",
    "local_commands.py": "the temporary folder of lgsp contract mock",
    "file_transfer.py": "what somebody downloads",
    "sdk_commands.py": "the temporary folder of a generator",
    "authorities.py": "a copy of certificates that this process alone reads",
    "invitation_file.py": "a lock, which holds nothing",
    "state_dir.py": "a lock, which holds nothing",
}


def test_state_is_written_by_the_one_module() -> None:
    found = {
        file.name
        for file in (*(ROOT / "gateway/lgsp_gateway").rglob("*.py"), *(ROOT / "gateway/lgsp_runtime").rglob("*.py"))
        if WRITERS.search(file.read_text()) and file.name != "durable_file.py"
    }
    assert found <= FOR_PEOPLE.keys()
