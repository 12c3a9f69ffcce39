"""The script `./lgsp` on its first use: what somebody sees who has just cloned the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import LGSP, ROOT


def test_an_installation_that_fails_shows_why_in_a_few_lines_and_keeps_all_of_them(tmp_path: Path) -> None:
    clone, venv = tmp_path / "clone", tmp_path / "venv"
    clone.mkdir()
    for name in ("lgsp", "pyproject.toml"):
        shutil.copy(ROOT / name, clone)
    pins = "".join(f"no-such-package-{number}==1.0 --hash=sha256:{'0' * 64}\n" for number in range(30))
    (clone / "requirements.lock").write_text(pins)
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    environment = {**os.environ, "LGSP_VENV": str(venv), "PIP_NO_INDEX": "1"}
    ended = subprocess.run(
        [clone / "lgsp", "up"], env=environment, capture_output=True, text=True, check=False, timeout=20
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    log = venv / "install-runtime.log"
    assert lines[0] == f"lgsp: installing what requirements.lock pins, once (log: {log})"
    assert any("no-such-package-0" in line for line in lines[1:-1])
    assert lines[-1].startswith("lgsp: the installation failed; the lines above say why")
    assert len(lines) < 20
    assert "no-such-package-0" in log.read_text()
    assert not (venv / ".lgsp-runtime").exists()


def test_a_link_in_the_path_runs_the_script_of_its_folder(tmp_path: Path) -> None:
    clone, link = tmp_path / "clone", tmp_path / "bin" / "lgsp"
    (clone / ".venv" / "bin").mkdir(parents=True)
    link.parent.mkdir()
    for name in ("lgsp", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, clone)
    link.symlink_to(clone / "lgsp")
    installed = "cat requirements.lock pyproject.toml | cksum > .venv/.lgsp-runtime"
    subprocess.run(["sh", "-c", installed], cwd=clone, check=True)
    command = clone / ".venv" / "bin" / "lgsp"
    command.write_text('#!/bin/sh\necho "$LGSP_COMMAND" "$@"\n')
    command.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "LGSP_VENV"}
    ended = subprocess.run([link, "doctor"], env=environment, capture_output=True, text=True, check=False, timeout=20)
    assert (ended.stdout, ended.stderr, ended.returncode) == (f"{link} doctor\n", "", 0)


@pytest.mark.long
def test_a_shell_completes_commands_and_options() -> None:
    script = subprocess.run(
        [*LGSP, "completion", "bash"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    asked = 'COMP_WORDS=(lgsp evidence search --t); COMP_CWORD=3; _lgsp; echo "${COMPREPLY[@]}"'
    ended = subprocess.run(
        ["bash"], input=f"{script}\n{asked}\n", capture_output=True, text=True, check=True, timeout=20
    )
    assert set(ended.stdout.split()) == {"--to", "--token", "--trace"}
