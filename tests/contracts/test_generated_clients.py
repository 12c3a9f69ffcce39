"""Clients that known generators make of a service's OpenAPI document: complete, type-checked, and they call."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from support.national import CATALOG
from support.preloaded import run
from support.processes import apt_install
from support.workbench import NUMBER, Workbench

from lgsp_contracts.tooling.openapi import openapi

CACHE = Path("~/.cache/lgsp-tests/client-generators").expanduser()
PYTHON = ("openapi-python-client", "openapi-generator-cli")
NODE = ("openapi-typescript@7", "openapi-fetch@0.14", "typescript@5")

pytestmark = pytest.mark.long


def ran(*command: str | Path, folder: Path) -> str:
    """Run a program to its end, which must be a good one; return what it wrote."""
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python_tool(name: str) -> Path:
    environment = CACHE / "python"
    if not (environment / "bin" / PYTHON[-1]).exists():
        ran(sys.executable, "-m", "venv", environment, folder=Path())
        ran(environment / "bin/pip", "install", "-q", *PYTHON, folder=environment)
    return environment / "bin" / name


def node_modules() -> Path:
    folder = CACHE / "node"
    if not (folder / "node_modules/.bin/tsc").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        ran("npm", "install", "--silent", *NODE, folder=folder)
    return folder / "node_modules"


async def described(bus: Workbench, folder: Path) -> Path:
    async with bus.session.get("/catalog/services/desk/v1/openapi.json") as answer:
        (folder / "desk.json").write_text(await answer.text())
    return folder / "desk.json"


PYTHON_PROGRAM = """
import sys
from client import AuthenticatedClient
from client.api.default import read_person
from client.models import Problem, ReadPersonRequest, ReadPersonResponse

client = AuthenticatedClient(sys.argv[1], sys.argv[2])
asked = ReadPersonRequest(so_dinh_danh=sys.argv[3])
answer = read_person.sync(client=client, body=asked, lgsp_purpose="thu-nghiem")
assert isinstance(answer, ReadPersonResponse), answer
print(answer.ket_qua)
refused = read_person.sync(client=client, body=asked, lgsp_purpose="viec-khac")
assert isinstance(refused, Problem), refused
print(refused.code)
unfit = read_person.sync(client=client, body=ReadPersonRequest(so_dinh_danh="1"), lgsp_purpose="thu-nghiem")
assert isinstance(unfit, Problem), unfit
print(unfit.errors[0].pointer)
"""


async def test_openapi_python_client(bus: Workbench, tmp_path: Path) -> None:
    document, tool = await described(bus, tmp_path), python_tool("openapi-python-client")
    (tmp_path / "config.yml").write_text("post_hooks: []\n")
    made = ran(
        *(tool, "generate", "--path", document, "--meta", "none", "--fail-on-warning"),
        *("--output-path", tmp_path / "client", "--config", tmp_path / "config.yml"),
        folder=tmp_path,
    )
    assert "Warning" not in made
    (tmp_path / "program.py").write_text(PYTHON_PROGRAM)
    served = await bus.serve()
    url, token = f"http://127.0.0.1:{bus.port}", bus.token("alpha")
    program = tmp_path / "program.py"
    said = await asyncio.to_thread(ran, tool.parent / "python", program, url, token, NUMBER, folder=tmp_path)
    await bus.unserve(served)
    assert said.split() == ["KHOP", "purpose-not-granted", "/soDinhDanh"]


@pytest.mark.parametrize("contract", CATALOG.values(), ids=lambda contract: contract.service)
def test_openapi_python_client_takes_every_shipped_service(contract, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "service.json").write_text(json.dumps(openapi(contract, "https://bus")))
    (tmp_path / "config.yml").write_text("post_hooks: []\n")
    tool, models = python_tool("openapi-python-client"), tmp_path / "client/models"
    ran(
        *(tool, "generate", "--path", tmp_path / "service.json", "--meta", "none", "--fail-on-warning"),
        *("--output-path", tmp_path / "client", "--config", tmp_path / "config.yml"),
        folder=tmp_path,
    )
    for name in contract.operations:
        module = name.replace("-", "_")
        assert (models / f"{module}_request.py").exists()
        assert (models / f"{module}_response.py").exists()


TYPESCRIPT_PROGRAM = """
import createClient from 'openapi-fetch';
import type { paths } from './desk';

const [url, token, number] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
const call = (purpose: string) =>
  client.POST('/services/desk/v1/read-person', {
    params: { header: { 'Lgsp-Purpose': purpose } },
    body: { soDinhDanh: number },
  });
const answered = await call('thu-nghiem');
const result: string | undefined = answered.data?.ketQua;
const refused = await call('viec-khac');
const code: string | undefined = refused.error?.code;
// @ts-expect-error: the contract has no such field
answered.data?.khongCo;
console.log(result, code);
"""
NODE_TYPES = "declare const process: { argv: string[] };\n"


async def test_openapi_typescript(bus: Workbench, tmp_path: Path) -> None:
    modules = node_modules()
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    document = await described(bus, tmp_path)
    ran(modules / ".bin/openapi-typescript", document, "-o", "desk.d.ts", folder=tmp_path)
    (tmp_path / "program.ts").write_text(TYPESCRIPT_PROGRAM)
    (tmp_path / "node.d.ts").write_text(NODE_TYPES)
    options = ("--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler")
    ran(modules / ".bin/tsc", *options, "--skipLibCheck", "program.ts", "node.d.ts", folder=tmp_path)
    served = await bus.serve()
    url, token = f"http://127.0.0.1:{bus.port}", bus.token("alpha")
    said = await asyncio.to_thread(ran, "node", "program.js", url, token, NUMBER, folder=tmp_path)
    await bus.unserve(served)
    assert said.split() == ["KHOP", "purpose-not-granted"]


@pytest.mark.parametrize("contract", CATALOG.values(), ids=lambda contract: contract.service)
def test_openapi_generator_makes_java_of_every_shipped_service(contract, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    if subprocess.run(["which", "java"], capture_output=True, check=False).returncode:
        apt_install("default-jdk-headless")
    (tmp_path / "service.json").write_text(json.dumps(openapi(contract, "https://bus")))
    ran(
        *(python_tool("openapi-generator-cli"), "generate", "-i", "service.json", "-g", "java", "--library", "native"),
        *("-o", "client", "--additional-properties=openApiNullable=false"),
        folder=tmp_path,
    )
    models = tmp_path / "client/src/main/java/org/openapitools/client/model"
    api = (models.parent / "api/DefaultApi.java").read_text() if contract.operations else ""
    for name, operation in contract.operations.items():
        pascal = "".join(part.capitalize() for part in name.split("-"))
        asked, answered = ((models / f"{pascal}{part}.java").read_text() for part in ("Request", "Response"))
        assert f"public {pascal}Response {pascal[0].lower()}{pascal[1:]}(" in api
        for text, schema in ((asked, operation.request), (answered, operation.response)):
            assert "private Object " not in text
            for field in schema.document["properties"]:
                assert f'JSON_PROPERTY_{_constant(field)} = "{field}"' in text


def _constant(field: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in field)


async def test_lgsp_sdk_runs_the_generators(bus: Workbench, tmp_path: Path) -> None:
    folders = (node_modules() / ".bin", python_tool("openapi-generator-cli").parent)
    tools = {"PATH": f"{folders[0]}:{folders[1]}:{os.environ['PATH']}"}
    url = ("--url", f"http://127.0.0.1:{bus.port}")
    types, client = tmp_path / "desk.d.ts", tmp_path / "client"
    code, _, err = await run("sdk", "typescript", "desk", *url, "-o", str(types), environment=tools)
    assert code == 0, err
    assert '"read-person.request"' in types.read_text()
    code, _, err = await run("sdk", "java", "desk", *url, "-o", str(client), environment=tools)
    assert code == 0, err
    assert (client / "src/main/java/lgsp/desk/model/ReadPersonRequest.java").exists()
    code, _, err = await run("sdk", "java", "desk", *url, environment={"PATH": str(tmp_path)})
    assert code == 1
    assert "pip install openapi-generator-cli" in err


LGSP_PROGRAM = """
import sys
from desk import Desk, Problem

client = Desk(sys.argv[1], lambda: sys.argv[2])
print(client.read_person({"soDinhDanh": sys.argv[3]}, purpose="thu-nghiem")["ketQua"], client.last_message)
try:
    client.read_person({"soDinhDanh": "1"}, purpose="thu-nghiem")
except Problem as problem:
    print(problem.errors[0]["pointer"], problem.message, client.last_message == "")
"""


async def test_the_client_of_lgsp_tells_the_message_id(bus: Workbench, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{bus.port}"
    code, _, err = await run("sdk", "python", "desk", "--url", url, "-o", str(tmp_path / "desk.py"))
    assert code == 0, err
    (tmp_path / "program.py").write_text(LGSP_PROGRAM)
    served = await bus.serve()
    program = tmp_path / "program.py"
    wrote = await asyncio.to_thread(ran, sys.executable, program, url, bus.token("alpha"), NUMBER, folder=tmp_path)
    await bus.unserve(served)
    result, message, pointer, refused, is_empty = wrote.split()
    assert (result, pointer, is_empty) == ("KHOP", "/soDinhDanh", "True")
    assert uuid.UUID(message) != uuid.UUID(refused)
