"""Adapters that watch, gateways and NATS are killed with -9 while rows are added: each row becomes one event, in the order of its key."""

import asyncio
import json
import os
import random
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import yaml
from aiohttp import web
from support.at_rest import decrypted
from support.postgres import Postgres
from support.preloaded import Preloaded
from support.upstreams import served
from support.waits import SECONDS, eventually
from support.watches import DOCUMENT
from support.workbench import CONTRACTS, OWNER, Workbench

from lgsp_runtime.nats.connection import NatsEndpoint, connect

SUBJECT = "events.births.v1.birth-registered"
WATCH = {
    "statement": "SELECT id, xa, luc FROM khai_sinh WHERE luc > :watermark ORDER BY luc, id LIMIT :limit",
    "watermark": "luc",
    "start": "2020-01-01T00:00:00+07:00",
    "overlap": "10m",
    "limit": 20,
    "poll": "100ms",
    "id": "row.id",
    "time": "row.luc",
    "data": {"ma": "row.id", "xa": "row.xa"},
}


class Office:
    """An office, and an adapter that watches it."""

    def __init__(
        self, bus: Workbench, folder: Path, kind: str, connection: dict[str, str], watch: dict[str, Any], **more: Any
    ) -> None:
        self.bus = bus
        self.rows = 0
        events = {"birth-registered": watch}
        head = {"service": "births", "major": 1, "system": "provider", "kind": kind}
        (folder / "adapter.yaml").write_text(
            yaml.safe_dump({**head, "connection": connection, "events": events, **more})
        )
        (folder / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
        shutil.copytree(bus.catalog_folder, folder / "contracts")
        command = ["adapter", "run", str(folder / "adapter.yaml"), "--nats", bus.nats_url]
        command += ["--gateway", f"http://127.0.0.1:{bus.port}", "--keys", str(folder)]
        command += ["--catalog", str(folder / "contracts")]
        self.adapter = Preloaded(command, folder / "adapter.log")
        self.copy = Preloaded(command, folder / "copy.log")

    async def add(self, count: int) -> None:
        """Add rows of now."""
        raise NotImplementedError

    async def published(self) -> list[dict[str, Any]]:
        """Return the data of the stored events, in the order of the stream."""
        connection = await connect(NatsEndpoint(self.bus.nats_url, "owner-of-the-disk", OWNER), "test")
        try:
            state = await connection.jetstream().stream_info("LGSP_EVENTS")
            subscription = await connection.jetstream().subscribe(SUBJECT, ordered_consumer=True)
            messages = [await subscription.next_msg(timeout=5) for _ in range(state.state.messages)]
        finally:
            await connection.close()
        return [json.loads(decrypted(self.bus, message).partition(b"\n")[2]) for message in messages]

    async def count(self) -> int:
        """Return how many events are stored."""
        connection = await connect(NatsEndpoint(self.bus.nats_url, "owner-of-the-disk", OWNER), "test")
        try:
            return int((await connection.jetstream().stream_info("LGSP_EVENTS")).state.messages)
        finally:
            await connection.close()


class Database(Office):
    """An office with a table."""

    def __init__(self, bus: Workbench, folder: Path, address: str) -> None:
        super().__init__(bus, folder, "sql", {"url": address}, WATCH)
        self.address = address

    async def add(self, count: int) -> None:
        """Add rows, each in a transaction of its own."""
        connection = await asyncpg.connect(self.address)
        for number in range(self.rows, self.rows + count):
            await connection.execute("INSERT INTO khai_sinh VALUES ($1, $2, now())", number, f"X{number % 5}")
        await connection.close()
        self.rows += count


class Folder(Office):
    """An office that drops files."""

    def __init__(self, bus: Workbench, folder: Path) -> None:
        self.folder = folder / "drops"
        self.folder.mkdir()
        watch = {"data": {"ma": 'number(row."Số")', "xa": 'row."Xã"'}}
        files = {"pattern": "*.csv", "format": "csv", "poll-seconds": 0.2}
        super().__init__(bus, folder, "files", {"folder": str(self.folder)}, watch, files=files)

    async def add(self, count: int) -> None:
        """Drop a file."""
        rows = [f"{number},X{number % 5}" for number in range(self.rows, self.rows + count)]
        part = self.folder / ".part"
        part.write_text("\n".join(["Số,Xã", *rows]) + "\n")
        os.utime(part, (1e9 + self.rows, 1e9 + self.rows))  # it has not changed for long
        part.rename(self.folder / f"{self.rows:06}.csv")
        self.rows += count


class Register(Office):
    """An office whose system lists what waits, and is told what was received."""

    def __init__(self, bus: Workbench, folder: Path, url: str) -> None:
        watch = {
            "path": "/waiting",
            "items": "answer",
            "poll": "100ms",
            "id": "item.ma",
            "data": {"ma": "item.ma", "xa": "item.xa"},
            "received": {"method": "PUT", "path": "/received/{item.ma}"},
        }
        super().__init__(bus, folder, "http", {"url": url}, watch)
        self.waiting: list[dict[str, Any]] = []

    async def add(self, count: int) -> None:
        """Add items."""
        self.waiting += [{"ma": number, "xa": f"X{number % 5}"} for number in range(self.rows, self.rows + count)]
        self.rows += count

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as the system does."""
        if request.method == "PUT":
            done = int(request.path.rpartition("/")[2])
            self.waiting = [item for item in self.waiting if item["ma"] != done]
            return web.json_response({})
        return web.json_response(self.waiting[:40])


@pytest_asyncio.fixture(params=["database", "folder", "register"])
async def any_office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    bus = await Workbench(tmp_path / "bus", contracts=[*CONTRACTS, {**DOCUMENT, "provider": "provider"}]).start()
    async with AsyncExitStack() as stack:
        found: Office
        if request.param == "database":
            found = Database(bus, tmp_path, await _new_table(request.getfixturevalue("postgres")))
        elif request.param == "folder":
            found = Folder(bus, tmp_path)
        else:
            asked: list[Register] = []
            url = await stack.enter_async_context(served(partial(_answer, asked)))
            found = Register(bus, tmp_path, url)
            asked.append(found)
        yield found
        await found.adapter.stop()
        await found.copy.stop()
    await bus.stop()


@pytest_asyncio.fixture
async def office(tmp_path: Path, postgres: Postgres) -> AsyncIterator[Database]:
    bus = await Workbench(tmp_path / "bus", contracts=[*CONTRACTS, {**DOCUMENT, "provider": "provider"}]).start()
    found = Database(bus, tmp_path, await _new_table(postgres))
    yield found
    await found.adapter.stop()
    await bus.stop()


async def _answer(asked: list[Register], request: web.Request) -> web.Response:
    return await asked[0].answer(request)


async def _new_table(postgres: Postgres) -> str:
    address = await postgres.new_database()
    connection = await asyncpg.connect(address)
    await connection.execute("CREATE TABLE khai_sinh (id int PRIMARY KEY, xa text, luc timestamptz NOT NULL)")
    await connection.close()
    return address


async def assert_each_once(office: Office, within: float = SECONDS) -> None:
    async def all_there() -> bool:
        return await office.count() >= office.rows

    await eventually(all_there, within=within)
    found = await office.published()
    assert sorted(item["ma"] for item in found) == list(range(office.rows))
    for key in range(5):
        in_order = [item["ma"] for item in found if item["xa"] == f"X{key}"]
        assert in_order == sorted(in_order)


async def test_operations_see_what_a_watch_does(office: Database) -> None:
    await office.adapter.start()
    await office.add(2)
    await eventually_count(office, 2)
    connection = await asyncpg.connect(office.address)
    await connection.execute("INSERT INTO khai_sinh VALUES (99, repeat('x', 30), now())")
    await connection.close()

    async def status() -> Any:
        shown = (await office.bus.ask("GET", "/ops/adapters", system="operator")).json
        return next((each.get("events") for each in shown["items"] if each["service"] == "births"), None)

    async def is_held() -> dict[str, Any] | None:
        found = (await status() or {}).get("birth-registered", {})
        return found if (found.get("state"), found.get("published"), found.get("held")) == ("watching", 2, 1) else None

    found = await eventually(is_held)
    assert found
    assert "/events/birth-registered/data" in found["faults"][0]["fault"]


@pytest.mark.long
async def test_what_was_sent_when_the_gateway_died_is_sent_again(office: Database) -> None:
    await office.adapter.start()
    await office.add(5)
    await eventually_count(office, 5)
    office.bus.gateway.signal(19)  # SIGSTOP: what is sent now has no reply
    await office.add(5)
    await asyncio.sleep(0.3)  # any moment will do: the rows are read, or not yet
    await office.adapter.kill()
    await office.bus.gateway.kill()
    await office.bus.gateway.start()
    await office.adapter.start()
    await assert_each_once(office)


@pytest.mark.long
async def test_kills_at_random_lose_and_double_nothing(any_office: Office) -> None:
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    chance, office = random.Random(seed), any_office
    await office.adapter.start()
    await office.copy.start()
    for _ in range(8):
        adding = asyncio.create_task(office.add(60))
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        match chance.choice(("adapter", "copy", "both", "gateway", "nats")):
            case "adapter":
                await again(office.adapter)
            case "copy":
                await again(office.copy)
            case "both":
                await asyncio.gather(again(office.adapter), again(office.copy))
            case "gateway":
                await office.bus.gateway.kill()
                await office.bus.gateway.start()
            case _:
                await office.bus.nats.kill()
                await office.bus.start_nats()
        await adding
    await office.bus.ready()
    await assert_each_once(office, within=120)


async def again(process: Preloaded) -> None:
    """Kill a process, and start it anew."""
    await process.kill()
    await process.start()


async def eventually_count(office: Office, count: int) -> None:
    async def reached() -> bool:
        return await office.count() >= count

    await eventually(reached)
