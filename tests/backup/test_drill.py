"""The drill: a bus with a long log, messages that wait and files is lost with all its disks, and restored.

It says how long each step took; the times stand in docs/operate/backup.md.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from support.backups import BackedUp
from support.filings import pdf
from support.later import Register, named, send
from support.waits import WORK_SECONDS, eventually

from lgsp_gateway.evidence.read import entry_stream
from lgsp_runtime.nats.connection import connect

ENTRIES = 100_000
BATCH = 100
MESSAGES = 300
FILES = 20
FILE_BYTES = 5_000_000


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_bus_of_a_hundred_thousand_entries_is_restored(tmp_path: Path) -> None:
    times = dict[str, float]()
    backed_up = await BackedUp(tmp_path).start()
    bus = backed_up.bus
    await _lengthen_log(backed_up)
    files = {(await bus.upload(content)).json["href"]: content for content in map(_content, range(FILES))}
    waiting = [(await send(bus, "register", named(str(number)))).message for number in range(MESSAGES)]
    size = 1 + ENTRIES + FILES + MESSAGES
    await backed_up.signed(size)
    auditor, token = await backed_up.auditors_keys(), bus.token("alpha")

    with _timed(times, "backup"):
        await backed_up.backup()
    with _timed(times, "second backup"):
        await backed_up.backup()
    with _timed(times, "verification"):
        code, out, err = await backed_up.verify()
    assert (code, f"bench {size}" in out) == (0, True), (out, err)
    await backed_up.lose()
    with _timed(times, "restore"):
        code, out, err = await backed_up.restore()
    assert code == 0, (out, err)
    with _timed(times, "start"):
        await backed_up.restart()
    assert bus.token("alpha") == token
    register = Register()
    with _timed(times, "deliveries"):
        await bus.serve(register=register.register)
        await eventually(lambda: len(register.names) >= MESSAGES, within=WORK_SECONDS)
    assert sorted(register.names) == sorted(map(str, range(MESSAGES)))
    for file, content in files.items():
        assert (await bus.ask("GET", file)).body == content
    await backed_up.signed(size + MESSAGES)
    assert (await bus.ask("GET", f"/messages/{waiting[0]}")).json["state"] == "answered"
    with _timed(times, "evidence"):
        code, out, err = await backed_up.evidence_is_whole(auditor)
    assert (code, "whole" in out) == (0, True), (out, err)
    stored = sum(path.stat().st_size for path in Path(backed_up.place).iterdir())
    print(f"\n{stored >> 20} MiB stored; seconds: {times}")
    await bus.stop()


@contextmanager
def _timed(times: dict[str, float], step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    times[step] = round(time.monotonic() - began, 1)


def _content(number: int) -> bytes:
    return pdf(FILE_BYTES) + str(number).encode()


async def _lengthen_log(backed_up: BackedUp) -> None:
    """Give the log of the gateway many entries, as calls of months do: written while it is stopped, and signed by it at its next start."""
    bus = backed_up.bus
    adapter = await bus.serve()
    message = (await bus.call()).message
    entry = await bus.entry(message)
    await bus.unserve(adapter)
    await bus.gateway.stop()
    connection = await connect(bus.endpoint("gateway"), "drill")
    for first in range(0, ENTRIES, BATCH):
        entries = [_another(entry, number) for number in range(first, first + BATCH)]
        await connection.jetstream().publish(entry_stream.subject_of("bench"), b"\n".join(entries))
    await connection.close()
    await bus.gateway.start()
    await bus.ready()


def _another(entry: dict[str, object], number: int) -> bytes:
    return orjson.dumps({**entry, "message": f"01890000-0000-7000-8000-{number:012x}"})
