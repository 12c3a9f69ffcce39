"""The life cycles: complete, and as the handbook shows them."""

from pathlib import Path

import pytest

from lgsp_gateway.registry.lifecycle import contracts, grants, persons, suspension
from lgsp_gateway.registry.lifecycle.transitions import ABSENT, StateMachine

HANDBOOK = Path(__file__).parents[3] / "docs" / "operate" / "administer-the-registry.md"
LIVES = {
    "contract": contracts.TRANSITIONS,
    "grant": grants.TRANSITIONS,
    "person": persons.TRANSITIONS,
    "suspension": suspension.TRANSITIONS,
}


@pytest.mark.parametrize("name", LIVES)
def test_the_handbook_shows_the_table(name: str) -> None:
    assert "\n".join(LIVES[name].table()) in HANDBOOK.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LIVES)
def test_every_phase_is_reached_and_left(name: str) -> None:
    life: StateMachine = LIVES[name]
    left = {phase for phase, _ in life.rows}
    reached = {after for followers in life.rows.values() for after in followers.values()}
    waiting = {"awaiting-operator", "awaiting-provider"} if name in ("grant", "person") else set()  # for an approval
    assert left - reached <= waiting | ({ABSENT} if name != "suspension" else set())
    assert reached <= left


def test_the_phases_of_a_suspension() -> None:
    status = {"suspension": {"since": 100, "until": 200, "reason": "x"}}
    found = [suspension.phase_of(status, now) for now in (99, 100, 199, 200)]
    assert found == ["planned", "suspended", "suspended", "answering"]
    assert suspension.phase_of({}, 100) == "answering"
