"""What `lgsp doctor` says of what is delivered later: what waits for a person, what is late, and what receives nothing."""

import time
from collections.abc import AsyncIterator

import pytest
import uuid_utils
from support.filings import PROGRAM, Filings
from support.preloaded import run
from support.subscribing import NUMBER, PURPOSE, SERVICE, Subscribing
from support.waits import eventually
from support.workbench import Workbench

from lgsp_contracts.names import Major, OperationName, ServiceName, SystemName
from lgsp_gateway.delivery.messages.envelope import Envelope, serialize
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.keys.key_store import KeyStore


async def problems(bus: Workbench) -> dict[str, str]:
    """What is wrong, by the check that says so."""
    headers = {"Authorization": f"Bearer {bus.token('operator')}"}
    async with bus.session.get("/ops/checks", headers=headers) as answer:
        items = (await answer.json())["items"]
    return {one["check"]: one["detail"]["en"] for one in items if not one["ok"]}


@pytest.fixture
async def paused(events: Subscribing) -> AsyncIterator[str]:
    """A subscription, and an endpoint, that somebody paused."""
    made = await events.subscribe(name="tam-dung")
    await events.ask("POST", f"/{made['id']}/pause", {"reason": "bảo trì"})
    endpoint = await events.bus.ask("POST", "/endpoints", {"name": "nghi", "url": "http://127.0.0.1:9/"})
    path = f"/endpoints/{endpoint.json['id']}"
    await events.bus.ask("POST", f"{path}/pause", {"reason": "bảo trì"})
    yield made["id"]
    await events.ask("DELETE", f"/{made['id']}")
    await events.bus.ask("DELETE", path)


async def test_what_is_paused_shows_with_what_to_do(events: Subscribing, paused: str) -> None:
    remote = ["--url", f"http://127.0.0.1:{events.bus.port}", "--token", events.bus.token("operator")]
    code, out, _ = await run("doctor", *remote)
    assert code == 1
    lines = {line[5:20].strip(): line for line in out.splitlines()}
    assert "alpha/tam-dung" in lines["subscriptions"]
    assert "lgsp subscriptions show" in lines["subscriptions"]
    assert "alpha/nghi" in lines["endpoints"]
    assert "lgsp endpoints resume" in lines["endpoints"]


async def test_a_message_that_nobody_delivers_shows_once_its_deadline_is_long_over(events: Subscribing) -> None:
    bus, now = events.bus, int(time.time() * 1000)
    stuck = Envelope(
        message=str(uuid_utils.uuid7()),
        consumer=SystemName("alpha"),
        agency="H49.1",
        provider=SystemName("provider"),
        service=ServiceName(SERVICE),
        major=Major(1),
        version="1.0.0",
        operation=OperationName("read"),
        purpose=PURPOSE,
        grant="alpha-births",
        traceparent="",
        salt="",
        key="",
        priority="normal",
        accepted=now - 3_600_000,
        deadline=now - 1_800_000,
    )
    cipher = PayloadCipher(KeyStore(bus.state.keys).storage_keys)
    stored = cipher.encrypt(stuck.work_subject, serialize(stuck, f'{{"soDinhDanh": "{NUMBER}"}}'.encode()))
    await events.connection.jetstream().publish(stuck.work_subject, stored, headers={"Nats-TTL": "3s"})
    said = (await problems(bus))["messages"]
    assert f"{SERVICE}/read" in said
    assert "lgsp messages list" in said
    assert NUMBER not in said

    async def is_over() -> bool:
        return "messages" not in await problems(bus)

    await eventually(is_over)


async def test_quarantined_files_show(filings: Filings) -> None:
    assert (await filings.upload(PROGRAM)).status == 422
    assert "Files are quarantined: 1;" in (await problems(filings))["files"]
