"""The registry's documents: what is refused, with the place and the mend."""

import copy
from typing import Any

import pytest

from lgsp_contracts import catalog
from lgsp_contracts import documents as files
from lgsp_gateway.registry import document_rules
from lgsp_gateway.registry.documents import KINDS, DocumentVersion, from_contract
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

CONTRACTS = [contract for _, contract in files.read_folder(catalog.shipped_folder())]
TITLE = {"vi": "Một", "en": "One"}


def documents() -> dict[str, dict[str, Any]]:
    def document(kind: str, name: str, **spec: Any) -> dict[str, Any]:
        return {"apiVersion": "lgsp/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}

    return {
        "agency": document("Agency", "H49.1", title=TITLE),
        "system": document("System", "mot-cua", agency="H49.1", title=TITLE),
        "grant": document(
            "Grant",
            "g",
            consumer="mot-cua",
            service="population",
            major=1,
            operations={"lookup-citizen": {"fields": ["/hoVaTen", "/cha/soDinhDanh"]}},
            purposes=["giai-quyet-tthc"],
            legalBasis="Nghị định 61/2018",
            quota={"requests": 10, "per": "minute"},
            validFrom="2026-01-01",
            validUntil="2026-12-31",
        ),
    }


def registry(found: dict[str, dict[str, Any]]) -> RegistrySnapshot:
    """Check and apply documents one after the other, each after those it refers to, as a bootstrap does."""
    state = RegistrySnapshot()
    providers = {contract["provider"] for contract in CONTRACTS}
    for name in providers:
        state.apply(DocumentVersion.of("System", name, {"agency": "G01", "title": TITLE}, 1, 0, "x", ""))
    every = [*found.items(), *((str(c["service"]), from_contract(c)) for c in CONTRACTS)]
    order = [*KINDS, "Ministry"]  # what has no known kind comes first here, to be refused first
    for revision, (name, document) in enumerate(
        sorted(every, key=lambda pair: order.index(pair[1]["kind"]) % (len(order) - 1)), 2
    ):
        document_rules.check(document, f"{name}.yaml", state)
        state.apply(
            DocumentVersion.of(document["kind"], document["metadata"]["name"], document["spec"], revision, 0, "x", "")
        )
    return state


def test_a_grant_counts_from_its_first_day_to_its_last_in_vietnam() -> None:
    [grant] = registry(documents()).grants_held("mot-cua", "population", 1)
    assert not grant.in_force(1767200399)  # 31/12/2025 23:59:59 +07:00
    assert grant.in_force(1767200400)
    assert grant.in_force(1798736399)  # 31/12/2026 23:59:59 +07:00
    assert not grant.in_force(1798736400)
    assert (grant.quota.requests, grant.quota.seconds) == (10, 60)


@pytest.mark.parametrize(
    ("name", "path", "value", "words"),
    [
        ("agency", "kind", "Ministry", "/kind: must be one of"),
        ("agency", "apiVersion", "v2", "/apiVersion: must be one of: lgsp/v1"),
        ("agency", "metadata.name", "h49", "/metadata/name: must be an electronic identification code"),
        ("system", "spec.agency", "H49.2", "there is no Agency H49.2"),
        ("system", "spec.roles", ["king"], "/spec/roles/0: must be one of: operator"),
        ("system", "spec.jwks", [{"kty": "EC", "kid": "1", "d": "private"}], "/spec/jwks/0"),
        ("grant", "spec.consumer", "nobody", "there is no System nobody"),
        ("grant", "spec.service", "nothing", "there is no Service nothing-v1"),
        ("grant", "spec.major", 2, "there is no Service population-v2"),
        ("grant", "spec.operations", {"nothing": {"fields": ["*"]}}, "there is no operation nothing"),
        ("grant", "spec.operations", {"lookup-citizen": {"fields": ["/khong"]}}, "fields/0: there is no field /khong"),
        ("grant", "spec.operations", {"lookup-citizen": {"fields": ["/cha/khong"]}}, "there is no field /cha/khong"),
        ("grant", "spec.operations", {"lookup-citizen": {"fields": []}}, "must not be empty"),
        ("grant", "spec.purposes", [], "/spec/purposes: must not be empty"),
        ("grant", "spec.validUntil", "31/12/2026", "/spec/validUntil: must be an ISO 8601 date"),
        ("grant", "spec.quota", {"requests": 0, "per": "minute"}, "/spec/quota/requests: must be 1 or more"),
        ("grant", "spec.legalBasis", "", "/spec/legalBasis"),
    ],
)
def test_what_is_refused(name: str, path: str, value: Any, words: str) -> None:
    found = copy.deepcopy(documents())
    at = found[name]
    *way, last = path.split(".")
    for part in way:
        at = at[part]
    at[last] = value
    with pytest.raises(Refusal) as refused:
        registry(found)
    assert refused.value.code == "invalid-document"
    assert words in refused.value.detail.en
    assert refused.value.detail.en.startswith(f"{name}.yaml")


def test_a_service_is_named_after_its_contract() -> None:
    state = registry(documents())
    document = from_contract({**CONTRACTS[0]})
    document["metadata"]["name"] = "other-v1"
    with pytest.raises(Refusal, match="must be named enterprise-registry-v1"):
        document_rules.check(document, "x.yaml", state)


@pytest.mark.parametrize(
    ("kind", "name", "user"),
    [
        ("Agency", "H49.1", "System mot-cua"),
        ("System", "mot-cua", "Service one-stop-dossiers-v1"),
        ("System", "csdl-dan-cu", "Service population-v1"),
        ("Service", "population-v1", "Grant g"),
    ],
)
def test_what_is_used_stays(kind: str, name: str, user: str) -> None:
    with pytest.raises(Refusal, match=f"still used by {user}"):
        document_rules.check_unused(kind, name, registry(documents()))
    document_rules.check_unused("Grant", "g", registry(documents()))


def test_a_change_replaces_what_was_indexed() -> None:
    state = registry(documents())
    spec = copy.deepcopy(documents()["grant"]["spec"])
    spec["purposes"], spec["operations"] = ["khac"], {"lookup-citizen": {"fields": ["/hoVaTen"]}}
    [before] = state.grants_held("mot-cua", "population", 1)
    assert state.grants.projection(before, "lookup-citizen").apply({"cha": {"soDinhDanh": "1"}}) == {
        "cha": {"soDinhDanh": "1"}
    }
    state.apply(DocumentVersion.of("Grant", "g", spec, state.revision + 1, 0, "x", ""))
    [after] = state.grants_held("mot-cua", "population", 1)
    assert state.grants.projection(after, "lookup-citizen").apply({"cha": {"soDinhDanh": "1"}}) == {}
    assert (state.knows_purpose("khac"), state.knows_purpose("giai-quyet-tthc")) == (True, False)
    state.apply(
        DocumentVersion.of("Grant", "g", documents()["grant"]["spec"], 3, 0, "x", "")
    )  # older than what is known
    assert state.knows_purpose("khac")
    state.apply(DocumentVersion.of("Grant", "g", None, state.revision + 1, 0, "x", ""))
    assert not state.grants_held("mot-cua", "population", 1)
    assert not state.knows_purpose("khac")
