"""A service behind a WSDL: contract and manifest are drafted out of it, and what is sent keeps its schema."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from aiohttp import web
from lxml import etree
from support.national import call
from support.preloaded import run
from support.processes import ROOT

from lgsp_adapters.adapter import Adapter, Declared, UpstreamFailed
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.connectors.soap import facets, wsdl
from lgsp_adapters.connectors.soap.envelopes import VERSIONS
from lgsp_adapters.connectors.soap.shapes import Kind
from lgsp_adapters.manifest import load
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_adapters.scaffolding.drafts import with_comments
from lgsp_adapters.scaffolding.wsdl_services import from_wsdl
from lgsp_contracts import catalog
from lgsp_contracts.cli.terminal import as_yaml
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

DESCRIBED = ROOT / "tests/support/civil_status"
ASKED = {"soDinhDanh": "022093001234", "nguoiHoi": {"hoTen": "Trần <Thị> Bình", "ngaySinh": "1990-01-31"}}
PARENT = "<ChaMe><HoTen>Nguyễn Văn Ba</HoTen><NgaySinh>1960-05-01+07:00</NgaySinh></ChaMe>"
FOUND = (
    "<TraCuuKhaiSinhResponse xmlns='http://hotich.example.vn/types'><KetQua><So> 12/2019 </So><ConThu>2</ConThu>"
    "<DangKyLai>false</DangKyLai><NgayDangKy>2019-06-01Z</NgayDangKy>{}</KetQua></TraCuuKhaiSinhResponse>"
)


class Office:
    """A SOAP server that holds each request against the schema."""

    def __init__(self) -> None:
        self.version = VERSIONS["1.1"]
        self.body = FOUND.format(PARENT)
        self.sent: list[XmlElement] = []
        self.actions: list[str] = []
        self.login = ""
        self.schema = "xsd/types.xsd"
        self._schema = etree.XMLSchema(etree.parse(DESCRIBED / "civil.xsd"))

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return self._description(request)
        assert request.path == "/HoTich.asmx"
        root = etree.fromstring(await request.read())
        element = root.find(f"{{{self.version.namespace}}}Body/*")
        assert element is not None
        self._schema.assertValid(element)
        self.sent.append(element)
        self.actions.append(request.headers.get("SOAPAction", request.headers["Content-Type"]))
        if self.body.startswith("--"):
            return web.Response(text=self.body, content_type="multipart/related")
        space = self.version.namespace
        text = f"<s:Envelope xmlns:s='{space}'><s:Body>{self.body}</s:Body></s:Envelope>"
        return web.Response(text=text, content_type="text/xml")

    def _description(self, request: web.Request) -> web.Response:
        if self.login and request.headers.get("Authorization") != f"Basic {self.login}":
            return web.Response(status=401)
        if request.path == "/xsd/types.xsd":
            return web.Response(body=(DESCRIBED / "civil.xsd").read_bytes())
        assert request.query_string == "wsdl"
        text = (DESCRIBED / "civil.wsdl").read_text().replace('"civil.xsd"', '"xsd/types.xsd"')
        return web.Response(text=text.replace("xsd/types.xsd", self.schema), content_type="text/xml")


@pytest_asyncio.fixture
async def office() -> AsyncIterator[tuple[Office, str]]:
    office, app = Office(), web.Application()
    app.router.add_route("*", "/{path:.*}", office.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield office, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wsdl")
    for name in ("civil.wsdl", "civil.xsd"):
        shutil.copy(DESCRIBED / name, made)
    return made


async def _drafted(folder: Path, port: str) -> tuple[Path, Path]:
    contract, manifest = folder / f"contract{port}.yaml", folder / f"adapter{port}.yaml"
    options = ["--service", "civil-status", "--provider", "tu-phap", "-o", str(contract), "--manifest", str(manifest)]
    code, _, err = await run(
        "contract", "import", "wsdl", str(folder / "civil.wsdl"), *options, *(["--port", port] if port else [])
    )
    assert code == 0, err
    return contract, manifest


async def _opened(paths: tuple[Path, Path], url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Adapter, Contract]:
    monkeypatch.setenv("LGSP_CIVIL_STATUS_URL", url)
    contract = catalog.load(paths[0])["civil-status", 1]
    adapter = build_adapter(load(paths[1]), contract)
    await adapter.open()
    return adapter, contract


@pytest.mark.parametrize("port", ["", "HoTichSoap12"])
async def test_what_is_drafted_answers(
    office: tuple[Office, str], folder: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = office
    server.version = VERSIONS["1.2" if port else "1.1"]
    adapter, contract = await _opened(await _drafted(folder, port), url, monkeypatch)
    method: Any = adapter.method("tra-cuu-khai-sinh")
    answer = await method(dict(ASKED), call())
    assert contract.operations["tra-cuu-khai-sinh"].response.is_valid(answer)
    assert answer == {
        "so": "12/2019",
        "conThu": 2,
        "dangKyLai": False,
        "ngayDangKy": "2019-06-01",
        "chaMe": [{"hoTen": "Nguyễn Văn Ba", "ngaySinh": "1960-05-01"}],
    }
    assert server.sent[0].findtext("{*}NguoiHoi/{*}HoTen") == "Trần <Thị> Bình"
    assert "http://hotich.example.vn/ws/TraCuuKhaiSinh" in server.actions[0]
    for none in ("", "<ChaMe/>", "<ChaMe xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>"):
        server.body = FOUND.format(none)
        assert (await method(dict(ASKED), call()))["chaMe"] == []
    server.body = FOUND.format(PARENT * 2)
    assert len((await method(dict(ASKED), call()))["chaMe"]) == 2
    server.body = "<TraCuuKhaiSinhResponse xmlns='http://hotich.example.vn/types'/>"
    with pytest.raises(Declared, match="not-on-record"):
        await method(dict(ASKED), call())
    await adapter.close()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (FOUND.format("").replace("<ConThu>2<", "<ConThu>hai<"), "a text where the description has integer"),
        (FOUND.format("").replace("<DangKyLai>false<", "<DangKyLai>có<"), "a text where the description has boolean"),
        ("--abc\r\nContent-Type: application/xop+xml\r\n\r\n<x/>\r\n--abc--", "the answer is not a SOAP 1.1 envelope"),
    ],
)
async def test_an_answer_that_the_description_does_not_have(
    office: tuple[Office, str], folder: Path, body: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = office
    paths = (folder / "contract.yaml", folder / "adapter.yaml")
    adapter, _ = await _opened(paths if paths[1].exists() else await _drafted(folder, ""), url, monkeypatch)
    server.body = body
    method: Any = adapter.method("tra-cuu-khai-sinh")
    with pytest.raises(UpstreamFailed, match=why) as failed:
        await method(dict(ASKED), call())
    assert failed.value.why == "unintelligible"
    await adapter.close()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"operation": "TraCuu"}, ":16, /operations/tra-cuu-khai-sinh/operation: the WSDL has no operation TraCuu"),
        (
            {"fields": {"So": "request.soDinhDanh"}},
            "the WSDL has no field So; it has: SoDinhDanh, Nam, MaHoSo, NguoiHoi",
        ),
        ({"fields": {"Nam": "`1`"}}, "the WSDL requires the field SoDinhDanh"),
    ],
)
async def test_a_manifest_that_does_not_fit_its_wsdl(
    folder: Path, changed: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LGSP_CIVIL_STATUS_URL", "http://127.0.0.1:1")
    paths = (folder / "contract.yaml", folder / "adapter.yaml")
    contract, manifest = paths if paths[1].exists() else await _drafted(folder, "")
    document = yaml.safe_load(manifest.read_text())
    document["operations"]["tra-cuu-khai-sinh"] |= changed
    wrong = folder / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(document, sort_keys=False))
    with pytest.raises(Refusal) as refused:
        build_adapter(load(wrong), catalog.load(contract)["civil-status", 1])
    assert said.rpartition(":16, ")[2] in refused.value.detail.en
    assert f"{wrong}:" in refused.value.detail.en


async def test_what_the_description_lets_values_be_stands_in_the_contract(folder: Path) -> None:
    port = wsdl.load(folder / "civil.wsdl", "", SourceLocation("civil.wsdl"))
    contract = from_wsdl(port, "civil.wsdl", "", "civil-status", "tu-phap").contract
    operation = contract["operations"]["tra-cuu-khai-sinh"]
    asked, answered = operation["request"]["properties"], operation["response"]["properties"]
    assert asked["nam"] == {"type": "integer", "minimum": 1900, "exclusiveMaximum": 2100}
    assert asked["nguoiHoi"]["properties"]["hoTen"] == {"type": "string", "minLength": 1, "maxLength": 100}
    assert asked["maHoSo"] == {"type": "string", "maxLength": 30}  # JSON Schema's patterns know no name characters
    assert answered["gioi"] == {"type": "string", "enum": ["NAM", "NU"]}
    assert answered["so"] == {"type": "string", "maxLength": 4000, "pattern": "^(?:[0-9]+/[0-9]{4})$"}


@pytest.mark.parametrize(
    ("restriction", "kind", "limits"),
    [
        ('<xs:restriction base="xs:long"><xs:maxInclusive value="9223372036854775807"/>', "integer", {"maximum": 2**63 - 1}),
        ('<xs:restriction base="xs:double"><xs:maxInclusive value="INF"/>', "number", {}),
        ('<xs:restriction base="xs:int"><xs:maxInclusive value="many"/>', "integer", {}),
        ('<xs:restriction base="xs:date"><xs:minInclusive value="2000-01-01"/>', "date", {}),
        ('<xs:restriction base="T"><xs:length value="3"/>', "string", {"minLength": 3, "maxLength": 3}),
        ('<xs:restriction base="xs:string"><xs:pattern value="a"/><xs:pattern value="b"/>', "string", {"pattern": "^(?:a|b)$"}),
        ('<xs:restriction base="xs:string"><xs:pattern value="[0-9-[5]]"/>', "string", {}),
    ],
)  # fmt: skip
def test_facets_as_json_schema_says_them(restriction: str, kind: Kind, limits: dict[str, Any]) -> None:
    schema = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="u:x" xmlns="u:x">
        <xs:simpleType name="T">{restriction}</xs:restriction></xs:simpleType></xs:schema>"""
    assert facets.keywords(facets.collect([schema.encode()])["{u:x}T"], kind) == limits


def test_facets_of_two_that_go_by_one_name_are_left_out() -> None:
    one = '<xs:element name="A"><xs:simpleType><xs:restriction base="xs:string"><xs:length value="{}"/></xs:restriction></xs:simpleType></xs:element>'
    schema = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:complexType name="t"><xs:all>{}</xs:all></xs:complexType></xs:schema>'
    assert facets.collect([schema.format(one.format(3) + one.format(4)).encode()]) == {}


async def test_a_description_from_its_address(office: tuple[Office, str], tmp_path: Path) -> None:
    server, url = office
    server.login = "Y2FuLWJvOmFiYw=="
    contract, manifest = tmp_path / "contract/civil.yaml", tmp_path / "adapter/civil.yaml"
    names = ("--service", "civil-status", "--provider", "tu-phap", "-o", str(contract), "--manifest", str(manifest))
    line = ("contract", "import", "wsdl", f"{url}/HoTich.asmx?wsdl", *names)
    code, _, err = await run(*line)
    assert (code, "answers HTTP 401; use --credentials" in " ".join(err.split())) == (1, True)
    code, out, err = await run(*line, "--credentials", "CIVIL", environment={"CIVIL": "can-bo:abc"})
    assert code == 0, err
    assert "export LGSP_CIVIL_STATUS_URL=http://10.0.0.1\n" in out  # as the WSDL says
    assert sorted(path.name for path in manifest.parent.iterdir()) == [
        "civil-status-1.xsd",
        "civil-status.wsdl",
        "civil.yaml",
    ]
    assert yaml.safe_load(manifest.read_text())["authentication"] == {
        "basic": {"user": "connection.user", "password": "connection.password"}
    }
    environment = {
        f"LGSP_CIVIL_STATUS_{name}": value for name, value in (("URL", url), ("USER", "a"), ("PASSWORD", "b"))
    }
    both = (str(manifest), "--contract", str(contract))
    assert (await run("adapter", "check", *both, environment=environment))[0] == 0
    tried = ("adapter", "try", str(manifest), "tra-cuu-khai-sinh", "--contract", str(contract), "--allow-writes")
    code, out, err = await run(*tried, environment=environment)
    assert (code, '"so": "12/2019"' in out) == (0, True), err
    code, out, err = await run("contract", "test", *both, "--allow-writes", environment=environment)
    assert (code, " 0 failed" in out) == (0, True), out + err


async def test_a_description_that_leads_elsewhere(office: tuple[Office, str], tmp_path: Path) -> None:
    server, url = office
    server.schema = "http://10.0.0.1/civil.xsd"
    names = ("--service", "civil-status", "--provider", "tu-phap", "-o", str(tmp_path / "civil.yaml"))
    code, _, err = await run("contract", "import", "wsdl", f"{url}/HoTich.asmx?wsdl", *names)
    assert (code, "add --allow-host 10.0.0.1" in " ".join(err.split())) == (1, True)
    assert list(tmp_path.iterdir()) == []


TOKEN = "<sp:UsernameToken xmlns:sp='http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702'>{}</sp:UsernameToken>"
CREDENTIALS = {"user": "connection.user", "password": "connection.password"}


@pytest.mark.parametrize(
    ("assertion", "token", "authentication", "comment"),
    [
        (TOKEN.format(""), {**CREDENTIALS, "digest": False}, None, ""),
        (TOKEN.format("<wsp:Policy><sp:HashPassword/></wsp:Policy>"), {**CREDENTIALS, "digest": True}, None, ""),
        (
            "<http:BasicAuthentication xmlns:http='http://schemas.microsoft.com/ws/06/2004/policy/http'/>",
            None,
            {"basic": CREDENTIALS},
            "",
        ),
        ("<x:X509Token xmlns:x='u:x'/>", None, None, "requires X509Token, which the connector cannot do"),
    ],
)
@pytest.mark.parametrize("referenced", [True, False])
def test_the_security_of_a_port(
    folder: Path, assertion: str, token: Any, authentication: Any, comment: str, referenced: bool
) -> None:
    policy = "<wsp:Policy xmlns:wsp='http://www.w3.org/ns/ws-policy' xmlns:wsu='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'{}><wsp:All>{}</wsp:All></wsp:Policy>"
    reference = "<wsp:PolicyReference xmlns:wsp='http://www.w3.org/ns/ws-policy' URI='#p'/>"
    transport = '<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>'
    text = (DESCRIBED / "civil.wsdl").read_text()
    inside = reference if referenced else policy.format("", assertion)
    text = text.replace(transport, transport + inside)
    if referenced:
        text = text.replace("<types>", policy.format(" wsu:Id='p'", assertion) + "<types>")
    path = folder / "secured.wsdl"
    path.write_text(text)
    drafts = {
        port: from_wsdl(wsdl.load(path, port, SourceLocation("x")), "secured.wsdl", port, "civil-status", "tu-phap")
        for port in ("HoTichSoap", "HoTichSoap12")
    }
    manifest = drafts["HoTichSoap"].manifest
    assert (manifest["soap"].get("username-token"), manifest.get("authentication")) == (token, authentication)
    assert comment in drafts["HoTichSoap"].manifest_comments.get(("soap",), "")
    secrets = {"url"} | ({"user", "password"} if token or authentication else set())
    assert set(manifest["connection"]) == secrets
    other = drafts["HoTichSoap12"].manifest  # a port without a policy
    assert ("username-token" in other["soap"], "authentication" in other) == (False, False)


HEADER = """<xs:schema targetNamespace="http://hotich.example.vn/types" elementFormDefault="qualified">
    <xs:element name="AuthHeader"><xs:complexType><xs:sequence><xs:element name="Username" type="xs:string"/><xs:element name="Password" type="xs:string"/>
    </xs:sequence></xs:complexType></xs:element></xs:schema>"""


async def test_credentials_in_the_soap_header(
    office: tuple[Office, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = office
    text = (DESCRIBED / "civil.wsdl").read_text().replace("</types>", HEADER + "</types>")
    text = text.replace(
        "<portType", '<message name="Auth"><part name="AuthHeader" element="d:AuthHeader"/></message><portType'
    )
    body = '<input><soap:body use="literal"/>'
    path = folder / "header.wsdl"
    path.write_text(text.replace(body, body + '<soap:header message="tns:Auth" part="AuthHeader" use="literal"/>'))
    draft = from_wsdl(wsdl.load(path, "", SourceLocation("x")), "header.wsdl", "", "civil-status", "tu-phap")
    assert draft.manifest["soap"]["header"] == {
        "AuthHeader": {"Username": "connection.username", "Password": "connection.password"}
    }
    manifest = folder / "header.yaml"
    contract = Contract.from_document(draft.contract)
    monkeypatch.setenv("LGSP_CIVIL_STATUS_URL", url)
    monkeypatch.setenv("LGSP_CIVIL_STATUS_USERNAME", "can-bo")
    monkeypatch.setenv("LGSP_CIVIL_STATUS_PASSWORD", "mật <khẩu>")
    undescribed = {
        **draft.manifest,
        "soap": {
            "namespace": "http://hotich.example.vn/types",
            "path": "/HoTich.asmx",
            "header": draft.manifest["soap"]["header"],
        },
    }
    operation = dict(draft.manifest["operations"]["tra-cuu-khai-sinh"])
    del operation["operation"]
    undescribed["operations"] = {"tra-cuu-khai-sinh": {"element": "TraCuuKhaiSinh", **operation}}
    for document in (draft.manifest, undescribed):
        manifest.write_text(as_yaml([document]))
        adapter = build_adapter(load(manifest), contract)
        await adapter.open()
        method: Any = adapter.method("tra-cuu-khai-sinh")
        await method(dict(ASKED), call())
        await adapter.close()
        header = server.sent[-1].getparent().getparent().find("{*}Header")
        assert (
            header.findtext("{http://hotich.example.vn/types}AuthHeader/{http://hotich.example.vn/types}Username")
            == "can-bo"
        )
        assert header.findtext("{*}AuthHeader/{*}Password") == "mật <khẩu>"
    wrong = {**draft.manifest, "soap": {**draft.manifest["soap"], "header": {"Auth": {"User": "'a'"}}}}
    manifest.write_text(as_yaml([wrong]))
    with pytest.raises(Refusal, match="no element Auth in the SOAP header; it has: AuthHeader"):
        build_adapter(load(manifest), contract)


def test_an_answer_in_one_string_is_commented(folder: Path) -> None:
    path = folder / "text.wsdl"
    schema = """<xs:schema targetNamespace="http://hotich.example.vn/types" elementFormDefault="qualified">
        <xs:element name="TraCuuKhaiSinh"><xs:complexType><xs:all><xs:element name="So" type="xs:string"/></xs:all></xs:complexType></xs:element>
        <xs:element name="TraCuuKhaiSinhResponse"><xs:complexType><xs:all><xs:element name="KetQua" type="xs:string" minOccurs="0"/></xs:all></xs:complexType></xs:element>
        </xs:schema>"""
    text = (DESCRIBED / "civil.wsdl").read_text()
    path.write_text(text[: text.index("<xs:schema>")] + schema + text[text.index("</types>") :])
    draft = from_wsdl(wsdl.load(path, "", SourceLocation("x")), "text.wsdl", "", "civil-status", "tu-phap")
    written = with_comments(as_yaml([draft.manifest]), draft.manifest_comments)
    assert "    #   hoTen: parse_xml(answer.KetQua).HoTen" in written
    assert yaml.safe_load(written) == draft.manifest


async def test_a_description_that_cannot_be_read(folder: Path) -> None:
    text = (folder / "civil.wsdl").read_text()
    wrong = folder / "wrong.wsdl"
    for changed, said in (
        (text.replace('schemaLocation="civil.xsd"', 'schemaLocation="http://10.0.0.1/civil.xsd"'), "save that file"),
        ("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + text.partition("?>")[2], "cannot read the WSDL"),
        ("<html/>", "there is no SOAP port"),
        ("nothing", "cannot read the WSDL"),
    ):
        wrong.write_text(changed)
        with pytest.raises(Refusal) as refused:
            wsdl.load(wrong, "", SourceLocation("wrong.wsdl"))
        assert said in refused.value.detail.en
