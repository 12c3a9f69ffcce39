"""Grants on events: they are decided, indexed, classified and approved as those on operations are."""

import copy
from typing import Any

import pytest
from support import announcing

from lgsp_auth.policy import EventAuthorizationRequest, decide
from lgsp_gateway.calls import missing_grants
from lgsp_gateway.registry import approvals, classification, document_rules, references
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

NOW = 1_800_000_000.0
REQUEST = EventAuthorizationRequest(
    "mot-cua", announcing.SERVICE, 1, announcing.EVENT, announcing.PURPOSE, personal=True
)


def registry(*grants: tuple[dict[str, Any], dict[str, Any]]) -> RegistrySnapshot:
    """Return a registry with the service and some grants, each with its status."""
    snapshot = RegistrySnapshot()
    systems = [
        ("System", name, {"agency": "H49.1", "title": announcing.TITLE}, {})
        for name in ("mot-cua", announcing.PROVIDER)
    ]
    service = ("Service", "dossiers-v1", {"contract": announcing.contract(), "phase": "published"}, {})
    granted = [("Grant", f"g{number}", spec, status) for number, (spec, status) in enumerate(grants)]
    for revision, (kind, name, spec, status) in enumerate([*systems, service, *granted], 1):
        snapshot.apply(DocumentVersion.of(kind, name, spec, revision, 0, "x", "", status))
    return snapshot


def document(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "lgsp/v1", "kind": "Grant", "metadata": {"name": "g"}, "spec": spec}


@pytest.mark.parametrize(
    ("request_", "outcome"),
    [
        (REQUEST, "g0"),
        (REQUEST._replace(purpose=""), "malformed"),
        (REQUEST._replace(purpose="khac"), "purpose-not-granted"),
        (REQUEST._replace(event="read-dossier"), "not-granted"),  # an operation of that name is no event
    ],
)
def test_decision(request_: EventAuthorizationRequest, outcome: str) -> None:
    operations = {"read-dossier": {"fields": ["*"]}}
    state = registry((announcing.grant("mot-cua", ["/maHoSo"], operations=operations), {}))
    try:
        decided = decide(request_, state.grants_held("mot-cua", announcing.SERVICE, 1), NOW).name
    except Refusal as refusal:
        decided = refusal.code
    assert decided == outcome


def test_a_grant_shows_the_fields_of_an_event_that_it_names() -> None:
    state = registry((announcing.grant("mot-cua", ["/maHoSo"]), {}))
    [grant] = state.grants_held("mot-cua", announcing.SERVICE, 1)
    projection = state.grants.event_projection(grant, announcing.EVENT)
    assert projection.apply(announcing.DATA) == {"maHoSo": "H49-1"}
    assert references.shows_personal_data(announcing.grant("mot-cua", ["/maHoSo"]), state)


def test_a_refusal_says_what_has_become_of_the_grant() -> None:
    state = registry((announcing.grant("mot-cua", ["*"]), {"phase": "requested"}))
    with pytest.raises(Refusal) as refused:
        decide(REQUEST, state.grants_held("mot-cua", announcing.SERVICE, 1), NOW)
    explained = missing_grants.explain(refused.value, REQUEST, state, NOW)  # type: ignore[arg-type]
    assert "may not receive dossiers v1/events/dossier-closed now: grant g0, requested on" in explained.detail.en
    assert "chưa được nhận dossiers v1/events/dossier-closed" in explained.detail.vi


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ({"nothing": {"fields": ["*"]}}, "/spec/events/nothing: there is no event nothing"),
        ({announcing.EVENT: {"fields": ["/khong"]}}, "/fields/0: there is no field /khong"),
        ({announcing.EVENT: {"fields": []}}, "must not be empty"),
        (None, "/spec: needs at least one of: operations, events"),
    ],
)
def test_what_is_refused(events: Any, words: str) -> None:
    spec = announcing.grant("mot-cua", ["*"])
    spec |= {"events": events}
    if events is None:
        del spec["events"]
    with pytest.raises(Refusal) as refused:
        document_rules.check(document(spec), "g.yaml", registry())
    assert words in refused.value.detail.en


def test_an_approval_covers_no_event_more_and_no_field_more() -> None:
    before = announcing.grant("mot-cua", ["/maHoSo"])
    assert approvals.covers(before, before)
    assert not approvals.covers(before, announcing.grant("mot-cua", ["/maHoSo", "/soDinhDanh"]))
    assert not approvals.covers(before, before | {"operations": {"read-dossier": {"fields": ["*"]}}})
    assert not approvals.covers(before, before | {"events": {"other": {"fields": ["*"]}}})


def test_a_classification_of_an_event_falls_by_an_operator_only() -> None:
    personal, internal = announcing.contract(), announcing.contract(classification="internal")
    renamed = copy.deepcopy(internal)
    renamed["events"]["other"] = renamed["events"].pop(announcing.EVENT)
    known = classification.KnownExchanges()
    known.add(personal)
    for lowered in (internal, renamed):
        with pytest.raises(Refusal) as refused:
            classification.check("dossiers-v1", personal, [known], lowered)
        assert refused.value.code == "not-granted"
    assert classification.rises(internal, personal) == {("events", announcing.EVENT)}


def test_what_becomes_personal_is_not_received_under_a_grant_approved_for_less() -> None:
    status = {"phase": "in-force", "approvedAs": {"a": "provider"}}
    state = registry((announcing.grant("mot-cua", ["*"]), status))
    risen = {("events", announcing.EVENT)}
    assert references.approved_for_less(announcing.SERVICE, 1, risen, state) == "g0"
    assert not references.approved_for_less(announcing.SERVICE, 1, {("operations", announcing.EVENT)}, state)


OFFICERS = {
    "all": {},
    "registrars": {"positions": ["tu-phap-ho-tich"]},
    "two positions": {"positions": ["tu-phap-ho-tich", "dia-chinh"]},
    "one": {"persons": [f"p-{'a' * 26}"]},
    "ten an hour": {"quota": {"requests": 10, "per": "hour"}},
    "five an hour": {"quota": {"requests": 5, "per": "hour"}},
}


@pytest.mark.parametrize(
    ("before", "after", "covered"),
    [
        ("all", "all", True),
        ("all", "registrars", True),
        ("all", "ten an hour", True),
        ("two positions", "registrars", True),
        ("ten an hour", "five an hour", True),
        ("registrars", "all", False),
        ("registrars", "two positions", False),
        ("registrars", "one", False),
        ("ten an hour", "all", False),
        ("five an hour", "ten an hour", False),
    ],
)
def test_an_approval_covers_no_officer_more_and_no_call_more_of_one(before: str, after: str, covered: bool) -> None:
    spec = announcing.grant("forms-h49-12", ["/maHoSo"])
    assert approvals.covers(spec | {"officers": OFFICERS[before]}, spec | {"officers": OFFICERS[after]}) is covered
    assert not approvals.covers(spec, spec | {"officers": OFFICERS[after]})
    assert not approvals.covers(spec | {"referenceRequired": True}, spec)
