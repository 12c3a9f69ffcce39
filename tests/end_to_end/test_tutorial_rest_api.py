"""The tutorial for a REST API with a login, run as it stands, so that it cannot rot."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest
from support.processes import LGSP, ROOT, Process, free_port
from support.waits import WORK_SECONDS

PAGE = ROOT / "docs/integrate/tutorial-rest-api.md"


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_connect_a_rest_api_with_a_login(tmp_path: Path) -> None:
    script = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
    port, state = free_port(), tmp_path / ".lgsp"
    up = await Process([*LGSP, "up", "--port", str(port), "--state-dir", str(state)], tmp_path / "up.log").start()
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin/lgsp"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m lgsp_gateway "$@"\n')
    command.chmod(0o755)
    environment = {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "EXAMPLES": str(ROOT / "examples"),
        "API": f"http://127.0.0.1:{free_port()}",
        "IDP": f"http://127.0.0.1:{free_port()}",
        "GATEWAY": f"http://127.0.0.1:{port}",
        "NATS": json.loads((state / "running.json").read_text())["nats"],
    }
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
        env=environment,
    )
    said = (await asyncio.wait_for(shell.communicate(), WORK_SECONDS))[0].decode()
    assert await up.stop() == 0
    assert shell.returncode == 0, said
    assert "household-businesses 1.0.0 is valid" in said
    assert re.search(r"\b\d+ passed, 0 failed", said)
    assert f"POST {environment['IDP'].removeprefix('http://')}/oauth2/token: HTTP 401 from the token endpoint" in said
    answer = said[
        said.rindex('{\n  "hoKinhDoanh"') if '{\n  "hoKinhDoanh"' in said else said.rindex('{"hoKinhDoanh"') :
    ]
    households = json.JSONDecoder().raw_decode(answer)[0]["hoKinhDoanh"]
    assert [household["chuHo"] for household in households] == [
        "Nguyễn Văn An",
        "Trần Thị Bình",
        "Lê Minh",
        "Phạm Thị Cẩm",
        "Vũ Dũng",
    ]
    assert "commune-not-found" in said or "There is no such commune" in said
