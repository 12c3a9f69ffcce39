"""The decision table of a call."""

import dataclasses

import pytest

from lgsp_auth.policy import AuthorizationRequest, Grant, Officer, Officers, Quota, Suspension, decide
from lgsp_problems import Refusal

NOW = 1000.0
GRANT = Grant(
    name="g",
    consumer="mot-cua",
    service="population",
    major=1,
    operations={"verify": ("*",)},
    purposes=frozenset({"giai-quyet-tthc"}),
    legal_basis="x",
    valid_from=0,
    valid_until=2000,
    quota=Quota(1, 1),
)
ASK = AuthorizationRequest("mot-cua", "population", 1, "verify", "giai-quyet-tthc", personal=True)
OTHER_PURPOSE = dataclasses.replace(GRANT, name="h", purposes=frozenset({"kham-chua-benh"}))
WIDER = dataclasses.replace(GRANT, name="w", operations={"verify": ("*",), "lookup": ("*",)})
FOR_OFFICERS = dataclasses.replace(GRANT, name="f", officers=Officers())
FOR_REGISTRARS = dataclasses.replace(
    GRANT, name="r", officers=Officers(positions=frozenset({"tu-phap-ho-tich"}), persons=frozenset({"p-b"}))
)
BY_CLERK = ASK._replace(officer=Officer("p-a"))
BY_NAMED = ASK._replace(officer=Officer("p-b"))
BY_REGISTRAR = ASK._replace(officer=Officer("p-c", frozenset({"tu-phap-ho-tich", "dia-chinh"})))
SUSPENDED = dataclasses.replace(GRANT, suspended=Suspension("x", ""))


@pytest.mark.parametrize(
    ("ask", "grants", "outcome"),
    [
        (ASK, [GRANT], "g"),
        (ASK, [], "not-granted"),
        (ASK, [dataclasses.replace(GRANT, valid_until=NOW)], "not-granted"),
        (ASK, [dataclasses.replace(GRANT, valid_from=NOW + 1)], "not-granted"),
        (ASK, [dataclasses.replace(GRANT, valid_from=NOW)], "g"),
        (ASK._replace(operation="lookup"), [GRANT], "not-granted"),
        (ASK._replace(purpose=""), [GRANT], "malformed"),
        (ASK._replace(purpose="", personal=False), [GRANT], "g"),
        (ASK._replace(purpose="khac"), [GRANT], "purpose-not-granted"),
        (ASK._replace(purpose="khac", personal=False), [GRANT], "purpose-not-granted"),
        (ASK._replace(purpose="kham-chua-benh"), [GRANT, OTHER_PURPOSE], "h"),
        (ASK, [OTHER_PURPOSE, GRANT], "g"),
        (ASK, [GRANT, WIDER], "g"),  # the first of several that allow a call decides alone
        (ASK, [WIDER, GRANT], "w"),
        (ASK, [SUSPENDED, WIDER], "w"),  # a suspended one is passed over
        (ASK, [SUSPENDED], "grant-suspended"),
        (ASK, [dataclasses.replace(GRANT, shows_personal=False), WIDER], "w"),
        (ASK, [FOR_OFFICERS, FOR_REGISTRARS], "not-granted"),  # a system is no officer
        (BY_CLERK, [GRANT], "not-granted"),  # and no officer a system
        (BY_CLERK, [FOR_REGISTRARS, FOR_OFFICERS], "f"),
        (BY_CLERK, [FOR_REGISTRARS], "not-granted"),
        (BY_NAMED, [FOR_REGISTRARS], "r"),
        (BY_REGISTRAR, [FOR_REGISTRARS], "r"),
        (BY_REGISTRAR._replace(purpose=""), [FOR_REGISTRARS], "malformed"),
        (BY_REGISTRAR._replace(purpose="khac"), [FOR_REGISTRARS], "purpose-not-granted"),
    ],
)
def test_decision(ask: AuthorizationRequest, grants: list[Grant], outcome: str) -> None:
    try:
        decided = decide(ask, grants, NOW).name
    except Refusal as refusal:
        decided = refusal.code
    assert decided == outcome


def test_a_refusal_names_the_purposes_that_would_do() -> None:
    with pytest.raises(Refusal) as refused:
        decide(ASK._replace(purpose="khac"), [GRANT, OTHER_PURPOSE], NOW)
    assert "giai-quyet-tthc, kham-chua-benh" in refused.value.detail.en
