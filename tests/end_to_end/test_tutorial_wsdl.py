"""The tutorial for SOAP services, run as it stands."""

from pathlib import Path

import pytest
from support.processes import ROOT, free_port
from support.tutorials import run_tutorial


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_connect_a_soap_service_from_its_wsdl(tmp_path: Path) -> None:
    printed = await run_tutorial("tutorial-wsdl.md", tmp_path, EXAMPLES=str(ROOT / "examples"), PORT=str(free_port()))
    assert "export LGSP_BIRTHS_URL=http://127.0.0.1:" in printed
    assert "births 1.0.0 is valid" in printed
    assert "31 passed, 0 failed" in printed
    answer, refusal = printed.split("mot-cua-births")[-1].split("hoTen")[-1], printed[-400:]
    assert "Nguyễn Văn An" in answer
    assert "1993-05-17" in answer
    assert "Trần Thị Bình" not in answer
    assert "birth-not-found" in refusal or "There is no such birth" in refusal
