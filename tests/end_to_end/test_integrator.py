"""What a system integrator does before there is an approval: contract, manifest, trial, mock; each as a command."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import yaml
from aiohttp import web
from support.national import CATALOG
from support.postgres import Postgres, name_in
from support.preloaded import run
from support.processes import LGSP, Process, free_port
from support.waits import eventually

from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.manifest import load
from lgsp_adapters.sandbox import offices, people
from lgsp_adapters.sandbox.provincial import _make
from lgsp_adapters.scaffolding import manifests as drafts
from lgsp_contracts import catalog
from lgsp_contracts.tooling import sdk_python

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
    assert (code, "births 1.0.0 is valid" in out) == (0, True)
    text = path.read_text()
    assert text.startswith(
        "# yaml-language-server: $schema=http://127.0.0.1:8080/schemas/contract.json\nservice: births\n"
    )
    later.write_text(text.replace("1.0.0", "1.1.0"))
    assert (await run("contract", "diff", str(path), str(later)))[:2] == (
        0,
        "1.1.0 can replace 1.0.0: it has no breaking changes.\n",
    )
    later.write_text(text.replace("1.0.0", "1.1.0").replace("maxLength: 200", "maxLength: 300"))
    code, out, err = await run("contract", "diff", str(path), str(later))
    assert code == 1
    assert (
        f"{later}:24, /operations/lookup-record/response/properties/ketQua/maxLength: the upper bound is higher; breaks consumers that read"
        in out
    )
    assert "publish it as 2.0.0" in err
    later.write_text(text.replace("type: string, maxLength", "type: strin, maxLength"))
    assert f"{later}:19, /operations/lookup-record/response" in (await run("contract", "check", str(later)))[2]
    code, out, _ = await run("contract", "openapi", str(path))
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


def at_terminal(*arguments: str, answers: list[str], folder: Path) -> str:
    """Run the command at a terminal, and answer what it asks; all that was seen there."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*LGSP, *arguments], stdin=slave, stdout=slave, stderr=slave, cwd=folder, env={**os.environ, "NO_COLOR": "1"}
    )
    os.close(slave)
    seen, left = "", list(answers)
    try:
        while True:
            seen += os.read(master, 4096).decode(errors="replace")
            if left and seen.endswith("]: "):
                os.write(master, left.pop(0).encode() + b"\n")
    except OSError:  # the terminal is closed at its end
        pass
    os.close(master)
    assert process.wait(30) == 0, seen
    return seen


async def test_what_no_flag_says_is_asked_for(tmp_path: Path) -> None:
    answers = ["internal", "tu-phap", "lookup-birth", "Khai sinh", ""]
    seen = await asyncio.to_thread(at_terminal, "contract", "new", "births", answers=answers, folder=tmp_path)
    assert "provider: the system that provides the service [births-system]: " in seen
    [contract] = catalog.load(tmp_path / "births.yaml").values()
    assert (contract.provider, contract.classification, contract.title.vi) == ("tu-phap", "internal", "Khai sinh")
    assert (contract.title.en, list(contract.operations)) == ("births", ["lookup-birth"])
    await asyncio.to_thread(at_terminal, "adapter", "new", "births.yaml", answers=["sql", ""], folder=tmp_path)
    told = yaml.safe_load((tmp_path / "adapter.yaml").read_text())
    assert (told["kind"], told["system"]) == ("sql", "tu-phap")


async def test_a_system_that_breaks_the_contract_does_not_pass(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"patientId": "1", "fullName": "x" * 500})

    app = web.Application()
    app.router.add_get("/api/patients/{number}/summary", answer)
    app.router.add_post("/oauth2/token", answer_token)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there = {"LGSP_HEALTH_RECORDS_URL": f"http://127.0.0.1:{runner.addresses[0][1]}"}
    there |= {"LGSP_PROVINCIAL_CLIENT": "a", "LGSP_PROVINCIAL_SECRET": "b"}
    code, out, err = await run("contract", "test", "health-records", environment=there)
    await runner.cleanup()
    assert code == 1
    assert "lookup-summary, the example: the answer breaks the contract at /properties/" in out
    assert "21 conformance tests failed" in err
    assert "xxxx" not in out + err


async def answer_token(_: web.Request) -> web.Response:
    return web.json_response({"access_token": "t", "expires_in": 60})


async def test_a_mock_is_the_bus_before_the_provider_is_there(tmp_path: Path) -> None:
    port = free_port()
    mock = Process([*LGSP, "contract", "mock", str(LAND), "--port", str(port)], tmp_path / "mock.log")
    await mock.start()
    await eventually(lambda: any("-d " in line for line in mock.output))
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
        async with session.get("/catalog/services/land-parcels/v1/asyncapi.json") as on_the_bus:
            channels = (await on_the_bus.json())["channels"]
            assert channels["lookup-parcel"]["address"] == "svc.land-parcels.v1.lookup-parcel"
        async with session.get("/catalog/services/nobody/v1/openapi.json") as unknown:
            assert unknown.status == 404
    client = tmp_path / "land_parcels.py"
    assert (await run("sdk", "python", "land-parcels", "-o", str(client)))[0] == 0
    used = tmp_path / "used.py"
    used.write_text(USED)
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, str(used), f"http://127.0.0.1:{port}", token), stdout=asyncio.subprocess.PIPE
    )
    said = (await program.communicate())[0].decode()
    assert said == "120.5 Nguyễn Văn An\npurpose-not-granted\n"
    assert await mock.stop() == 0
    assert not Path(state).exists()


async def test_a_table_becomes_a_service_by_one_command(tmp_path: Path, postgres: Postgres) -> None:
    address = await postgres.new_database()
    await postgres.sql(
        "CREATE TABLE ho_ngheo (so_dinh_danh CHAR(12) PRIMARY KEY, ho_ten VARCHAR(120) NOT NULL, tu_ngay DATE, diem NUMERIC(5, 1),"
        ' con_hieu_luc BOOLEAN NOT NULL, "GHI_CHU" TEXT); INSERT INTO ho_ngheo VALUES'
        " ('022093001234', 'Nguyễn Văn An', '2026-01-31', 12.5, true, ''); CREATE TABLE khong_khoa (a TEXT)",
        name_in(address),
    )
    contract, manifest = tmp_path / "poor.yaml", tmp_path / "adapter.yaml"
    told = ["--url", address, "--service", "poor-households", "--provider", "ho-ngheo"]
    files = ["-o", str(contract), "--manifest", str(manifest)]
    code, _, err = await run("contract", "import", "table", *told, "--table", "ho_ngheo", *files)
    assert code == 0, err
    assert "subject: /soDinhDanh" in contract.read_text()
    there = {"LGSP_POOR_HOUSEHOLDS_URL": address}
    asked = ("-d", '{"soDinhDanh": "022093001234"}', "--contract", str(contract))
    code, out, err = await run("adapter", "try", str(manifest), "lookup-ho-ngheo", *asked, environment=there)
    assert code == 0, err
    assert json.loads(out) == {
        "soDinhDanh": "022093001234",
        "hoTen": "Nguyễn Văn An",
        "tuNgay": "2026-01-31",
        "diem": 12.5,
        "conHieuLuc": True,
    }
    code, _, err = await run("contract", "import", "table", *told, "--table", "nowhere", "-o", str(tmp_path / "x"))
    assert (code, "the tables are: ho_ngheo, khong_khoa" in err) == (1, True)
    code, _, err = await run("contract", "import", "table", *told, "--table", "khong_khoa", "-o", str(tmp_path / "x"))
    assert (code, "has no key that identifies a row" in err) == (1, True)


async def test_an_openapi_document_becomes_a_contract(tmp_path: Path) -> None:
    described, contract = tmp_path / "api.yaml", tmp_path / "patients.yaml"
    described.write_text(OPENAPI)
    told = ["--service", "patients", "--provider", "benh-an", "-o", str(contract)]
    code, _, err = await run("contract", "import", "openapi", str(described), *told)
    assert code == 0, err
    code, out, _ = await run("contract", "check", str(contract))
    assert (code, "operations: get-patient, list-visits" in out) == (0, True)
    assert "get-internal-note" in out  # its text is a string in the contract
    text = contract.read_text()
    assert "$ref" not in text
    assert (await run("contract", "import", "openapi", str(LAND), *told))[0] == 1


@pytest.mark.parametrize("kind", ["http", "soap", "sql", "files"])
def test_a_drafted_manifest_keeps_its_contract(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for contract in (contract for contract in CATALOG.values() if contract.operations):
        prefix = f"LGSP_{contract.service.replace('-', '_').upper()}"
        monkeypatch.setenv(f"{prefix}_URL", "sqlite://" if kind == "sql" else "http://127.0.0.1:9")
        monkeypatch.setenv(f"{prefix}_FOLDER", str(tmp_path))
        path = tmp_path / f"{contract.service}.yaml"
        path.write_text(yaml.safe_dump(drafts.manifest(contract, kind), allow_unicode=True))
        assert build_adapter(load(path), contract)


USED = """
import sys
from land_parcels import LandParcels, Problem

land = LandParcels(sys.argv[1], lambda: sys.argv[2])
found = land.lookup_parcel({"maXa": "06685", "soTo": 1, "soThua": 1}, purpose="thu-nghiem")
print(found["dienTich"], found["chuSuDung"][0]["hoVaTen"])
try:
    land.lookup_parcel({"maXa": "06685", "soTo": 1, "soThua": 1}, purpose="khac")
except Problem as problem:
    print(problem.code)
"""


def test_a_typed_client_is_typed(tmp_path: Path) -> None:
    for contract in CATALOG.values():
        (tmp_path / f"{contract.service.replace('-', '_')}.py").write_text(sdk_python.module(contract))
    wrong = tmp_path / "wrong.py"
    wrong.write_text(USED.replace('"soTo": 1', '"soTo": "1"').replace('found["dienTich"]', 'found["dienTic"]'))
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir",
        str(tmp_path / "cache"),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = done.stdout
    assert [line.partition(":")[0] for line in said.splitlines()[:-1] if "error" in line] == ["wrong.py"] * 3, said


OPENAPI = """
openapi: 3.0.3
info: {title: Patients, version: '1'}
paths:
  /patients/{patientId}:
    parameters: [{name: patientId, in: path, required: true, schema: {type: string, pattern: '^[0-9]{6}$'}}]
    get:
      operationId: getPatient
      summary: A patient
      responses:
        '200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Patient'}}}}
  /visits:
    get:
      operationId: listVisits
      parameters: [{$ref: '#/components/parameters/Day'}]
      responses:
        '200':
          description: ok
          content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Patient'}}}}
  /internal-note:
    get: {responses: {'200': {description: ok, content: {text/html: {schema: {type: string}}}}}}
components:
  parameters:
    Day: {name: day, in: query, schema: {type: string, format: date}}
  schemas:
    Patient:
      allOf: [{$ref: '#/components/schemas/Person'}]
      type: object
      required: [number]
      properties:
        number: {type: string, maxLength: 20}
        insured: {type: boolean}
        next: {$ref: '#/components/schemas/Patient'}
    Person:
      type: object
      required: [name]
      properties: {name: {type: string, minLength: 1, maxLength: 100}, born: {type: string, format: date, nullable: true}}
"""
