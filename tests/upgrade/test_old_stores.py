"""A bus that an earlier version has made: the code of today starts on its store, answers, and proves what was written before."""

from pathlib import Path

import orjson
from support.old_stores import OldStore
from support.preloaded import run
from support.waits import eventually
from support.workbench import Workbench

from lgsp_gateway.local import nats_config
from lgsp_gateway.operate.backup.stream_backup import list_names
from lgsp_gateway.operate.upgrade.store_check import KNOWN_STREAMS
from lgsp_gateway.registry import store
from lgsp_runtime.nats.connection import connect


async def check(bus: Workbench) -> tuple[int, str, str]:
    """Ask what this version finds in the store."""
    passwords = str(nats_config.passwords(bus.state))
    return await run(
        *("upgrade", "check", "--nats", bus.nats_url, "--nats-passwords", passwords, "--keys", str(bus.state.keys))
    )


async def test_the_store_of_0_2_0_is_taken_over(tmp_path: Path) -> None:
    bus = OldStore(tmp_path, "0.2.0")
    await bus.start()
    try:
        await bus.ready()
        code, out, err = await check(bus)
        assert (code, "reads this store: 2 contracts are valid" in out) == (0, True), (out, err)
        await bus.serve()
        answered = await bus.call()
        assert answered.status == 200, answered.body
        messages = {entry["message"] for entry in await bus.entries() if "message" in entry}
        assert {*bus.messages, answered.message} <= messages
        remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")]

        async def is_whole() -> bool:
            code, out, err = await run("evidence", "verify", "--key", str(bus.auditors_keys), *remote)
            assert (code, "whole" in out) == (0, True), (out, err)
            return "6 entries" in out or "7 entries" in out

        await eventually(is_whole)
    finally:
        await bus.stop()


async def test_an_upgrade_is_refused_in_one_sentence_before_anything_changes(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    connection = await connect(bus.endpoint("gateway"), "test")
    jetstream = connection.jetstream()
    [name] = [one for one in await list_names(connection) if one == store.STREAM]
    assert set(await list_names(connection)) <= KNOWN_STREAMS, "name a new stream of the bus in KNOWN_STREAMS"
    before = (await jetstream.stream_info(name)).state.messages
    contract = {"service": "desk", "version": "9.0.0", "title": {"vi": "Thử", "en": "Try"}, "classification": "secret"}
    content = {"spec": {"contract": contract}, "at": 1, "by": "test", "reason": ""}
    await jetstream.publish(f"{store.SUBJECTS}Service.invalid-v9", orjson.dumps(content))
    code, _, err = await check(bus)
    assert (code, "does not accept the contracts invalid-v9; see what is wrong" in err) == (1, True), err
    await jetstream.publish(f"{store.SUBJECTS}Service.invalid-v9", b"not JSON")
    code, _, err = await check(bus)
    assert (code, "cannot read the document invalid-v9 (Service) of the registry; keep" in err) == (1, True), err
    assert (await jetstream.stream_info(name)).state.messages == before + 2
    await connection.close()
