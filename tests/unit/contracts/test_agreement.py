"""Two validators judge a contract before it is published; where they disagree, it is refused with the place."""

import copy
from typing import Any

import pytest
from support.national import CATALOG
from support.workbench import CONTRACTS

from lgsp_contracts.agreement import comparison
from lgsp_contracts.agreement.probes import probes
from lgsp_contracts.contract import Contract
from lgsp_contracts.formats import FORMAT_WORDS
from lgsp_contracts.schemas import Schema
from lgsp_contracts.tooling.pages import page
from lgsp_contracts.tooling.sdk_python import module
from lgsp_problems import ContractAmbiguous


def contract(response: dict[str, Any], example: Any, **more: Any) -> Contract:
    """A contract whose response has one field `x`."""
    document = copy.deepcopy(CONTRACTS[0])
    operation: dict[str, Any] = document["operations"]["read"]  # type: ignore[index]
    operation["response"] = {"type": "object", "required": ["x"], "properties": {"x": response}, **more}
    operation["example"]["response"] = {"x": example}
    return Contract.from_document({**document, "operations": {"read": operation}}, "desk.yaml")


def refusal(response: dict[str, Any], example: Any, **more: Any) -> ContractAmbiguous:
    with pytest.raises(ContractAmbiguous) as refused:
        comparison.check(contract(response, example, **more), "desk.yaml")
    return refused.value


@pytest.mark.parametrize("shipped", CATALOG.values(), ids=lambda shipped: shipped.service)
def test_both_agree_about_each_contract_that_is_shipped(shipped: Contract) -> None:
    comparison.check(shipped, shipped.service)


@pytest.mark.parametrize(
    ("response", "example", "words"),
    [
        (
            {"type": "string", "pattern": r"^\d+$"},
            "12",
            "a digit of another script at /x of the document, jsonschema-rs refuses /x and jsonschema accepts",
        ),
        (
            {"type": "string", "pattern": r"^\w+$"},
            "an",
            "a digit of another script at /x of the document, jsonschema-rs refuses /x and jsonschema accepts",
        ),
        ({"type": "string", "pattern": r"^\p{L}+$"}, "an", "jsonschema (Python) cannot read this pattern"),
        ({"type": "string", "pattern": r"^[a&&b]$"}, "a", "jsonschema (Python) cannot read this pattern"),
        ({"type": "string", "pattern": r"^(a+)+$"}, "a" * 60, "can run for ever with this pattern"),
    ],
)
def test_a_pattern_that_is_read_in_two_ways_is_refused_with_its_place(
    response: dict[str, Any], example: Any, words: str
) -> None:
    refused = refusal(response, example)
    assert refused.detail.en.startswith("desk.yaml, /operations/read/response/properties/x/pattern: "), refused
    assert words in refused.detail.en
    assert refused.detail.vi.startswith("desk.yaml, /operations/read/response/properties/x/pattern: ")


def test_the_keyword_is_named_where_it_stands_behind_references() -> None:
    code = {"type": "string", "pattern": r"^\d+$"}
    refused = refusal({"type": "array", "items": {"$ref": "#/$defs/code"}}, ["1"], **{"$defs": {"code": code}})
    assert refused.detail.en.startswith("desk.yaml, /operations/read/response/$defs/code/pattern: ")
    assert refused.detail.en.endswith("; write ^[0-9]+$.")
    assert [violation.pointer for violation in refused.violations] == ["/x/0"]
    assert [violation.rule for violation in refused.violations] == ["/$defs/code/pattern"]


def test_a_keyword_of_an_older_draft_that_only_one_knows_is_refused() -> None:
    response = {"type": "object", "properties": {"a": {}, "b": {}}, "dependencies": {"a": ["b"]}}
    refused = refusal(response, {"a": 1, "b": 2})
    assert "/operations/read/response/properties/x/dependencies" in refused.detail.en
    assert "a missing field at /x of the document, jsonschema-rs refuses" in refused.detail.en
    assert "use dependentRequired" in refused.detail.en


@pytest.mark.parametrize(
    ("response", "example"),
    [
        ({"type": "integer", "maximum": 9007199254740992}, 1),
        ({"type": "number", "multipleOf": 0.01}, 19.99),
        ({"type": "number", "multipleOf": 0.1, "enum": [0.3, 1]}, 0.3),
        ({"type": "string", "pattern": "^[0-9]{2}$"}, "12"),
        ({"type": "string", "pattern": "^[$]\\$$"}, "$$"),
        ({"type": "string", "maxLength": 3}, "a😀b"),
        ({"type": "array", "uniqueItems": True}, [1, True, 0, False, [1], [True]]),
        ({"enum": [1, "a", None]}, 1),
        ({"$ref": "#/$defs/a", "properties": {"y": {}}, "unevaluatedProperties": False}, {"z": 1, "y": 2}),
        (
            {
                "if": {"properties": {"z": {"const": 1}}},
                "then": {"properties": {"y": {}}},
                "unevaluatedProperties": False,
            },
            {"z": 1, "y": 2},
        ),
        *(({"type": "string", "format": name}, None) for name in FORMAT_WORDS),
    ],
    ids=str,
)
def test_what_both_understand_alike_is_published(response: dict[str, Any], example: Any) -> None:
    if example is None:
        from lgsp_contracts.samples import samples  # noqa: PLC0415

        [example] = samples(Schema(response, "x"), 1)
    comparison.check(contract(response, example, **{"$defs": {"a": {"properties": {"z": {}}}}}), "desk.yaml")


def test_the_same_schema_gives_the_same_documents_good_and_bad() -> None:
    operation = CATALOG["population", 1].operations["lookup-citizen"]
    made = list(probes(operation.response, operation.example.response))
    assert made == list(probes(operation.response, operation.example.response))
    good = sum(operation.response.is_valid(probe.document) for probe in made)
    assert 7 < good < len(made) - 100


def test_a_contract_that_allows_huge_documents_is_judged_within_a_count() -> None:
    row = {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(300)}}
    many = {"type": "array", "items": row, "minItems": 200, "maxItems": 200}
    comparison.check(contract(many, [{"f0": "a"}] * 200), "desk.yaml")


def test_what_refers_by_name_or_allows_nothing_is_judged_and_described() -> None:
    definitions = {"name": {"$anchor": "name", "type": "string"}, "any": True}
    properties = {"of": {"$ref": "#name"}, "any": {"$ref": "#/$defs/any"}, "none": {"anyOf": [{"enum": []}, True]}}
    response = {"type": "object", "properties": properties}
    judged = contract(response, {"of": "an"}, **{"$defs": definitions})
    comparison.check(judged, "desk.yaml")
    shown = "".join(page.service_in_pieces(judged, "http://bus", "en", inside=True, notices=[], access=None))
    assert "x.of" in shown
    compile(module(contract({"$ref": "#name"}, "an", **{"$defs": definitions})), "client", "exec")


def test_a_circle_of_references_is_refused() -> None:
    circle = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    with pytest.raises(ContractAmbiguous, match="refers to itself without end"):
        comparison.check(contract({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/a"}]}, "an", **circle), "desk.yaml")


def test_a_schema_of_another_dialect_is_refused() -> None:
    more = {"$defs": {"a": {"type": "string"}}}
    seventh = {"$schema": "http://json-schema.org/draft-07/schema#"}
    refused = refusal({"$ref": "#/$defs/a", "maxLength": 3}, "an", **more, **seventh)  # which draft 7 does not limit
    assert "desk.yaml, /operations/read/response/$schema" in refused.detail.en
    same = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    comparison.check(contract({"$ref": "#/$defs/a", "maxLength": 3}, "an", **more, **same), "desk.yaml")
