"""What an integrator sees of a dropped file at the terminal: what would be taken, what would not, and why."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.office import written
from support.preloaded import run
from support.workbooks import error, merge
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


LINES: list[tuple[str | float, ...]] = [
    ("DANH SÁCH", "", ""),
    (),
    ("Số", "Họ tên", "CCCD"),
    ("A1", "Bình", 22093001235),
    ("A2", "Cúc", error("#REF!")),
    ("", "Dũng", "022093001236"),
    ("Tổng cộng: 3",),
]
FILES = {"pattern": "*.xlsx", "format": "xlsx", "heading": 3, "end": "starts_with(row.\"Số\" || '', 'Tổng')"}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return merge(workbook(tmp_path / "danh-sach.xlsx", *LINES), "A1:C1", "A7:C7")


async def test_an_unknown_file_gets_a_draft_that_reads_it(book: Path) -> None:
    code, out, _ = await run("adapter", "preview", str(book))
    assert code == 0
    assert "sheet a: headings in line 3, rows: 3, faulty cells: 1" in out
    assert "CCCD: 2 digits, 1 absent\n" in out
    assert """restore_zeros(row.CCCD, `12`)""" in out
    assert "Cúc" not in out
    assert yaml.safe_load(out[out.index("files:") :]) == {"files": {**FILES, "sheet": "a"}}


async def test_what_a_manifest_makes_of_a_file(book: Path, tmp_path: Path) -> None:
    told = (str(written(tmp_path, files=FILES)), "--contract", str(tmp_path / "contract.yaml"))
    code, out, err = await run("adapter", "preview", str(book), "--manifest", *told)
    assert out.splitlines() == [
        'sheet a, line 4: find A1: {"cccd":"22093001235","so":"A1","ten":"Bình"}',
        "sheet a, line 5, column CCCD: it holds an error of the spreadsheet; correct the formula",
        "find: rows without a key, never found: 1 (sheet a: 6)",
        "lines that are no rows: 1 (sheet a: 7)",
        "rows: 3, faults: 1",
    ]
    assert (code, err) == (1, "lgsp: danh-sach.xlsx: 1 fault; correct the file or the manifest.\n")
    _, out, err = await run(
        *("adapter", "preview", str(book), "--manifest", *told, "--faults", "-o", "json"),
        environment={"LC_ALL": "vi_VN.UTF-8"},
    )
    assert [entry["line"] for entry in json.loads(out)["entries"]] == [5]
    assert "có 1 lỗi" in err
    assert [path.name for path in tmp_path.glob("*.json")] == []


async def test_what_rows_would_send(book: Path, tmp_path: Path) -> None:
    path = written(tmp_path)
    manifest: dict[str, Any] = {
        **{name: value for name, value in yaml.safe_load(path.read_text()).items() if name != "operations"},
        "kind": "rows",
        "operation": "find",
        "files": FILES,
        "request": {"so": 'row."Số"', "cccd": "restore_zeros(row.CCCD, `12`)"},
    }
    path.write_text(yaml.safe_dump(manifest, allow_unicode=True))
    told = (str(path), "--contract", str(tmp_path / "contract.yaml"), "--limit", "2")
    _, out, _ = await run("adapter", "preview", str(book), "--manifest", *told)
    assert out.splitlines()[:2] == [
        'sheet a, line 4: {"cccd":"022093001235","so":"A1"}',
        "sheet a, line 5, column CCCD: it holds an error of the spreadsheet; correct the formula",
    ]
    assert out.splitlines()[-1] == "rows: 3, faults: 1"


async def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 and no more")
    code, _, err = await run("adapter", "preview", str(tmp_path / "a.xlsx"))
    assert (code, err) == (1, "lgsp: a.xlsx: it is no whole workbook; open it in Excel and save it as .xlsx.\n")
