"""Each step of a dossier is announced by the one-stop desk and brought to the National Public Service Portal by an adapter."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
import yaml
from aiohttp import web
from support.preloaded import Preloaded
from support.waits import eventually
from support.workbench import ALL, CONTRACTS, TEXT, Workbench, document

from lgsp_adapters.sandbox.national_portal import NationalPortalServer
from lgsp_auth.signing_keys import SigningKey
from lgsp_contracts import catalog

CREDENTIALS = {"username": "h49", "password": "mat-khau"}


def shipped(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((catalog.shipped_folder() / path).read_text())
    return found


DOSSIERS = shipped("provincial/one-stop-dossiers.yaml")
DOSSIER: dict[str, Any] = DOSSIERS["events"]["dossier-changed"]["example"]
STEP: dict[str, Any] = DOSSIERS["events"]["dossier-step"]["example"]
GRANT = document(
    "Grant",
    "cong-dvcqg-dossiers",
    consumer="cong-dvcqg",
    service="one-stop-dossiers",
    major=1,
    events={"dossier-changed": {"fields": ALL}, "dossier-step": {"fields": ALL}},
    purposes=["dong-bo-ho-so"],
    legalBasis="Nghị định 61/2018/NĐ-CP",
    quota={"requests": 1000, "per": "minute"},
    validFrom="2020-01-01",
    validUntil="2040-01-01",
)


class Desk:
    """A one-stop desk on the bus, and the portal behind its adapter."""

    def __init__(self, bus: Workbench, portal: str) -> None:
        self.bus = bus
        self.portal = portal
        self.published = 0

    async def announce(self, event: str, data: dict[str, Any]) -> None:
        """Publish an event."""
        self.published += 1
        headers = {
            "Authorization": f"Bearer {self.bus.token('mot-cua')}",
            "Content-Type": "application/json",
            "ce-specversion": "1.0",
            "ce-id": str(self.published),
            "ce-source": "/systems/mot-cua",
            "ce-type": f"lgsp.one-stop-dossiers.v1.{event}",
        }
        path = f"/events/one-stop-dossiers/v1/{event}"
        async with self.bus.session.post(path, json=data, headers=headers) as answer:
            assert answer.status in (200, 201, 202, 204), await answer.text()

    async def subscribe(self, event: str, operation: str) -> None:
        """Bring an event to the portal."""
        delivery = {"kind": "adapter", "service": "national-portal", "major": 1, "operation": operation}
        wish = {"name": event, "service": "one-stop-dossiers", "major": 1, "events": [event]}
        wish |= {"purpose": "dong-bo-ho-so", "delivery": delivery}
        made = await self.bus.ask("POST", "/subscriptions", wish, system="cong-dvcqg")
        assert made.status == 201, made.body

    async def shown(self, code: str) -> dict[str, Any]:
        """What the portal has of a dossier."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.portal}/_sandbox/dossiers") as answer:
            found: dict[str, Any] = (await answer.json()).get(code, {})
            return found


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    runner = web.AppRunner(NationalPortalServer(tmp_path, CREDENTIALS).app(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    portal = f"http://127.0.0.1:{runner.addresses[0][1]}"
    keys = {name: SigningKey.generate() for name in ("mot-cua", "cong-dvcqg")}
    systems = [
        document("System", name, agency="H49.1", title=TEXT, jwks=[key.public_jwk()]) for name, key in keys.items()
    ]
    contracts = [*CONTRACTS, DOSSIERS, shipped("national/national-portal.yaml")]
    bus = await Workbench(tmp_path / "bus", contracts=contracts, documents=[*systems, GRANT]).start()
    (tmp_path / "cong-dvcqg.pem").write_bytes(keys["cong-dvcqg"].to_pem())
    command = ["adapter", "run", "national-portal", "--nats", bus.nats_url, "--keys", str(tmp_path)]
    command += ["--gateway", f"http://127.0.0.1:{bus.port}", "--catalog", str(bus.catalog_folder)]
    variables = {
        f"LGSP_NATIONAL_PORTAL_{name.upper()}": value for name, value in {"url": portal, **CREDENTIALS}.items()
    }
    adapter = await Preloaded(command, tmp_path / "adapter.log", variables).start()
    yield Desk(bus, portal)
    await adapter.stop()
    await bus.stop()
    await runner.cleanup()


async def test_each_step_of_a_dossier_reaches_the_portal(desk: Desk) -> None:
    await desk.subscribe("dossier-changed", "synchronize-dossier")
    await desk.subscribe("dossier-step", "report-step")
    states = ["MOI_DANG_KY", "DUOC_TIEP_NHAN", "DANG_XU_LY", "DA_XU_LY_XONG", "DA_TRA_KET_QUA"]
    for state in states:
        await desk.announce("dossier-changed", {**DOSSIER, "trangThai": state})

    async def is_finished() -> bool:
        found = await desk.shown(DOSSIER["maHoSo"])
        return bool(found) and found["dossier"]["TrangThaiHoSo"] == "10"

    await eventually(is_finished)
    assert (await desk.shown(DOSSIER["maHoSo"]))["written"] == len(states), "each once, in the order of the dossier"
    await desk.announce("dossier-step", STEP)

    async def has_step() -> bool:
        return len((await desk.shown(DOSSIER["maHoSo"]))["steps"]) == 1

    await eventually(has_step)
