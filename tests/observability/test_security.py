"""Those on watch hear who was refused what and who changed what, in a file of ECS JSON or by syslog, and no flood drowns them."""

import asyncio
import json
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.workbench import NAME, NUMBER, Workbench, document

from lgsp_problems import Refusal
from lgsp_runtime.security_events import EVENTS_PER_SECOND, SecurityLog


async def listening(bus: Workbench, address: str) -> None:
    await bus.gateway.stop()
    bus.gateway.command += ["--security-log", address]
    await bus.gateway.start()


async def heard(file: Path, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            for line in file.read_text().splitlines():
                event: dict[str, Any] = json.loads(line)
                if wanted(event):
                    return event
            await asyncio.sleep(0.05)


async def test_each_refusal_and_change_is_an_event(breakable_bus: Workbench, tmp_path: Path) -> None:
    bus, file = breakable_bus, tmp_path / "security.log"
    await listening(bus, str(file))

    def action(name: str) -> Callable[[dict[str, Any]], bool]:
        return lambda event: event["event"]["action"] == name

    assert "signs" in (await heard(file, action("key-used")))["message"]
    got = await bus.call("read-person", system="beta", headers={"Lgsp-Purpose": "thu-nghiem"})
    event = await heard(file, action("call-denied"))
    assert (event["user"]["name"], event["event"]["reason"], event["event"]["outcome"]) == ("beta", got.code, "failure")
    assert event["lgsp"]["message"] == got.message
    assert event["trace"]["id"] == got.headers["traceparent"][3:35]
    assert event["ecs.version"]
    async with bus.session.post("/services/desk/v1/read", headers={"Authorization": "Bearer nonsense"}) as answer:
        message = answer.headers["Lgsp-Message-Id"]
    event = await heard(file, action("token-refused"))
    assert (event["lgsp"]["message"], event["source"]["ip"]) == (message, "127.0.0.1")
    async with bus.session.post("/oauth2/token", data={"grant_type": "client_credentials"}) as answer:
        assert answer.status in {400, 401}
    assert (await heard(file, action("token-not-issued")))["event"]["category"] == ["authentication"]
    agency = document("Agency", "H49.99", title={"vi": "Thử", "en": "Try"})
    made = await bus.registry("POST", "agencies", agency, system="operator")
    assert made.status == 201, made.body
    assert (await heard(file, action("registry-changed")))["lgsp"]["name"] == "H49.99"
    endpoint = {"name": "nhan", "url": "http://127.0.0.1:9/"}
    assert (await bus.ask("POST", "/endpoints", endpoint)).status == 201
    paused = await bus.ask("POST", "/endpoints/nhan/pause", {"reason": "bảo trì"})
    assert paused.status == 200
    event = await heard(file, action("webhook-endpoint-paused"))
    assert (event["user"]["name"], event["lgsp"]["name"], event["event"]["reason"]) == (
        "alpha",
        "alpha/nhan",
        "bảo trì",
    )
    everything = file.read_text()
    assert NUMBER not in everything
    assert NAME not in everything


async def test_syslog_by_rfc_5424() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        log = SecurityLog(f"syslog+udp://127.0.0.1:{server.getsockname()[1]}", "gateway gw-1")
        log.event("call-denied", "failure", "api", "Không được phép", user__name="beta")
        said = (await asyncio.to_thread(server.recv, 65536)).decode()
        log.stop()
    found = re.fullmatch(r"<84>1 \S+T\S+Z \S+ lgsp \d+ call-denied - (\{.*\})\n", said)
    assert found, said
    assert json.loads(found[1])["user"]["name"] == "beta"


async def test_a_flood_is_summed_up(tmp_path: Path) -> None:
    file = tmp_path / "security.log"
    log = SecurityLog(str(file), "gateway gw-1")
    for _ in range(10 * EVENTS_PER_SECOND):
        log.event("token-refused", "failure", "authentication", "no")
    await asyncio.sleep(1.01)  # the next second, whose first event tells of it
    log.event("token-refused", "failure", "authentication", "no")
    log.stop()
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(events) <= 3 * EVENTS_PER_SECOND
    told = sum(event.get("lgsp", {}).get("suppressed", 0) for event in events)
    assert told + len(events) == 10 * EVENTS_PER_SECOND + 1


@pytest.mark.parametrize("address", ["/nowhere/at/all.log", "syslog+udp://", "syslog+carrier-pigeon://host:1"])
def test_a_place_that_cannot_be_written_is_refused(address: str) -> None:
    with pytest.raises(Refusal, match="syslog"):
        SecurityLog(address, "gateway gw-1")


async def test_a_file_that_was_away_is_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    security = SecurityLog(str(folder / "security.log"), "test")

    def events() -> list[str]:
        return (folder / "security.log").read_text().splitlines() if (folder / "security.log").exists() else []

    shutil.rmtree(folder)
    security.event("lost", "failure", "api", "while the folder is away")
    await asyncio.sleep(0.2)
    folder.mkdir()
    async with asyncio.timeout(20):
        while not any("kept" in line for line in events()):
            security.event("kept", "failure", "api", "when it is back")
            await asyncio.sleep(0.05)
    security.stop()
