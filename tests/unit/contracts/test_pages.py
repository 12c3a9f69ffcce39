"""The pages of the catalogue say what a contract says, as text, in two languages."""

import copy
from html import unescape
from typing import Any

import pytest
from support.shipped import shipped_catalogue

from lgsp_contracts import catalog
from lgsp_contracts.contract import Contract
from lgsp_contracts.documents import read, read_folder
from lgsp_contracts.summary import ContractSummary, searched_words
from lgsp_contracts.tooling.pages.fields import alternatives, fields
from lgsp_contracts.tooling.pages.page import POLICY, catalogue, service
from lgsp_problems import CODES, Language

SHIPPED = shipped_catalogue()
HOSTILE = "<script>alert(1)</script>"


def listed(documents: list[Any], words: str, language: Language) -> str:
    return "".join(
        catalogue([ContractSummary.from_document(one) for one in documents], len(documents), words, language)
    )


@pytest.fixture
def land() -> Any:
    [(_, document)] = read(catalog.shipped_folder() / "provincial/land-parcels.yaml")
    return copy.deepcopy(document)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_page_of_every_service(name: tuple[str, int]) -> None:
    contract = SHIPPED[name]
    vi, en = (unescape(service(contract, "https://bus.example", language, inside=True)) for language in ("vi", "en"))
    assert contract.title.vi in vi
    assert contract.title.en in en
    for operation in contract.operations.values():
        assert operation.title.en in en
        assert f"https://bus.example/services/{contract.service}/v{contract.major}/{operation.name}" in en
        for code in operation.errors:
            assert f"<code>{code}</code>" in en
        for schema in (operation.request, operation.response):
            for field in fields(schema.document):
                assert f"<code>{field.path}</code>" in en
    if contract.operations:
        assert CODES["quota-exceeded"].title.vi in vi or not contract.operations


def test_what_a_contract_says_is_text(land: Any) -> None:
    land["title"]["vi"] = land["description"]["vi"] = HOSTILE
    land["operations"]["lookup-parcel"]["request"]["properties"]["maXa"]["description"] = HOSTILE
    land["operations"]["lookup-parcel"]["example"]["response"]["diaChi"] = HOSTILE
    contract = Contract.from_document(land)
    for page in (service(contract, "", "vi", inside=True), listed([land], HOSTILE, "vi")):
        assert "<script" not in page
        assert "&lt;script&gt;" in page
    assert "script-src" not in POLICY
    assert "default-src 'none'" in POLICY


def test_fields_of_lists_and_of_what_refers_to_itself() -> None:
    person = {"type": "object", "required": ["ten"], "properties": {"ten": {"type": "string", "maxLength": 5}}}
    person["properties"]["con"] = {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/person"}}
    found = {field.path: field for field in fields({"$defs": {"person": person}, **person})}
    assert (found["ten"].required, found["con"].required) == (True, False)
    assert found["con"].kind.en == "list, at most 3 items"
    assert found["con[].ten"].kind.en == "text, at most 5 characters"
    assert len(found) < 40


def test_the_catalogue_is_searched_in_both_languages() -> None:
    shown = [ContractSummary.from_document(document) for _, document in read_folder(catalog.shipped_folder())]

    def found(words: str) -> set[str]:
        sought = searched_words(words)
        return {one.service for one in shown if all(word in one.searched_text() for word in sought)}

    assert found("ĐẤT đai") == found("provincial land") == {"land-parcels"}
    assert "land-parcels" in found("dat dai")  # without accents
    assert found("đ\u00e2\u0301t đai") == {"land-parcels"}  # decomposed, as some systems send it
    assert "land-parcels" in found("maxa")  # the name of a field
    assert found("dất") == set()  # an accent that is written counts
    assert found("") == {name for name, _ in SHIPPED}
    assert found("không có gì như vậy") == set()


def test_fields_that_are_required_in_place_of_each_other() -> None:
    either = {"anyOf": [{"required": ["soDinhDanh"]}, {"required": ["hoVaTen", "ngaySinh"]}]}
    one = {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}
    schema = {"type": "object", "allOf": [either], "properties": {"con": {"type": "array", "items": one}}}
    assert [text.en for text in alternatives(schema)] == [
        "At least one of these is required: soDinhDanh; hoVaTen and ngaySinh.",
        "Exactly one of these is required: con[].a; con[].b.",
    ]
    assert alternatives({"anyOf": [{"required": ["a"]}, {"type": "null"}]}) == []


def test_the_page_says_which_fields_are_alternatives(land: Any) -> None:
    request = land["operations"]["lookup-parcel"]["request"]
    request["anyOf"] = [{"required": [name]} for name in list(request["properties"])[:2]]
    page = service(Contract.from_document(land), "", "vi", inside=True)
    assert "Bắt buộc có ít nhất một trong: " in page
