"""What is found wrong with a register before it answers: keys that nobody can ask for, rows that nobody can find, zeros that were added."""

import io
from collections.abc import Mapping
from typing import Any

import pytest

from lgsp_adapters.connectors.files.register import CheckedTable, Lookup, check_table, needed_columns
from lgsp_adapters.tabular import tables
from lgsp_adapters.tabular.layout import Layout
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation

PERSON = {"type": "string", "format": "so-dinh-danh"}
RESTORED = [{"row": "restore_zeros(row.CCCD, `12`, `2`)", "equals": "request.so"}]


def checked(lines: str, find: Any, field: Mapping[str, Any], answer: Any = None) -> CheckedTable:
    request = {
        "type": "object",
        "required": ["so", "loai"],
        "properties": {"so": field, "loai": {"type": "string"}},
        "$defs": {"person": PERSON},
    }
    document = {"find": find, "answer": answer or {"ten": "row.Ten"}}
    location = SourceLocation("adapter.yaml") / "operations" / "find"
    lookup = Lookup(document, location, Schema(request, "request"), Schema({"type": "object"}, "response"), {})
    content = io.BytesIO(f"CCCD,Ten\n{lines}".encode())
    table = tables.read(content, Layout("csv"), needed_columns({"find": lookup}))
    return check_table(table, {"find": lookup}, optional=False)


@pytest.mark.parametrize("field", [PERSON, {"$ref": "#/$defs/person"}])
def test_a_key_that_no_request_can_hold_is_a_fault_although_no_answer_returns_it(field: Mapping[str, Any]) -> None:
    [fault] = checked("022093001234,a\n02209300123,b\n", {"CCCD": "request.so"}, field).faults
    assert fault == {
        "operation": "find",
        "row": 2,
        "line": 3,
        "column": "CCCD",
        "fault": "no request can ask for this row: request.so must be a personal identification number of 12 digits",
    }


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("5", {"type": "integer"}),
        ("2.5", {"type": "number"}),
        ("TRUE", {"type": "boolean"}),
        ("A1", {"type": ["string", "null"], "maxLength": 2}),
        ("B", {"enum": ["A", "B"]}),
        ("B", {}),
    ],
)
def test_a_key_of_any_kind_that_can_be_asked_for_is_taken(key: str, field: Mapping[str, Any]) -> None:
    assert checked(f"{key},a\n", {"CCCD": "request.so"}, field).faults == []
    if field:
        assert len(checked("x y z,a\n", {"CCCD": "request.so"}, field).faults) == 1


@pytest.mark.parametrize("equals", ["digits(request.so)", "request.khac", "request.so.x", "context.purpose", "'x'"])
def test_what_more_than_a_field_makes_is_not_judged(equals: str) -> None:
    assert checked("1,a\n", [{"row": "row.CCCD", "equals": equals}], PERSON).faults == []


def test_a_row_without_a_key_is_named_in_a_notice() -> None:
    found = checked("022093001234,a\n,b\n-,c\n", {"CCCD": "request.so"}, PERSON)
    assert (found.faults, dict(found.without_key)) == ([], {"find": 2})
    assert found.notices == ["find: rows without a key, never found: 2 (3, 4)"]


def test_rows_whose_key_was_given_zeros_are_counted() -> None:
    rows = "022093001234,a\n22093001235,b\n1093001234,c\n22093001236,d\n"
    found = checked(rows, RESTORED, PERSON)
    assert found.faults == []
    assert found.notices == ["find: rows whose key was given zeros at its beginning: 3 (1 zero: 2, 2 zeros: 1)"]
    padded = checked(rows, [{"row": "pad_left(row.CCCD, `12`, '0')", "equals": "request.so"}], PERSON)
    assert padded.notices == found.notices


def test_a_number_that_lacks_a_digit_in_the_middle_is_a_fault() -> None:
    [fault] = checked("022093001234,a\n02222001235,b\n", RESTORED, PERSON).faults
    assert (fault["line"], fault["column"]) == (3, "CCCD")
    assert fault["fault"] == "a number that begins with 0 has 11 digits and not 12"


def test_the_office_is_told_the_rule_and_the_integrator_the_expression() -> None:
    faults = [
        *checked("0,a\n", RESTORED, PERSON).faults,
        *checked(
            "022093001234,2020\n", {"CCCD": "request.so"}, PERSON, {"ngay": "iso_date(row.Ten, 'dd/MM/yyyy')"}
        ).faults,
    ]
    assert [fault["manifest"] for fault in faults] == [
        "adapter.yaml, /operations/find/find/0/row",
        "adapter.yaml, /operations/find/answer/ngay",
    ]
    assert not any("adapter.yaml" in fault["fault"] for fault in faults)
