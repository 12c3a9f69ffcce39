"""What a right is made of is guarded like the right: names, keys, agencies, classifications, approvals."""

import copy
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.changes import Changes
from support.workbench import CONTRACTS, TEXT, Workbench, grant

from lgsp_auth.signing_keys import SigningKey

PAST = {"since": "2026-01-01", "sunset": "2026-06-30"}
PURPOSE = {"Lgsp-Purpose": "thu-nghiem"}


def contract(service: str, version: str = "1.0.0", provider: str = "outside", **operations: str) -> dict[str, Any]:
    """A contract whose operations are classified as said."""
    found = {**copy.deepcopy(CONTRACTS[0]), "service": service, "version": version, "provider": provider}
    read = found["operations"]["read"]
    found["operations"] = {
        name.replace("_", "-"): {**copy.deepcopy(read), "classification": rank}
        for name, rank in (operations or {"read": "internal"}).items()
    }
    return found


@pytest_asyncio.fixture
async def changes(bus: Workbench) -> AsyncIterator[Changes]:
    """Of a bus on which agency H49.2 has an administrator, an integrator and a system of its own."""
    found = Changes(bus)
    for name, roles in (("outside-admin", ["agency-admin"]), ("outside-integrator", ["integrator"]), ("outside", [])):
        assert (await found.put("System", name, agency="H49.2", title=TEXT, roles=roles)).status == 201
    yield found
    await found.undo()


async def draft(changes: Changes, system: str, found: dict[str, Any], phase: str = "draft", **more: Any) -> Any:
    name = f"{found['service']}-v{found['version'].split('.')[0]}"
    return await changes.put("Service", name, system, contract=found, phase=phase, **more)


# A service's name


async def test_another_major_of_somebody_elses_service_is_not_drafted(changes: Changes) -> None:
    for system in ("outside-integrator", "outside-admin"):
        got = await draft(changes, system, contract("desk", "2.0.0"))
        assert (got.status, got.code) == (403, "not-granted")
        assert "belongs to another agency" in got.json["detail"]
    assert (await draft(changes, "integrator", contract("desk", "3.0.0", "provider"))).status == 201
    provided = await draft(changes, "integrator", contract("desk", "4.0.0", "outside"))
    assert provided.code == "not-granted"


@pytest.mark.parametrize("phase", ["draft", "submitted", "published", "deprecated", "retired"])
async def test_a_service_name_stays_its_agencys_in_every_phase_and_afterwards(changes: Changes, phase: str) -> None:
    name = f"kept-{phase}"
    for step in {"deprecated": ("published",), "retired": ("published", "deprecated")}.get(phase, ()):
        more = {"deprecation": PAST} if step == "deprecated" else {}
        assert (await draft(changes, "operator", contract(name, provider="provider"), step, **more)).status in (
            200,
            201,
        )
    more = {"deprecation": PAST} if phase in ("deprecated", "retired") else {}
    got = await draft(changes, "operator", contract(name, provider="provider"), phase, **more)
    assert got.status in (200, 201), got.body
    assert (await draft(changes, "outside-integrator", contract(name, "2.0.0"))).code == "not-granted"
    assert (await changes.delete(f"services/{name}-v1")).status == 204
    for version in ("1.0.0", "2.0.0"):
        assert (await draft(changes, "outside-integrator", contract(name, version))).code == "not-granted"
    assert (await draft(changes, "integrator", contract(name, "2.0.0", "provider"))).status == 201


async def test_a_service_name_stays_its_agencys_when_its_provider_is_gone_too(changes: Changes) -> None:
    assert (await changes.put("System", "short-lived", agency="H49.1", title=TEXT)).status == 201
    assert (await draft(changes, "integrator", contract("orphan", provider="short-lived"))).status == 201
    assert (await changes.delete("services/orphan-v1", "integrator")).status == 204
    assert (await changes.delete("systems/short-lived", "agency-admin")).status == 204
    assert (await draft(changes, "outside-integrator", contract("orphan"))).code == "not-granted"
    assert (await draft(changes, "integrator", contract("orphan", provider="provider"))).status == 201


async def test_an_operator_transfers_a_service(changes: Changes) -> None:
    assert (await draft(changes, "outside-integrator", contract("moving"))).status == 201
    assert (await draft(changes, "operator", contract("moving", provider="provider"))).status == 200
    assert (await draft(changes, "outside-integrator", contract("moving", "2.0.0"))).code == "not-granted"
    assert (await draft(changes, "integrator", contract("moving", "2.0.0", "provider"))).status == 201


async def moved(changes: Changes, how: str, version: str, *, outside: bool) -> Any:
    """The service `lent` at another agency, or back at its own: by its contract, or with the system that provides it."""
    if how == "system":
        return await changes.put("System", "lender", agency="H49.2" if outside else "H49.1", title=TEXT)
    found = contract("lent", version, "outside" if outside else "lender", read="personal")
    return await draft(changes, "operator", found, "published")


@pytest.mark.parametrize("how", ["contract", "system"])
async def test_nobody_approves_for_a_provider_while_a_service_is_lent_to_them(changes: Changes, how: str) -> None:
    """An operator and the administrator of any agency do not make the two approvals of personal data of another one."""
    assert (await changes.put("System", "lender", agency="H49.1", title=TEXT)).status == 201
    lent = contract("lent", provider="lender", read="personal")
    assert (await draft(changes, "operator", lent, "published")).status == 201
    assert (await moved(changes, how, "1.1.0", outside=True)).status == 200
    asked = await changes.send(grant("lent-out", "gamma", "lent", read=["*"]), "outside-admin")
    assert asked.json["status"]["phase"] == "awaiting-operator"
    for phase in ("awaiting-operator", "in-force", "suspended"):
        back = await moved(changes, how, "1.2.0", outside=False)
        assert (back.status, back.code) == (409, "in-use"), phase
        assert "lent-out" in back.json["detail"]
        step = {"awaiting-operator": "approve", "in-force": "suspend", "suspended": "revoke"}[phase]
        assert (await changes.act("lent-out", step, "operator", reason="thử")).status == 200
    assert (await moved(changes, how, "1.2.0", outside=False)).status == 200
    assert (await changes.delete("grants/lent-out")).status == 204


async def test_an_approval_does_not_wait_for_a_service_of_the_same_name(changes: Changes) -> None:
    lent = contract("reborn", provider="outside", read="personal")
    assert (await draft(changes, "operator", lent, "published")).status == 201
    asked = await changes.send(grant("reborn-out", "gamma", "reborn", read=["*"]), "outside-admin")
    assert asked.json["status"]["phase"] == "awaiting-operator"
    assert (await changes.delete("services/reborn-v1")).code == "in-use"
    assert (await changes.delete("grants/reborn-out")).status == 204
    assert (await changes.delete("services/reborn-v1")).status == 204


# The name of a system and of a grant


async def test_the_name_of_a_deleted_system_stays_its_agencys(changes: Changes) -> None:
    assert (await changes.put("System", "was-ours", "agency-admin", agency="H49.1", title=TEXT)).status == 201
    assert (await changes.delete("systems/was-ours", "agency-admin")).status == 204
    taken = await changes.put("System", "was-ours", "outside-admin", agency="H49.2", title=TEXT)
    assert (taken.status, taken.code) == (403, "not-granted")
    assert (await changes.put("System", "was-ours", "agency-admin", agency="H49.1", title=TEXT)).status == 201


async def test_a_system_does_not_take_its_grants_to_another_agency(changes: Changes) -> None:
    assert (await changes.put("System", "mover", agency="H49.1", title=TEXT)).status == 201
    assert (await changes.send(grant("mover-desk", "mover", read=["*"]))).status == 201
    for system, code in (("operator", "in-use"), ("agency-admin", "not-granted"), ("outside-admin", "not-granted")):
        assert (await changes.put("System", "mover", system, agency="H49.2", title=TEXT)).code == code
    await changes.act("mover-desk", "revoke", "operator", reason="chuyển")
    assert (await changes.put("System", "mover", agency="H49.2", title=TEXT)).status == 200
    await changes.delete("grants/mover-desk")


async def test_a_grant_stays_with_its_consumer_and_its_service(changes: Changes) -> None:
    assert (await changes.send(grant("named", "gamma", read=["*"]))).status == 201
    for other in (grant("named", "poor", read=["*"]), grant("named", "gamma", "hidden", read=["*"])):
        for system in ("agency-admin", "operator"):
            assert (await changes.send(other, system)).code == "step-not-allowed"


# What a role is made of


@pytest.mark.parametrize("role", ["operator", "auditor", "agency-admin", "integrator"])
async def test_an_administrator_changes_nothing_that_a_role_is_made_of(changes: Changes, role: str) -> None:
    name = f"holds-{role}"
    mine = {"agency": "H49.1", "title": TEXT, "roles": [role], "jwks": [SigningKey.generate().public_jwk()]}
    assert (await changes.put("System", name, **mine)).status == 201
    other = SigningKey.generate().public_jwk()
    takes: list[dict[str, Any]] = [
        {**mine, "secretSha256": hashlib.sha256(b"known").hexdigest()},
        {**mine, "jwks": [other]},
        {**mine, "jwks": [*mine["jwks"], other]},
        {**mine, "jwks": []},
        {**mine, "roles": []},
        {**mine, "roles": [role, "developer"]},
        {key: value for key, value in mine.items() if key != "jwks"},
        {**mine, "agency": "H49.2"},
    ]
    for spec in takes:
        assert (await changes.put("System", name, "agency-admin", **spec)).code == "not-granted"
    assert (await changes.delete(f"systems/{name}", "agency-admin")).code == "not-granted"
    assert (
        await changes.put("System", name, "agency-admin", **{**mine, "title": {"vi": "B", "en": "B"}})
    ).status == 200
    assert (await changes.put("System", name, **{**mine, "jwks": [other]})).status == 200


@pytest.mark.parametrize("role", ["operator", "auditor", "agency-admin", "integrator"])
async def test_an_administrator_ends_no_tokens_of_whoever_has_a_role(
    changes: Changes, bus: Workbench, role: str
) -> None:
    name, ended = f"ended-{role}", f"systems/ended-{role}/end-tokens"
    mine = {"agency": "H49.1", "title": TEXT, "roles": [role]}
    assert (await changes.put("System", name, **mine)).status == 201
    assert (await bus.registry("POST", ended, {}, system="agency-admin")).code == "not-granted"
    other = {**mine, "title": {"vi": "B", "en": "B"}}
    assert (await changes.put("System", name, "agency-admin", "?endTokens=true", **other)).code == "not-granted"
    assert (await changes.put("System", name, "agency-admin", **other)).status == 200
    assert (await bus.registry("POST", ended, {}, system="operator")).status == 200
    assert (await changes.put("System", name, "operator", "?endTokens=true", **mine)).status == 200


async def test_an_administrator_changes_the_keys_of_systems_without_roles(changes: Changes) -> None:
    spec = {"agency": "H49.1", "title": TEXT}
    assert (await changes.put("System", "plain", "agency-admin", **spec)).status == 201
    key = {"jwks": [SigningKey.generate().public_jwk()], "secretSha256": "0" * 64}
    assert (await changes.put("System", "plain", "agency-admin", **spec, **key)).status == 200
    assert (await changes.put("System", "plain", "outside-admin", **spec)).code == "not-granted"
    assert (await changes.delete("systems/plain", "agency-admin")).status == 204


async def test_a_key_that_cannot_count_is_refused_in_words(changes: Changes) -> None:
    jwk = SigningKey.generate().public_jwk()
    for keys, words in (
        ([{**jwk, "x": "AAAA"}], "System keyed, /spec/jwks/0: the key cannot be read"),
        ([jwk, {**jwk, "d": "AAAA"}], "/spec/jwks/1: the key contains the private part"),
        ([jwk, jwk], "/spec/jwks/1: the key has the kid of another"),
        ([{"kty": "EC", "kid": ""}], "/spec/jwks/0/kid"),
    ):
        got = await changes.put("System", "keyed", agency="H49.1", title=TEXT, jwks=keys)
        assert (got.status, got.code) == (422, "invalid-document")
        assert words in got.json["detail"]


# Classifications, and the end of what was published


async def test_what_was_published_is_not_deleted_by_its_owner(changes: Changes) -> None:
    for phase in ("published", "deprecated", "retired"):
        more = {} if phase == "published" else {"deprecation": PAST}
        found = contract("promise", provider="provider", read="personal")
        assert (await draft(changes, "operator", found, phase, **more)).status in (200, 201)
        for system in ("integrator", "agency-admin"):
            got = await changes.delete("services/promise-v1", system)
            assert (got.status, got.code) == (403, "not-granted")
            assert "retire it after its sunset" in got.json["detail"]


LOWER = {
    "the same operation": {"read": "internal", "count": "internal"},
    "another name": {"read_2": "internal", "count": "internal"},
    "another name beside it": {"read": "personal", "count": "internal", "read_2": "internal"},
    "open": {"read": "personal", "count": "open"},
}


@pytest.mark.parametrize("how", LOWER)
async def test_a_classification_does_not_fall(changes: Changes, how: str) -> None:
    name = f"falls-{how.replace(' ', '-')}"
    high, low = {"read": "personal", "count": "internal"}, LOWER[how]

    async def lowered(version: str, phase: str = "draft") -> str:
        found: str = (await draft(changes, "integrator", contract(name, version, "provider", **low), phase)).code
        return found

    assert (await draft(changes, "integrator", contract(name, "1.0.0", "provider", **high))).status == 201
    assert await lowered("1.0.0") == "not-granted"
    assert await lowered("1.0.0", "submitted") == "not-granted"
    assert await lowered("2.0.0") == "not-granted"
    assert (await changes.delete(f"services/{name}-v1", "integrator")).status == 204
    assert await lowered("1.0.0") == "not-granted"
    assert await lowered("2.0.0") == "not-granted"
    got = await draft(changes, "operator", contract(name, "1.0.0", "provider", **low))
    assert got.status == 201
    assert (await draft(changes, "integrator", contract(name, "2.0.0", "provider", **low))).status == 201


async def test_a_classification_does_not_fall_in_two_steps(changes: Changes) -> None:
    for operations in ({"read": "personal", "count": "personal"}, {"count": "personal"}):
        got = await draft(changes, "integrator", contract("two-steps", provider="provider", **operations))
        assert got.status in (200, 201)
    for name in ("read", "read_2"):
        low = contract("two-steps", provider="provider", count="personal", **{name: "internal"})
        assert (await draft(changes, "integrator", low)).code == "not-granted"
    assert (await draft(changes, "operator", low)).status == 200
    kept = contract("two-steps", provider="provider", count="personal", read_2="internal", other="personal")
    assert (await draft(changes, "integrator", kept)).status == 200


async def test_what_is_personal_is_not_answered_by_an_operation_that_is_not(changes: Changes) -> None:
    found = contract("swapped", provider="provider", read="internal", person="personal")
    found["operations"]["person"]["response"]["required"] = ["ketQua", "biMat"]
    found["operations"]["person"]["example"] = {**found["operations"]["person"]["example"]}
    found["operations"]["person"]["example"]["response"] = {"ketQua": "KHOP", "biMat": "x"}
    assert (await draft(changes, "integrator", found)).status == 201
    swapped = copy.deepcopy(found)
    swapped["operations"]["read"] = {**copy.deepcopy(found["operations"]["person"]), "classification": "internal"}
    assert (await draft(changes, "integrator", swapped)).code == "not-granted"


async def test_true_does_not_pass_for_one_in_a_published_contract(changes: Changes) -> None:
    """In Python they are equal."""
    found = contract("booleans", provider="provider")
    found["operations"]["read"]["request"] = {
        "type": "object",
        "properties": {"soDinhDanh": {"type": "string"}, "flag": {"enum": [1]}},
    }
    assert (await draft(changes, "operator", found, "published")).status == 201
    other = copy.deepcopy(found)
    other["operations"]["read"]["request"]["properties"]["flag"]["enum"] = [True]
    assert (await draft(changes, "integrator", other, "published")).code == "not-granted"


# Two approvals for personal data


async def test_a_grant_changed_while_suspended_waits_for_the_second_approval(changes: Changes, bus: Workbench) -> None:
    made = await changes.send(grant("slips", "gamma", read=["*"]), "agency-admin")
    assert made.json["status"]["phase"] == "in-force"
    assert (await changes.act("slips", "suspend", "agency-admin", reason="x")).status == 200
    put = await changes.send(grant("slips", "gamma", read_person=["*"]), "agency-admin")
    assert put.json["status"]["phase"] == "awaiting-operator"
    assert (await changes.act("slips", "resume", "agency-admin")).code == "step-not-allowed"
    assert (await changes.act("slips", "approve", "agency-admin")).code == "not-granted"
    got = await bus.call("read-person", system="gamma", headers={**PURPOSE, "Accept-Language": "en"})
    assert got.code == "not-granted"
    assert (await changes.act("slips", "approve", "operator")).json["status"]["phase"] == "in-force"


async def test_what_an_operator_puts_waits_for_the_provider(changes: Changes) -> None:
    put = await changes.send(grant("ordered", "gamma", read_person=["*"]))
    assert put.json["status"]["phase"] == "awaiting-provider"
    for system in ("operator", "operator-2"):
        got = await changes.act("ordered", "approve", system)
        assert got.code == "not-granted"
        assert "provider's agency" in got.json["detail"]
    approved = await changes.act("ordered", "approve", "agency-admin")
    assert approved.json["status"]["phase"] == "in-force"
    assert approved.json["status"]["approvedAs"] == {"operator": "operator", "agency-admin": "provider"}


async def test_nobody_approves_what_was_changed_after_they_read_it(changes: Changes, bus: Workbench) -> None:
    read = await changes.send(grant("swapped-late", "asker", read_person=["/ketQua"]), "asker")
    assert (await changes.send(grant("swapped-late", "asker", read_person=["*"]), "asker")).status == 200
    tag = {"If-Match": read.headers["ETag"]}
    got = await bus.registry("POST", "grants/swapped-late/approve", {}, system="agency-admin", headers=tag)
    assert (got.status, got.code) == (412, "revision-conflict")
    assert got.json["current"]["spec"]["operations"]["read-person"]["fields"] == ["*"]
    tag = {"If-Match": got.headers["ETag"]}
    now = await bus.registry("POST", "grants/swapped-late/approve", {}, system="agency-admin", headers=tag)
    assert now.json["status"]["phase"] == "awaiting-operator"


async def test_one_system_of_both_roles_is_one_approver(changes: Changes) -> None:
    roles = ["operator", "agency-admin"]
    assert (await changes.put("System", "both", agency="H49.1", title=TEXT, roles=roles)).status == 201
    put = await changes.send(grant("alone", "gamma", read_person=["*"]), "both")
    assert put.json["status"]["phase"] == "awaiting-operator"
    assert (await changes.act("alone", "approve", "both")).code == "not-granted"
    assert (await changes.send(grant("alone", "gamma", read_person=["*"]), "both")).json["status"]["phase"] == (
        "awaiting-operator"
    )
    assert (await changes.act("alone", "approve", "operator")).json["status"]["phase"] == "in-force"


WIDER: dict[str, dict[str, Any]] = {
    "operations": {"operations": {"read-person": {"fields": ["/ketQua"]}, "read": {"fields": ["/ketQua"]}}},
    "fields": {"operations": {"read-person": {"fields": ["/ketQua", "/cha/hoVaTen"]}}},
    "all fields": {"operations": {"read-person": {"fields": ["*"]}}},
    "purposes": {"purposes": ["thu-nghiem", "khac"]},
    "last day": {"validUntil": "2041-01-01"},
    "first day": {"validFrom": "2019-01-01"},
    "quota": {"quota": {"requests": 101, "per": "hour", "daily": 500}},
    "window": {"quota": {"requests": 100, "per": "second", "daily": 500}},
    "daily": {"quota": {"requests": 100, "per": "hour"}},
    "legal basis": {"legalBasis": "Luật khác"},
    "unbound tokens": {"senderConstrained": False},
    "on behalf of": {"onBehalfOf": "anyone"},
}
NARROW = {
    "operations": {"read-person": {"fields": ["/ketQua"]}},
    "quota": {"requests": 100, "per": "hour", "daily": 500},
    "senderConstrained": True,
    "onBehalfOf": "citizen",
}
NARROWER: dict[str, dict[str, Any]] = {
    "last day": {"validUntil": "2030-01-01"},
    "quota": {"quota": {"requests": 99, "per": "hour", "daily": 499}},
    "nothing": {},
}


@pytest.mark.parametrize("who", ["agency-admin", "operator"])
@pytest.mark.parametrize("phase", ["in-force", "suspended"])
async def test_what_was_approved_holds_for_less_and_not_for_more(changes: Changes, who: str, phase: str) -> None:
    name = f"wider-{who}-{phase}"
    spec = {**grant(name, "gamma", read_person=["*"])["spec"], **NARROW}

    async def approved() -> None:
        await changes.put("Grant", name, "agency-admin", **spec)
        assert (await changes.act(name, "approve", "operator")).json["status"]["phase"] == "in-force"
        if phase == "suspended":
            await changes.act(name, "suspend", "agency-admin", reason="x")

    for how, less in NARROWER.items():
        await approved()
        got = await changes.put("Grant", name, who, **{**spec, **less})
        assert got.json["status"]["phase"] == phase, how
        await changes.delete(f"grants/{name}")
    for how, more in WIDER.items():
        await approved()
        got = await changes.put("Grant", name, who, **{**spec, **more})
        waits = "awaiting-operator" if who == "agency-admin" else "awaiting-provider"
        assert got.json["status"]["phase"] == waits, how
        await changes.delete(f"grants/{name}")


async def test_an_approval_holds_for_what_its_approver_saw_last(changes: Changes) -> None:
    """Whoever narrows and widens again stays within what the other approved; what the other has narrowed stays so."""
    wide, narrow = grant("waves", "gamma", read_person=["*"]), grant("waves", "gamma", read_person=["/ketQua"])
    await changes.send(wide, "agency-admin")
    await changes.act("waves", "approve", "operator")
    for system in ("operator", "agency-admin"):
        for sent in (narrow, wide):
            assert (await changes.send(sent, system)).json["status"]["phase"] == "in-force"
    await changes.send(narrow, "agency-admin")
    assert (await changes.send(wide, "operator")).json["status"]["phase"] == "awaiting-provider"
    assert (await changes.act("waves", "approve", "agency-admin")).json["status"]["phase"] == "in-force"
    await changes.act("waves", "suspend", "agency-admin", reason="x")
    await changes.send(narrow, "operator")
    assert (await changes.send(wide, "operator")).json["status"]["phase"] == "suspended"
    assert (await changes.act("waves", "resume", "agency-admin")).json["status"]["phase"] == "in-force"


async def test_an_operation_becomes_personal_under_a_grant(changes: Changes, bus: Workbench) -> None:
    before = contract("rising", provider="provider", read="internal", count="internal")
    after = {**copy.deepcopy(before), "version": "1.1.0"}
    after["operations"]["read"]["classification"] = "personal"
    assert (await draft(changes, "operator", before, "published")).status == 201
    assert (await changes.send(grant("riser", "gamma", "rising", read=["*"]), "agency-admin")).status == 201
    refused = await draft(changes, "operator", after, "published")
    assert (refused.status, refused.code) == (409, "in-use")
    assert "lgsp grant approve riser" in refused.json["detail"]

    await changes.act("riser", "suspend", "agency-admin", reason="x")
    assert (await draft(changes, "operator", after, "published")).status == 200
    resumed = await changes.act("riser", "resume", "agency-admin")
    assert resumed.json["status"]["phase"] == "awaiting-operator"
    got = await bus.call(service="rising", system="gamma", headers={**PURPOSE, "Accept-Language": "en"})
    assert got.code == "not-granted"
    assert (await changes.act("riser", "approve", "operator")).json["status"]["phase"] == "in-force"
    assert (await bus.call(service="rising", system="gamma", headers=PURPOSE)).code == "no-adapter"


async def test_a_grant_in_force_is_approved_ahead_of_a_contract_that_makes_it_personal(changes: Changes) -> None:
    before = contract("foreseen", provider="provider", read="internal")
    after = {**copy.deepcopy(before), "version": "1.1.0"}
    after["operations"]["read"]["classification"] = "personal"
    assert (await draft(changes, "operator", before, "published")).status == 201
    assert (await changes.send(grant("ahead", "gamma", "foreseen", read=["*"]), "agency-admin")).status == 201
    assert (await changes.act("ahead", "approve", "agency-admin")).code == "not-granted"
    assert (await changes.act("ahead", "approve", "operator")).json["status"]["phase"] == "in-force"
    assert (await draft(changes, "operator", after, "published")).status == 200
