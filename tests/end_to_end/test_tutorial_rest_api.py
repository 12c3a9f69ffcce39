"""The tutorial for a REST API with a login, run as it stands, so that it cannot rot."""

import json
import re
from pathlib import Path

import pytest
from support.processes import ROOT, free_port
from support.tutorials import run_tutorial


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_connect_a_rest_api_with_a_login(tmp_path: Path) -> None:
    idp = f"127.0.0.1:{free_port()}"
    addresses = {"API": f"http://127.0.0.1:{free_port()}", "IDP": f"http://{idp}"}
    printed = await run_tutorial("tutorial-rest-api.md", tmp_path, EXAMPLES=str(ROOT / "examples"), **addresses)
    assert "household-businesses 1.0.0 is valid" in printed
    assert re.search(r"\b\d+ passed, 0 failed", printed)
    assert f"POST {idp}/oauth2/token: HTTP 401 from the token endpoint (invalid_client)" in printed
    answers = [
        json.JSONDecoder().raw_decode(printed, match.start())[0] for match in re.finditer(r"^\{", printed, re.MULTILINE)
    ]
    listed = [answer["hoKinhDoanh"] for answer in answers if "hoKinhDoanh" in answer]
    owners = ["Nguyễn Văn An", "Trần Thị Bình", "Lê Minh", "Phạm Thị Cẩm", "Vũ Dũng"]
    assert [[household["chuHo"] for household in households] for households in listed] == [owners] * 2
    assert "commune-not-found" in printed or "There is no such commune" in printed
