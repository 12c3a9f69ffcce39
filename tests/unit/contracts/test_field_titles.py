"""People read what fields and codes are called, in both languages; titles change nothing that a contract promises."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lgsp_contracts import catalog, documents
from lgsp_contracts.compatibility import differ_in_titles_alone
from lgsp_gateway.registry.lifecycle.contracts import check_replacement
from lgsp_problems import Refusal

FILES = sorted(catalog.shipped_folder().rglob("*.yaml"))
TITLE = {"vi": "Họ và tên", "en": "Full name"}
CODE = re.compile("[A-Z]+(_[A-Z]+)+|[A-Z]{2,}")
"""A value of an enumeration that says nothing to people."""


def contract() -> dict[str, Any]:
    [(_, document)] = documents.read(next(file for file in FILES if file.stem == "civil-servants"))
    return dict(copy.deepcopy(document))


def answered(document: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = document["operations"]["lookup-civil-servant"]["response"]["properties"]
    return properties


def untitled(schema: Any, where: str) -> Iterator[str]:
    """The fields within a schema that have no title in both languages, and the enumerations whose codes have none."""
    if isinstance(schema, list):
        for part in schema:
            yield from untitled(part, where)
    if not isinstance(schema, Mapping):
        return
    for name, field in schema.get("properties", {}).items():
        if set(field.get("x-lgsp-title", ())) != {"vi", "en"}:
            yield f"{where}/{name}"
        yield from untitled(field, f"{where}/{name}")
    codes = {code for code in schema.get("enum", ()) if CODE.fullmatch(str(code))}
    if codes - schema.get("x-lgsp-titles", {}).keys():
        yield f"{where}: {sorted(codes)}"
    for keyword in ("items", "anyOf", "oneOf", "allOf"):
        yield from untitled(schema.get(keyword), where)
    for name, part in schema.get("$defs", {}).items():
        yield from untitled(part, f"{where}/$defs/{name}")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_field_of_a_bundled_contract_has_a_title_in_both_languages(file: Any) -> None:
    [(_, document)] = documents.read(file)
    parts = {**document.get("operations", {}), **document.get("events", {})}
    schemas = ((name, part.get(kind)) for name, part in parts.items() for kind in ("request", "response", "data"))
    assert [fault for name, schema in schemas for fault in untitled(schema, name)] == []


def test_titles_are_added_to_a_published_contract_within_its_version() -> None:
    before, after = contract(), contract()
    for field in answered(before).values():
        field.pop("x-lgsp-title")
        field.pop("x-lgsp-titles", None)
    assert differ_in_titles_alone(before, after)
    check_replacement("civil-servants-v1", before, after)


def test_whatever_else_changes_beside_a_title_needs_a_higher_version() -> None:
    def changed(**keywords: Any) -> dict[str, Any]:
        document = contract()
        answered(document)["hoVaTen"].update({"x-lgsp-title": {"vi": "Tên", "en": "Name"}, **keywords})
        return document

    def named() -> dict[str, Any]:
        document = changed()
        answered(document)["x-lgsp-title"] = {"type": "string"}  # a property of that name is data
        return document

    for after in (changed(maxLength=200), changed(description="khác"), named()):
        assert not differ_in_titles_alone(contract(), after)
        with pytest.raises(Refusal) as refused:
            check_replacement("civil-servants-v1", contract(), after)
        assert refused.value.code == "contract-incompatible"
    assert differ_in_titles_alone(contract(), changed())
    assert not differ_in_titles_alone(contract(), contract())
    assert not differ_in_titles_alone({"const": 1}, {"const": True, "x-lgsp-title": TITLE})  # Python takes 1 for True
