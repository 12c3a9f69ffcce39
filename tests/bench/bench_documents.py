"""Documents of 15 MiB in calls, and whether the calls of others wait behind them. `./lgsp bench run`; never asserted."""

import asyncio
import json
from pathlib import Path
from typing import Any

from support.waits import until_set
from support.workbench import ALL, CONTRACTS, TEXT, Workbench, grant

from bench import history
from bench.loop_blocking import Measured
from bench.message_sides import caller, percentile, receiver

MIB = 1 << 20
SIZE = 15 * MIB
SECONDS = 6.0
ROUNDS = 3
_TEXTS = {"type": "object", "properties": {"noiDung": {"type": "string"}}}
_STORE: dict[str, Any] = {
    "title": TEXT,
    "timeout": "10s",
    "idempotent": True,
    "request": _TEXTS,
    "response": {"type": "object", "properties": {"ketQua": {"type": "string"}}},
    "example": {"request": {"noiDung": "a"}, "response": {"ketQua": "KHOP"}},
    "limits": {"bytes": 16 * MIB},
}
ARCHIVE = {
    "service": "archive",
    "version": "1.0.0",
    "title": TEXT,
    "provider": "provider",
    "classification": "internal",
    "operations": {"store": _STORE},
}


async def test_calls_of_others_beside_large_documents(tmp_path: Path) -> None:
    """One system stores documents without a pause, one or four at a time; another one calls another service meanwhile."""
    document = json.dumps({"noiDung": "a" * SIZE}).encode()
    documents = [grant("alpha-archive", "alpha", "archive", store=ALL)]
    bus = await Workbench(tmp_path, contracts=[*CONTRACTS, ARCHIVE], documents=documents).start()
    try:
        async with (
            receiver(bus, tmp_path),
            receiver(bus, tmp_path, "archive"),
            caller(bus, tmp_path) as calling,
        ):
            await bus.answers(lambda got: got.status == 200, "read", system="beta")
            await bus.answers(lambda got: got.status == 200, "store", b"{}", service="archive")
            for at_once in (1, 4):
                await _measure(bus, calling, document, at_once)
    finally:
        await bus.stop()


async def test_how_long_a_large_document_blocks_the_gateway(tmp_path: Path) -> None:
    """In processor time, which does not depend on what else the machine does."""
    document = json.dumps({"noiDung": "a" * SIZE}).encode()
    documents = [grant("alpha-archive", "alpha", "archive", store=ALL)]
    bus = await Workbench(tmp_path, contracts=[*CONTRACTS, ARCHIVE], documents=documents).start()
    try:
        await bus.gateway.stop()
        monitored = Measured(bus, tmp_path)
        await monitored.start()
        async with receiver(bus, tmp_path, "archive"):
            await bus.answers(lambda got: got.status == 200, "store", b"{}", service="archive")

            async def store() -> None:
                assert (await bus.call("store", document, service="archive")).status == 200

            blocked = sorted([await monitored.longest(store) for _ in range(5)])
            history.record("longest turn of the event loop while a document of 15 MiB passes", blocked[2], "ms")
    finally:
        await bus.stop()


async def _measure(bus: Workbench, calling: Any, document: bytes, at_once: int) -> None:
    ratios, taken, rates = [], [], []
    for _ in range(ROUNDS):
        quiet = await calling.tell(str(SECONDS / 2))
        stop = asyncio.Event()
        storing = [asyncio.create_task(_store(bus, document, stop)) for _ in range(at_once)]
        await asyncio.sleep(0.5)
        beside = await calling.tell(str(SECONDS))
        stop.set()
        rates.append(sum(await asyncio.gather(*storing)) / (SECONDS + 0.5))
        ratios.append([percentile(beside, at) / percentile(quiet, at) for at in (50, 99)])
        taken.append([percentile(beside, 50), percentile(beside, 99), beside[-1]])
    middle = ROUNDS // 2
    named = f"beside {at_once} documents of 15 MiB at a time"
    history.record(f"documents a second, {at_once} at a time", sorted(rates)[middle], "documents/s")
    for number, name in enumerate(("p50", "p99", "longest")):
        history.record(f"{name} of others' calls {named}", sorted(one[number] for one in taken)[middle], "ms")
    for number, name in enumerate(("p50", "p99")):
        of_all = sorted(one[number] for one in ratios)
        history.record(f"{name} of others' calls {named}, beside before", of_all[middle], "×")


async def _store(bus: Workbench, document: bytes, stop: asyncio.Event) -> int:
    stored = 0
    for _ in until_set(stop):
        got = await bus.call("store", document, service="archive")
        assert got.status == 200, got.body[:300]
        stored += 1
    return stored
