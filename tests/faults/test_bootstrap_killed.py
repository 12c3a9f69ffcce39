"""A gateway that is killed while it fills an empty registry: the next one continues."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.processes import Process, free_port
from support.waits import WORK_SECONDS
from support.workbench import CONTRACTS, TEXT, Workbench, document, grant

from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.store import STREAM, SUBJECTS
from lgsp_runtime.nats.connection import connect

WRITES = 9
"""Of the first fill of `Empty`: seven documents and two marks."""


class Proxy:
    """Stands before NATS, and kills a gateway when it writes the n-th document; what it wrote last reaches NATS or does not."""

    def __init__(self, nats_port: int, nth: int, *, arrives: bool) -> None:
        self.port = free_port()
        self.gateway: Process | None = None
        self._nats_port = nats_port
        self._nth = nth
        self._arrives = arrives
        self.writes = 0

    async def start(self) -> "Proxy":
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        return self

    async def stop(self) -> None:
        self._server.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._nats_port)
        with contextlib.suppress(OSError):
            await asyncio.gather(self._copy(back, writer, b""), self._copy(reader, forth, f"HPUB {SUBJECTS}".encode()))
        forth.close()
        writer.close()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, write: bytes) -> None:
        seen = b""
        async with asyncio.timeout(WORK_SECONDS):
            while data := await source.read(65536):
                if write:
                    seen = (seen + data)[-len(data) - len(write) + 1 :]
                    self.writes += seen.count(write)
                    if self.writes >= self._nth:
                        assert self.gateway
                        if self._arrives:
                            target.write(data)
                        await self.gateway.kill()
                        return
                target.write(data)
        target.close()


class Empty:
    """A bus whose registry is empty again and again, and the folders that fill it."""

    def __init__(self, bus: Workbench, folder: Path) -> None:
        self.bus = bus
        self.registry, self.catalog = folder / "few-documents", folder / "one-contract"
        self.registry.mkdir()
        self.catalog.mkdir()
        (self.catalog / "desk.yaml").write_text(yaml.safe_dump(CONTRACTS[0], allow_unicode=True))
        self.documents = [
            document("Agency", "H49.1", title=TEXT),
            self.system("operator", roles=["operator"]),
            self.system("provider"),
            self.system("alpha"),
            grant("alpha-desk", "alpha", read=["*"]),
            grant("alpha-desk-too", "alpha", narrow=["*"]),
        ]
        self.write()

    def system(self, name: str, **more: Any) -> dict[str, Any]:
        return document("System", name, agency="H49.1", title=TEXT, jwks=[self.bus.keys[name].public_jwk()], **more)

    def write(self) -> None:
        (self.registry / "registry.yaml").write_text(yaml.safe_dump_all(self.documents, allow_unicode=True))

    def gateway(self, nats_port: int) -> Process:
        process = self.bus.another_gateway("bench", self.bus.port)
        for option, value in (
            ("--nats", f"nats://127.0.0.1:{nats_port}"),
            ("--registry", str(self.registry)),
            ("--catalog", str(self.catalog)),
        ):
            process.command[process.command.index(option) + 1] = value
        return process

    async def filled_until(self, nth: int, *, arrives: bool) -> int:
        """Empty the registry and fill it until a write: how many there were."""
        await self.bus.drop_stream(STREAM)
        proxy = await Proxy(self.bus.nats_port, nth, arrives=arrives).start()
        proxy.gateway = self.gateway(proxy.port)
        await proxy.gateway.start(wait_ready=False)
        await proxy.gateway.ended()
        await proxy.stop()
        return proxy.writes

    async def found(self) -> dict[str, Any]:
        """What the registry holds, as its operator reads it from a gateway that starts and stops."""
        gateway = self.gateway(self.bus.nats_port)
        await gateway.start()
        found = {}
        for plural in ("agencies", "systems", "services", "grants"):
            answer = await self.bus.registry("GET", plural)
            assert answer.status == 200, answer.body
            found |= {f"{item['kind']} {item['metadata']['name']}": item["spec"] for item in answer.json["items"]}
        await gateway.stop()
        return found

    def wanted(self) -> dict[str, Any]:
        told = {f"{one['kind']} {one['metadata']['name']}": one["spec"] for one in self.documents}
        return {**told, "Service desk-v1": {"contract": CONTRACTS[0]}}


@pytest.fixture
async def empty(breakable_bus: Workbench, tmp_path: Path) -> Empty:
    await breakable_bus.gateway.kill()
    return Empty(breakable_bus, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("arrives", [True, False])
async def test_a_first_fill_that_is_killed_at_any_write_is_continued(empty: Empty, arrives: bool) -> None:
    for nth in range(1, WRITES + 1):
        assert await empty.filled_until(nth, arrives=arrives) == nth
        assert await empty.found() == empty.wanted(), f"killed at write {nth}"


async def test_a_first_fill_that_is_killed_before_the_operator_is_continued(empty: Empty) -> None:
    assert await empty.filled_until(3, arrives=False) == 3
    assert await empty.found() == empty.wanted()


async def test_an_interrupted_fill_ends_as_the_folders_are_then(empty: Empty) -> None:
    """Whoever sees that a wrong key is being written stops the gateway, mends the file and starts again."""
    await empty.filled_until(WRITES - 1, arrives=True)
    del empty.documents[-1]
    empty.documents[1] = empty.system("operator", roles=["operator", "auditor"])
    empty.write()
    assert await empty.found() == empty.wanted()


async def test_folders_are_not_looked_at_again_after_the_first_fill(empty: Empty) -> None:
    await empty.bus.drop_stream(STREAM)
    before = await empty.found()
    empty.documents = [*empty.documents[:1], document("Agency", "H49.2", title=TEXT)]
    empty.write()
    assert await empty.found() == before


async def test_a_bus_that_an_earlier_version_filled_half_is_filled(empty: Empty) -> None:
    """It wrote no mark; where nobody else wrote either, what is missing is added and nothing replaced."""
    await empty.bus.drop_stream(STREAM)
    await _write(empty, "bootstrap", {"title": {"vi": "Như đã ghi", "en": "As it was written"}})
    found = await empty.found()
    assert found.keys() == empty.wanted().keys()
    assert found["Agency H49.1"]["title"]["en"] == "As it was written"


async def test_a_bus_that_people_worked_with_before_there_was_a_mark_is_left_alone(empty: Empty) -> None:
    await empty.bus.drop_stream(STREAM)
    await _write(empty, "bootstrap", empty.documents[0]["spec"])
    await _write(empty, "somebody", empty.documents[1]["spec"], ("System", "operator"))
    assert (await empty.found()).keys() == {"Agency H49.1", "System operator"}


async def test_a_bus_with_an_operator_from_before_there_was_a_mark_gets_nothing_from_its_folders(empty: Empty) -> None:
    """Nobody else ever wrote to it; what the folders hold beyond it may have come with the upgrade."""
    await empty.bus.drop_stream(STREAM)
    await _write(empty, "bootstrap", empty.documents[0]["spec"])
    await _write(empty, "bootstrap", empty.documents[1]["spec"], ("System", "operator"))
    assert (await empty.found()).keys() == {"Agency H49.1", "System operator"}


async def _write(empty: Empty, by: str, spec: dict[str, Any], key: tuple[str, str] = ("Agency", "H49.1")) -> None:
    """Write a document as an earlier version did, into a stream that a gateway made and did not fill."""
    kind, name = key
    connection = await connect(empty.bus.endpoint("gateway"), "test")
    jetstream = connection.jetstream()
    with contextlib.suppress(Exception):
        await jetstream.add_stream(name=STREAM, subjects=[SUBJECTS + ">"], deny_delete=True, deny_purge=True)
    data = DocumentVersion.of(kind, DocumentName(name), spec, 0, 0, by, "").data
    await jetstream.publish(f"{SUBJECTS}{kind}.{name}", data)
    await connection.close()
