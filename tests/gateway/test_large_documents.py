"""Documents above 1 MiB, where the contract says so; and that others do not wait behind them."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.processes import Process
from support.waits import until_set
from support.workbench import ALL, CONTRACTS, TEXT, Workbench, grant

MIB = 1 << 20
_TEXTS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"noiDung": {"type": "string"}, "cham": {"type": "boolean"}},
}


def operation(**limits: int) -> dict[str, Any]:
    example = {"request": {"noiDung": "a"}, "response": {"noiDung": "a"}}
    made = {
        "title": TEXT,
        "timeout": "10s",
        "idempotent": True,
        "request": _TEXTS,
        "response": _TEXTS,
        "example": example,
    }
    return {**made, "limits": limits} if limits else made


CONTRACT = {
    "service": "archive",
    "version": "1.0.0",
    "title": TEXT,
    "provider": "provider",
    "classification": "internal",
    "operations": {"store": operation(bytes=16 * MIB), "note": operation()},
}


@pytest_asyncio.fixture(scope="module")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workbench]:
    documents = [grant("alpha-archive", "alpha", "archive", store=ALL, note=ALL)]
    bench = Workbench(tmp_path_factory.mktemp("archive"), contracts=[*CONTRACTS, CONTRACT], documents=documents)
    await bench.start()

    async def echo(request: dict[str, Any], _: object) -> dict[str, Any]:
        return {"noiDung": request["noiDung"]}

    await bench.serve("archive", store=echo, note=echo)
    await bench.serve()
    await bench.answers(lambda got: got.status == 200)
    await bench.answers(lambda got: got.status == 200, "note", {"noiDung": "a"}, service="archive")
    yield bench
    await bench.stop()


async def test_a_document_of_16_mib_passes_where_the_contract_says_so(archive: Workbench) -> None:
    text = "ế" * (5 * MIB)
    document = json.dumps({"noiDung": text}, ensure_ascii=False).encode()
    assert 15 * MIB < len(document) < 16 * MIB
    got = await archive.call("store", document, service="archive")
    assert got.status == 200, got.body[:300]
    assert got.json == {"noiDung": text}
    refused = await archive.call("note", document, service="archive")
    assert (refused.status, refused.json["code"]) == (413, "too-large")
    assert "POST /files" in refused.json["detail"]
    beyond = await archive.call("store", json.dumps({"noiDung": "a" * (17 * MIB)}).encode(), service="archive")
    assert beyond.json["code"] == "too-large"
    nobody = await archive.call("store", document, service="archive", headers={"Authorization": "Bearer x"})
    assert nobody.status == 401


PROBE = """
import asyncio, json, sys, time, aiohttp
url, token, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
async def main():
    taken, end = [], time.perf_counter() + seconds
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    async with aiohttp.ClientSession(url) as session:
        while time.perf_counter() < end:
            began = time.perf_counter()
            async with session.post("/services/desk/v1/read", data=b"{}", headers=headers) as answer:
                assert answer.status == 422, answer.status
                await answer.read()
            taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    print(json.dumps({"calls": len(taken), "p50": taken[len(taken) // 2], "p99": taken[int(len(taken) * 0.99)], "max": taken[-1]}))
asyncio.run(main())
"""
"""Calls that need no adapter: the contract refuses them, and they are evidence like any other. In a process of its own, since this one
parses what it floods the bus with."""


@pytest.mark.long
async def test_others_do_not_wait_behind_large_documents(archive: Workbench, tmp_path: Path) -> None:
    document = json.dumps({"noiDung": "a" * (15 * MIB)}).encode()

    async def probe(seconds: float) -> dict[str, float]:
        url, token = f"http://127.0.0.1:{archive.port}", archive.token("beta")
        process = Process([sys.executable, "-c", PROBE, url, token, str(seconds)], tmp_path / "probe.log")
        await process.start(wait_ready=False)
        assert await process.ended() == 0, process.log.read_text()
        measured: dict[str, float] = json.loads(process.output[0])
        return measured

    alone = await probe(1)
    stop = asyncio.Event()

    async def flood() -> int:
        calls = 0
        for _ in until_set(stop):
            calls += (await archive.call("store", document, service="archive")).status == 200
        return calls

    flooding = [asyncio.create_task(flood()) for _ in range(4)]
    beside = await probe(3)
    stop.set()
    large = sum(await asyncio.gather(*flooding))
    for name, measured in (("alone", alone), (f"beside {large} documents of 15 MiB", beside)):
        print(f"\n{name}: " + ", ".join(f"{key} {value:.1f}" for key, value in measured.items()))
    assert large > 3
    assert beside["calls"] > alone["calls"] / 3, "small calls go on meanwhile"


async def test_documents_that_are_refused_do_not_stay_in_memory(archive: Workbench) -> None:
    document = json.dumps({"khac": "a" * (MIB - 100)}).encode()

    def used() -> int:
        lines = Path(f"/proc/{archive.gateway.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) >> 10

    async def refused(times: int) -> None:
        for _ in range(times):
            got = await archive.call("note", document, service="archive")
            assert (got.status, got.json["code"]) == (422, "contract-violation")

    await refused(10)
    before = used()
    await refused(60)
    assert used() - before < 30, "MiB"
