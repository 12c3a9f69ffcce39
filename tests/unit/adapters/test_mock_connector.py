"""The mock repeats what was asked for, so that a program that compares its number with that of the answer works."""

import asyncio
from pathlib import Path
from typing import Any, cast

from lgsp_adapters.adapter import Call
from lgsp_adapters.connectors.mock.connector import MockAdapter
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation

TEXT = {"vi": "Thử", "en": "Try"}
NUMBER = {"type": "string", "pattern": "^[0-9]{12}$"}


def answered(request: dict[str, Any], asked: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    def closed(properties: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": sorted(properties),
            "properties": properties,
        }

    example = {"request": {"so": "000000000001"}, "response": {"so": "000000000001", "ten": "x"}}
    operation = {"title": TEXT, "request": closed(asked), "response": closed(answers), "example": example}
    contract = Contract.from_document(
        {
            "service": "mocked",
            "version": "1.0.0",
            "title": TEXT,
            "provider": "somebody",
            "classification": "internal",
            "operations": {"read": operation},
        }
    )
    adapter = MockAdapter(Manifest(SourceLocation("mock.yaml"), {}, {}, Path()), contract)
    return cast("dict[str, Any]", asyncio.run(adapter.method("read")(request, cast("Call", None))))


def test_a_field_of_the_same_name_and_type_is_repeated() -> None:
    ten = {"type": "string", "maxLength": 20}
    assert answered({"so": "123456789012"}, {"so": NUMBER}, {"so": NUMBER, "ten": ten})["so"] == "123456789012"
    narrower = {"type": "string", "pattern": "^0[0-9]{11}$"}
    assert answered({"so": "123456789012"}, {"so": NUMBER}, {"so": narrower, "ten": ten})["so"].startswith("0")
