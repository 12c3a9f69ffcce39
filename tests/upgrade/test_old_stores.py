"""A bus that an earlier version has made: the code of today starts on its store, answers, and proves what was written before."""

from pathlib import Path

from support.old_stores import OldStore
from support.preloaded import run
from support.waits import eventually


async def test_the_store_of_0_2_0_is_taken_over(tmp_path: Path) -> None:
    bus = OldStore(tmp_path, "0.2.0")
    await bus.start()
    try:
        await bus.ready()
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
