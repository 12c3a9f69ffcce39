"""The tutorial that connects a workbook, run as it stands, so that it cannot rot."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.processes import ROOT
from support.tutorials import PAGES, run_tutorial

PAGE = PAGES / "tutorial-workbook.md"


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_from_a_workbook_to_a_service(tmp_path: Path) -> None:
    written = await run_tutorial(PAGE.name, tmp_path, EXAMPLES=str(ROOT / "examples"))
    draft = written[written.index("files:\n") : written.index("contract/social-support.yaml")]
    assert draft in PAGE.read_text()
    shown = re.findall(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL)[0].partition("…")[0]
    assert shown in written
    assert (
        'sheet Hồng Gai, line 7: lookup-support 022301002003: {"soDinhDanh":"022301002003","hoVaTen":"Ngô Khánh"'
        in written
    )
    assert "rows: 7, faults: 0" in written
    assert re.search(r"[0-9]+ passed, 0 failed", written)
    assert "sheet Hồng Gai, line 7, column Trợ cấp / Từ ngày: " in written
    assert "the row in line 5 of sheet Bãi Cháy has the same key" in written
    answers = [document for document in _documents(written) if "hoVaTen" in document]
    assert [len(answer) for answer in answers[-3:]] == [6, 4, 4], written  # tried, then called twice
    assert answers[-2] == {
        "soDinhDanh": "022195001235",
        "hoVaTen": "Trần Thị Bình",
        "xa": "Bãi Cháy",
        "mucHuong": 750000,
    }
    assert answers[-1] == {
        "soDinhDanh": "022093001234",
        "hoVaTen": "Nguyễn Văn An",
        "xa": "Bãi Cháy",
        "mucHuong": 1250000,
    }


def _documents(written: str) -> Iterator[dict[str, Any]]:
    """The JSON objects that begin a line."""
    for match in re.finditer(r"^\{", written, re.MULTILINE):
        with suppress(json.JSONDecodeError):
            yield json.JSONDecoder().raw_decode(written, match.start())[0]
