"""A bus whose evidence is indexed, in SQLite or in PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Any

from lgsp_gateway.local import nats_config
from support.preloaded import Preloaded
from support.workbench import Got, Workbench


class Searched:
    """A bus whose gateway has an index."""

    def __init__(self, bus: Workbench, folder: Path, address: str) -> None:
        self.bus = bus
        self.address = address
        command = ["indexer", "run", "--nats", bus.nats_url, "--index", self.address]
        command += ["--nats-passwords", str(nats_config.passwords(bus.state))]
        self.indexer = Preloaded(command, folder / "indexer.log")

    async def get(self, system: str = "auditor", headers: dict[str, str] | None = None, **query: str) -> Got:
        sent = {"Authorization": f"Bearer {self.bus.token(system)}", "Accept-Language": "en", **(headers or {})}
        async with self.bus.session.get("/evidence/messages", params=query, headers=sent) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def items(self, headers: dict[str, str] | None = None, **query: str) -> list[dict[str, Any]]:
        got = await self.get(headers=headers, **query)
        assert got.status == 200, got.body
        return list(got.json["items"])

    async def indexed(self, message: str) -> dict[str, Any]:
        """The entry of a message, as soon as the index has it."""
        async with asyncio.timeout(20):
            while True:
                got = await self.get(message=message)
                if got.status == 200 and got.json["items"]:
                    return dict(got.json["items"][0])
                await asyncio.sleep(0.05)

    async def start(self) -> "Searched":
        """Put an adapter on the bus, and begin to index."""
        await self.bus.serve()
        await self.indexer.start()
        return self

    async def stop(self) -> None:
        """Stop all of it."""
        await self.indexer.stop()
        await self.bus.stop()
