"""What may be stored: an agency within its quota, all of them together outside the reserve; and what goes on when that is used up."""

import asyncio
import contextlib
import copy
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from nats.js.errors import APIError
from support.filings import CONTRACT, GRANTS, Filings, pdf
from support.later import send, state, until
from support.preloaded import run
from support.processes import free_port
from support.subscribing import BIRTHS, DATA, EVENT, FIELDS, PURPOSE, REGISTERS, SERVICE, event_grant
from support.waits import eventually
from support.workbench import ALL, CONTRACTS, NUMBER, OWNER, TEXT, Got, Workbench, grant

from lgsp_adapters.adapter import Call
from lgsp_runtime.nats.connection import NatsEndpoint, connect

MIB = 1 << 20
STORE = 64 * MIB
RESERVE = STORE // 10
PIECE = 256 * 1024
FULL, QUOTA = (507, "storage-full"), (429, "storage-quota-exceeded")


class Bounded(Filings):
    """A bus with asynchronous calls, events and files, and with a small storage, which a test may fill."""

    def __init__(self, folder: Path) -> None:
        grants = [*GRANTS, grant("asker-desk", "asker", read=ALL), event_grant("alpha-births", "alpha", FIELDS)]
        patient = copy.deepcopy(CONTRACTS[0])
        patient["operations"]["register"]["timeout"] = "30s"  # a test fills the storage meanwhile
        strict = copy.deepcopy(REGISTERS)  # it takes few events
        strict["operations"]["receive"]["request"]["properties"]["maHoSo"]["maxLength"] = 5
        Workbench.__init__(
            self, folder, contracts=[patient, *CONTRACTS[1:], CONTRACT, BIRTHS, strict], documents=grants
        )

    async def ask(
        self, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None, *, system: str = ""
    ) -> Got:
        """Send a request as it is, or as a system with a JSON body."""
        if system:
            return await Workbench.ask(self, method, path, data, system=system, headers=headers)
        return await super().ask(method, path, data, headers)

    async def start_nats(self) -> None:
        """Start the NATS server; it may store little."""
        path = self.state.nats / "nats.conf"
        config = json.loads(path.read_text())
        config["jetstream"]["max_file_store"] = STORE
        path.write_text(json.dumps(config))
        await super().start_nats()

    async def fill(self, free: int) -> None:
        """Fill the storage with something else until so many bytes are free; 0 until nothing more is stored."""
        connection = await connect(self._owner, "test")
        jetstream = connection.jetstream()
        await jetstream.add_stream(name="FILL", subjects=["fill"])  # where it is not there
        with contextlib.suppress(APIError):
            for _ in range((await self.free() - free) // PIECE + (1 if free else 4)):
                await jetstream.publish("fill", bytes(PIECE))
        await connection.close()
        await self.notices(await self.free())

    async def empty(self) -> None:
        """Remove what `fill` stored."""
        connection = await connect(self._owner, "test")
        await connection.jetstream().delete_stream("FILL")
        await connection.close()

    async def notices(self, free: int) -> None:
        """Wait until the gateway knows that no more is free."""

        async def is_noticed() -> bool:
            async with self.session.get("/metrics") as answer:
                text = await answer.text()
            used = [line for line in text.splitlines() if line.startswith("lgsp_storage_used_bytes{")]
            return any(STORE - float(line.rpartition(" ")[2]) <= free + 64 * 1024 for line in used)

        await eventually(is_noticed)

    async def free(self) -> int:
        """Return how many bytes JetStream may store more."""
        connection = await connect(self.endpoint("system"), "test")
        reply = await connection.request("$SYS.REQ.SERVER.PING.JSZ", b"", timeout=5)
        await connection.close()
        return STORE - int(json.loads(reply.data)["data"]["storage"])

    @property
    def _owner(self) -> NatsEndpoint:
        return NatsEndpoint(self.nats_url, "owner-of-the-disk", OWNER)

    async def publish(self, **data: Any) -> Got:
        """Publish an event."""
        headers = {
            **self.authorized("provider", Content_Type="application/json"),
            "ce-specversion": "1.0",
            "ce-id": str(uuid.uuid4()),
            "ce-source": "/systems/provider",
            "ce-type": f"lgsp.{SERVICE}.v1.{EVENT}",
        }
        return await self.ask(
            "POST", f"/events/{SERVICE}/v1/{EVENT}", data=json.dumps({**DATA, **data}), headers=headers
        )

    async def limit(self, storage: str) -> None:
        """Give the agency of most systems a storage quota."""
        spec = {"title": TEXT, **({"storage": storage} if storage else {})}
        found = await self.registry("GET", "agencies/H49.1")
        changed = {**found.json, "spec": spec}
        put = await self.registry("PUT", "agencies/H49.1", changed, headers={"If-Match": found.headers["ETag"]})
        assert put.status == 200, put.body

    async def doctor(self) -> str:
        """Return what `lgsp doctor` says."""
        remote = ["--url", f"http://127.0.0.1:{self.port}", "--token", self.token("auditor")]
        return (await run("doctor", *remote))[1]


@pytest_asyncio.fixture
async def bounded(tmp_path: Path) -> AsyncIterator[Bounded]:
    """A bus of each test, since each fills it."""
    bench = Bounded(tmp_path)
    await bench.start()
    yield bench
    await bench.stop()


@contextlib.asynccontextmanager
async def another_gateway(bench: Bounded) -> AsyncIterator[None]:
    """A gateway that has just started; requests of the bench go to it meanwhile."""
    port, first = free_port(), bench.session
    gateway = bench.another_gateway("second", port)
    await gateway.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            bench.session = session
            yield
    finally:
        bench.session = first
        await gateway.stop()


def outcome(got: Got) -> tuple[int, str]:
    return got.status, got.code


async def refused(bench: Bounded, expected: tuple[int, str]) -> list[str]:
    """Send messages until one is refused; return those that were accepted."""
    accepted: list[str] = []
    for _ in range(100):
        for got in await asyncio.gather(*(send(bench) for _ in range(20))):
            if got.status != 202:
                assert outcome(got) == expected, got.body
                return accepted
            accepted.append(got.message)
    raise AssertionError("everything was accepted")


async def test_an_agency_stores_within_its_quota(bounded: Bounded) -> None:
    await bounded.limit("64KiB")
    waiting = await refused(bounded, QUOTA)
    assert 20 <= len(waiting) <= 90, "twenty at a time"
    said = (await send(bounded)).json["detail"]
    assert "storage quota" in said or "hạn mức lưu trữ" in said
    assert outcome(await bounded.publish()) == QUOTA
    assert outcome(await bounded.upload(pdf(100))) == QUOTA
    used = (await bounded.ask("GET", "/me/quotas", system="alpha")).json["storage"]
    assert (used["quotaBytes"], used["usedBytes"] > 60 * 1024) == (64 * 1024, True)
    assert (await send(bounded, system="asker")).status == 202, "another agency's"
    async with another_gateway(bounded):

        async def refuses() -> bool:  # what the other one has taken in its last second is written by then
            got = await send(bounded)
            return got.status != 202 and outcome(got) == QUOTA

        await eventually(refuses)
    served = await bounded.serve()
    for message in waiting:
        await until(bounded, message, "answered")

    async def is_accepted() -> bool:
        return (await send(bounded)).status == 202

    await bounded.limit("512KiB")  # what was answered is kept for a day, and its state for a month
    await eventually(is_accepted)
    await bounded.limit("")
    await bounded.unserve(served)


async def test_what_is_new_leaves_room_for_evidence(bounded: Bounded) -> None:
    served = await bounded.serve()
    path = await bounded.begin(3 * MIB)
    content = pdf(3 * MIB)
    await bounded.fill(RESERVE + 2 * MIB)
    sent = await bounded.send(path, 0, content)
    assert outcome(sent) == FULL, sent.body
    offset = await bounded.offset(path)
    assert offset < len(content)
    await refused(bounded, FULL)
    assert outcome(await bounded.publish()) == FULL
    assert outcome(await bounded.upload(pdf(100))) == FULL
    got = await bounded.call()
    assert (got.status, (await bounded.entry(got.message))["status"]) == (200, 200), "synchronous calls go on"

    async def is_said() -> bool:
        return "storage" in await bounded.doctor()

    await eventually(is_said)
    assert "storage almost full, nothing new is accepted" in bounded.gateway.log.read_text()
    await bounded.empty()

    await finish(bounded, path, content)
    used = (await bounded.ask("GET", "/me/quotas", system="alpha")).json["storage"]
    assert used["fileBytes"] >= len(content)
    await until(bounded, (await send(bounded)).message, "answered")
    assert (await bounded.publish()).status == 202
    await bounded.unserve(served)


async def test_dead_letters_of_events_leave_room_for_evidence(bounded: Bounded) -> None:
    delivery = {"kind": "adapter", "service": "registers", "major": 1, "operation": "receive", "content": "data"}
    wish = {"name": "test", "service": SERVICE, "major": 1, "events": [EVENT], "purpose": PURPOSE, "delivery": delivery}
    made = await bounded.ask("POST", "/subscriptions", wish, system="alpha")
    assert made.status == 201, made.body
    path = f"/subscriptions/{made.json['id']}"

    async def letters() -> list[dict[str, Any]]:
        got = await bounded.ask("GET", "/dead-letters?kind=event", system="alpha")
        return [one for one in got.json["items"] if one["subscription"] == made.json["id"]]

    async def waits_for_room() -> bool:
        return (await bounded.ask("GET", path, system="alpha")).json.get("waiting") == "storage-full"

    await bounded.ask("POST", f"{path}/pause", system="alpha")
    assert (await bounded.publish(maHoSo="longer than it takes")).status == 202
    await bounded.fill(RESERVE // 4)
    await bounded.ask("POST", f"{path}/resume", system="alpha")
    await eventually(waits_for_room, seen=lambda: bounded.gateway.log.read_text()[-1000:])
    assert await letters() == []
    await bounded.empty()

    async def has_room() -> bool:
        return (await bounded.publish(maHoSo="H49-1")).status == 202

    await eventually(has_room)
    for step in ("pause", "resume"):  # which ends the pause of its lane
        await bounded.ask("POST", f"{path}/{step}", system="alpha")
    await eventually(letters)
    await bounded.ask("DELETE", path, system="alpha")


async def finish(bench: Bounded, path: str, content: bytes) -> None:
    """Go on with an upload once there is room, and compare what is stored."""
    last: list[Got] = []

    async def goes_on() -> bool:
        at = await bench.offset(path)
        last[:] = [await bench.send(path, at, content[at:])]
        return last[0].status == 204

    await eventually(goes_on, seen=lambda: [(got.status, got.body) for got in last])
    assert (await bench.ask("GET", path)).body == content


@pytest.mark.long
async def test_what_was_accepted_is_settled_once_there_is_room(bounded: Bounded) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()
    calls: list[str] = []

    async def register(request: dict[str, Any], call: Call) -> dict[str, Any]:
        calls.append(call.context.key)
        asked.set()
        await may_answer.wait()
        return {"ketQua": "KHOP"}

    served = await bounded.serve(register=register)
    await bounded.fill(RESERVE + 3 * MIB)
    accepted = await send(bounded, "register", {"soDinhDanh": NUMBER, "hoVaTen": "A"})
    assert accepted.status == 202, accepted.body
    message, content = accepted.message, pdf(MIB + 5)
    path = await bounded.begin(len(content))
    await asyncio.wait_for(asked.wait(), 10)
    await bounded.fill(0)
    may_answer.set()

    async def is_waiting() -> bool:
        return "the outcome of a message waits to be stored" in bounded.gateway.log.read_text()

    await eventually(is_waiting)
    for got in (await send(bounded), await bounded.publish(), await bounded.call()):
        assert outcome(got) == (503, "evidence-unavailable"), "not even a refusal is told without its evidence"
    part = await bounded.send(path, 0, content)
    assert outcome(part) == FULL, part.body
    assert (await state(bounded, message))["state"] != "answered"
    await bounded.empty()
    await finish(bounded, path, content)
    await until(bounded, message, "answered")
    assert len(calls) == 1
    await bounded.unserve(served)
