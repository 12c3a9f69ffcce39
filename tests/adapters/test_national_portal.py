"""Dossiers on the National Public Service Portal, against a server that speaks as it does."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from support.national import CATALOG, National

from lgsp_adapters import manifest
from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.sandbox.national_portal import NationalPortalServer

CONTRACT = CATALOG["national-portal", 1]
EVENTS = CATALOG["one-stop-dossiers", 1].events
DOSSIER: dict[str, Any] = CONTRACT.operations["synchronize-dossier"].example.request
STEP: dict[str, Any] = CONTRACT.operations["report-step"].example.request
STATES = EVENTS["dossier-changed"].data.document["properties"]["trangThai"]["enum"]


@pytest_asyncio.fixture
async def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[National]:
    credentials = {"username": "h49", "password": "bí mật"}
    runner = web.AppRunner(NationalPortalServer(tmp_path, credentials).app(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    for name, value in {"url": url, **credentials}.items():
        monkeypatch.setenv(f"LGSP_NATIONAL_PORTAL_{name.upper()}", value)
    loaded = manifest.load(manifest.find_manifest("national-portal"))
    adapter = build_adapter(loaded, CONTRACT)
    await adapter.open()
    yield National(loaded, adapter, url)
    await adapter.close()
    await runner.cleanup()


async def shown(portal: National) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"{portal.url}/_sandbox/dossiers") as answer:
        return await answer.json()


def dossiers(begin: int, end: int) -> list[dict[str, Any]]:
    return [{**DOSSIER, "maHoSo": f"H49.14-261127-{number:04}"} for number in range(begin, end)]


async def test_a_dossier_is_written_as_the_portal_reads_it(portal: National) -> None:
    assert await portal.ask("synchronize-dossier", DOSSIER) == {"soHoSo": 1, "daCo": False}
    kept = (await shown(portal))[DOSSIER["maHoSo"]]["dossier"]
    assert kept["NgayTiepNhan"] == "20261127080000"
    assert kept["TrangThaiHoSo"] == "2"
    assert kept["DinhDanhCHS"] == [{"LoaiDinhDanh": "1", "SoDinhDanh": "022093001234"}]
    assert kept["DanhSachLePhi"][0]["Gia"] == "20000"
    assert kept["TaiKhoanDuocXacThucVoiVNeID"] == "1"
    assert kept["DuocThanhToanTrucTuyen"] == "0"


async def test_a_dossier_that_exists_is_updated(portal: National) -> None:
    await portal.ask("synchronize-dossier", DOSSIER)
    changed = {**DOSSIER, "trangThai": "DA_TRA_KET_QUA", "ngayTra": "2026-12-03T15:00:00+07:00"}
    assert await portal.ask("synchronize-dossier", changed) == {"soHoSo": 1, "daCo": True}
    found = (await shown(portal))[DOSSIER["maHoSo"]]
    assert found["dossier"]["TrangThaiHoSo"] == "10"
    assert found["written"] == 2


async def test_a_batch_that_the_portal_has_in_part_is_sent_again_as_a_whole(portal: National) -> None:
    assert await portal.ask("synchronize-dossiers", {"hoSo": dossiers(0, 3)}) == {"soHoSo": 3, "daCo": False}
    assert await portal.ask("synchronize-dossiers", {"hoSo": dossiers(2, 100)}) == {"soHoSo": 98, "daCo": True}
    found = await shown(portal)
    assert len(found) == 100
    assert {code: each["written"] for code, each in found.items() if each["written"] > 1} == {"H49.14-261127-0002": 2}


@pytest.mark.parametrize("state", range(10))
async def test_each_of_the_ten_states_has_its_number(portal: National, state: int) -> None:
    await portal.ask("synchronize-dossier", {**DOSSIER, "trangThai": STATES[state]})
    kept = (await shown(portal))[DOSSIER["maHoSo"]]["dossier"]
    assert kept["TrangThaiHoSo"] == str(state + 1)


async def test_steps_are_reported_once_their_dossier_is_there(portal: National) -> None:
    with pytest.raises(UpstreamFailed) as failure:
        await portal.ask("report-step", STEP)
    assert failure.value.why == "refused"
    await portal.ask("synchronize-dossier", DOSSIER)
    for _ in range(2):  # an event that is delivered again
        assert await portal.ask("report-step", STEP) == {"soBuoc": 1}
    steps = (await shown(portal))[STEP["maHoSo"]]["steps"]
    assert [(step["ThoiDiemXuLy"], step["TrangThai"]) for step in steps] == [("20261127093000", "4")]


async def test_an_expired_session_is_renewed(portal: National) -> None:
    await portal.ask("synchronize-dossier", DOSSIER)
    await portal.tell(expireTokens=True)
    assert await portal.ask("synchronize-dossier", DOSSIER) == {"soHoSo": 1, "daCo": True}


async def test_the_examples_of_the_events_are_what_the_portal_takes() -> None:
    for event, operation in (("dossier-changed", "synchronize-dossier"), ("dossier-step", "report-step")):
        request = CONTRACT.operations[operation].request
        assert EVENTS[event].data.document == request.document
        assert request.is_valid(EVENTS[event].example)
