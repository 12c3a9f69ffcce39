"""The reference of documents and the schemas for editors are made from the schemas that lgsp checks with, and fit what is shipped."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.published_schemas import CONTRACTS, FOLDER, REGISTRY_KINDS, ROOT, published
from support.reference_pages import REFERENCE, pages
from support.shipped import files_below

from lgsp_adapters import connector_folders
from lgsp_adapters.connectors import manifest_keys
from lgsp_contracts import documents, published_schemas, schema_keys
from lgsp_problems import NotFound

RUN = "run PYTHONPATH=tests python -m support.reference_pages"

SCHEMAS, PAGES = published(), pages()


def validator(kind: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads(published_schemas.read(kind)))


def shipped() -> Iterator[Any]:
    """Every YAML document that comes with lgsp, with the kinds of schemas that it must keep."""
    for folder, kind in (("contracts/catalog", "contract"), ("adapters/systems", "manifest"), ("gateway", "registry")):
        for path in files_below(folder, ".yaml"):
            for _, document in documents.read(path):
                if "kind" in document or "operations" in document:
                    if document.get("apiVersion") == "lgsp/v1":
                        kinds = [kind, document["kind"].lower()]
                    else:
                        kinds = ["manifest" if "kind" in document else "contract"]
                    yield pytest.param(kinds, document, id=f"{path.relative_to(ROOT)} {document.get('kind', '')}")


SHIPPED = list(shipped())


def examples_of_pages() -> Iterator[Any]:
    for page in [*(ROOT / "adapters/lgsp_adapters/connectors").glob("*/README.md"), *REFERENCE.glob("*.md")]:
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
            kind = "registry" if "spec:" in block else "manifest" if "major: " in block and "kind: " in block else ""
            if kind:
                yield pytest.param(kind, block, id=f"{page.parent.name}/{page.name} {kind}")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_for_editors_is_what_lgsp_checks_with(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == SCHEMAS[name], RUN


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_the_schemas_say(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name], RUN


def test_there_is_a_schema_for_each_kind_and_no_other() -> None:
    kinds = {"contract", "manifest", "registry", "issuers", *(kind.lower() for kind in REGISTRY_KINDS)}
    assert {path.stem for path in FOLDER.iterdir()} == kinds == set(published_schemas.names())
    with pytest.raises(NotFound, match="there are: agency, contract"):
        published_schemas.read("no-such")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_for_editors_stands_alone(name: str) -> None:
    schema = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema)))
    assert references <= {f"#/$defs/{name}" for name in schema.get("$defs", {})}
    assert schema["$id"] == f"urn:lgsp:schema:{name.removesuffix('.json')}"


@pytest.mark.parametrize(("kinds", "document"), SHIPPED)
def test_each_shipped_document_keeps_the_schemas_for_editors(kinds: list[str], document: Any) -> None:
    for kind in kinds:
        assert [error.message for error in validator(kind).iter_errors(document)] == []


@pytest.mark.parametrize(("kind", "text"), examples_of_pages())
def test_each_example_of_a_page_keeps_the_schemas_for_editors(kind: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    for _, document in documents.read(tmp_path / "x.yaml"):
        assert [error.message for error in validator(kind).iter_errors(document)] == []


def test_an_editor_sees_a_misspelt_key_in_each_connector_and_document() -> None:
    assert len(SHIPPED) > 30
    for kinds, document in (each.values for each in SHIPPED):
        wrong = {**document, "oprations": {}} if "spec" not in document else {**document, "spec": {"x": 1}}
        assert all(list(validator(kind).iter_errors(wrong)) for kind in kinds), kinds


def test_a_manifest_of_another_packages_connector_is_left_to_that_package() -> None:
    manifest = {"service": "so", "major": 1, "system": "so", "kind": "danh-ba", "danh-ba": {"anything": 1}}
    assert list(validator("manifest").iter_errors(manifest)) == []


@pytest.mark.parametrize("name", ["contract", "registry", "issuers"])
def test_each_key_is_described_with_an_example_or_a_default(name: str) -> None:
    schema = json.loads((CONTRACTS / f"{name}.schema.json").read_text(encoding="utf-8"))
    definitions = schema.get("$defs", {})
    parts = [(schema, "")]
    parts += [(definitions[kind.lower()], "spec") for kind in REGISTRY_KINDS] if name == "registry" else []
    found = [key for part, path in parts for key in schema_keys.keys(part, definitions, path)]
    assert len(found) > 5
    assert [key.path for key in found if not key.description] == []
    undescribed = [key.path for key in found if not (key.example or key.default or key.type == "object")]
    assert undescribed == []


@pytest.mark.parametrize("connector", connector_folders.shipped_names())
def test_each_key_of_a_connector_has_a_type_and_an_example_or_a_default(connector: str) -> None:
    found = list(manifest_keys.keys(connector))
    assert [key.path for key in found if not (key.type and key.description)] == []
    assert [key.path for key in found if not (key.example or key.default)] == []


def test_the_first_line_for_editors_names_the_schema_on_a_bus() -> None:
    line = published_schemas.editor_line("grant", "https://lgsp.example.vn/")
    assert line == "# yaml-language-server: $schema=https://lgsp.example.vn/schemas/grant.json\n"
