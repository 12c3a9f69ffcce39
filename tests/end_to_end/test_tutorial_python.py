"""The tutorial for a class of one's own, run as it stands."""

from pathlib import Path

import pytest
from support.processes import ROOT, free_port
from support.tutorials import run_tutorial


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_connect_anything_with_a_python_class(tmp_path: Path) -> None:
    printed = await run_tutorial("tutorial-python.md", tmp_path, EXAMPLES=str(ROOT / "examples"), PORT=str(free_port()))
    assert "water-levels 1.0.0 is valid" in printed
    assert "adapter.yaml: keeps water-levels 1.0.0" in printed
    assert "21 passed, 0 failed" in printed
    assert "(unreachable): ConnectionRefusedError" in printed
    called = printed.split("0 failed")[-1]
    assert '"mucNuoc":0.98' in called.replace(": ", ":")
    assert "station-not-found" in called or "There is no such station" in called
