"""Variables where names are fields of an item: they would be null without a word, so the manifest is refused."""

import pytest

from lgsp_adapters.mapping.expressions import Template
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

NAMES = ("request", "answer", "status", "items")
SCOPE = {
    "request": {"so": "22"},
    "status": 200,
    "answer": {"d": [{"so": "22", "status": "A", "request": {"so": "1"}}, {"so": "23", "request": {"so": "2"}}]},
}


@pytest.mark.parametrize(
    "expression",
    [
        "answer.d[?so != request.so]",
        "answer.d[?so != request.so].so",
        "answer.d[?contains(request.so, so)]",
        "answer.d[].{so: so, hoi: request.so}",
        "answer.d[*].[request.so]",
        "answer.d[].contains(request.so, so)",
        "answer.d | [?so == request.so]",
        "answer.d | request.so",
        "answer.{hoi: request.so}",
        "map(&join('', [so, request.so]), answer.d)",
        "all_equal(answer.d, &so == request.so, `true`)",
        "answer.d[?so == `1` || request.so]",
        "answer.d[?!(so == request.so)]",
    ],
)
def test_a_variable_in_a_filter_is_refused(expression: str) -> None:
    with pytest.raises(Refusal) as refused:
        Template(expression, SourceLocation("x"), NAMES)
    assert "the variable request has no value inside a filter or projection" in refused.value.detail.en
    assert "write @.request" in refused.value.detail.en


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("answer.d[?status == 'A'].so", ["22"]),
        ("answer.d[?@.request.so == '2'].so", ["23"]),
        ("answer.d[].request.so", ["1", "2"]),
        ("answer.d[*].request.so", ["1", "2"]),
        ("answer.d[0].request.so", "1"),
        ("answer.d[].{hoi: @.request.so}", [{"hoi": "1"}, {"hoi": "2"}]),
        ("[answer.d[0].so, request.so]", ["22", "22"]),
        ("{so: request.so}", {"so": "22"}),
        ("contains(answer.d[].so, request.so)", True),
        ("all_equal(answer.d, &so, request.so)", False),
        ("all_equal(answer.d[:1], &so, request.so)", True),
        ("all_equal(answer.d, &so, request.absent)", False),
        ("answer.d[?so == '22'] | [0].so", "22"),
    ],
)
def test_fields_of_items_and_variables_outside(expression: str, value: object) -> None:
    assert Template(expression, SourceLocation("x"), NAMES)(SCOPE) == value


def test_functions_behind_an_ampersand_are_checked() -> None:
    with pytest.raises(Refusal, match="there is no function"):
        Template("sort_by(answer.d, &txt(so))", SourceLocation("x"), NAMES)
