"""Numbers and money keep every digit, from a system's answer to the caller's, and what is not plainly a number is refused."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.adapters import opened, saying
from support.national import call
from support.workbench import Workbench

from lgsp_adapters.adapter import Call, UpstreamFailed
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts import exact_json, wire
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.whole_numbers import reader, whole_numbers
from lgsp_problems import Refusal

MONEY = "12345678901234567.89"


def made(expression: str, **values: Any) -> Any:
    return Template(expression, SourceLocation("m"), ("x", "y"))({"x": None, "y": None, **values})


@pytest.mark.parametrize(
    ("expression", "text", "value"),
    [
        ("integer(x)", "12.00", "12"),
        ("integer(x)", "1250000.0", "1250000"),
        ("integer(x)", "-7", "-7"),
        ("integer(x)", "123456789012345678901234567890", "123456789012345678901234567890"),
        ("integer(x, 'vi')", "5.000.000", "5000000"),
        ("integer(x, 'vi')", "1.250", "1250"),
        ("integer(x, 'plain')", "1.000", "1"),
        ("number(x)", "1250000.5", "1250000.5"),
        ("number(x)", "12.50", "12.50"),
        ("number(x)", "12.00", "12"),
        ("number(x)", "0.125", "0.125"),
        ("number(x)", ".5", "0.5"),
        ("number(x, 'vi')", "1.250.000,50", "1250000.50"),
        ("number(x, 'vi')", "1250000,5", "1250000.5"),
        ("number(x, 'en')", "1,250,000.50", "1250000.50"),
        ("number(x, 'plain')", "1.250", "1.250"),
        ("number(replace(x, ' đ', ''), 'vi')", "1.250.000 đ", "1250000"),
        ("decimal(x)", "5.00", "5.00"),
        ("decimal(x)", MONEY, MONEY),
        ("number(x)", "-0", "0"),
    ],
)
def test_a_text_that_is_a_number(expression: str, text: str, value: str) -> None:
    assert exact_json.dumps(made(expression, x=text)).decode() == value


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("integer(x)", "12.50"),
        ("integer(x)", "1.234,56"),
        ("integer(x)", "1250000.5"),
        ("integer(x)", "1.250.000,50"),
        ("integer(x)", "5.000.000"),
        ("integer(x)", "5 000 000"),
        ("integer(x)", "1.000"),
        ("integer(x)", "1e3"),
        ("integer(x)", True),
        ("integer(x)", 1.9),
        ("integer(x)", Decimal("-1.9")),
        ("integer(x, 'vi')", "12.50"),
        ("integer(x, 'vi')", "1.25.000"),
        ("integer(x, 'vi')", "0.500"),
        ("integer(x, 'en')", "1.250.000,50"),
        ("number(x)", "1.250"),
        ("number(x)", "1,5"),
        ("number(x)", "1250000 đ"),
        ("number(x)", "1250000 VND"),
        ("number(x)", "--5"),
        ("number(x)", "NaN"),
        ("number(x)", "Infinity"),
        ("number(x)", "٥"),
        ("number(x)", float("nan")),
        ("number(x)", ["5"]),
        ("number(x, y)", "5"),
        ("sum(x)", ["5"]),
        ("x > `5`", "12"),
        ("abs(x)", "5"),
        ("upper(x)", 5),
        ("sort(x)", ["5", 5]),
    ],
)
def test_what_is_not_plainly_a_number_is_refused_without_its_value(expression: str, text: Any) -> None:
    with pytest.raises(MappingError) as refused:
        made(expression, x=text, y="de")
    assert str(refused.value).startswith("m: ")
    assert repr(text) not in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "value", "result"),
    [
        ("x == `0.1`", Decimal("0.10"), "true"),
        ("x == `0.1`", 0.1, "true"),
        ("x != `12.5`", Decimal("12.50"), "false"),
        ("x == `1`", True, "false"),
        ("x >= `5.5`", Decimal("5.6"), "true"),
        ("x", Decimal("12.50"), "12.50"),
        ("sum(x)", [Decimal("0.1"), Decimal("0.2"), 1], "1.3"),
        ("sum(x)", [Decimal("99999999999999999999999999999.99"), Decimal("0.01")], "100000000000000000000000000000.00"),
        ("avg(x)", [1, Decimal("0.2")], "0.6"),
        ("max(x)", [1, Decimal("1.5")], "1.5"),
        ("min_by(x, &a).a", [{"a": 2}, {"a": Decimal("1.5")}], "1.5"),
        ("sort_by(x, &a)[].a", [{"a": 2}, {"a": Decimal("1.5")}], "[1.5,2]"),
        ("contains(x, `1`)", [True], "false"),
        ("contains(x, `0.5`)", [Decimal("0.50")], "true"),
        ("text(x)", Decimal("1E+3"), '"1000"'),
        ("text(x)", True, '"true"'),
        ("text(x)", Decimal(MONEY), f'"{MONEY}"'),
        ("json(x)", {"a": Decimal("1.10")}, '"{\\"a\\":1.10}"'),
        ("to_number(x)", MONEY, MONEY),
        ("to_string(x)", Decimal("1.10"), '"1.10"'),
        ("type(x)", Decimal("1.10"), '"number"'),
        ("ceil(x)", Decimal("1.10"), "2"),
        ("words([y, x])", Decimal(5), '"5"'),
    ],
)
def test_expressions_reckon_exactly(expression: str, value: Any, result: str) -> None:
    assert exact_json.dumps(made(expression, x=value)).decode() == result


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("number(x, 'de')", "there is no such notation"),
        ("number(x, 'vi', 'en')", "takes 1–2 arguments"),
        ("integer()", "takes 1–2 arguments"),
        ("text(x, y)", "takes 1 arguments"),
        ("x > `0.1234567890123456789`", "more digits than are kept"),
    ],
)
def test_a_wrong_expression_is_refused_before_anything_is_called(expression: str, what: str) -> None:
    with pytest.raises(Refusal) as refused:
        made(expression)
    assert what in refused.value.detail.en


@given(
    st.recursive(
        st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)
        | st.integers(-(10**40), 10**40)
        | st.text(max_size=20),
        lambda parts: st.lists(parts, max_size=5) | st.dictionaries(st.text(max_size=5), parts, max_size=5),
        max_leaves=10,
    )
)
def test_what_is_written_is_read_again_digit_by_digit(document: Any) -> None:
    read = exact_json.loads(exact_json.dumps(document))
    assert read == document
    assert exact_json.dumps(read) == exact_json.dumps(document)


def test_what_json_cannot_hold_is_said() -> None:
    with pytest.raises(exact_json.NotSerializable, match="not finite"):
        exact_json.dumps({"a": Decimal("NaN")})


SCHEMA = {
    "$defs": {"kho": {"type": "object", "properties": {"so": {"type": "integer"}, "trong": {"$ref": "#/$defs/kho"}}}},
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "d": {"type": "number"},
        "ds": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/kho"}, {"type": "string"}]}},
    },
}


def test_what_the_schema_calls_an_integer_is_one() -> None:
    read = reader(SCHEMA)(b'{"n":5.0,"d":5.0,"ds":[{"so":1e2,"trong":{"so":7.00}},"5.0"],"o":5.0}')
    assert exact_json.dumps(read) == b'{"n":5,"d":5.0,"ds":[{"so":100,"trong":{"so":7}},"5.0"],"o":5.0}'
    assert Schema(SCHEMA, "s").is_valid(read)
    told = {"n": Decimal("5.00"), "d": Decimal("5.50")}
    assert exact_json.dumps(whole_numbers(SCHEMA)(told)) == b'{"n":5,"d":5.50}'
    assert wire.answered(told).endswith(b'{"n":5.00,"d":5.50}')


@pytest.mark.parametrize(
    ("schema", "document", "valid"),
    [
        ({"type": "number", "multipleOf": 0.01}, MONEY, True),
        ({"type": "number", "multipleOf": 0.01}, "12345678901234567.891", False),
        ({"type": "number", "maximum": 5}, "5.000000000000000000000001", False),
        ({"type": "integer"}, "123456789012345678901234567890", True),
        ({"type": "integer"}, "5.00", True),
        ({"enum": [1.5]}, "1.50", True),
    ],
)
def test_a_contract_is_held_against_numbers_as_they_are(schema: dict[str, Any], document: str, valid: bool) -> None:
    assert Schema(schema, "s").is_valid(exact_json.loads(document)) is valid


async def test_an_upstreams_digits_reach_a_mapping_and_a_request_its_own() -> None:
    seen: list[tuple[str, bytes]] = []
    said = f'{{"tien": {MONEY}, "ma": 123456789012345678901}}'
    told = {
        "operations": {
            "read": {
                "path": "/{request.n}",
                "query": {"t": "request.t"},
                "body": {"t": "request.t", "n": "request.n"},
                "answer": {"ketQua": "join(' ', [text(answer.tien), text(answer.ma)])"},
            }
        }
    }
    async with saying(said, seen) as url, opened("http", url, **told) as adapter:
        method = adapter.method("read")
        assert method
        request = reader(SCHEMA)(f'{{"n": 12345678901234567890123.0, "t": {MONEY}}}'.encode())
        assert await method(request, call()) == {"ketQua": f"{MONEY} 123456789012345678901"}
    [(path, body)] = seen
    assert path == f"/12345678901234567890123?t={MONEY}"
    assert body == f'{{"t":{MONEY},"n":12345678901234567890123}}'.encode()


async def test_a_value_that_does_not_fit_is_a_note_of_its_place() -> None:
    told = {"operations": {"read": {"path": "/", "answer": {"ketQua": "text(integer(answer.a))"}}}}
    async with saying('{"a": "12.50"}') as url, opened("http", url, **told) as adapter:
        method = adapter.method("read")
        assert method
        with pytest.raises(UpstreamFailed, match=r"ketQua.*fraction"):
            await method({"soDinhDanh": "022093001234"}, call())


async def test_digits_go_through_the_bus_both_ways(bus: Workbench) -> None:
    """What a caller writes reaches a template exactly, what a template makes reaches the caller; `5.0` is an integer on both ways."""
    seen: list[tuple[str, bytes]] = []
    told = {"path": "/{request.so}", "body": "request", "answer": {"so": "answer.so", "tien": "answer.tien"}}
    hidden = bus.catalog["hidden", 1]
    reckoning = replace(hidden, operations={"reckon": hidden.operations["reckon"]})
    said = f'{{"so": 5.00, "tien": {MONEY}}}'
    async with (
        saying(said, seen) as url,
        opened("http", url, contract=reckoning, operations={"reckon": told}) as adapter,
    ):
        served = await bus.serve("hidden", reckon=adapter.method("reckon"))
        try:
            got = await bus.call("reckon", f'{{"so": 5.0, "tien": {MONEY}}}'.encode(), service="hidden")
            assert (got.status, got.body) == (200, f'{{"so":5,"tien":{MONEY}}}'.encode())
            assert seen == [("/5", f'{{"so":5,"tien":{MONEY}}}'.encode())]
            large = b'{"so":123456789012345678901234,"tien":1250.50}'
            assert (await bus.call("reckon", large, service="hidden")).status == 200
            finer = f'{{"tien":{MONEY}1}}'.encode()
            refused = await bus.call("reckon", finer, service="hidden")
            assert [error["pointer"] for error in refused.json["errors"]] == ["/tien"]
            assert seen[1] == ("/123456789012345678901234", large)
        finally:
            await bus.unserve(served)


@pytest.mark.parametrize(
    "answer",
    [{"tien": Decimal("NaN")}, {"tien": Decimal("12.505")}, {"tien": Decimal("2e30")}, {"tien": Decimal(MONEY + "1")}],
)
async def test_a_number_outside_the_contract_does_not_leave(bus: Workbench, answer: dict[str, Any]) -> None:
    async def reckon(_request: dict[str, Any], _call: Call) -> dict[str, Any]:
        return answer

    served = await bus.serve("hidden", reckon=reckon)
    try:
        assert (await bus.call("reckon", b"{}", service="hidden")).code in (
            "provider-failed",
            "provider-broke-contract",
        )
    finally:
        await bus.unserve(served)
