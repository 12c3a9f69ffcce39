"""The catalogue as a person with a browser sees it, and its examples as programs run them."""

import asyncio
import html
import json
import os
import re
import shutil
import sys
from pathlib import Path

import aiohttp
import pytest
import yaml
from support.processes import apt_install
from support.waits import WORK_SECONDS
from support.workbench import Workbench

from lgsp_contracts import published_schemas
from lgsp_contracts.contract import Contract
from lgsp_contracts.documents import read
from lgsp_contracts.tooling.pages.examples import LANGUAGES, examples, token_programs

RUN = {
    "curl": ("curl", "curl.sh", "bash curl.sh"),
    "python": (sys.executable, "example.py", f"{sys.executable} example.py"),
    "java": ("java", "Example.java", "java Example.java"),
    "csharp": ("mcs", "example.cs", "mcs -nowarn:28 -r:System.Net.Http example.cs && mono example.exe"),
    "php": ("php", "example.php", "php example.php"),
    "javascript": ("node", "example.mjs", "node example.mjs"),
}
PACKAGES = {
    "mcs": ("mono-mcs", "mono-runtime", "libmono-system-net-http4.0-cil"),
    "php": ("php-cli",),
    "java": ("default-jdk-headless",),
}


async def _seen(bus: Workbench, path: str, **headers: str) -> tuple[int, str, aiohttp.typedefs.LooseHeaders]:
    async with bus.session.get(path, headers={"Accept": "text/html", **headers}) as answer:
        return answer.status, await answer.text(), answer.headers


async def test_a_browser_finds_listed_services_and_no_other(bus: Workbench) -> None:
    status, text, headers = await _seen(bus, "/catalog")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "script" not in headers["Content-Security-Policy"]
    assert set(re.findall(r"/catalog/services/(\w+)/v1", text)) == {"desk"}
    assert (await _seen(bus, "/catalog/services/desk/v1"))[0] == 200
    assert 'lang="en"' in (await _seen(bus, "/catalog/services/desk/v1?lang=en"))[1].split("<head>", maxsplit=1)[0]
    answers = {}
    for service in ("hidden", "absent"):
        for document in ("", "/openapi.json", "/asyncapi.json", "/contract.json", "/contract.yaml"):
            status, text, _ = await _seen(bus, f"/catalog/services/{service}/v1{document}")
            answers[status, text.replace(service, "*")] = service
    assert len(answers) == 1


async def test_a_holder_of_a_grant_finds_the_unlisted_one(bus: Workbench) -> None:
    token = f"Bearer {bus.token('alpha')}"
    assert "/catalog/services/hidden/v1" in (await _seen(bus, "/catalog", Authorization=token))[1]
    assert (await _seen(bus, "/catalog/services/hidden/v1", Authorization=token))[0] == 200
    assert (await _seen(bus, "/catalog", Authorization="Bearer x.y.z"))[0] == 401


async def test_the_contract_itself_can_be_had(bus: Workbench) -> None:
    [(_, published), *_] = read(bus.catalog_folder / "desk.yaml")
    _, text, headers = await _seen(bus, "/catalog/services/desk/v1/contract.yaml")
    assert (yaml.safe_load(text), headers["Content-Type"]) == (published, "application/yaml")
    _, text, _ = await _seen(bus, "/catalog/services/desk/v1/contract.json")
    assert json.loads(text) == published
    token = f"Bearer {bus.token('alpha')}"
    assert (await _seen(bus, "/catalog/services/hidden/v1/contract.json", Authorization=token))[0] == 200


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_example_as_it_stands(bus: Workbench, tmp_path: Path, language: str) -> None:
    needs, file, command = RUN[language]
    if shutil.which(needs) is None and needs in PACKAGES:
        await asyncio.to_thread(apt_install, *PACKAGES[needs])
    assert shutil.which(needs), f"{needs} is missing; install it"
    served = await bus.serve(read_person=_match)
    [(_, document), *_] = read(bus.catalog_folder / "desk.yaml")
    operation = Contract.from_document(document).operations["read-person"]
    url = f"http://127.0.0.1:{bus.port}/services/desk/v1/read-person"
    [example] = [found for found in examples(operation, url, "thu-nghiem") if found.language == language]
    (tmp_path / file).write_text(example.text)
    environment = {**os.environ, "LGSP_TOKEN": bus.token("alpha"), "LC_ALL": "C.UTF-8"}
    process = await asyncio.create_subprocess_shell(
        command, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out = (await asyncio.wait_for(process.communicate(), WORK_SECONDS))[0].decode()
    await bus.unserve(served)
    assert process.returncode == 0, out
    assert "NGUYỄN VĂN AN" in out


TOKEN_PROGRAMS = {
    "curl": ("curl", "token.sh", "bash token.sh"),
    "python": (sys.executable, "get_token.py", f"{sys.executable} get_token.py"),
    "java": ("java", "Token.java", "java Token.java"),
    "php": ("php", "token.php", "php token.php"),
    "javascript": ("node", "token.mjs", "node token.mjs"),
}
"""How each is run. That of C# needs .NET, which is not in Debian's archive; Mono has no keys of elliptic curves."""


@pytest.mark.parametrize(
    "language",
    [pytest.param(one, marks=pytest.mark.long) if one == "java" else one for one in TOKEN_PROGRAMS],
)
async def test_a_token_program_as_it_stands(bus: Workbench, tmp_path: Path, language: str) -> None:
    needs, file, command = TOKEN_PROGRAMS[language]
    if shutil.which(needs) is None and needs in PACKAGES:
        await asyncio.to_thread(apt_install, *PACKAGES[needs])
    assert shutil.which(needs), f"{needs} is missing; install it"
    url = f"http://127.0.0.1:{bus.port}"
    [program] = [found for found in token_programs(url) if found.language == language]
    _, page, _ = await _seen(bus, "/catalog/tokens")
    assert program.text in html.unescape(page)
    (tmp_path / file).write_text(program.text)
    (tmp_path / "key.pem").write_bytes(bus.keys["alpha"].to_pem())
    environment = {**os.environ, "LGSP_SYSTEM": "alpha", "LGSP_KEY": "key.pem"}
    for _ in range(3 if language in ("curl", "php") else 1):  # numbers of a signature differ in length
        process = await asyncio.create_subprocess_shell(
            command, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), WORK_SECONDS)
        assert process.returncode == 0, err.decode()
        headers = {"Authorization": f"Bearer {out.decode().strip()}"}
        async with bus.session.get("/me", headers=headers) as answer:
            assert answer.status == 200, out.decode() + err.decode()
            assert (await answer.json())["system"] == "alpha"


async def _match(request: dict[str, object], _call: object) -> dict[str, object]:
    return {"ketQua": "NGUYỄN VĂN AN" if request == {"soDinhDanh": "022093001234"} else "?"}


async def test_an_editor_finds_the_schema_of_each_kind_of_document(bus: Workbench) -> None:
    for name in published_schemas.names():
        async with bus.session.get(f"/schemas/{name}.json") as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
            assert (await answer.json())["$id"] == f"urn:lgsp:schema:{name}"
    async with bus.session.get("/schemas/none.json") as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "not-found")


async def test_a_page_says_whom_to_ask_and_how(bus: Workbench) -> None:
    _, text, _ = await _seen(bus, "/catalog/services/desk/v1?lang=en")
    access = html.unescape(text[text.index('id="access"') :])
    assert "Try (<code>H49.1</code>)" in access
    assert "no contact" in access

    [sent] = re.findall(r"grant.yaml\n(.*?)</code>", access, re.DOTALL)
    request = yaml.safe_load(sent)
    request["metadata"]["name"] = "from-the-page"
    request["spec"]["consumer"] = "asker"
    requested = await bus.registry("POST", "grants", request, system="asker")
    assert (requested.status, requested.json["status"]["phase"]) == (201, "requested")
    removed = await bus.registry("DELETE", "grants/from-the-page", headers={"If-Match": requested.headers["ETag"]})
    assert removed.status == 204


@pytest.mark.parametrize(
    ("path", "contact"),
    [
        ("agencies/H49.1", {"office": "Phòng <CNTT>", "email": "cntt@h49-1.example"}),
        ("systems/provider", {"phone": "+84 203 123 456", "url": "https://provider.example/lien-he"}),
    ],
)
async def test_a_page_has_the_contact_of_the_agency_or_of_the_system(
    bus: Workbench, path: str, contact: dict[str, str]
) -> None:
    before = await bus.registry("GET", path)
    name = {"name": before.json["metadata"]["name"]}
    plain = {**{key: before.json[key] for key in ("apiVersion", "kind", "spec")}, "metadata": name}
    changed = {**plain, "spec": {**plain["spec"], "contact": contact}}
    put = await bus.registry("PUT", path, changed, headers={"If-Match": before.headers["ETag"]})
    assert put.status == 200, put.body
    _, text, _ = await _seen(bus, "/catalog/services/desk/v1?lang=en")
    await bus.registry("PUT", path, plain, headers={"If-Match": put.headers["ETag"]})
    assert all(html.escape(value) in text for value in contact.values())
    assert "no contact" not in text
