"""The trace of a template: each expression by itself, those of lists for each item, and errors where they are."""

from typing import Any

from lgsp_adapters.mapping.trace import trace
from lgsp_contracts.source_location import SourceLocation

SCOPE = {
    "answer": {
        "ten": "Trần",
        "n": "12.5",
        "con": [{"ten": "An", "tuoi": "3"}, {"ten": "Bình", "tuoi": "x"}],
        "dc": None,
    }
}


def traced(document: Any) -> list[tuple[str, Any, str]]:
    return [(one.key, one.value, one.error) for one in trace(document, SourceLocation("adapter.yaml"), SCOPE, "answer")]


def test_each_expression_has_its_value_or_its_error() -> None:
    found = traced(
        {"hoTen": "answer.ten", "soCon": "integer(answer.n)", "x": "pad(answer.n)", "y": 5, "z": ["answer.n"]}
    )
    assert found == [
        ("answer.hoTen", "Trần", ""),
        ("answer.soCon", None, "a number has a fraction where a whole one is expected; write number(…) to keep it"),
        ("answer.x", None, "there is no function pad; perhaps pad_left is meant"),
        ("answer.z[0]", "12.5", ""),
    ]


def test_an_expression_of_a_list_is_traced_for_each_item() -> None:
    children = {"$each": "answer.con", "$as": {"ten": "item.ten", "tuoi": "integer(item.tuoi)"}}
    found = traced({"dsCon": children})
    assert [key for key, _, _ in found] == [
        "answer.dsCon.$each",
        "answer.dsCon[0].ten",
        "answer.dsCon[0].tuoi",
        "answer.dsCon[1].ten",
        "answer.dsCon[1].tuoi",
    ]
    assert found[2] == ("answer.dsCon[0].tuoi", 3, "")
    assert found[4][2] != ""


def test_nothing_is_traced_within_what_is_absent() -> None:
    absent = {"$with": "answer.dc", "$as": {"xa": "item.xa"}}
    assert traced({"diaChi": absent}) == [("answer.diaChi.$with", None, "")]
    assert [key for key, _, _ in traced({"c": {"$with": "answer.con[0]", "$as": {"ten": "item.ten"}}})] == [
        "answer.c.$with",
        "answer.c.ten",
    ]


def test_a_repetition_that_cannot_work_says_so_once() -> None:
    assert traced({"c": {"$each": "answr.con", "$as": "item"}}) == [
        ("answer.c.$each", None, "there is no variable answr; the available ones are: answer")
    ]
