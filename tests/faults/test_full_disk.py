"""A disk that is really full, below whatever the bus keeps for itself: something else has filled it."""

import contextlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.later import send, until
from support.preloaded import run
from support.waits import eventually
from support.workbench import NUMBER, Got, Workbench, idempotency_key

from lgsp_gateway.local import nats_config

SIZE = "48m"
PERSON = {"soDinhDanh": NUMBER, "hoVaTen": "A"}


class SmallDisk(Workbench):
    """A bus whose NATS server has a small disk of its own, which a test may fill."""

    @property
    def disk(self) -> Path:
        return nats_config.storage(self.state)

    async def start_nats(self) -> None:
        self.disk.mkdir(parents=True, exist_ok=True)
        if not self.disk.is_mount():
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self.disk)], check=True)
        await super().start_nats()

    def fill(self) -> None:
        """Write something else until there is no room for a byte more."""
        with (self.disk / "something-else").open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def make_room(self) -> None:
        (self.disk / "something-else").unlink()

    async def doctor(self) -> str:
        remote = ["--url", f"http://127.0.0.1:{self.port}", "--token", self.token("auditor")]
        _, out, _ = await run("doctor", *remote)
        return out


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    bus = SmallDisk(tmp_path)
    await bus.start("--nats-storage", str(bus.disk))
    yield bus
    await bus.stop()
    subprocess.run(["umount", str(bus.disk)], check=True)


@pytest.mark.long
async def test_a_disk_without_a_byte_left_loses_nothing_that_was_accepted(bus: SmallDisk) -> None:
    desk = await bus.serve()
    answered = [(await bus.call()).message for _ in range(3)]
    await bus.unserve(desk)
    accepted = [(await send(bus, "register", PERSON)).message for _ in range(20)]
    changed = await _change_title(bus, "trước")
    assert changed.status == 200
    bus.fill()
    refused: list[Got] = []

    async def is_refused() -> bool:  # what fits into the pages that are there is still accepted
        for got in (await bus.call(), await send(bus, "register", PERSON)):
            accepted.extend([got.message] if got.status == 202 else [])
            refused.extend([got] if got.status in (503, 507) and got.code != "no-adapter" else [])
        return any(got.code == "evidence-unavailable" for got in refused)

    await eventually(is_refused, within=60)
    assert {got.code for got in refused} <= {"evidence-unavailable", "bus-unavailable", "storage-full"}
    assert all("Retry-After" in got.headers for got in refused)

    async def is_said() -> bool:
        return "restart nats-server" in await bus.doctor()

    await eventually(is_said, within=60)
    desk = await bus.serve()
    bus.make_room()
    assert (await bus.call()).code == "evidence-unavailable", "room alone does not help"
    assert "LGSP_EVIDENCE" in await bus.doctor(), "and the doctor says what does"
    await bus.nats.stop()
    await bus.start_nats()
    key = {"Idempotency-Key": idempotency_key()}

    async def is_back() -> bool:
        got = await bus.call(headers=key)
        answered.extend([got.message] if got.status == 200 else [])
        return got.status == 200

    await eventually(is_back)
    for message in accepted:
        await until(bus, message, "answered")
    assert (await bus.registry("GET", "agencies/H49.1")).json["spec"] == changed.json["spec"]
    assert (await _change_title(bus, "sau")).status == 200

    async def is_recorded() -> bool:
        entries = await bus.entries()  # which holds each against its schema, and the log together
        kinds = {(entry.get("message"), entry["kind"]) for entry in entries}
        expected = {(message, kind) for message in accepted for kind in ("accepted", "delivery")}
        return expected <= kinds and {*answered} <= {entry.get("message") for entry in entries}

    await eventually(is_recorded)

    async def is_well() -> bool:
        return "restart nats-server" not in await bus.doctor()

    await eventually(is_well, within=60)
    await bus.unserve(desk)


async def _change_title(bus: Workbench, title: str) -> Got:
    found = await bus.registry("GET", "agencies/H49.1")
    document: dict[str, Any] = {**found.json, "spec": {**found.json["spec"], "title": {"vi": title, "en": title}}}
    return await bus.registry("PUT", "agencies/H49.1", document, headers={"If-Match": found.headers["ETag"]})
