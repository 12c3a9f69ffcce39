"""What a system integrator does before there is an approval: contract, manifest, trial, mock; each as a command."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from support.processes import LGSP, Process, free_port, run

from lgsp_adapters.sandbox import offices, people
from lgsp_adapters.sandbox.provincial import _make
from lgsp_contracts import catalog

LAND = catalog.shipped_folder() / "provincial/land-parcels.yaml"


@pytest_asyncio.fixture(scope="module")
async def land(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    file = tmp_path_factory.mktemp("land") / "land-parcels.sqlite"
    _make(file, offices.tables(people.make())["land-parcels"])
    return {"LGSP_LAND_PARCELS_URL": f"sqlite:///{file}"}


async def test_a_contract_from_draft_to_its_next_version(tmp_path: Path) -> None:
    path, later = tmp_path / "births.yaml", tmp_path / "later.yaml"
    assert (await run("contract", "new", "births", "--classification", "personal", "-o", str(path)))[0] == 0
    assert (await run("contract", "new", "births", "-o", str(path)))[0] == 1
    code, out, _ = await run("contract", "check", str(path))
    assert (code, "births 1.0.0 keeps the rules" in out) == (0, True)
    text = path.read_text()
    later.write_text(text.replace("1.0.0", "1.1.0"))
    assert (await run("contract", "diff", str(path), str(later)))[:2] == (
        0,
        "1.1.0 may take the place of 1.0.0: nobody notices.\n",
    )
    later.write_text(text.replace("1.0.0", "1.1.0").replace("maxLength: 200", "maxLength: 300"))
    code, out, err = await run("contract", "diff", str(path), str(later))
    assert code == 1
    assert (
        f"{later}:23, /operations/lookup-record/response/properties/ketQua/maxLength: the upper bound is higher; breaks consumers that read"
        in out
    )
    assert "publish it as 2.0.0" in err
    later.write_text(text.replace("type: string, maxLength", "type: strin, maxLength"))
    assert f"{later}:18, /operations/lookup-record/response" in (await run("contract", "check", str(later)))[2]
    code, out, _ = await run("contract", "docs", str(path))
    assert json.loads(out)["openapi"] == "3.1.0"


async def test_an_adapter_is_checked_tried_and_tested_without_a_bus(tmp_path: Path, land: dict[str, str]) -> None:
    assert (await run("adapter", "check", "land-parcels", environment=land))[0] == 0
    code, _, err = await run("adapter", "check", "land-parcels")
    assert (code, "LGSP_LAND_PARCELS_URL is not set; set it" in err) == (1, True)
    code, out, _ = await run("adapter", "try", "land-parcels", "lookup-parcel", environment=land)
    assert (code, json.loads(out)["dienTich"]) == (0, 120.5)
    asked = json.dumps({"maXa": "06685", "soTo": 9, "soThua": 9})
    code, _, err = await run("adapter", "try", "land-parcels", "lookup-parcel", "-d", asked, environment=land)
    assert (code, "the error parcel-not-found" in err) == (1, True)
    report = tmp_path / "report.json"
    code, out, _ = await run("contract", "test", "land-parcels", "--report", str(report), environment=land)
    assert (code, json.loads(report.read_text())["failed"]) == (0, 0)


async def test_a_system_that_breaks_the_contract_does_not_pass(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"patientId": "1", "fullName": "x" * 500})

    app = web.Application()
    app.router.add_get("/api/patients/{number}/summary", answer)
    app.router.add_post("/oauth2/token", lambda _: answer_token())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there = {"LGSP_HEALTH_RECORDS_URL": f"http://127.0.0.1:{runner.addresses[0][1]}"}
    there |= {"LGSP_PROVINCIAL_CLIENT": "a", "LGSP_PROVINCIAL_SECRET": "b"}
    code, out, err = await run("contract", "test", "health-records", environment=there)
    await runner.cleanup()
    assert code == 1
    assert "lookup-summary, the example: the answer breaks the contract at /properties/" in out
    assert "21 trials failed" in err
    assert "xxxx" not in out + err


async def answer_token() -> web.Response:
    return web.json_response({"access_token": "t", "expires_in": 60})


async def test_a_mock_is_the_bus_before_the_provider_is_there(tmp_path: Path) -> None:
    port = free_port()
    mock = Process([*LGSP, "contract", "mock", str(LAND), "--port", str(port)], tmp_path / "mock.log")
    await mock.start()
    while not any("-d " in line for line in mock.output):
        await asyncio.sleep(0.01)
    state = next(
        line.split("state, logs and keys")[1].strip() for line in mock.output if "state, logs and keys" in line
    )
    token = (await run("token", "consumer", "--state-dir", state))[1].strip()
    headers = {"Authorization": f"Bearer {token}", "Lgsp-Purpose": "thu-nghiem"}
    example = catalog.load(catalog.shipped_folder())["land-parcels", 1].operations["lookup-parcel"].example
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
        url = "/services/land-parcels/v1/lookup-parcel"
        async with session.post(url, json=example.request) as answer:
            assert await answer.json() == example.response
        async with session.post(url, json={**example.request, "soThua": 77}) as made:
            assert (made.status, (await made.json()).keys() >= {"maXa", "dienTich"}) == (200, True)
        async with session.post(url, json={**example.request, "soTo": "1"}) as wrong:
            assert wrong.status == 422
        async with session.get("/catalog/services/land-parcels/v1/openapi.json") as described:
            assert (await described.json())["info"]["version"] == "1.0.0"
        async with session.get("/catalog/services/nobody/v1/openapi.json") as unknown:
            assert unknown.status == 404
    assert await mock.stop() == 0
    assert not Path(state).exists()
