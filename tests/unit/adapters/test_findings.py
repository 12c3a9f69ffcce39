"""What `lgsp adapter check` finds in a manifest: everything at once, each with its place, and nothing where nothing is wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.shipped import shipped_catalogue

from lgsp_adapters import manifest as manifests
from lgsp_adapters.conformance.suite import conformance_call
from lgsp_adapters.connectors import manifest_keys
from lgsp_adapters.connectors.findings import examine_manifest
from lgsp_adapters.connectors.manifest_templates import KINDS
from lgsp_adapters.mapping.variables import FIELDS, request_scope
from lgsp_contracts import pointers
from lgsp_contracts.contract import Contract
from lgsp_contracts.schema_keys import definition_name, resolve

CATALOG = shipped_catalogue()
SHIPPED = sorted(manifests.find_manifest("land-parcels").parents[1].glob("*/adapter.yaml"))

RESPONSE = {
    "type": "object",
    "required": ["hoTen"],
    "additionalProperties": False,
    "$defs": {
        "dienTich": {"type": "number"},
        "noiO": {
            "type": "object",
            "required": ["xa"],
            "additionalProperties": False,
            "properties": {"xa": {"type": "string", "maxLength": 9}, "tang": {"type": "integer"}},
        },
    },
    "properties": {
        "hoTen": {"type": "string", "maxLength": 100},
        "soCon": {"type": "integer"},
        "dienTich": {"$ref": "#/$defs/dienTich"},
        "ngaySinh": {"type": "string", "format": "date"},
        "luc": {"type": "string", "format": "date-time"},
        "loai": {"enum": ["A", "B"]},
        "conLai": {"type": "boolean"},
        "noiO": {"$ref": "#/$defs/noiO"},
        "dsCon": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"ten": {"type": "string", "maxLength": 9}, "tuoi": {"type": "integer"}},
            },
        },
    },
}
REQUEST = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "so": {"type": "string", "maxLength": 12},
        "diaChi": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"maXa": {"type": "string", "maxLength": 5}, "maTinh": {"type": "string", "maxLength": 2}},
        },
    },
}
ANSWER: dict[str, Any] = {"hoTen": "answer.ten"}
READ: dict[str, Any] = {
    "path": "/people/{request.so}",
    "query": {"xa": "request.diaChi.maXa", "tinh": "request.diaChi.maTinh"},
    "none": "nobody",
    "answer": ANSWER,
}
CONTRACT = Contract.from_document(
    {
        "service": "desk",
        "version": "1.0.0",
        "title": {"vi": "Bàn", "en": "Desk"},
        "provider": "provider",
        "classification": "internal",
        "operations": {
            "read": {
                "title": {"vi": "Đọc", "en": "Read"},
                "idempotent": True,
                "request": REQUEST,
                "response": RESPONSE,
                "errors": {"nobody": {"status": 404, "title": {"vi": "Không có", "en": "Not found"}}},
                "example": {"request": {"so": "1"}, "response": {"hoTen": "Trần"}},
            }
        },
    }
)
Found = list[tuple[str, str, str]]
Check = Callable[..., Found]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def checked(operation: dict[str, Any] | None = None, *, offline: bool = True, **other: Any) -> Found:
        document = {
            "service": "desk",
            "major": 1,
            "system": "provider",
            "kind": "http",
            "connection": {"url": {"env": "LGSP_NO_SUCH_VARIABLE"}},
            "operations": {"read": {**READ, **(operation or {})}},
            **other,
        }
        path = tmp_path / "adapter.yaml"
        path.write_text(yaml.safe_dump({name: value for name, value in document.items() if value is not None}))
        examination = examine_manifest(path, {("desk", 1): CONTRACT}, offline=offline)
        return [
            (finding.severity, pointers.join(finding.location.path), finding.message.en)
            for finding in examination.findings
        ]

    return checked


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_nothing_is_found_in_a_manifest_that_works(path: Path) -> None:
    assert examine_manifest(path, CATALOG, offline=True).findings == []


def test_no_secret_is_needed_offline(check: Check) -> None:
    assert check() == []
    assert check(offline=False) == [
        ("error", "/connection/url", "the environment variable LGSP_NO_SUCH_VARIABLE is not set; set it.")
    ]


@pytest.mark.parametrize(
    ("field", "expression", "message"),
    [
        ("soCon", "text(answer.n)", "the mapping makes a string, and the contract wants an integer; use integer(…)."),
        ("dienTich", "to_string(answer.n)", "the mapping makes a string, and the contract wants a number; use number(…)."),
        ("hoTen", "integer(answer.n)", "the mapping makes an integer, and the contract wants a string; use text(…)."),
        ("ngaySinh", "instant(answer.n)", "the mapping makes a date-time, and the contract wants a date; use local_date(…)."),
        ("luc", "local_date(answer.n)", "the mapping makes a date, and the contract wants a date-time; use instant(…)."),
        ("conLai", "answer.x && 'x' || 'y'", None),
        ("conLai", "answer.x == '1' && 'x' || 'y'", "the mapping makes a string, and the contract wants true or false; use x == 'true'."),
        ("dsCon", "{ten: answer.x}", "the mapping makes an object, and the contract wants an array; use $each."),
        ("dsCon", {"ten": "answer.x"}, "the mapping makes an object, and the contract wants an array; use $each."),
        ("loai", "'C'", "this literal breaks the contract: it must be one of: A, B."),
        ("soCon", True, "this literal breaks the contract: it must be an integer."),
        ("soCon", "number(answer.n)", None),
        ("dienTich", "integer(answer.n)", None),
        ("ngaySinh", "iso_date(answer.n, 'dd/MM/yyyy')", None),
        ("hoTen", "iso_date(answer.n, 'dd/MM/yyyy')", None),
        ("loai", "answer.x == '1' && 'A' || 'B'", None),
        ("loai", "lookup(connection.url, answer.x)", None),
        ("dsCon", "answer.a[].{ten: ten}", None),
        ("conLai", "!(answer.x)", None),
    ],
)  # fmt: skip
def test_a_mapping_that_makes_another_type_than_the_contract_s(
    check: Check, field: str, expression: Any, message: str | None
) -> None:
    expected = [("error", f"/operations/read/answer/{field}", message)] if message else []
    assert check({"answer": {**ANSWER, field: expression}}) == expected


def test_types_within_lists(check: Check) -> None:
    children = {"$each": "answer.con", "$as": {"ten": "item.ten", "tuoi": "upper(item.tuoi)"}}
    assert check({"answer": {**ANSWER, "dsCon": children}}) == [
        (
            "error",
            "/operations/read/answer/dsCon/$as/tuoi",
            "the mapping makes a string, and the contract wants an integer; use integer(…).",
        )
    ]


@pytest.mark.parametrize(
    ("operation", "pointer", "message"),
    [
        ({"query": {"a": "request.diaChi", "b": "request.soo"}}, "/query/b", "request has no soo; perhaps so is meant."),
        ({"body": "request.diaChi.maXaa"}, "/body", "request.diaChi has no maXaa; perhaps maXa is meant."),
        ({"query": {"a": "[request.diaChi, now.tomorrow]"}}, "/query/a", "now has no tomorrow; there are: milliseconds, iso, local, date."),
        ({"query": {"a": "[request.diaChi, connection.key]"}}, "/query/a", "connection has no key; there are: url."),
        ({"answer": {**ANSWER, "soCon": "pad(answer.x)"}}, "/answer/soCon", "there is no function pad; perhaps pad_left is meant."),
        ({"answer": {"hoTen": "answer.ten", "dsCon": {"$each": "answer.x"}}}, "/answer/dsCon", "$each takes $as and no other key."),
        ({"answer": {"soCon": "answer.x"}}, "/answer", "the contract requires the field hoTen, which the mapping never fills; add it."),
        ({"none": "not-there"}, "/none", "the contract declares no error not-there; it declares: nobody."),
    ],
)  # fmt: skip
def test_names_that_do_not_exist(check: Check, operation: dict[str, Any], pointer: str, message: str) -> None:
    assert [found for found in check(operation) if found[0] == "error"] == [
        ("error", f"/operations/read{pointer}", message)
    ]


def test_fields_behind_a_reference(check: Check) -> None:
    assert check(
        {"answer": {**ANSWER, "noiO": {"$with": "answer.o", "$as": {"tang": "item.tang", "huyen": "item.h"}}}}
    ) == [
        (
            "error",
            "/operations/read/answer/noiO/$as",
            "the contract requires the field xa, which the mapping never fills; add it.",
        ),
        (
            "error",
            "/operations/read/answer/noiO/$as/huyen",
            "the contract has no field huyen; remove it or correct its name.",
        ),
    ]


def test_a_file_that_is_no_yaml_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "adapter.yaml").write_text("a: [1")
    [finding] = examine_manifest(tmp_path / "adapter.yaml", CATALOG, offline=True).findings
    assert finding.message.en.startswith("line 2: ")


def test_what_works_and_is_hardly_meant_is_a_warning(check: Check) -> None:
    assert check({"query": {"xa": "request.diaChi.maXa"}, "none": None} | {"none": "nobody"}) == [
        (
            "warning",
            "/operations/read",
            "no expression uses request.diaChi.maTinh, so the system never sees it; use it, or remove it from the contract.",
        )
    ]
    without_none = {name: value for name, value in READ.items() if name != "none"}
    assert check(operations={"read": without_none}) == [
        ("warning", "/operations/read", "no rule reports the contract's error nobody; name it in none or errors.")
    ]
    assert check({"query": {}, "body": "request"}) == []


def test_a_fault_of_the_schema_does_not_hide_the_others(check: Check) -> None:
    found = check({"anwser": {}, "query": {"d": "date_text(now.date, 'DD')"}}, headers={"X": "nothing.here"})
    assert [pointer for severity, pointer, _ in found if severity == "error"] == [
        "/headers/X",
        "/operations/read/anwser",
        "/operations/read/query/d",
    ]


def test_a_statement_is_checked_without_its_database(check: Check) -> None:
    read = {
        "statement": "SELECT ten FROM nguoi WHERE so = :so AND xa = :xa AND tinh = :tinh",
        "parameters": {"xa": "request.diaChi.maXa", "huyen": "request.diaChi.maTinh"},
        "with": {"con": {"statement": "SELECT ten FROM con WHERE me = :so", "parameters": {"so": "row.so"}}},
        "none": "nobody",
        "answer": {"hoTen": "row.ten", "dsCon": {"$each": "con", "$as": {"ten": "item.ten"}}},
    }
    [(_, pointer, message)] = check(kind="sql", operations={"read": read})
    assert pointer == "/operations/read/parameters"
    assert message.startswith("statement and parameters do not agree on: huyen, tinh;")
    read["parameters"]["tinh"] = read["parameters"].pop("huyen")  # type: ignore[index, attr-defined]
    assert check(kind="sql", operations={"read": read}) == []


def test_what_is_wrong_with_a_layout_is_said_all_at_once(check: Check) -> None:
    find = {"So": "request.so", "Xa": "request.diaChi.maXa", "Tinh": "request.diaChi.maTinh"}
    read = {"find": find, "none": "nobody", "answer": {"hoTen": "row.Ten"}}
    files = {"pattern": "*.csv", "format": "csv", "encoding": "tcvn", "fill": ["Xã"], "heading": [4, 3]}
    folder = {"folder": {"env": "LGSP_NO_SUCH_VARIABLE"}}
    for answer in (read["answer"], {"hoTen": "pad(row.Ten)"}):  # a fault elsewhere hides none of these
        found = check(kind="files", operations={"read": {**read, "answer": answer}}, files=files, connection=folder)
        pointers_of_files = {pointer for _, pointer, _ in found if pointer.startswith("/files")}
        assert pointers_of_files == {"/files/encoding", "/files/fill", "/files/heading"}


@pytest.mark.parametrize(("form", "faults"), [("csv", 1), ("xlsx", 1), ("xml", 0)])
def test_a_cell_is_a_string(check: Check, form: str, faults: int) -> None:
    find = {"So": "request.so", "Xa": "request.diaChi.maXa", "Tinh": "request.diaChi.maTinh"}
    answer = {"hoTen": "row.Ten", "soCon": 'row."Số con"', "dienTich": "number(row.S)", "ngaySinh": "row.Ngay"}
    read = {"find": find, "none": "nobody", "answer": answer}
    found = check(
        kind="files", operations={"read": read}, files={"pattern": "*", "format": form}, connection={"folder": "x"}
    )
    expected = "the mapping makes a string, and the contract wants an integer; use integer(…)."
    assert found == [("error", "/operations/read/answer/soCon", expected)] * faults


def test_a_manifest_without_a_contract(check: Check) -> None:
    assert check(major=2) == [("error", "/service", "there is no contract desk v2; specify it with --contract.")]


def test_a_document_that_is_no_manifest(check: Check) -> None:
    found = check(kind="ftp", service=None)
    assert {pointer for _, pointer, _ in found} == {"/service", "/kind"}


@pytest.mark.parametrize("connector", ["http", "soap", "sql", "files", "rows"])
def test_a_schema_says_which_variables_each_expression_has(connector: str) -> None:
    root, definitions = manifest_keys.root_schema(connector)
    scopes = set(scopes_of(root, definitions, ""))
    assert scopes
    assert scopes <= set(root["variables"])


def scopes_of(schema: Any, definitions: Any, scope: str) -> Iterator[str]:
    """The names of the variables of each expression that a schema describes; "" where it does not say."""
    kind = definition_name(schema)
    schema = resolve(schema, definitions)
    scope = schema["variables"] if isinstance(schema.get("variables"), str) else scope
    if kind in KINDS:
        yield scope
        return
    inner = [*schema.get("properties", {}).values(), schema.get("additionalProperties"), schema.get("items")]
    for part in [*inner, *schema.get("anyOf", ())]:
        if isinstance(part, dict):
            yield from scopes_of(part, definitions, scope)


def test_the_parts_of_call_and_now_are_those_that_a_call_has() -> None:
    operation = next(iter(CONTRACT.operations.values()))
    scope = request_scope({}, {}, conformance_call(CONTRACT, operation))
    assert {name: tuple(scope[name]) for name in FIELDS} == FIELDS
