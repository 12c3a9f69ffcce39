"""What tests of asynchronous calls do: send one, ask what became of it, wait until it is over."""

import asyncio
from typing import Any

from lgsp_adapters.adapter import Call
from support.waits import eventually
from support.workbench import NUMBER, Got, Workbench

ASYNC = {"Prefer": "respond-async"}


async def send(bus: Workbench, operation: str = "read", body: Any = None, **more: Any) -> Got:
    """Call an operation asynchronously."""
    headers = {**ASYNC, **more.pop("headers", {})}
    return await bus.call(operation, body, headers=headers, **more)


async def ask(
    bus: Workbench, path: str, method: str = "GET", *, system: str = "alpha", body: Any = None, url: str = ""
) -> Got:
    """Ask the management API as a system."""
    return await bus.ask(method, f"{url}{path}", body, system=system)


async def state(bus: Workbench, message: str, **more: Any) -> dict[str, Any]:
    """What became of a message."""
    got = await ask(bus, f"/messages/{message}", **more)
    assert got.status == 200, got.body
    return dict(got.json)


async def until(bus: Workbench, message: str, *states: str, **more: Any) -> dict[str, Any]:
    """Return what became of a message, once it is in one of these states."""
    last: list[dict[str, Any]] = []

    async def reached() -> bool:
        last[:] = [await state(bus, message, **more)]
        return last[0]["state"] in states

    await eventually(reached, seen=lambda: last)
    return last[0]


async def entries_of(bus: Workbench, message: str) -> list[dict[str, Any]]:
    """All entries of the evidence about a message, in their order."""
    return [entry for entry in await bus.entries() if entry.get("message") == message]


class Register:
    """Registers people, and notes each time that it is asked."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self.fails = False

    async def register(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.names.append(request.get("hoVaTen", ""))
        self.asked.set()
        await self.may_answer.wait()
        if self.fails:
            raise RuntimeError
        return {"ketQua": f"so {len(self.names)}"}


def named(name: str) -> dict[str, str]:
    return {"soDinhDanh": NUMBER, "hoVaTen": name}


async def letters(bus: Workbench, query: str = "", **more: Any) -> list[dict[str, Any]]:
    got = await ask(bus, f"/dead-letters{query}", **more)
    assert got.status == 200, got.body
    return list(got.json["items"])
