"""No sequence of steps gets around a guard; and where a guard is missing, the attackers find it."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from support.attackers import AGENCIES, Attackers, World, contract
from support.workbench import TEXT, document, grant

from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentSpec, DocumentVersion
from lgsp_gateway.registry.lifecycle import grants
from lgsp_gateway.registry.permission import Permission
from lgsp_problems import Refusal

STEPS = 60


async def race(world: World, number: int) -> None:
    """Over one gateway a grant comes into force with one approval, over another its operation becomes personal."""
    follower, other = await world.another_gateway()
    one = world.administration(Permission)
    root = world.principal("root")
    mine = {"agency": AGENCIES[0], "title": TEXT}
    for name, spec in (("admin", {**mine, "roles": ["agency-admin"]}), ("provider", mine)):
        await one.put(root, document("System", f"race-{number}-{name}", **spec), 0, "")
    served = contract(f"race-{number}", 1, f"race-{number}-provider", {"read": "internal"}, {"read": "tonTai"})
    service = await one.put(root, document("Service", f"race-{number}-v1", contract=served), 0, "")
    await follower.wait_for_revision(service.revision)
    personal = contract(f"race-{number}", 1, f"race-{number}-provider", {"read": "personal"}, {"read": "tonTai"})
    personal["version"] = "1.1.0"
    raised = document("Service", f"race-{number}-v1", contract=personal)
    asked = grant(f"race-{number}", f"race-{number}-provider", f"race-{number}", read=["*"])
    admin = world.principal(f"race-{number}-admin")
    await asyncio.gather(
        one.put(admin, asked, 0, ""), other.put(root, raised, service.revision, ""), return_exceptions=True
    )
    await world.follower.catch_up()
    given = world.registry.versions["Grant"].get(f"race-{number}")
    found = world.registry.contract(f"race-{number}", 1)
    assert given
    assert found
    in_force = given.status["phase"] == "in-force"
    assert not (in_force and found.operations["read"].classification == "personal")
    await follower.stop()


def test_no_race_between_gateways_gets_around_a_guard(world: World) -> None:
    for number in range(10):
        world.do(race(world, number))


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

    async def check_name(self, caller: Principal, service: str, majors: object) -> None:
        return


class KeysAreFree(Permission):
    """Roles are an operator's, what they are made of is not."""

    def check_powers(self, caller: Principal, before: DocumentSpec | None, after: DocumentSpec | None) -> None:
        roles = [set((spec or {}).get("roles", ())) for spec in (before, after)]
        if after is not None and roles[0] != roles[1] and "operator" not in caller.roles:
            raise Refusal("not-granted", vi="Không.", en="No.")


class SuspensionForgets(Permission):
    """A suspended grant stays suspended whatever it becomes, and is resumed as what it is."""

    def put_grant(
        self, caller: Principal, name: str, spec: DocumentSpec, known: DocumentVersion | None
    ) -> DocumentSpec:
        status = super().put_grant(caller, name, spec, known)
        return known.status if known and known.status.get("phase") == "suspended" else status

    def act(
        self, caller: Principal, name: str, known: DocumentVersion, action: grants.Action, reason: str, until: str
    ) -> DocumentSpec:
        status = super().act(caller, name, known, action, reason, until)
        return {**status, "phase": "in-force"} if action == "resume" else status


class RanksAreFree(Permission):
    """A classification is whatever the newest version says."""

    async def check_classification(self, *_: object) -> None:
        return


class AnythingIsDeleted(Permission):
    """What was published is deleted by whoever may change it."""

    def delete(self, caller: Principal, kind: str, name: DocumentName, known: DocumentVersion) -> None:
        if kind != "Service":
            super().delete(caller, kind, name, known)


class ApprovalsLast(Permission):
    """Who approved a grant has approved whatever it becomes."""

    def put_grant(
        self, caller: Principal, name: DocumentName, spec: DocumentSpec, known: DocumentVersion | None
    ) -> DocumentSpec:
        status = super().put_grant(caller, name, spec, known)
        return known.status if known and known.status.get("phase") == "in-force" else status


GAPS: dict[str, tuple[type[Permission], str]] = {
    "names": (NamesAreFree, "took the name of"),
    "keys": (KeysAreFree, "is not what an operator made it|which has roles"),
    "approvals": (SuspensionForgets, "shows personal data"),
    "classifications": (RanksAreFree, "lowered"),
    "deletions": (AnythingIsDeleted, "which was published"),
    "widening": (ApprovalsLast, "shows personal data"),
}


_SLOWER = ("classifications", "deletions", "widening")


@pytest.mark.parametrize("gap", [pytest.param(gap, marks=[pytest.mark.long] * (gap in _SLOWER)) for gap in GAPS])
def test_attackers_find_a_gap(world: World, gap: str) -> None:
    permission, words = GAPS[gap]
    with pytest.raises(AssertionError, match=words):
        play(world, permission, 300)
