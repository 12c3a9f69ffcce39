"""The name of a bus, and full names of its systems."""

from typing import Any

import pytest

from lgsp_contracts import documents
from lgsp_contracts.names import DocumentName, SystemName
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.full_names import full_name, resolve_system, with_bare_names
from lgsp_gateway.registry.instance import THIS
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

TITLE = {"vi": "Một cửa", "en": "One stop"}
SPEC = {"identifier": "VN", "memberClass": "GOV"}
NAME = "VN/GOV/H49.12/mot-cua"


def registry(*, named: bool = True) -> RegistrySnapshot:
    found = RegistrySnapshot()
    specs: list[tuple[str, str, Any]] = [
        ("Agency", "H49.12", {"title": TITLE}),
        ("System", "mot-cua", {"agency": "H49.12", "title": TITLE}),
    ]
    specs += [("Instance", THIS, SPEC)] if named else []
    for revision, (kind, name, spec) in enumerate(specs, 1):
        found.apply(DocumentVersion.of(kind, DocumentName(name), spec, revision, 0, "test", ""))
    return found


def test_a_bare_name_means_this_instance() -> None:
    for named in (True, False):
        assert resolve_system("mot-cua", registry(named=named)) == "mot-cua"
        assert resolve_system("nobody-yet", registry(named=named)) == "nobody-yet"


def test_a_full_name_of_ours_is_the_same_system() -> None:
    assert resolve_system(NAME, registry()) == "mot-cua"
    assert str(full_name(SystemName("mot-cua"), registry())) == NAME
    assert full_name(SystemName("mot-cua"), registry(named=False)) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("VN-QN/GOV/H49.12/mot-cua", "another instance"),
        ("VN/COM/H49.12/mot-cua", "No system of VN"),
        ("VN/GOV/H49.13/mot-cua", "No system of VN"),
        ("VN/GOV/H49.12/nobody", "No system of VN"),
        ("VN/GOV/mot-cua", "instance/class/member/subsystem"),
        ("VN/GOV/H49.12/mot cua", "instance/class/member/subsystem"),
    ],
)
def test_other_full_names_are_refused(name: str, words: str) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        resolve_system(name, registry())
    assert refused.value.code == "malformed"


def test_a_bus_without_a_name_knows_no_full_names() -> None:
    with pytest.raises(Refusal, match="declare Instance this"):
        resolve_system(NAME, registry(named=False))


def test_a_grant_speaks_of_its_consumer_by_the_bare_name() -> None:
    assert with_bare_names("Grant", {"consumer": NAME, "major": 1}, registry()) == {"consumer": "mot-cua", "major": 1}
    for spec in ({"consumer": "mot-cua"}, {"consumer": 1}, None, []):
        assert with_bare_names("Grant", spec, registry()) == spec
    with pytest.raises(Refusal, match="/spec/consumer: No system of VN") as refused:
        with_bare_names("Grant", {"consumer": "VN/GOV/H49.1/mot-cua"}, registry())
    assert refused.value.code == "invalid-document"


def test_there_is_one_instance_document() -> None:
    document = {"apiVersion": "lgsp/v1", "kind": "Instance", "metadata": {"name": "other"}, "spec": SPEC}
    with pytest.raises(Refusal, match="/metadata/name"):
        documents.check("registry", document, "x")
    documents.check("registry", {**document, "metadata": {"name": THIS}}, "x")


def test_a_deleted_instance_is_forgotten() -> None:
    found = registry()
    found.apply(DocumentVersion.of("Instance", DocumentName(THIS), None, 9, 0, "test", ""))
    assert found.instance is None
