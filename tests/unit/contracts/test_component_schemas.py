"""The schemas of OpenAPI: each reference leads to a whole component, and what a contract accepts is described as accepted."""

import json
from typing import Any

import jsonschema
import pytest
from support.national import CATALOG

from lgsp_contracts.contract import Contract
from lgsp_contracts.projection import Projection
from lgsp_contracts.samples import samples
from lgsp_contracts.tooling.asyncapi import asyncapi
from lgsp_contracts.tooling.openapi import openapi

TREE: dict[str, Any] = {
    "type": "object",
    "required": ["ten", "con"],
    "anyOf": [{"required": ["a"]}, {"required": ["b", "$defs"]}],
    "properties": {
        "ten": {"$ref": "#/$defs/t%C3%AAn%20ng%C6%B0%E1%BB%9Di"},
        "con": {"type": "array", "items": {"$ref": "#/$defs/ng%C6%B0%E1%BB%9Di"}},
        "a": {"enum": [{"$ref": "#/x"}, 1]},
        "b": {"$ref": "#/properties/a"},
        "$defs": {"oneOf": [{"type": "object", "required": ["x"]}, {"type": "object", "required": ["y"]}]},
    },
    "$defs": {
        "tên người": {"type": "string"},
        "người": {"type": "object", "required": ["ten"], "properties": {"cha": {"$ref": "#/$defs/ng%C6%B0%E1%BB%9Di"}}},
    },
}


def tree() -> Contract:
    [contract] = [one for one in CATALOG.values() if one.service == "insurance"]
    text = {"vi": "Thử", "en": "Try"}
    example = {"ten": "x", "con": [], "a": 1, "b": 1}
    operation = {"title": text, "request": TREE, "response": TREE, "example": {"request": example, "response": example}}
    return Contract.from_document(
        {
            "service": "tree",
            "version": "1.0.0",
            "title": text,
            "provider": contract.provider,
            "classification": "internal",
            "operations": {"read": operation},
        }
    )


def references(value: Any) -> set[str]:
    if isinstance(value, list):
        return {one for part in value for one in references(part)}
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return own | {one for key, part in value.items() if key != "enum" for one in references(part)}


@pytest.mark.parametrize("contract", [*CATALOG.values(), tree()], ids=lambda contract: contract.service)
def test_each_reference_leads_to_a_component(contract: Contract) -> None:
    for document in (openapi(contract, "https://bus"), asyncapi(contract, "bus:4222", "https://bus")):
        schemas = document["components"]["schemas"]
        assert references(schemas) <= {f"#/components/schemas/{name}" for name in schemas}
        assert not [name for name, schema in schemas.items() if "$defs" in schema]


@pytest.mark.parametrize("contract", CATALOG.values(), ids=lambda contract: contract.service)
def test_what_a_contract_accepts_is_described_as_accepted(contract: Contract) -> None:
    described = openapi(contract, "https://bus")
    for name, operation in contract.operations.items():
        request = {**described, "$ref": f"#/components/schemas/{name}.request"}
        response = {**described, "$ref": f"#/components/schemas/{name}.response"}
        for document in samples(operation.request, 5):
            jsonschema.validate(document, request)
        for document in samples(operation.response, 5):
            jsonschema.validate(document, response)
            for field in document:  # a grant may show one field alone
                jsonschema.validate(Projection([f"/{field}"]).apply(document), response)


def test_alternatives_of_required_fields_become_words() -> None:
    schemas = openapi(tree(), "https://bus")["components"]["schemas"]
    assert schemas["read.request"]["description"] == "At least one is required: a or b and $defs."
    assert schemas["read.request"]["required"] == ["ten", "con"]
    assert not {"required", "anyOf", "description"} & schemas["read.response"].keys()
    assert schemas["read.request"]["properties"]["a"] == {"enum": [{"$ref": "#/x"}, 1]}
    assert {"read.request.t-n-ng-i", "read.request.ng-i", "read.request.a"} <= schemas.keys()
    assert json.loads(json.dumps(schemas)) == schemas


def test_alternative_forms_of_a_text_are_a_text() -> None:
    contract = next(one for one in CATALOG.values() if one.service == "population")
    schemas = openapi(contract, "https://bus")["components"]["schemas"]
    born = schemas["lookup-citizen.request"]["properties"]["ngaySinh"]
    assert born["type"] == "string"
    assert born["description"].endswith("Forms: date or ^(19|20)[0-9]{2}$.")


def test_a_status_names_the_codes_of_the_contract_first() -> None:
    contract = next(one for one in CATALOG.values() if one.service == "population")
    described = openapi(contract, "https://bus")["paths"]["/services/population/v1/lookup-citizen"]["post"]
    assert described["responses"]["404"]["description"] == (
        "`citizen-not-found`: "
        + contract.operations["lookup-citizen"].errors["citizen-not-found"].title.en
        + "; `unknown-service`: There is no such service"
    )


@pytest.mark.parametrize("contract", CATALOG.values(), ids=lambda contract: contract.service)
def test_what_is_known_of_refusals_and_headers_is_described(contract: Contract) -> None:
    described = openapi(contract, "https://bus")
    problem = described["components"]["schemas"]["Problem"]["properties"]
    assert problem["errors"]["items"]["required"] == ["pointer", "message"]
    own = {code for operation in contract.operations.values() for code in operation.errors}
    assert own | {"contract-violation", "quota-exceeded"} <= set(problem["code"]["x-extensible-enum"])
    for path in described["paths"].values():
        responses = path["post"]["responses"]
        assert {"Lgsp-Message-Id", "RateLimit", "Server-Timing"} <= set(responses["200"]["headers"])
        assert "Retry-After" in responses["429"]["headers"]
        for response in responses.values():
            assert {header["$ref"].rpartition("/")[2] for header in response["headers"].values()} <= set(
                described["components"]["headers"]
            )
            assert "Lgsp-Message-Id" in response["headers"]
