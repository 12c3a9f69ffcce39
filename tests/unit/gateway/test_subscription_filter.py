"""Filters of subscriptions: what they let through, what they refuse, and that a hostile one costs nothing but its refusal."""

from typing import Any

import pytest

from lgsp_contracts.projection import Projection
from lgsp_gateway.delivery.subscriptions.filter import Filter
from lgsp_gateway.delivery.subscriptions.filter_checks import check_fields
from lgsp_problems import Refusal

BIRTH = {
    "tinh": "22",
    "soTien": 1500,
    "the": ["moi", "gap"],
    "cha": {"hoVaTen": "An"},
    "con": [{"tuoi": 1}, {"tuoi": 7}],
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "tinh": {"type": "string"},
        "soTien": {"type": "integer"},
        "the": {"type": "array", "items": {"type": "string"}},
        "cha": {"type": "object", "additionalProperties": False, "properties": {"hoVaTen": {"type": "string"}}},
        "con": {"type": "array"},
        "khac": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    },
}


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ("tinh == '22'", True),
        ("tinh != '22'", False),
        ("soTien > `1000` && tinh == '22'", True),
        ('contains(`["22", "31"]`, tinh)', True),
        ("contains(the, 'gap')", True),
        ("cha.hoVaTen == 'Binh' || starts_with(tinh, '2')", True),
        ("con[?tuoi > `5`]", True),
        ("con[?tuoi > `50`]", False),
        ("con[?tuoi > `5`] | length(@) == `1`", True),
        ("khongCo", False),
        ("!khongCo", True),
        ("contains(khongCo, 'x')", True),  # it cannot be decided, and loses no event
    ],
)
def test_what_a_filter_lets_through(expression: str, matches: bool) -> None:
    assert Filter(expression).matches(BIRTH) is matches


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "a" * 501,
        "tinh ==",
        "a[?" * 60 + "b" + "]" * 60,
        "!" * 450 + "a",
        "[@,@]|[@,@][]|[@,@][]|[@,@][]",
        "{a: @, b: @}",
        "sort_by(con, &tuoi)",
        "join('', the)",
        "to_string(@)",
        "`[[1],[2]]`",
        "`[1,2,3]`[?`[1,2,3]`[?@ == `1`]]",
        '`{"a": 1}`',
        "||".join(["a"] * 120),
        "unknown(tinh)",
    ],
)
def test_hostile_filters_are_refused(expression: str) -> None:
    with pytest.raises(Refusal) as refused:
        Filter(expression)
    assert refused.value.code == "malformed"


def test_a_filter_that_takes_too_long_lets_the_event_through() -> None:
    large = {"con": [{"tuoi": 1}] * 300_000}
    assert Filter("con[?tuoi > `5`]").matches(large)


def checked(expression: str, fields: tuple[str, ...] = ("*",)) -> None:
    check_fields(Filter(expression), "birth", SCHEMA, Projection(fields))


@pytest.mark.parametrize(
    "expression", ["tinh == '22'", "soTien >= `5`", "cha.hoVaTen", "khac == '1' || khac == `1`", "con[?tuoi > `5`]"]
)
def test_filters_that_fit_the_event(expression: str) -> None:
    checked(expression)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("tinhh == '22'", "tinhh"),
        ("cha.ten == 'An'", "cha.ten"),
        ("tinh == `22`", "type string"),
        ("'5' == soTien", "type number"),
        ("tinh > '20'", "orders numbers"),
        ("contains(thee, 'x')", "thee"),
        ("!(tinhh)", "tinhh"),
    ],
)
def test_filters_that_cannot_fit_are_refused_by_name(expression: str, says: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked(expression)
    assert says in refused.value.detail.en


def test_a_filter_may_name_only_what_the_grant_shows() -> None:
    checked("cha.hoVaTen == 'An'", ("/cha/hoVaTen", "/tinh"))
    checked("cha", ("/cha/hoVaTen",))
    for hidden in ("soTien > `5`", "cha.hoVaTen == 'An' && soTien > `5`"):
        with pytest.raises(Refusal) as refused:
            checked(hidden, ("/cha/hoVaTen",))
        assert "soTien" in refused.value.detail.en


def test_a_filter_sees_the_projected_document_alone() -> None:
    projection = Projection(("/tinh",))
    guesses: list[Any] = [
        "cha.hoVaTen == 'An'",
        "*.hoVaTen",
        "length(@) > `1`",
        "contains(the, 'gap') == `true`",
        "soTien > `0`",
    ]
    for guess in guesses:
        seen = {Filter(guess).matches(projection.apply(document)) for document in (BIRTH, {"tinh": "22"})}
        assert len(seen) == 1, f"{guess} tells what is hidden"
