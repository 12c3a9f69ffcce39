"""The script `./lgsp` on its first use: what somebody sees who has just cloned the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.processes import ROOT


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
        [clone / "lgsp", "up"], env=environment, capture_output=True, text=True, check=False, timeout=60
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
