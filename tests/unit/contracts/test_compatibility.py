"""A new minor version: what it may change, what it breaks, in which words."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from support.workbench import CONTRACTS

from lgsp_contracts import catalog
from lgsp_contracts.compatibility import breaking_changes
from lgsp_contracts.contract import Contract

Change = Callable[[dict[str, Any]], Any]
READ = "/operations/read"


def compared(change: Change) -> list[tuple[str, str]]:
    document: dict[str, Any] = copy.deepcopy(CONTRACTS[0])
    document["operations"]["read"] |= {
        "request": copy.deepcopy(document["operations"]["read"]["request"]),
        "response": copy.deepcopy(document["operations"]["read"]["response"]),
    }
    change(document)
    found = breaking_changes(Contract.from_document(CONTRACTS[0]), Contract.from_document(document))
    assert all(violation.message.vi != violation.message.en for violation in found)
    return [(violation.pointer, violation.message.en) for violation in found]


def request(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["operations"]["read"]["request"]
    return found


def response(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["operations"]["read"]["response"]
    return found


KEPT: dict[str, Change] = {
    "nothing": lambda d: None,
    "an optional request field": lambda d: request(d)["properties"].update(moi={"type": "string"}),
    "a longer name": lambda d: request(d)["properties"]["hoVaTen"].update(maxLength=200),
    "a request format given up": lambda d: request(d)["properties"]["soDinhDanh"].pop("format"),
    "an optional answer field": lambda d: response(d)["properties"].update(moi={"type": "string"}),
    "a nested answer field": lambda d: response(d)["properties"]["cha"]["properties"].update(moi={"type": "string"}),
    "a shorter answer": lambda d: response(d)["properties"]["ketQua"].update(maxLength=10),
    "a promised field": lambda d: response(d)["properties"].update(biMat={"type": "string", "minLength": 1}),
    "another operation": lambda d: d["operations"].update(more=d["operations"]["read"]),
    "another title": lambda d: d["title"].update(en="New"),
}

BROKEN: dict[str, tuple[Change, str, str]] = {
    "operation gone": (
        lambda d: d["operations"].pop("narrow"),
        "/operations/narrow",
        "the operation narrow was removed",
    ),
    "newly required": (
        lambda d: (
            request(d)["required"].append("hoVaTen"),
            d["operations"]["read"].update(
                example={"request": {"soDinhDanh": "022093001234", "hoVaTen": "An"}, "response": {"ketQua": "KHOP"}}
            ),
        ),
        f"{READ}/request/properties/hoVaTen",
        "the field becomes required",
    ),
    "request field gone": (
        lambda d: request(d)["properties"].pop("hoVaTen"),
        f"{READ}/request/properties/hoVaTen",
        "the field was removed",
    ),
    "shorter name": (
        lambda d: request(d)["properties"]["hoVaTen"].update(maxLength=10),
        f"{READ}/request/properties/hoVaTen/maxLength",
        "maxLength is lower",
    ),
    "request format": (
        lambda d: request(d)["properties"]["hoVaTen"].update(format="email"),
        f"{READ}/request/properties/hoVaTen/format",
        "the format has changed",
    ),
    "request type": (
        lambda d: request(d)["properties"]["hoVaTen"].update(type="integer"),
        f"{READ}/request/properties/hoVaTen/type",
        "the type accepts less",
    ),
    "answer field not promised": (
        lambda d: response(d)["required"].remove("ketQua"),
        f"{READ}/response/properties/ketQua",
        "the field is no longer required",
    ),
    "longer answer": (
        lambda d: response(d)["properties"]["ketQua"].update(maxLength=200_000),
        f"{READ}/response/properties/ketQua/maxLength",
        "the upper bound is higher",
    ),
    "answer type": (
        lambda d: response(d)["properties"]["biMat"].update(type=["string", "null"]),
        f"{READ}/response/properties/biMat/type",
        "the type allows more",
    ),
    "not repeatable": (
        lambda d: d["operations"]["read"].update(idempotent=False),
        f"{READ}/idempotent",
        "the operation may no longer be repeated",
    ),
}


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_a_minor_version_may(change: Change) -> None:
    assert compared(change) == []


@pytest.mark.parametrize(("change", "pointer", "words"), BROKEN.values(), ids=BROKEN)
def test_a_minor_version_may_not(change: Change, pointer: str, words: str) -> None:
    assert (pointer, words) in compared(change)


def test_every_contract_is_compatible_with_itself() -> None:
    contracts = catalog.load(catalog.shipped_folder()).values()
    assert len(contracts) >= 3
    for contract in contracts:
        assert breaking_changes(contract, contract) == []
