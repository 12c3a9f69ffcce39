"""Degraded storage: a full store, a clock set back, a stream cut by hand, a forged checkpoint, a read-only database.

Each ends in a clear word or a clean recovery, and no answered call loses its evidence.
"""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from support.postgres import Postgres, name_in
from support.preloaded import run
from support.processes import LGSP, Process, apt_install
from support.searched import Searched
from support.waits import WORK_SECONDS
from support.workbench import Workbench

from lgsp_gateway.evidence.read import checkpoint_stream, entry_stream
from lgsp_gateway.evidence.read.checkpoint_stream import CheckpointRecord
from lgsp_gateway.evidence.verify.merkle import Tree
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_gateway.nats.auth_callout import ACCOUNT
from lgsp_runtime.nats.connection import connect


async def doctor(bus: Workbench) -> tuple[int, str]:
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")]
    code, out, err = await run("doctor", *remote)
    assert not err, err
    return code, out


def limited(bus: Workbench, megabytes: int) -> None:
    config = bus.state.nats / "nats.conf"
    found = json.loads(config.read_text())
    found["jetstream"]["max_file_store"] = megabytes * 1024 * 1024
    config.write_text(json.dumps(found))


async def test_doctor_of_a_bus_that_is_well(breakable_bus: Workbench) -> None:
    served = await breakable_bus.serve()
    hidden = await breakable_bus.serve("hidden")
    async with asyncio.timeout(20):
        while (await doctor(breakable_bus))[0]:  # it has not seen the adapters yet
            await asyncio.sleep(0.5)
    for one in (served, hidden):
        await breakable_bus.unserve(one)
    async with asyncio.timeout(20):
        while "No adapter serves 2 of the services: desk, hidden" not in (await doctor(breakable_bus))[1]:
            await asyncio.sleep(0.5)


async def test_a_full_store_refuses_and_loses_nothing(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    await bus.nats.stop()
    limited(bus, 4)
    await bus.start_nats()
    await asyncio.wait_for(bus.ready(), 15)
    answered: list[str] = []
    refused = None
    async with asyncio.timeout(WORK_SECONDS):
        while refused is None:
            answers = await asyncio.gather(*(bus.call() for _ in range(200)))
            answered += [got.message for got in answers if got.status == 200]
            refused = next((got for got in answers if got.code == "evidence-unavailable"), None)
    assert refused.status == 503
    code, out = await doctor(bus)
    assert (code, "evidence" in out) == (1, True), out
    await bus.nats.stop()
    limited(bus, 1024)
    await bus.start_nats()
    async with asyncio.timeout(20):
        while (got := await bus.call()).status != 200:
            await asyncio.sleep(0.2)
    written = [entry["message"] for entry in await bus.entries() if entry["status"] == 200]
    assert {*answered, got.message} <= set(written)
    assert len(written) == len(set(written))


async def test_a_read_only_database_holds_up_the_index_and_nothing_else(tmp_path: Path, postgres: Postgres) -> None:
    address = await postgres.new_database()
    name, bus = name_in(address), await Workbench(tmp_path).start("--index", address)
    searched = await Searched(bus, tmp_path, address).start()
    await searched.indexed((await bus.call()).message)
    await postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await searched.indexer.kill()
    await searched.indexer.start()
    got = await bus.call()
    assert got.status == 200
    async with asyncio.timeout(20):
        while "read-only transaction" not in searched.indexer.log.read_text():
            await asyncio.sleep(0.1)
    async with asyncio.timeout(20):
        while "The search index makes no progress: it lacks 1 batches" not in (await doctor(bus))[1]:
            await asyncio.sleep(1)
    await postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    await searched.indexed(got.message)
    await searched.stop()


async def test_a_clock_set_back_is_said(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    assert (await bus.call()).status == 200
    await bus.gateway.stop()  # signs
    behind = {"LD_PRELOAD": faketime(), "FAKETIME": "-3600s", "DONT_FAKE_MONOTONIC": "1"}
    bus.gateway = await Process([*LGSP, *bus.gateway.command], bus.gateway.log, behind).start()
    got = await bus.call()
    assert got.status in {200, 401}  # a token of the future does not count yet
    async with bus.session.get("/metrics") as answer:
        assert answer.status == 200
    async with asyncio.timeout(20):
        while 'lgsp_check_failed{check="clock"} 1.0' not in await _metrics(bus):
            await asyncio.sleep(0.2)
    assert "has jumped by" in bus.gateway.log.read_text()


def faketime() -> str:
    """Debian's libfaketime, installed where it is missing and that is possible."""
    found = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if found is None:
        apt_install("libfaketime")
        found = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    assert found, "libfaketime is missing; apt-get install libfaketime"
    return str(found)


async def _metrics(bus: Workbench) -> str:
    async with bus.session.get("/metrics") as answer:
        return await answer.text()


async def test_a_stream_cut_by_hand_is_not_built_upon(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    assert (await bus.call()).status == 200
    await bus.gateway.stop()
    await bus.nats.stop()
    shutil.rmtree(bus.state.nats / "data" / "jetstream" / ACCOUNT / "streams" / entry_stream.STREAM)
    await bus.start_nats()
    with pytest.raises(AssertionError, match="did not get ready"):
        await bus.gateway.start()
    assert "entries were removed" in bus.gateway.log.read_text()


async def test_a_stream_that_vanishes_while_running_is_said(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    for _ in range(3):
        await bus.call()
    await bus.drop_stream(entry_stream.STREAM)
    assert (await bus.call()).code == "evidence-unavailable"
    connection = await connect(bus.endpoint("gateway"), "test")
    await entry_stream.ensure(connection, 1)
    await connection.close()
    async with asyncio.timeout(20):
        while "entries were removed" not in (await doctor(bus))[1]:
            await asyncio.sleep(0.2)


async def test_a_forged_checkpoint_is_not_built_upon(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    assert (await bus.call()).status == 200
    await bus.gateway.stop()
    tree = Tree()
    tree.append(b"something else")
    note = Signer("lgsp/bench", b"x" * 32).sign(1, tree.root())
    connection = await connect(bus.endpoint("gateway"), "test")
    subject = checkpoint_stream.subject_of("bench")
    await connection.jetstream().publish(subject, CheckpointRecord(note, 1, tree.compact_range, 1).data())
    await connection.close()
    with pytest.raises(AssertionError, match="did not get ready"):
        await bus.gateway.start()
    assert "is not signed by this key" in bus.gateway.log.read_text()
