"""Made documents: they keep the schema, differ, and come out the same each time; and the contract as OpenAPI."""

import pytest
from openapi_spec_validator import validate
from support.national import CATALOG

from lgsp_contracts.samples import samples
from lgsp_contracts.schemas import Schema
from lgsp_contracts.tooling.openapi import openapi

OPERATIONS = [
    pytest.param(operation, id=f"{contract.service}/{name}")
    for contract in CATALOG.values()
    for name, operation in contract.operations.items()
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_made_documents_keep_their_schema(operation) -> None:  # type: ignore[no-untyped-def]
    for schema in (operation.request, operation.response):
        made = list(samples(schema, 8))
        assert len(made) >= (2 if schema.document.get("properties") else 1)
        assert all(schema.is_valid(document) for document in made)
        assert made == list(samples(schema, 8))


def test_the_smallest_and_the_largest_come_first() -> None:
    schema = Schema(
        {
            "type": "object",
            "required": ["a"],
            "properties": {
                "a": {"type": "string", "minLength": 2, "maxLength": 5},
                "b": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"$ref": "#/$defs/n"}},
                "c": {"anyOf": [{"type": "null"}, {"const": 7}]},
            },
            "$defs": {"n": {"type": "integer", "minimum": 3, "maximum": 9}},
        },
        "x",
    )
    smallest, largest = list(samples(schema, 2))
    assert smallest.keys() == {"a"}
    assert len(largest["a"]) == 5
    assert largest["b"] == [9, 9]
    assert "c" in largest


def test_a_schema_that_nothing_keeps_gives_nothing() -> None:
    assert list(samples(Schema({"type": "integer", "minimum": 5, "maximum": 4}, "x"), 3)) == []


@pytest.mark.parametrize("contract", CATALOG.values(), ids=lambda contract: contract.service)
def test_openapi_is_valid_by_its_own_validator(contract) -> None:  # type: ignore[no-untyped-def]
    document = openapi(contract, "http://127.0.0.1:8080/")
    validate(document)
    for operation in contract.operations:
        assert f"/services/{contract.service}/v1/{operation}" in document["paths"]
