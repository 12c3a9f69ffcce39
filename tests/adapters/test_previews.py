"""What an integrator sees of a dropped file at the terminal: what would be taken, what would not, and why."""

from pathlib import Path

from support.office import written
from support.preloaded import run
from support.workbooks import error
from support.workbooks import written as workbook

HEADS = ("Số", "Họ tên", "CCCD")


async def test_a_file_that_was_just_copied_is_tried_and_its_faults_are_shown(tmp_path: Path) -> None:
    manifest = written(tmp_path, files={"pattern": "*.xlsx", "format": "xlsx"})
    contract = str(tmp_path / "contract.yaml")
    workbook(tmp_path / "drops" / "1.xlsx", HEADS, ("A1", "Bình", "1"), ("A2", "Cúc", error("#REF!")))
    code, _, err = await run("adapter", "try", str(manifest), "find", "--contract", contract)
    assert code == 1
    assert "1.xlsx: refused\nsheet a, line 3, column CCCD: it holds an error of the spreadsheet" in err
    assert "Cúc" not in err
