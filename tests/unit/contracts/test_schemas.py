"""Schemas: a second, independent validator agrees; what a schema may not say is refused in words."""

import copy
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples
from support.shipped import shipped_catalogue

from lgsp_contracts.formats import FORMAT_CHECKS
from lgsp_contracts.schemas import MAX_VIOLATIONS, Schema
from lgsp_problems import Refusal

CATALOG = shipped_catalogue()
OPERATIONS = [
    pytest.param(operation, id=f"{contract.service}/{name}")
    for contract in CATALOG.values()
    for name, operation in contract.operations.items()
]

checker = jsonschema.FormatChecker()
for name, check in FORMAT_CHECKS.items():
    checker.checks(name)(lambda value, check=check: not isinstance(value, str) or check(value))

junk = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(
        ["2020-02-30", "2020-02-29", "1993-05-17", "1993", "022093001234", "NAM", "", "5700999001", "5700999002"]
    )
)


def mutated(draw: Any, value: Any) -> Any:
    """A document with some of its parts replaced, dropped or added."""
    if isinstance(value, dict):
        result = {key: mutated(draw, item) for key, item in value.items() if draw(st.integers(0, 9))}
        if not draw(st.integers(0, 9)):
            result[draw(st.text(max_size=5))] = draw(junk)
        return result
    if isinstance(value, list):
        return [mutated(draw, item) for item in value] * draw(st.sampled_from([1, 1, 1, 2]))
    return draw(junk) if not draw(st.integers(0, 4)) else value


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_two_validators_agree(operation: Any, data: Any) -> None:
    for schema, example in (
        (operation.request, operation.example.request),
        (operation.response, operation.example.response),
    ):
        document = mutated(data.draw, copy.deepcopy(example))
        second = jsonschema.Draft202012Validator(schema.document, format_checker=checker)
        assert schema.is_valid(document) == second.is_valid(document)
        assert bool(schema.violations(document)) != schema.is_valid(document)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_examples_keep_their_contract(operation: Any) -> None:
    assert operation.request.is_valid(operation.example.request)
    assert operation.response.is_valid(operation.example.response)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://elsewhere/schema.json"},
        {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"$ref": "#/$defs/absent"},
        {"type": "strin"},
        {"properties": {"a": {"format": "no-such-format"}}},
        {"pattern": "(?=a)b"},
        {"minLength": -1},
    ],
    ids=str,
)
def test_what_is_no_closed_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        Schema(schema, "contract.yaml, /operations/x/request")
    assert refused.value.code == "invalid-document"
    assert refused.value.detail.en.startswith("contract.yaml, /operations/x/request")


def test_a_pattern_that_would_hang_python_is_harmless() -> None:
    schema = Schema({"type": "string", "pattern": "^(a+)+$"}, "x")
    assert schema.violations("a" * 50_000 + "b")


def test_violations_are_bounded_and_never_quote() -> None:
    schema = Schema({"items": {"type": "string", "enum": ["x"]}}, "x")
    found = schema.violations([f"so bi mat {n}" for n in range(100)])
    assert len(found) == MAX_VIOLATIONS
    assert not any("bi mat" in violation.message.en + violation.message.vi for violation in found)
    assert found[0].pointer == "/0"
    assert found[0].rule == "/items/enum"


RULES: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": ["integer", "null"]}, "x", "must be an integer or null"),
    ({"const": 3}, 4, "must be one of: 3"),
    ({"maxLength": 1}, "ab", "may have at most 1 characters"),
    ({"minItems": 1}, [], "must not be empty"),
    ({"minItems": 2}, [1], "needs at least 2 items"),
    ({"maxItems": 1}, [1, 2], "may have at most 1 items"),
    ({"minProperties": 1}, {}, "must not be empty"),
    ({"maxProperties": 0}, {"a": 1}, "may have at most 0 fields"),
    ({"minimum": 3}, 1, "must be 3 or more"),
    ({"maximum": 3}, 4, "must be 3 or less"),
    ({"exclusiveMinimum": 3}, 3, "must be greater than 3"),
    ({"exclusiveMaximum": 3}, 3, "must be less than 3"),
    ({"multipleOf": 2}, 3, "must be a multiple of 2"),
    ({"uniqueItems": True}, [1, 1], "the items must differ from each other"),
    ({"pattern": "^a$"}, "b", "must match the pattern ^a$"),
    ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}, "needs at least one of: a, b"),
    (
        {"oneOf": [{"type": "string"}, {"minLength": 0}]},
        "a",
        "matches more than one of the choices; it must match exactly one",
    ),
    ({"oneOf": [{"type": "string"}, {"type": "null"}]}, 1, "must be a string or must be null"),
    ({"not": {"type": "string"}}, "a", "breaks the rule not"),
]


@pytest.mark.parametrize(("schema", "document", "words"), RULES, ids=[words for *_, words in RULES])
def test_every_rule_has_words(schema: dict[str, Any], document: Any, words: str) -> None:
    [violation] = Schema(schema, "x").violations(document)
    assert violation.message.en == words
    assert violation.message.vi != words


@pytest.mark.parametrize("keyword", ["examples", "enum"])
def test_a_field_called_format_in_an_example_names_no_format(keyword: str) -> None:
    schema = Schema({"type": "object", "properties": {"files": {keyword: [{"format": "csv"}]}}}, "x")
    assert schema.is_valid({"files": {"format": "csv"}})


def test_a_property_called_as_a_keyword_may_not_hide_an_unknown_format() -> None:
    with pytest.raises(Refusal, match="no-such-format"):
        Schema({"properties": {"default": {"properties": {"enum": {"format": "no-such-format"}}}}}, "x")
