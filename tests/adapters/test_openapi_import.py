"""An API behind an OpenAPI document: contract and manifest are drafted from its address, and the draft answers."""

import base64
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from aiohttp import web
from cryptography import x509
from support.authority import Authority
from support.preloaded import run
from support.processes import ROOT
from support.upstreams import served

DESCRIBED = ROOT / "tests/support/openapi"
PET = {
    "id": 9007199254740993,
    "ten": " Vàng ",
    "loai": "",
    "chu_nuoi": {"ho_ten": "Nguyễn Văn An", "so_dinh_danh": "022093001234"},
    "me": {"id": 6, "ten": "Mực"},
    "tiem": [{"luc": "2026-03-01T08:00:00", "lieu": 1.5}],
    "khac": {"mau": "vàng"},
}
ANSWER = {
    "id": 9007199254740993,
    "ten": "Vàng",
    "chuNuoi": {"hoTen": "Nguyễn Văn An", "soDinhDanh": "022093001234"},
    "tiem": [{"luc": "2026-03-01T08:00:00+07:00", "lieu": 1.5}],
    "khac": '{"mau":"vàng"}',
}


@dataclass
class Registry:
    """The API, and its token server on another port."""

    sso: str = ""
    seen: list[web.Request] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    password: str = ""

    async def token(self, request: web.Request) -> web.Response:
        if request.path == "/.well-known/openid-configuration":
            return web.json_response({"token_endpoint": f"{self.sso}/realms/tinh/token"})
        form = await request.post()
        assert (form["grant_type"], form["client_id"], form["client_secret"]) == (
            "client_credentials",
            "lgsp",
            "bí mật",
        )
        assert form["scope"] == "pets.read"
        return web.json_response({"access_token": "abc", "expires_in": 300})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return self._description(request)
        if request.headers.get("Authorization") != "Bearer abc":
            return web.Response(status=401)
        self.seen.append(request)
        self.bodies.append(await request.text())
        if request.method != "GET":
            return web.Response(status=201 if request.method == "POST" else 204)
        if request.path == "/api/pets/7/photo":
            return web.Response(body=b"\xff\xd8\xff", content_type="image/jpeg")
        if request.path == "/api/pets":
            return web.json_response([PET] if request.query.get("loai", "CHO") == "CHO" else [])
        return web.json_response(PET) if request.path == "/api/pets/7" else web.json_response({}, status=404)

    def _description(self, request: web.Request) -> web.StreamResponse:
        expected = "Basic " + base64.b64encode(self.password.encode()).decode()
        if self.password and request.headers.get("Authorization") != expected:
            return web.Response(status=401)
        if request.path == "/moved":
            raise web.HTTPFound("/openapi.yaml")
        if request.path == "/away":
            raise web.HTTPFound(f"{self.sso}/openapi.yaml")
        if request.path == "/large":
            return web.Response(body=b"#" * (9 * 1024 * 1024))
        name = {"/openapi.yaml": "pets.yaml", "/schemas/pet.json": "pet.json"}.get(request.path)
        if name is None:
            return web.Response(status=404)
        return web.Response(text=(DESCRIBED / name).read_text().replace("SSO", self.sso))


@pytest_asyncio.fixture
async def registry() -> AsyncIterator[tuple[Registry, str]]:
    registry = Registry()
    async with served(registry.token) as sso, served(registry.answer) as api:
        registry.sso = sso
        yield registry, api


async def _import(source: str, folder: Path, *options: str, **environment: str) -> tuple[int, str, str]:
    files = ["-o", str(folder / "contract.yaml"), "--manifest", str(folder / "adapter.yaml")]
    names = ["--service", "pets", "--provider", "thu-y"]
    return await run("contract", "import", "openapi", source, *names, *files, *options, environment=environment)


def _environment(registry: Registry, api: str) -> dict[str, str]:
    secrets = {"LGSP_PETS_CLIENT_ID": "lgsp", "LGSP_PETS_CLIENT_SECRET": "bí mật"}
    return {"LGSP_PETS_URL": f"{api}/api", "LGSP_PETS_TOKEN_SERVER": registry.sso, **secrets}


async def test_what_is_drafted_keeps_its_contract_and_answers(registry: tuple[Registry, str], tmp_path: Path) -> None:
    server, api = registry
    code, out, err = await _import(f"{api}/openapi.yaml", tmp_path, "--allow-host", server.sso.removeprefix("http://"))
    assert code == 0, err
    assert "GET /pets/{pet-id}/tag is left out: it requires the cookie JSESSIONID." in err
    environment = _environment(server, api)
    for line in (f"LGSP_PETS_URL={api}/api", f"LGSP_PETS_TOKEN_SERVER={server.sso}", "LGSP_PETS_CLIENT_SECRET=…"):
        assert f"export {line}\n" in out
    contract, manifest = tmp_path / "contract.yaml", tmp_path / "adapter.yaml"
    both = (str(manifest), "--contract", str(contract))
    code, _, err = await run("adapter", "check", *both, environment=environment)
    assert code == 0, err
    tried = ("adapter", "try", str(manifest))
    code, out, err = await run(*tried, "lay-vat-nuoi", "--contract", str(contract), environment=environment)
    assert code == 0, err
    answer = json.loads(out)
    assert json.loads(answer.pop("me")) == {"id": 6, "ten": "Mực"}
    assert answer == ANSWER
    asked: dict[str, Any] = {"loai": ["CHO"], "page": 2, "xDonVi": "H49.12"}
    options = ("-d", json.dumps(asked), "--contract", str(contract))
    code, out, err = await run(*tried, "list-pets", *options, environment=environment)
    assert code == 0, err
    assert [item["ten"] for item in json.loads(out)["items"]] == ["Vàng"]
    assert dict(server.seen[-1].query) == {"page": "2", "loai": "CHO"}
    assert server.seen[-1].headers["X-Don-Vi"] == "H49.12"
    photo = ("get-pets-pet-id-photo", "--contract", str(contract))
    code, out, err = await run(*tried, *photo, "-d", '{"petId": 7}', environment=environment)
    assert code == 0, err
    assert json.loads(out) == {"value": "/9j/"}
    code, out, err = await run("contract", "test", *both, environment=environment)
    assert (code, " 0 failed" in out) == (0, True), out + err


async def test_a_drafted_write(registry: tuple[Registry, str], tmp_path: Path) -> None:
    server, api = registry
    code, _, err = await _import(
        f"{api}/moved", tmp_path, "--operation", "registerPet", "--operation", "PUT /pets/{pet-id}/transfer",
        "--allow-host", "127.0.0.1",
    )  # fmt: skip
    assert code == 0, err
    document = yaml.safe_load((tmp_path / "contract.yaml").read_text())
    assert list(document["operations"]) == ["register-pet", "transfer-pet"]
    assert "id" not in document["operations"]["register-pet"]["request"]["properties"]  # read only
    assert document["operations"]["transfer-pet"]["subject"] == "/soDinhDanh"
    environment = _environment(server, api)
    tried = ("adapter", "try", str(tmp_path / "adapter.yaml"))
    options = ("--contract", str(tmp_path / "contract.yaml"), "--allow-writes")
    pet = {"ten": "Vàng", "chuNuoi": {"hoTen": "An", "maSoThue": "5701"}, "khac": '{"mau": "vàng"}'}
    code, out, err = await run(*tried, "register-pet", "-d", json.dumps(pet), *options, environment=environment)
    assert (code, out) == (0, '{\n  "status": 201\n}\n'), err
    assert json.loads(server.bodies[-1]) == {
        "ten": "Vàng", "chu_nuoi": {"ho_ten": "An", "ma_so_thue": "5701"}, "khac": {"mau": "vàng"},
    }  # fmt: skip
    given = json.dumps({"petId": "7/8", "soDinhDanh": "022093001234"})
    code, out, err = await run(*tried, "transfer-pet", "-d", given, *options, environment=environment)
    assert (code, out) == (0, '{\n  "status": 204\n}\n'), err
    assert (server.seen[-1].raw_path, server.bodies[-1]) == ("/api/pets/7%2F8/transfer", "so_dinh_danh=022093001234")


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/openapi.yaml", "the description leads to another server, 127.0.0.1:"),
        ("/away", "the description leads to another server, 127.0.0.1:"),
        ("/large", "is too large"),
        ("/missing", "answers HTTP 404; check the address"),
    ],
)
async def test_a_description_that_is_not_downloaded(
    registry: tuple[Registry, str], tmp_path: Path, path: str, refusal: str
) -> None:
    _, api = registry
    code, _, err = await _import(api + path, tmp_path)
    assert (code, refusal in " ".join(err.split())) == (1, True), err
    assert list(tmp_path.iterdir()) == []


async def test_credentials_for_the_description(registry: tuple[Registry, str], tmp_path: Path) -> None:
    server, api = registry
    server.password = "can-bo:mật khẩu"
    allowed = ("--allow-host", server.sso.removeprefix("http://"))
    code, _, err = await _import(f"{api}/openapi.yaml", tmp_path, *allowed)
    assert (code, "answers HTTP 401; use --credentials" in " ".join(err.split())) == (1, True)
    code, _, err = await _import(f"{api}/openapi.yaml", tmp_path, *allowed, "--credentials", "API_LOGIN")
    assert (code, "API_LOGIN does not contain user:password" in " ".join(err.split())) == (1, True)
    code, _, err = await _import(
        f"{api}/openapi.yaml", tmp_path, *allowed, "--credentials", "API_LOGIN", API_LOGIN=server.password
    )
    assert code == 0, err
    in_address = api.replace("http://", "http://can-bo:abc@")
    code, _, err = await _import(f"{in_address}/openapi.yaml", tmp_path)
    assert (code, "use --credentials" in err) == (1, True)


async def test_a_certificate_of_a_private_authority(tmp_path: Path) -> None:
    pair = Authority(tmp_path).write("api", names=(x509.IPAddress(ipaddress.ip_address("127.0.0.1")),))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*pair)
    registry = Registry(sso="https://sso.example.vn")
    async with served(registry.answer, context) as api:
        source, options = f"{api}/schemas/pet.json", ("--ca", str(tmp_path / "ca.pem"))
        code, _, err = await _import(source, tmp_path)
        assert (code, "use --ca if a private authority issued the certificate" in " ".join(err.split())) == (1, True), (
            err
        )
        code, _, err = await _import(source, tmp_path, *options)
        assert (code, "neither OpenAPI 3 nor Swagger 2" in " ".join(err.split())) == (1, True), err


async def test_files_below_the_folder_of_the_description(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "api.yaml").write_text((DESCRIBED / "pets.yaml").read_text())
    code, _, err = await _import(str(tmp_path / "api.yaml"), tmp_path)
    assert (code, "cannot be read" in " ".join(err.split())) == (1, True)
    (tmp_path / "schemas/pet.json").write_text((DESCRIBED / "pet.json").read_text())
    code, _, err = await _import(str(tmp_path / "api.yaml"), tmp_path)
    assert code == 0, err
    assert "oauth2.path is a guess" in (tmp_path / "adapter.yaml").read_text()
    (tmp_path / "away.yaml").write_text((DESCRIBED / "pets.yaml").read_text().replace("schemas/", "../"))
    code, _, err = await _import(str(tmp_path / "away.yaml"), tmp_path)
    assert (code, "save that file in the same folder" in " ".join(err.split())) == (1, True)


@pytest.mark.parametrize("reference", ["../api-private/pet.json", "%2e%2e/api-private/pet.json", "link/pet.json"])
async def test_files_beside_the_folder_of_the_description_are_not_read(tmp_path: Path, reference: str) -> None:
    for name in ("api", "api-private"):
        (tmp_path / name).mkdir()
    (tmp_path / "api-private/pet.json").write_text((DESCRIBED / "pet.json").read_text())
    (tmp_path / "api/link").symlink_to(tmp_path / "api-private")
    (tmp_path / "api/api.yaml").write_text((DESCRIBED / "pets.yaml").read_text().replace("schemas/pet.json", reference))
    code, _, err = await _import(str(tmp_path / "api/api.yaml"), tmp_path)
    assert (code, "save that file in the same folder" in " ".join(err.split())) == (1, True)


async def test_a_server_of_the_description_runs_nothing_in_a_shell(tmp_path: Path) -> None:
    description = json.loads(json.dumps(yaml.safe_load((DESCRIBED / "pets.yaml").read_text()), default=str))
    description["servers"] = [{"url": "https://a.example.vn/;touch${IFS}x;#"}]
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/pet.json").write_text((DESCRIBED / "pet.json").read_text())
    (tmp_path / "api.json").write_text(json.dumps(description))
    code, out, err = await _import(str(tmp_path / "api.json"), tmp_path)
    assert code == 0, err
    assert "_URL='https://a.example.vn/;touch${IFS}x;#'\n" in out


@pytest.mark.parametrize("address", ["http://[", "http://127.0.0.1:99999/"])
async def test_a_description_that_refers_to_no_address(tmp_path: Path, address: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"openapi": "3.0.3", "paths": {"/a": {"$ref": address}}})

    async with served(answer) as api:
        code, _, err = await _import(f"{api}/a", tmp_path)
    assert (code, "check the address" in " ".join(err.split())) == (1, True), err
