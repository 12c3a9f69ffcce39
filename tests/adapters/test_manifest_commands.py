"""`lgsp adapter check` and `lgsp adapter map` as an integrator uses them: without a bus, a system or a secret."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.preloaded import run

CONTRACT = """
service: desk
version: 1.0.0
title: {vi: Bàn, en: Desk}
provider: provider
classification: internal
operations:
  read:
    title: {vi: Đọc, en: Read}
    idempotent: true
    request:
      type: object
      required: [soDinhDanh]
      additionalProperties: false
      properties: {soDinhDanh: {type: string, format: so-dinh-danh}, tuKy: {type: string, format: date}}
    response:
      type: object
      required: [hoTen]
      additionalProperties: false
      properties:
        hoTen: {type: string, maxLength: 100}
        soCon: {type: integer}
        ngaySinh: {type: string, format: date}
        loai: {enum: [A, B]}
    errors:
      nobody: {status: 404, title: {vi: Không thấy, en: Not found}}
    example: {request: {soDinhDanh: "022093001234", tuKy: "2026-01-31"}, response: {hoTen: Trần}}
"""
TEN_FAULTS = """
service: desk
major: 1
system: provider
kind: http
connection: {url: {env: LGSP_NO_SUCH_URL}, codes: {yaml: codes.yaml}}
operations:
  read:
    path: /people/{request.soDinhDang}
    query: {day: "date_text(now.tomorrow, 'DD/MM/yyyy')"}
    headers: {X-Key: connection.key}
    none: nobody-here
    answr: {}
    errors: [{when: ansver.code == '1', is: nobody}]
    answer:
      soCon: text(answer.n)
      ngaySinh: iso_date(answer.d, 'dd/MM/yyy')
      loai: "'C'"
  raed: {path: /x, answer: {}}
"""
FAULTS = {
    9: "/path: request has no soDinhDang; perhaps soDinhDanh is meant.",
    10: "/query/day: date_text: a date pattern has no letters DD; put literal text in quotation marks.",
    11: "/headers/X-Key: connection has no key; there are: url, codes.",
    13: "/answr: is not a known field; check its spelling.",
    14: "/errors/0/when: there is no variable ansver; the available ones are:",
    17: "/answer/ngaySinh: iso_date: a date pattern has no letters yyy; put literal text in quotation marks.",
    19: "/operations/raed: the contract has no operation raed; remove it.",
}
FAULTS_BESIDE_A_SOUND_SCHEMA = FAULTS | {
    12: "/none: the contract declares no error nobody-here; it declares: nobody.",
    15: "/answer: the contract requires the field hoTen, which the mapping never fills; add it.",
    16: "/answer/soCon: the mapping makes a string, and the contract wants an integer; use integer(…).",
    18: "/answer/loai: this literal breaks the contract: it must be one of: A, B.",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "desk.yaml").write_text(CONTRACT)
    (tmp_path / "codes.yaml").write_text("loai: {'1': A, '2': B}")
    return tmp_path


async def lgsp(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    return await run("adapter", *arguments, "--contract", str(folder / "desk.yaml"), environment=environment)


def written(folder: Path, text: str) -> str:
    (folder / "adapter.yaml").write_text(text.lstrip("\n"))
    return str(folder / "adapter.yaml")


async def test_one_run_shows_every_fault_with_its_line(folder: Path) -> None:
    sound = TEN_FAULTS.replace("    answr: {}\n", "    # nothing\n")
    code, out, err = await lgsp(folder, "check", written(folder, sound), "--offline")
    expected = {number - 1: text for number, text in FAULTS_BESIDE_A_SOUND_SCHEMA.items() if "answr" not in text}
    assert (code, out) == (1, "")
    assert len(expected) == 10
    for line, text in expected.items():
        assert any(f"adapter.yaml:{line}," in shown and text in shown for shown in err.splitlines()), (line, text, err)
    assert "lgsp: 10 faults; correct what is listed above." in err
    assert "warning: no expression uses request.tuKy" in err
    code, out, _ = await lgsp(folder, "check", written(folder, sound), "--offline", "--output", "json")
    items = json.loads(out)
    assert (code, {item["line"] for item in items if item["severity"] == "error"}) == (1, set(expected))
    assert all(item["message"]["vi"] and item["message"]["en"] and item["pointer"] for item in items)


async def test_a_key_that_is_misspelled_does_not_hide_what_the_expressions_show(folder: Path) -> None:
    code, _, err = await lgsp(folder, "check", written(folder, TEN_FAULTS), "--offline")
    assert code == 1
    for line, text in FAULTS.items():
        assert any(f"adapter.yaml:{line - 1}," in shown and text in shown for shown in err.splitlines()), (line, err)


SOUND: dict[str, Any] = {
    "service": "desk",
    "major": 1,
    "system": "provider",
    "kind": "http",
    "connection": {
        "url": {"env": "LGSP_NO_SUCH_URL"},
        "key": {"env": "LGSP_SECRET_OF_DESK"},
        "codes": {"yaml": "codes.yaml"},
    },
    "operations": {
        "read": {
            "path": "/people/{request.soDinhDanh}",
            "query": {"from": "date_text(request.tuKy, 'dd/MM/yyyy')"},
            "headers": {"X-Key": "connection.key"},
            "none": "nobody",
            "errors": [{"when": "answer.code == '404'", "is": "nobody"}],
            "answer": {
                "hoTen": "answer.name",
                "soCon": "integer(answer.children)",
                "loai": "lookup(connection.codes.loai, answer.kind)",
            },
        }
    },
}


def answered(folder: Path, content: str) -> tuple[str, str]:
    (folder / "answer.json").write_text(content)
    return "--answer", str(folder / "answer.json")


@pytest.mark.parametrize("address", ["api.example.vn:8080", "https://"])
async def test_an_address_that_is_none_is_found(folder: Path, address: str) -> None:
    login = {"oauth2": {"url": "connection.idp", "path": "/t", "client": "'a'", "secret": "'b'"}}
    for name in ("url", "idp"):
        connection = {"url": "https://api.example.vn", "idp": "https://api.example.vn", "codes": {"yaml": "codes.yaml"}}
        read = {**SOUND["operations"]["read"], "headers": {}}
        document = {**SOUND, "connection": {**connection, name: {"env": "DESK_URL"}}, "operations": {"read": read}}
        manifest = written(folder, yaml.safe_dump({**document, "authentication": login}))
        code, _, err = await lgsp(folder, "check", manifest, DESK_URL=address)
        assert code == 1
        assert f"/connection/{name}: not an address of HTTP; write it with http:// or https:// and a host" in err
        assert (await lgsp(folder, "check", manifest, "--offline"))[0] == 0


async def test_warnings_alone_do_not_fail_a_check(folder: Path) -> None:
    document = {**SOUND, "operations": {"read": {**SOUND["operations"]["read"], "query": {}}}}
    code, out, err = await lgsp(folder, "check", written(folder, yaml.safe_dump(document)), "--offline")
    assert (code, "keeps desk 1.0.0" in out) == (0, True)
    assert "warning: no expression uses request.tuKy, so the system never sees it" in err
    code, out, err = await lgsp(folder, "check", str(folder / "adapter.yaml"), "--offline", LC_ALL="vi_VN.UTF-8")
    assert (code, "đúng với desk 1.0.0" in out) == (0, True)
    assert "cảnh báo: không biểu thức nào dùng request.tuKy" in err


async def test_a_mapping_is_shown_expression_by_expression(folder: Path) -> None:
    path = written(folder, yaml.safe_dump(SOUND))
    answer = answered(folder, '{"name": "Trần  An ", "children": "2", "kind": 1}')
    secret = {"LGSP_SECRET_OF_DESK": "never-shown"}
    code, out, _ = await lgsp(folder, "map", path, "read", *answer, "-o", "json", **secret)
    shown = json.loads(out)
    assert code == 0
    assert "never-shown" not in out
    assert {one["key"]: one["value"] for one in shown["expressions"]} == {
        "path": "022093001234",
        "query.from": "31/01/2026",
        "headers.X-Key": "{LGSP_SECRET_OF_DESK}",
        "errors[0].when": False,
        "answer.hoTen": "Trần  An",
        "answer.soCon": 2,
        "answer.loai": "A",
    }
    assert shown["outcome"] == {"answer": {"hoTen": "Trần  An", "soCon": 2, "loai": "A"}, "violations": []}
    code, out, _ = await lgsp(folder, "map", path, "read", *answer)
    assert "answer.soCon: integer(answer.children)\n    2\n" in out
    assert "The document keeps the contract." in out
    code, out, _ = await lgsp(folder, "map", path, "read", *answer, "--expression", "upper(answer.name)")
    assert (code, '"TRẦN  AN"' in out, "hoTen" in out) == (0, True, False)


async def test_an_error_of_a_mapping_is_at_its_key(folder: Path) -> None:
    path = written(folder, yaml.safe_dump(SOUND))
    code, out, err = await lgsp(folder, "map", path, "read", *answered(folder, '{"name": "A", "children": "two"}'))
    assert code == 1
    assert "answer.soCon: integer(answer.children)\n    error: " in out
    assert "two" not in err
    code, out, err = await lgsp(folder, "map", path, "read", *answered(folder, '{"children": 2}'))
    assert (code, "/hoTen: is required" in out) == (1, True)
    assert "breaks the contract at /hoTen" in err


async def test_an_answer_that_means_a_declared_error(folder: Path) -> None:
    path = written(folder, yaml.safe_dump(SOUND))
    for content, status in (('{"code": "404"}', "200"), ("", "200"), ("{}", "404")):
        code, out, _ = await lgsp(folder, "map", path, "read", *answered(folder, content), "--status", status)
        assert (code, "The caller gets the error nobody." in out) == (0, True), content
    code, _, err = await lgsp(folder, "map", path, "read", *answered(folder, "{}"), "--status", "500")
    assert (code, "HTTP 500" in err) == (1, True)


async def test_the_request_alone_needs_no_answer(folder: Path) -> None:
    path = written(folder, yaml.safe_dump(SOUND))
    request = '{"soDinhDanh": "022093001235", "tuKy": "2026-02-28"}'
    code, out, _ = await lgsp(folder, "map", path, "read", "-d", request)
    assert (code, '"28/02/2026"' in out, "answer.hoTen" in out) == (0, True, False)
    code, _, err = await lgsp(folder, "map", path, "raed")
    assert (code, "there are: read" in err) == (1, True)
    code, _, err = await lgsp(folder, "map", path, "read", *answered(folder, "half {"))
    assert (code, "no answer that the connector can read" in err) == (1, True)


async def test_rows_and_envelopes(tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    rows.write_text('[{"Số giấy phép": "1/2024/GPXD", "Ngày cấp": "01/02/2026"}]')
    code, out, _ = await run("adapter", "map", "construction-permits", "lookup-permit", "--answer", str(rows))
    assert 'answer.soGiayPhep: row."Số giấy phép"\n    "1/2024/GPXD"\n' in out
    assert "find.Số giấy phép: request.soGiayPhep\n" in out
    rows.write_text('[{"so_thua": 7, "ho_ten": "An"}, {"so_thua": 7, "ho_ten": "Bình"}]')
    code, out, _ = await run("adapter", "map", "land-parcels", "lookup-parcel", "--answer", str(rows))
    assert '[{"hoVaTen":"An"},{"hoVaTen":"Bình"}]' in out
    envelope = tmp_path / "answer.xml"
    for body, status, expected in (
        ("<R><TonTai>true</TonTai></R>", "200", '"tonTai": true'),
        ("<s:Fault><faultcode>s:Server</faultcode><faultstring>x</faultstring></s:Fault>", "500", "fault == "),
    ):
        space = "http://schemas.xmlsoap.org/soap/envelope/"
        envelope.write_text(f'<s:Envelope xmlns:s="{space}"><s:Body>{body}</s:Body></s:Envelope>')
        arguments = ("population", "verify-citizen", "--answer", str(envelope), "--status", status)
        code, out, _ = await run("adapter", "map", *arguments)
        assert (code, expected in out) == (0 if status == "200" else 1, True), out
