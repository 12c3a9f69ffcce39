"""Drafts out of OpenAPI documents: every draft is a valid contract, and its manifest keeps it."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import examples
from support.processes import ROOT

from lgsp_adapters.connectors import connector_lookup
from lgsp_adapters.manifest import Manifest, load
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.scaffolding.drafts import Draft, with_comments
from lgsp_adapters.scaffolding.openapi.parsing import parse
from lgsp_adapters.scaffolding.openapi.references import bundle, referenced_documents
from lgsp_adapters.scaffolding.openapi.services import from_openapi
from lgsp_contracts.cli.terminal import as_yaml
from lgsp_contracts.contract import Contract
from lgsp_problems import NotFound, Refusal

Document = dict[str, Any]


def _api(response: Any, components: Document | None = None, **operation: Any) -> Document:
    content = {"application/json": {"schema": response}}
    described = {"operationId": "read", "responses": {"200": {"description": "ok", "content": content}}, **operation}
    return {"openapi": "3.1.0", "info": {}, "paths": {"/a": {"post": described}}, "components": components or {}}


def _checked(draft: Draft, folder: Path) -> tuple[Contract, Manifest]:
    """Load a draft as the commands write it, and check one against the other."""
    contract = Contract.from_document(draft.contract)
    path = folder / "adapter.yaml"
    path.write_text(with_comments(as_yaml([draft.manifest], width=120), draft.manifest_comments))
    manifest = load(path)
    assert list(connector_lookup.check(manifest, contract)) == []
    connector_lookup.build(manifest, contract)
    return contract, manifest


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "URL",
        "API_KEY",
        "API_KEY2",
        "TOKEN",
        "USER",
        "PASSWORD",
        "CLIENT_ID",
        "CLIENT_SECRET",
        "TOKEN_SERVER",
        "AUTHORIZATION",
    ):
        monkeypatch.setenv(f"LGSP_X_{name}", "http://127.0.0.1:9")


COMPONENTS: Document = {
    "schemas": {
        "Node": {"type": "object", "required": ["ten"], "properties": {"ten": {"type": "string"}, "con": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}},
        "Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
        "Self": {"$ref": "#/components/schemas/Self"},
    }
}  # fmt: skip
STRING = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "in_contract", "mapping"),
    [
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}, "answer.v"),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}, "instant(answer.v)"),
        ({"type": "integer", "format": "int64", "maximum": 2**63 - 1}, {"type": "integer", "maximum": 2**63 - 1}, "answer.v"),
        ({"type": "string", "format": "byte"}, STRING, "answer.v"),
        ({"type": "string", "enum": ["A", "", None]}, {"type": "string", "enum": ["A"]}, "answer.v"),
        ({"enum": [1, 2]}, {"type": "integer", "enum": [1, 2]}, "answer.v"),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, {"type": "number", "exclusiveMinimum": 0}, "answer.v"),
        ({"type": "string", "pattern": "^[A-Z]{2}$"}, {"type": "string", "pattern": "^[A-Z]{2}$"}, "answer.v"),
        ({"type": "string", "pattern": "(?<=a)b"}, STRING, "answer.v"),
        ({"type": "string", "pattern": "^(?!x).*$", "maxLength": 9}, {"type": "string", "maxLength": 9}, "answer.v"),
        ({"oneOf": [STRING, {"type": "integer"}]}, {"anyOf": [STRING, {"type": "integer"}]}, "answer.v"),
        ({"anyOf": [STRING, {"type": "null"}]}, STRING, "answer.v"),
        ({"type": ["string", "null"]}, STRING, "answer.v"),
        ({"type": "string", "nullable": True}, STRING, "answer.v"),
        ({"type": "object"}, {"type": "string", "description": "JSON"}, "json(answer.v)"),
        ({"type": "object", "additionalProperties": STRING}, {"type": "string", "description": "JSON"}, "json(answer.v)"),
        ({}, {"type": "string", "description": "JSON"}, "json(answer.v)"),
        ({"$ref": "#/components/schemas/Self"}, {"type": "string", "description": "JSON"}, "json(answer.v)"),
        ({"type": "array", "items": STRING, "maxItems": 5}, {"type": "array", "maxItems": 5, "items": STRING}, "answer.v"),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "object", "properties": {"Họ tên": STRING}}}},
            {"type": "array", "items": {"type": "array", "items": {"type": "object", "required": [], "additionalProperties": False, "properties": {"hoTen": STRING}}}},
            {"$each": "answer.v", "$as": {"$each": "item", "$as": {"hoTen": 'item."Họ tên"'}}},
        ),
        (
            {"$ref": "#/components/schemas/Node"},
            {"type": "object", "required": ["ten"], "additionalProperties": False, "properties": {"ten": STRING, "con": {"type": "array", "items": {"type": "string", "description": "JSON"}}}},
            {"ten": "answer.v.ten", "con": {"$each": "answer.v.con", "$as": "json(item)"}},
        ),
        (
            {"allOf": [{"$ref": "#/components/schemas/Base"}, {"required": ["SO_CCCD"], "properties": {"SO_CCCD": STRING}}]},
            {"type": "object", "required": ["id", "soCccd"], "additionalProperties": False, "properties": {"id": {"type": "integer"}, "soCccd": {"type": "string", "format": "so-dinh-danh"}}},
            {"id": "answer.v.id", "soCccd": "answer.v.SO_CCCD"},
        ),
        (
            {"oneOf": [{"$ref": "#/components/schemas/Base"}, {"type": "object", "required": ["id", "b"], "properties": {"id": STRING, "b": STRING}}]},
            {"type": "object", "required": ["id"], "additionalProperties": False, "properties": {"id": {"anyOf": [{"type": "integer"}, STRING]}, "b": STRING}},
            {"id": "answer.v.id", "b": "answer.v.b"},
        ),
        ({"oneOf": [{"$ref": "#/components/schemas/Base"}, STRING]}, {"type": "string", "description": "JSON"}, "json(answer.v)"),
    ],
)  # fmt: skip
def test_a_schema_in_contract_and_mapping(
    schema: Document, in_contract: Document, mapping: Any, tmp_path: Path
) -> None:
    draft = from_openapi(_api({"type": "object", "properties": {"v": schema}}, COMPONENTS), "x", "y")
    _checked(draft, tmp_path)
    assert draft.contract["operations"]["read"]["response"]["properties"]["v"] == in_contract
    assert draft.manifest["operations"]["read"]["answer"] == {"v": mapping}


def test_names_that_would_be_equal_and_what_one_direction_sends(tmp_path: Path) -> None:
    person = {
        "type": "object",
        "required": ["ho_ten", "mk"],
        "properties": {
            "ho_ten": STRING,
            "hoTen": STRING,
            "mk": {"type": "string", "writeOnly": True},
            "id": {"type": "string", "readOnly": True},
        },
    }
    body = {"required": True, "content": {"application/json": {"schema": person}}}
    parameters = [
        {"name": "hoTen", "in": "query", "schema": STRING},
        {"name": "token", "in": "header", "required": True, "schema": STRING},
    ]
    draft = from_openapi(_api(person, requestBody=body, parameters=parameters), "x", "y")
    _checked(draft, tmp_path)
    operation, mapping = draft.contract["operations"]["read"], draft.manifest["operations"]["read"]
    assert list(operation["request"]["properties"]) == ["hoTen", "hoTen2", "hoTen3", "mk"]
    assert (mapping["query"], mapping["body"]) == (
        {"hoTen": "request.hoTen"},
        {"ho_ten": "request.hoTen2", "hoTen": "request.hoTen3", "mk": "request.mk"},
    )
    assert mapping["answer"] == {"hoTen": "answer.ho_ten", "hoTen2": "answer.hoTen", "id": "answer.id"}
    assert draft.manifest["headers"] == {"token": "connection.apiKey"}  # a credential, and no field of the request


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, {"headers": {"X-Key": "connection.apiKey"}}),
        ({"type": "apiKey", "in": "query", "name": "key"}, {"query": {"key": "connection.apiKey"}}),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, {"headers": {"Cookie": "join('=', ['sid', connection.apiKey])"}}),
        ({"type": "http", "scheme": "Basic"}, {"authentication": {"basic": {"user": "connection.user", "password": "connection.password"}}}),
        ({"type": "http", "scheme": "bearer"}, {"headers": {"Authorization": "join(' ', ['Bearer', connection.token])"}}),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://sso.vn/t"}}},
            {"authentication": {"oauth2": {"path": "/t", "url": "connection.tokenServer", "client": "connection.clientId", "secret": "connection.clientSecret", "scope": "'a b'"}}},
        ),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://api.vn/v1/t"}}},
            {"authentication": {"oauth2": {"path": "/t", "client": "connection.clientId", "secret": "connection.clientSecret", "scope": "'a b'"}}},
        ),
        (
            {"type": "oauth2", "flows": {"password": {"tokenUrl": "/token"}}},
            {"authentication": {"login": {"path": "/token", "url": "connection.tokenServer", "form": {"grant_type": "'password'", "username": "connection.user", "password": "connection.password", "scope": "'a b'"}, "session": {"token": "answer.access_token"}, "seconds": "answer.expires_in"}}, "headers": {"Authorization": "join(' ', ['Bearer', session.token])"}},
        ),
        ({"type": "oauth2", "flows": {"implicit": {}}}, {}),
        ({"type": "mutualTLS"}, {}),
    ],
)  # fmt: skip
def test_security(scheme: Document, expected: Document, tmp_path: Path) -> None:
    document = _api(
        {"type": "object", "properties": {"v": STRING}},
        {"securitySchemes": {"s": scheme}},
        security=[{"s": ["a", "b"]}],
    )
    draft = from_openapi({**document, "servers": [{"url": "https://api.vn/v1"}]}, "x", "y")
    _checked(draft, tmp_path)
    kept = {name: draft.manifest[name] for name in ("authentication", "headers", "query") if name in draft.manifest}
    assert kept == expected
    assert all(set(value) == {"env"} for value in draft.manifest["connection"].values())
    assert bool(expected) or "requires s, which a manifest cannot use" in draft.manifest_comments["connection",]


HOTICH = """
swagger: '2.0'
info: {title: API Hộ tịch}
host: hotich.example.vn
basePath: /api
schemes: [https]
securityDefinitions: {login: {type: oauth2, flow: application, tokenUrl: https://hotich.example.vn/api/token, scopes: {}}}
security: [{login: []}]
paths:
  /apiHoTichTuPhap/traTrangThaiHoSo:
    post:
      summary: Tra trạng thái hồ sơ
      consumes: [application/json-patch+json, application/json, text/json]
      parameters: [{name: body, in: body, schema: {$ref: '#/definitions/YeuCau'}}]
      responses: {200: {description: Success, schema: {$ref: '#/definitions/KetQua[TrangThai]'}}, 404: {description: Không có hồ sơ}}
  /danhMuc/{loai}:
    get:
      operationId: DanhMuc_Get
      parameters:
        - {name: loai, in: path, required: true, type: integer, enum: [1, 2, 3]}
        - {name: pageIndex, in: query, type: integer, default: 1}
        - {name: ma, in: query, type: array, items: {type: string}, collectionFormat: multi}
        - {name: cap, in: query, type: array, items: {type: integer}}
      responses: {200: {description: Success, schema: {type: array, items: {type: object, properties: {Ma: {type: string}, Ten: {type: string}}}}}}
  /login: {post: {consumes: [application/x-www-form-urlencoded], parameters: [{name: userName, in: formData, type: string, required: true}], responses: {200: {description: ok}}}}
  /tep: {post: {parameters: [{name: tep, in: formData, type: file}, {name: loai, in: formData, type: integer}], responses: {200: {description: ok}}}}
definitions:
  YeuCau: {type: object, required: [maDonVi, maHoSo], properties: {maDonVi: {type: integer, format: int32}, maHoSo: {type: string, example: H49.14-261127-0002}}}
  'KetQua[TrangThai]': {type: object, properties: {errorCode: {type: string}, errorDescription: {type: string}, value: {$ref: '#/definitions/TrangThai'}}}
  TrangThai: {type: object, x-nullable: true, properties: {trangThai: {type: integer}, ngayTiepNhan: {type: string, format: date-time}, noiDung: {type: object}}}
"""


def test_an_api_of_swagger_as_net_frameworks_describe_it(tmp_path: Path) -> None:
    draft = from_openapi(parse(HOTICH.encode(), "hotich"), "x", "y")
    contract, _ = _checked(draft, tmp_path)
    status, codes, login, file = contract.operations.values()
    assert (status.name, codes.name, login.name) == (
        "post-api-ho-tich-tu-phap-tra-trang-thai-ho-so",
        "danh-muc-get",
        "post-login",
    )
    assert status.example.request == {"maHoSo": "H49.14-261127-0002"} | {"maDonVi": status.example.request["maDonVi"]}
    assert status.errors["not-on-record"].title.vi == "Không có hồ sơ"
    assert draft.manifest["authentication"]["oauth2"]["path"] == "/token"
    assert draft.manifest["operations"]["post-login"]["form"] == {"userName": "request.userName"}
    assert draft.environment["LGSP_X_URL"] == "https://hotich.example.vn/api"
    assert "errorCode, errorDescription" not in str(draft.contract)
    assert "errors with status 200" in draft.manifest_comments["operations", status.name]
    assert draft.manifest["operations"][codes.name]["query"] == {
        "pageIndex": "request.pageIndex",
        "ma": "request.ma",  # repeated for each item
        "cap": "request.cap && join(',', map(&text(@), request.cap))",
    }
    assert draft.manifest["operations"][file.name]["multipart"] == {
        "tep": {"content": "request.tep", "filename": "'tep'"},
        "loai": "request.loai",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("application/pdf", {"raw": {"content": "request.body", "type": "application/pdf"}}),
        ("text/xml", {"raw": {"content": "request.body", "type": "text/xml", "encoding": "text"}}),
        ("image/*", None),
    ],
)
@pytest.mark.parametrize(
    ("answer", "response", "schema"),
    [
        ({"application/pdf": {}}, {"as": "base64", "types": ["application/pdf"]}, {"type": "string", "description": "base64: application/pdf"}),
        ({"text/xml; charset=utf-8": {}}, {"as": "text", "types": ["text/xml"]}, {"type": "string", "description": "XML"}),
        ({"image/*": {}}, {"as": "base64"}, {"type": "string", "description": "base64: image/*"}),
    ],
)  # fmt: skip
def test_files(
    body: str, expected: Document | None, answer: Document, response: Document, schema: Document, tmp_path: Path
) -> None:
    responses = {"200": {"content": answer}}
    request = {"requestBody": {"required": True, "content": {body: {"schema": {"type": "string", "format": "binary"}}}}}
    document = _api({}, responses=responses, **request)
    if expected is None:
        with pytest.raises(Refusal, match="its body is image"):
            from_openapi(document, "x", "y")
        return
    draft = from_openapi(document, "x", "y")
    _checked(draft, tmp_path)
    mapping = draft.manifest["operations"]["read"]
    assert (mapping["raw"], mapping["response"], mapping["answer"]) == (expected["raw"], response, {"value": "answer"})
    assert draft.contract["operations"]["read"]["response"]["properties"] == {"value": schema}


@pytest.mark.parametrize(
    ("parameter", "properties", "hint"),
    [
        ("page", {"data": [], "totalPages": 0}, {"items": "answer.data", "number": {"parameter": "page", "pages": "answer.totalPages"}}),
        ("pageIndex", {"total": 0, "rows": []}, {"items": "answer.rows", "number": {"parameter": "pageIndex", "total": "answer.total"}}),
        ("offset", {"rows": []}, {"items": "answer.rows", "offset": {"parameter": "offset"}}),
        ("cursor", {"rows": []}, {"items": "answer.rows", "next": "answer.NEXT", "parameter": "cursor"}),
        ("trang", None, {"items": "answer", "number": {"parameter": "trang"}}),
        ("ten", {"rows": []}, None),
        ("page", {"ten": 0}, None),
    ],
)  # fmt: skip
def test_a_list_in_pages(parameter: str, properties: Any, hint: Any, tmp_path: Path) -> None:
    item = {"type": "array", "items": {"type": "object", "properties": {"ten": STRING}}}
    fields = {name: item if value == [] else {"type": "integer"} for name, value in (properties or {}).items()}
    schema = item if properties is None else {"type": "object", "properties": fields}
    draft = from_openapi(
        _api(schema, parameters=[{"name": parameter, "in": "query", "schema": {"type": "integer"}}]), "x", "y"
    )
    comment = draft.manifest_comments.get(("operations", "read"), "")
    if hint is None:
        assert "pages" not in comment
        return
    pages = yaml.safe_load(comment.splitlines()[-1])["pages"]
    assert pages == hint
    operation = draft.manifest["operations"]["read"]
    del operation["query"]
    operation["pages"] = pages  # as the comment says
    draft.contract["operations"]["read"]["request"]["properties"].pop("ten", None)
    path = tmp_path / "adapter.yaml"
    path.write_text(as_yaml([draft.manifest]))
    connector_lookup.build(load(path), Contract.from_document(draft.contract))


def test_plain_scalars_of_yaml_mean_what_json_means() -> None:
    text = b"{200: NO, a: on, b: 12:30:00, c: 2026-01-01, d: 010, e: 1.50, f: true, g: ~, h: -3, i: 1e3}"
    assert parse(b"x: " + text, "x")["x"] == {
        "200": "NO", "a": "on", "b": "12:30:00", "c": "2026-01-01", "d": "010", "e": 1.5, "f": True, "g": None, "h": -3, "i": 1000.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("openapi: 3.0.0\npaths: {a: [}", "line 2"),
        ('{"openapi": "3.0.0",}', "line 1: it is not JSON"),
        ("openapi: 4.0.0\npaths: {}", "neither OpenAPI 3 nor Swagger 2"),
        ("- a", "neither OpenAPI 3 nor Swagger 2"),
        ("openapi: 3.0.0\npaths: {}", "No operation of the document can be drafted"),
        (
            "openapi: 3.0.0\npaths: {/a: {get: {parameters: [{name: sid, in: cookie, required: true}], responses: {}}}}",
            "GET /a is left out: it requires the cookie sid.",
        ),
        ("openapi: 3.0.0\nx: {$ref: '#/x'}\npaths: {/a: {$ref: '#/x'}}", "a cycle of $ref through '#/x'"),
        ("openapi: 3.0.0\npaths: {/a: {$ref: '#/x'}}", "refers to '#/x', where nothing is"),
        ("openapi: 3.0.0\npaths: {/a: {get: {parameters: [{$ref: 'b.yaml#/x'}]}}}", "refers to 'b.yaml#/x', where nothing is"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"{n}: &{n} [{', '.join(['*' + (chr(ord(n) - 1))] * 10)}]\n" for n in "bcdefgh"), "too large"),
        ("a: &a [*a]", "too large, or nested too deep"),
    ],
)  # fmt: skip
def test_documents_that_nothing_can_be_drafted_from(text: str, refusal: str) -> None:
    with pytest.raises(Refusal) as refused:
        from_openapi(parse(text.encode(), "api.yaml"), "x", "y")
    assert refusal in refused.value.detail.en
    with pytest.raises(NotFound, match="it has: read"):
        from_openapi(_api({}), "x", "y", wanted=["write"])


def test_references_to_other_documents() -> None:
    documents: dict[str, Any] = {
        "https://a.vn/v1/api.yaml": {"a": {"$ref": "b.json#/x"}, "b": {"$ref": "#/a"}, "c": {"$ref": "../c.json"}},
        "https://a.vn/v1/b.json": {"x": {"$ref": "api.yaml#/b"}, "y": {"$ref": "#/x"}},
        "https://a.vn/c.json": {"type": "string"},
    }
    root = "https://a.vn/v1/api.yaml"
    assert referenced_documents(documents[root], root) == {"https://a.vn/v1/b.json", "https://a.vn/c.json"}
    bundled = bundle(root, documents)
    assert (bundled["a"], bundled["b"], bundled["c"]) == (
        {"$ref": "#/x-embedded-documents/0/x"},
        {"$ref": "#/a"},
        {"$ref": "#/x-embedded-documents/1"},
    )
    assert bundled["x-embedded-documents"]["0"] == {"x": {"$ref": "#/b"}, "y": {"$ref": "#/x-embedded-documents/0/x"}}


def test_comments_stand_above_what_they_are_about() -> None:
    text = as_yaml([{"a": {"b": "x\ny", "c": [1]}, "d": 1}])
    commented = with_comments(text, {("a", "c"): "one\ntwo", ("d",): "three"})
    assert "  # one\n  # two\n  c:\n" in commented
    assert "# three\nd: 1\n" in commented


NAMES = st.sampled_from(
    ["ho_ten", "hoTen", "Họ tên", "SO_CCCD", "@id", "$ref_", "id", "a.b", "1", "type", "items", "-", "đơn vị"]
)
SCALARS = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "boolean"])}, optional={
        "format": st.sampled_from(["date", "date-time", "int64", "uuid", "byte", "email", "uri", "x"]),
        "enum": st.lists(st.sampled_from(["A", "B", "", None, 1, 2.5, True]), max_size=4),
        "pattern": st.sampled_from(["^a+$", "a", "^\\d{9}|\\d{12}$", "^(?!a)", "[", "^\\p{L}+$"]),
        "minLength": st.integers(0, 20), "maxLength": st.integers(0, 30), "minimum": st.integers(-5, 50), "maximum": st.integers(-5, 50),
        "exclusiveMinimum": st.sampled_from([True, False, 3]), "multipleOf": st.sampled_from([1, 0.01, 7]), "nullable": st.booleans(),
        "example": st.sampled_from(["A", 3, None, {}, [1], "2026-01-01"]), "default": st.sampled_from(["A", 0]), "readOnly": st.booleans(),
    }),
    st.sampled_from([{}, True, {"$ref": "#/components/schemas/Node"}, {"$ref": "#/components/schemas/Self"}, {"type": "null"}, {"type": ["string", "null"]}, {"const": "K"}]),
)  # fmt: skip


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"minItems": st.integers(0, 3), "example": st.just([{"id": 1}])}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=4)},
            optional={"required": st.lists(NAMES, max_size=3), "additionalProperties": st.booleans(), "nullable": st.booleans(), "example": st.just({"id": 1, "ho_ten": "An"})},
        ),
        st.builds(lambda key, choices: {key: choices}, st.sampled_from(["oneOf", "anyOf", "allOf"]), st.lists(inner, min_size=1, max_size=3)),
    )  # fmt: skip


SCHEMAS = st.recursive(SCALARS, _nested, max_leaves=8)


JUNK = st.sampled_from(
    [None, True, 7, "x", [], ["x"], {}, {"x": 1}, {"$ref": "#/paths"}, {"$ref": "#/none"}, [[]], [None]]
)


def _paths_of(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield before
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _paths_of(part, (*before, key))


@given(st.data(), st.sampled_from([HOTICH, (ROOT / "tests/support/openapi/pets.yaml").read_text()]))
@settings(max_examples=examples(400), deadline=None)
def test_a_malformed_document_is_refused_or_drafted(data: st.DataObject, text: str) -> None:
    root = parse(text.replace("schemas/pet.json#/Pet", "#/components/schemas/Pet").encode(), "api")
    pets = json.loads((ROOT / "tests/support/openapi/pet.json").read_text().replace('"#/', '"#/components/schemas/'))
    root.setdefault("components", {})["schemas"] = pets
    *path, last = data.draw(st.sampled_from(list(_paths_of(root))[1:]))
    holder = root
    for part in path:
        holder = holder[part]
    holder[last] = data.draw(JUNK)
    with contextlib.suppress(Refusal):
        Contract.from_document(from_openapi(root, "x", "y").contract)


def _draft_or_reason(document: Document) -> Draft | str:
    try:
        return from_openapi(document, "x", "y")
    except Refusal as refused:
        return refused.detail.en


@given(SCHEMAS, SCHEMAS, st.lists(st.tuples(NAMES, SCHEMAS), max_size=2))
@settings(
    max_examples=examples(400),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_schema_gives_a_draft_that_keeps_its_own_check(
    response: Any, body: Any, parameters: list[tuple[str, Any]]
) -> None:
    declared = [{"name": name, "in": "query", "schema": schema} for name, schema in parameters]
    request = {"content": {"application/json": {"schema": body}}, "required": True}
    draft = _draft_or_reason(_api(response, COMPONENTS, parameters=declared, requestBody=request))
    if isinstance(draft, str):
        assert "no example could be generated" in draft
        return
    json.dumps(draft.contract)
    with TemporaryDirectory() as folder:
        contract, manifest = _checked(draft, Path(folder))
    mapped = Template(draft.manifest["operations"]["read"].get("body"), manifest.location, ("request",))
    mapped({"request": contract.operations["read"].example.request})
