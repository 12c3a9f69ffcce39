"""Who linked an account does not confirm it too, whatever happens to the person in between."""

from collections.abc import Mapping
from typing import Any

import pytest

from lgsp_auth.principal import Principal
from lgsp_gateway.registry.lifecycle import deputies, persons
from lgsp_problems import Refusal

OPERATOR = Principal("H49", frozenset({"operator"}), person="p-operator")
SECOND = Principal("H49", frozenset({"operator"}), person="p-second")
DEVELOPER = {"issuer": "https://id", "agency": "H49", "roles": ["developer"]}
ABSENT = {
    **DEVELOPER,
    "roles": ["agency-admin"],
    "deputy": {"person": "p-new", "from": "2026-12-01", "until": "2026-12-09"},
}


def name_deputy(status: Mapping[str, Any], operator: Principal, operators: int) -> dict[str, Any]:
    editor = persons.Editor(operator, operators)
    return deputies.named("p-admin", ABSENT, (DEVELOPER, dict(status)), editor, "2026-12-01")


@pytest.mark.parametrize("operators", [1, 2])
def test_an_operator_makes_no_second_self_a_deputy_by_suspending_and_resuming_them(operators: int) -> None:
    editor = persons.Editor(OPERATOR, operators)
    status = persons.link("p-new", frozenset(DEVELOPER["roles"]), {"phase": "created"}, editor, "commitment")
    for step in ("suspend", "resume"):
        status = persons.act("p-new", step, status, editor, "thử")
    assert status["phase"] == "active"
    with pytest.raises(Refusal, match="prepared"):
        name_deputy(status, OPERATOR, operators)
    assert name_deputy(status, SECOND, 2)["deputyNamed"]["person"] == "p-new"


def test_an_edit_by_another_operator_does_not_let_the_first_confirm_the_account_that_they_linked() -> None:
    admin = {**DEVELOPER, "roles": ["agency-admin"]}
    first, second, third = (
        persons.Editor(Principal("H49", frozenset({"operator"}), person=name), 3)
        for name in ("p-operator", "p-second", "p-third")
    )
    status = persons.link("p-new", frozenset(admin["roles"]), {"phase": "created"}, first, "commitment")
    status = persons.put("p-new", admin, {**admin, "positions": ["registrar"]}, status, second)
    assert status["phase"] == "awaiting-operator"
    for editor in (first, second):  # each has made a part of what would be confirmed
        with pytest.raises(Refusal, match="prepared"):
            persons.act("p-new", "approve", status, editor, "")
    assert persons.act("p-new", "approve", status, third, "")["phase"] == "active"
    again = persons.link("p-new", frozenset(admin["roles"]), status, first, "commitment")
    assert persons.act("p-new", "approve", again, second, "")["phase"] == "active"
