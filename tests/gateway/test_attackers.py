"""No sequence of steps gets around a guard; and where a guard is missing, the attackers find it."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from support.attackers import Attackers, World

from lgsp_gateway.registry import grant_life
from lgsp_gateway.registry.kinds import Spec, Version
from lgsp_gateway.registry.permission import Permission
from lgsp_gateway.registry.state import System
from lgsp_problems import Refusal

STEPS = 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("attackers")).start()
    yield found
    found.stop()


def play(world: World, permission: type[Permission], examples: int) -> Counter[str]:
    """Let them play; what was counted."""

    class Playing(Attackers):
        pass

    Playing.world, Playing.permission, Playing.counted = world, permission, Counter()
    allowed = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Playing, settings=allowed)
    return Playing.counted


def test_attackers_get_nowhere(world: World) -> None:
    counted = play(world, Permission, 12)
    print(dict(counted))
    assert counted["steps"] >= 400
    assert counted["accepted"] >= 0.4 * counted["steps"]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_attackers_get_nowhere_in_ten_thousand_steps(world: World) -> None:
    counted = play(world, Permission, 260)
    print(dict(counted))
    assert counted["steps"] >= 10_000
    assert counted["accepted"] >= 0.4 * counted["steps"]


class NamesAreFree(Permission):
    """Another major version of a service is drafted by whoever drafts."""

    async def check_name(self, caller: System, service: str, majors: object) -> None:
        return


class KeysAreFree(Permission):
    """Roles are an operator's, what they are made of is not."""

    def check_powers(self, caller: System, before: Spec | None, after: Spec | None) -> None:
        roles = [set((spec or {}).get("roles", ())) for spec in (before, after)]
        if after is not None and roles[0] != roles[1] and "operator" not in caller.roles:
            raise Refusal("not-granted", vi="Không.", en="No.")


class SuspensionForgets(Permission):
    """A suspended grant stays suspended whatever it becomes, and is resumed as what it is."""

    def put_grant(self, caller: System, name: str, spec: Spec, known: Version | None) -> Spec:
        status = super().put_grant(caller, name, spec, known)
        return known.status if known and known.status.get("phase") == "suspended" else status

    def act(
        self, caller: System, name: str, known: Version, action: grant_life.Action, reason: str, until: str
    ) -> Spec:
        status = super().act(caller, name, known, action, reason, until)
        return {**status, "phase": "in-force"} if action == "resume" else status


GAPS: dict[str, tuple[type[Permission], str]] = {
    "names": (NamesAreFree, "took the name of"),
    "keys": (KeysAreFree, "is not what an operator made it|which has roles"),
    "approvals": (SuspensionForgets, "shows personal data"),
}


@pytest.mark.parametrize("gap", GAPS)
def test_attackers_find_a_gap(world: World, gap: str) -> None:
    permission, words = GAPS[gap]
    with pytest.raises(AssertionError, match=words):
        play(world, permission, 300)
