"""The contract document: what is refused, and in which words."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.workbench import CONTRACTS

from lgsp_contracts import catalog
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal

Change = Callable[[dict[str, Any]], Any]


def changed(change: Change) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(CONTRACTS[0])
    change(document)
    return document


def operation(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["operations"]["read"]
    return found


REFUSED: list[tuple[str, Change, str]] = [
    ("secret", lambda d: d.update(classification="secret"), "secret"),
    ("no-title", lambda d: d.pop("title"), "/title: is required"),
    ("one-language", lambda d: d["title"].pop("en"), "/title/en: is required"),
    ("version-zero", lambda d: d.update(version="0.1.0"), "/version: must match"),
    ("capitals", lambda d: d.update(service="Desk"), "/service: must match"),
    ("unknown-field", lambda d: d.update(colour="red"), "/colour: is not a known field"),
    ("no-example", lambda d: operation(d).pop("example"), "/operations/read/example: is required"),
    ("wrong-example", lambda d: operation(d)["example"]["request"].pop("soDinhDanh"), "example/request/soDinhDanh"),
    (
        "taken-code",
        lambda d: operation(d)["errors"].update({"no-adapter": {"status": 404, "title": d["title"]}}),
        "no-adapter",
    ),
    (
        "outcome-as-error",
        lambda d: operation(d)["errors"].update({"answered": {"status": 404, "title": d["title"]}}),
        "'answered' is reserved by the bus",
    ),
    ("error-status", lambda d: operation(d)["errors"]["person-not-found"].update(status=200), "must be 400 or more"),
    ("remote-ref", lambda d: operation(d)["response"].update({"$ref": "http://x"}), "$ref may only point inside"),
    ("bad-timeout", lambda d: operation(d).update(timeout="soon"), "/operations/read/timeout: must match"),
    ("no-operations", lambda d: d.update(operations={}), "must not be empty"),
]


@pytest.mark.parametrize(("change", "words"), [(c, w) for _, c, w in REFUSED], ids=[name for name, *_ in REFUSED])
def test_what_is_no_contract_is_refused(change: Change, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        Contract.from_document(changed(change), "desk.yaml")
    assert refused.value.code == "invalid-document"
    assert words in refused.value.detail.en
    assert refused.value.detail.vi.startswith("desk.yaml")


def test_a_contract_that_is_no_object_is_refused() -> None:
    for document in (None, [], "x", 3):
        with pytest.raises(Refusal):
            Contract.from_document(document)


def test_the_subject_is_the_first_pointer_that_is_there() -> None:
    verify = catalog.load(catalog.shipped_folder())["population", 1].operations["verify-citizen"]
    assert verify.subject_of({"soDinhDanh": "022093001234", "soCmnd": "103001234"}) == "022093001234"
    assert verify.subject_of({"soCmnd": "103001234"}) == "103001234"
    assert verify.subject_of({}) is None


def test_a_folder_says_which_file_and_line(tmp_path: Path) -> None:
    for text, words in (
        ("a: [1,\nb: 2", "line 3: did not find"),
        ("a: 1\na: 2", "duplicate key 'a'"),
        ("1: a", "must be a string"),
        ("\xff", "cannot be read"),
    ):
        file = tmp_path / "x.yaml"
        file.write_bytes(text.encode("latin-1"))
        with pytest.raises(Refusal) as refused:
            catalog.load(tmp_path)
        assert words in refused.value.detail.en
        assert str(file) in refused.value.detail.en


def test_one_contract_per_service_and_major(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(CONTRACTS[0]))
    with pytest.raises(Refusal) as refused:
        catalog.load(tmp_path)
    assert "has a contract already" in refused.value.detail.en
