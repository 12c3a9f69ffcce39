"""What waits for delivery is somebody's data on our disk: nobody who reads the disk reads it."""

import asyncio
from typing import Any

from support.at_rest import files_with, spellings, stored_bytes
from support.later import send, state, until
from support.workbench import Workbench

from lgsp_adapters.adapter import Call

PERSON = "022093009876"  # contracts show another number in their examples
NAME = "Trần Bí Mật"
EACH = 334
AT_ONCE = 32


async def _answer(request: dict[str, Any], call: Call) -> dict[str, Any]:
    return {"ketQua": f"{request['hoVaTen']} {PERSON}"}


async def test_a_thief_of_the_disk_finds_nobody(breakable_bus: Workbench) -> None:
    bus = breakable_bus  # what waits in it would be delivered to the adapters of other tests
    adapter = await bus.serve(read=_answer)
    answered = await _accept(bus, "read")
    await until(bus, answered, "answered")
    await bus.unserve(adapter)
    dead, waiting = await _accept(bus, "wait"), await _accept(bus, "register")
    await until(bus, dead, "dead")
    assert (await state(bus, waiting))["state"] in ("accepted", "delivering")
    stored = await stored_bytes(bus)
    assert waiting.encode() in stored, "it looks in the wrong place"
    assert [text for text in (PERSON, NAME) for spelling in spellings(text) if spelling in stored] == []
    assert files_with(bus.state.root, (PERSON, NAME)) == {}


async def _accept(bus: Workbench, operation: str) -> str:
    """Have many messages accepted, and return the last one."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def accept() -> str:
        async with slots:
            got = await send(bus, operation, {"soDinhDanh": PERSON, "hoVaTen": NAME})
        assert got.status == 202, got.body
        return got.message

    return max(await asyncio.gather(*(accept() for _ in range(EACH))))


def test_the_search_finds_each_spelling(tmp_path: Any) -> None:
    for number, spelling in enumerate(spellings(NAME)):
        (tmp_path / f"file{number}").write_bytes(b"xx" + spelling + b"yy")
    assert len(files_with(tmp_path, (NAME,))) == number + 1
