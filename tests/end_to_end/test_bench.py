"""`lgsp bench`: a bus to measure, and its report."""

import json
from pathlib import Path

import aiohttp
from support.preloaded import run
from support.processes import LGSP, Process, free_port

BODY = {"soDinhDanh": "022093001234", "hoVaTen": "Nguyễn Văn An", "ngaySinh": "1993-05-17"}


async def test_bench_up_serves_with_nothing_left_out(tmp_path: Path) -> None:
    port, token_file = free_port(), tmp_path / "token"
    command = [*LGSP, "bench", "up", "--port", str(port), "--token-file", str(token_file)]
    bus = await Process(command, tmp_path / "log").start()
    headers = {"Authorization": f"Bearer {token_file.read_text()}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.post("/services/bench/v1/verify", json=BODY, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (200, {"ketQua": "KHOP", "doTinCay": 1.0})
            assert {"RateLimit", "Lgsp-Message-Id", "Server-Timing"} <= answer.headers.keys()
        async with session.post("/services/bench/v1/verify", json={}, headers=headers) as answer:
            assert answer.status == 422
        async with session.get("/metrics") as answer:
            assert "lgsp_evidence_entries_total 2.0" in await answer.text()
    assert await bus.stop() == 0


async def test_the_report(tmp_path: Path) -> None:
    line = {"date": "2026-11-25T10:00", "commit": "abc", "measure": "calls", "unit": "×", "target": "≥ 0.95"}
    history = tmp_path / "history.jsonl"
    history.write_text("\n".join(json.dumps(line | {"value": value}) for value in (0.9, 0.96, 0.97)))
    code, out, _ = await run("bench", "report", "--history", str(history))
    assert code == 0
    assert {"calls", "0.97", "0.96"} <= set(out.split())
    code, _, err = await run("bench", "report", "--history", str(tmp_path / "none"))
    assert code == 1
    assert "./lgsp bench run" in err
