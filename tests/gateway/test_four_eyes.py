"""Four eyes are two persons': not one person through two systems, nor with the systems whose keys they registered."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.people import People
from support.workbench import CONTRACTS, TEXT, document, grant

from lgsp_auth.signing_keys import SigningKey

SECRET = "a-secret-of-a-system"


@dataclass
class Office:
    """Two operators and the administrator of an agency, signed in; each by id and token."""

    people: People
    first: tuple[str, str]
    second: tuple[str, str]
    admin: tuple[str, str]
    security_log: Path


async def awaiting(people: People, subject: str, *roles: str, by: str = "operator", agency: str = "H49.1") -> str:
    """Register somebody who waits for another operator."""
    person = await people.create(*roles, by=by, agency=agency)
    got = await people.link(person, await people.code(subject), by=by)
    assert got.json["status"]["phase"] == "awaiting-operator", got.body
    return person


@pytest_asyncio.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    people = await People.start(folder, "--security-log", str(folder / "security.log"))
    first = await people.signed_in("first", "operator")  # where there is no other, a system makes the first one alone
    second = await awaiting(people, "second", "operator")
    assert (await people.act(second, "approve", by=first[1])).status == 200
    admin = await awaiting(people, "admin", "agency-admin", by=first[1])
    second_token = await people.session("second")
    assert (await people.act(admin, "approve", by=second_token)).status == 200
    admin_token = await people.session("admin")
    yield Office(people, first, (second, second_token), (admin, admin_token), folder / "security.log")
    await people.stop()


async def system(people: People, name: str, *roles: str, by: str, agency: str = "H49.1") -> str:
    """Register a system with a secret, and take a token of it."""
    secret = hashlib.sha256(SECRET.encode()).hexdigest()
    spec = {"agency": agency, "title": TEXT, "roles": list(roles), "secretSha256": secret}
    got = await people.ask("POST", "systems", document("System", name, **spec), by=by)
    assert got.status == 201, got.body
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": SECRET}
    async with people.bus.session.post("/oauth2/token", data=form) as answer:
        return str((await answer.json())["access_token"])


def as_token(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def requested(people: People, name: str) -> None:
    """A grant on personal data that its consumer's agency has asked for."""
    got = await people.ask("POST", "grants", grant(name, "gamma", read_person=["*"]), by="developer")
    assert (got.status, got.json["status"]["phase"]) == (201, "requested")


async def approve(people: People, name: str, token: str) -> Any:
    """Approve a grant; its phase afterwards, or the code and the words of the refusal."""
    got = await people.bus.registry("POST", f"grants/{name}/approve", {}, headers=as_token(token))
    return got.json["status"]["phase"] if got.status == 200 else (got.code, got.json["detail"])


async def test_two_persons_bring_personal_data_into_force(office: Office) -> None:
    people = office.people
    await requested(people, "two-persons")
    assert await approve(people, "two-persons", office.first[1]) == "awaiting-provider"
    code, words = await approve(people, "two-persons", office.first[1])
    assert code == "not-granted"
    assert "somebody else" in words or "administrator" in words
    assert await approve(people, "two-persons", office.admin[1]) == "in-force"
    status = (await people.ask("GET", "grants/two-persons")).json["status"]
    assert status["approvedAs"] == {f"person/{office.first[0]}": "operator", f"person/{office.admin[0]}": "provider"}
    history = (await people.ask("GET", "grants/two-persons/history")).json["items"]
    assert [one["metadata"]["updatedBy"] for one in history] == [
        f"person/{office.admin[0]}",
        f"person/{office.first[0]}",
        "developer",
    ]


async def test_systems_approve_no_personal_data_where_there_are_persons(office: Office) -> None:
    people = office.people
    await requested(people, "by-systems")
    for name in ("agency-admin", "operator"):
        code, words = await approve(people, "by-systems", people.bus.token(name))
        assert code == "not-granted"
        assert "lgsp login" in words
    written = await people.ask(
        "PUT", "grants/by-systems", await current(people, "by-systems"), **await tag(people, "by-systems")
    )
    assert written.json["status"]["phase"].startswith("awaiting"), written.body
    assert await approve(people, "by-systems", office.admin[1]) == "awaiting-operator"
    assert await approve(people, "by-systems", office.second[1]) == "in-force"


async def current(people: People, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (await people.ask("GET", f"grants/{name}")).json
    return {**document("Grant", name, **found["spec"])}


async def tag(people: People, name: str) -> dict[str, str]:
    return {"If-Match": (await people.ask("GET", f"grants/{name}")).headers["ETag"]}


async def test_systems_go_on_with_what_is_not_personal(office: Office) -> None:
    people = office.people
    got = await people.ask("POST", "grants", grant("plain", "gamma", read=["*"]), by="agency-admin")
    assert (got.status, got.json["status"]["phase"]) == (201, "in-force")


async def test_one_person_through_two_systems_is_one(office: Office) -> None:
    people = office.people
    both = await awaiting(people, "both", "operator", "agency-admin", by=office.first[1])
    assert (await people.act(both, "approve", by=office.second[1])).status == 200
    tokens = []
    for name in ("portal-one", "portal-two"):
        await system(people, name, by="operator")
        tokens.append(await people.session("both", client_id=name, client_secret=SECRET))
    principals = [(await people.me(token)).json["principal"] for token in tokens]
    assert principals == [f"person/{both}@portal-one", f"person/{both}@portal-two"]
    await requested(people, "one-person")
    assert await approve(people, "one-person", tokens[0]) == "awaiting-operator"
    assert (await approve(people, "one-person", tokens[1]))[0] == "not-granted"
    assert (await people.ask("GET", "grants/one-person")).json["status"]["phase"] == "awaiting-operator"
    assert await approve(people, "one-person", office.second[1]) == "in-force"


async def test_a_system_whose_keys_a_person_registered_has_their_eyes(office: Office) -> None:
    """An operator who makes a system of the provider's agency knows its key: its approval is theirs."""
    people = office.people
    mine = await system(people, "mine", "agency-admin", by=office.first[1])
    await requested(people, "mine-too")
    assert await approve(people, "mine-too", office.first[1]) == "awaiting-provider"
    assert (await approve(people, "mine-too", mine))[0] == "not-granted"
    # and what such a system makes is the same person's, too
    theirs = await system(people, "theirs", "operator", by=office.first[1])
    made = await people.bus.registry(
        "POST", "persons", document("Person", "p-" + "z" * 26, issuer=people.issuer.url, agency="H49.1", roles=["operator"]),
        headers=as_token(theirs),
    )  # fmt: skip
    assert made.status == 201
    linked = await people.bus.registry(
        "POST", f"persons/p-{'z' * 26}/link", {"account": await people.code("sock-puppet")}, headers=as_token(theirs)
    )
    assert linked.json["status"]["phase"] == "awaiting-operator"
    assert (await people.act("p-" + "z" * 26, "approve", by=office.first[1])).code == "not-granted"


async def test_a_key_has_its_registrar_while_somebody_else_changes_the_others(office: Office) -> None:
    """Who registered the secret of a system still knows it after another operator has added a key."""
    people = office.people
    shared = await system(people, "shared", "agency-admin", by=office.first[1])
    last = await people.ask("GET", "systems/shared")
    spec = {**last.json["spec"], "jwks": [SigningKey.generate().public_jwk()]}
    headers = {**as_token(office.second[1]), "If-Match": last.headers["ETag"]}
    changed = await people.bus.registry("PUT", "systems/shared", document("System", "shared", **spec), headers=headers)
    assert changed.status == 200, changed.body
    for name, operator in (("shared-first", office.first[1]), ("shared-second", office.second[1])):
        await requested(people, name)
        assert await approve(people, name, operator) == "awaiting-provider"
        assert (await approve(people, name, shared))[0] == "not-granted"


async def test_two_systems_make_no_person_who_approves(office: Office) -> None:
    people = office.people
    person = await awaiting(people, "of-systems", "operator")
    for approver in ("operator-2", office.second[1]):  # a system prepared it, and there are two persons who could
        assert (await people.act(person, "approve", by=approver)).code == "not-granted"
    refused = await people.exchange(people.issuer.id_token("of-systems"))
    assert "approval" in refused.json["error_description"]
    linked = await people.link(person, await people.code("of-systems-again"), by=office.first[1])
    assert linked.json["status"]["phase"] == "awaiting-operator"
    assert (await people.act(person, "approve", by=office.second[1])).status == 200


async def test_nobody_prepares_and_approves_one(office: Office) -> None:
    people = office.people
    person = await awaiting(people, "alone", "agency-admin", by=office.first[1])
    assert (await people.act(person, "approve", by=office.first[1])).code == "not-granted"
    linked = await people.link(person, await people.code("alone-again"), by=office.second[1])
    assert linked.json["status"]["phase"] == "awaiting-operator"
    assert (await people.act(person, "approve", by=office.second[1])).code == "not-granted"
    assert (await people.act(person, "approve", by=office.first[1])).status == 200


@pytest.mark.parametrize("gain", ["roles", "agency", "account"])
async def test_what_an_approver_gains_is_approved_again(office: Office, gain: str) -> None:
    people, subject = office.people, f"gains-{gain}"
    roles = ["developer"] if gain == "roles" else ["agency-admin"]
    person = await people.create(*roles, by=office.first[1])
    await people.link(person, await people.code(subject), by=office.first[1])
    if gain != "roles":
        assert (await people.act(person, "approve", by=office.second[1])).status == 200
    token = await people.session(subject)
    last = await people.ask("GET", f"persons/{person}")
    spec = dict(last.json["spec"])
    if gain == "account":
        got = await people.link(person, await people.code("another"), by=office.first[1])
    else:
        spec |= {"roles": ["operator"]} if gain == "roles" else {"agency": "H49.2"}
        sent = document("Person", person, **spec)
        got = await people.ask(
            "PUT", f"persons/{person}", sent, by=office.first[1], **{"If-Match": last.headers["ETag"]}
        )
    assert got.json["status"]["phase"] == "awaiting-operator", got.body
    assert (await people.me(token)).status == 401
    assert (await people.act(person, "approve", by=office.first[1])).code == "not-granted"


async def test_nobody_approves_what_was_changed_after_they_read_it(office: Office) -> None:
    people = office.people
    person = await awaiting(people, "heard", "agency-admin", by=office.first[1])
    read = await people.ask("GET", f"persons/{person}")
    assert (await people.link(person, await people.code("puppet"), by=office.first[1])).status == 200
    stale = {"If-Match": read.headers["ETag"]}
    got = await people.ask("POST", f"persons/{person}/approve", {}, by=office.second[1], **stale)
    assert (got.status, got.code) == (412, "revision-conflict")
    refused = await people.exchange(people.issuer.id_token("puppet"))
    assert refused.json["error"] == "invalid_grant"


async def approve_as_read(people: People, name: str, etag: str, token: str) -> Any:
    """Approve what was read under an entity tag; the phase afterwards, or the code of the refusal."""
    headers = {**as_token(token), "If-Match": etag}
    got = await people.bus.registry("POST", f"grants/{name}/approve", {}, headers=headers)
    return got.json["status"]["phase"] if got.status == 200 else got.code


async def test_an_approval_by_the_other_is_no_change_of_what_was_read(office: Office) -> None:
    people = office.people
    await requested(people, "read-by-both")
    read = (await tag(people, "read-by-both"))["If-Match"]
    assert await approve_as_read(people, "read-by-both", read, office.first[1]) == "awaiting-provider"
    assert await approve_as_read(people, "read-by-both", '"1"', office.admin[1]) == "revision-conflict"
    assert await approve_as_read(people, "read-by-both", read, office.admin[1]) == "in-force"


@pytest.mark.parametrize("change", ["spec", "denied"])
async def test_no_grant_is_approved_that_was_changed_or_denied_after_it_was_read(office: Office, change: str) -> None:
    people, name = office.people, f"read-then-{change}"
    await requested(people, name)
    read = await tag(people, name)
    assert await approve_as_read(people, name, read["If-Match"], office.first[1]) == "awaiting-provider"
    if change == "denied":
        headers = as_token(office.first[1])
        got = await people.bus.registry("POST", f"grants/{name}/deny", {"reason": "doubt"}, headers=headers)
        assert got.status == 200, got.body
    sent = await current(people, name)
    sent["spec"] |= {"legalBasis": "Another one"} if change == "spec" else {}
    by = "developer" if change == "denied" else "operator"
    got = await people.ask("PUT", f"grants/{name}", sent, by=by, **await tag(people, name))
    assert got.status == 200, got.body
    assert await approve_as_read(people, name, read["If-Match"], office.admin[1]) == "revision-conflict"


async def test_nobody_changes_themselves(office: Office) -> None:
    people, (me, token) = office.people, office.second
    last = await people.ask("GET", f"persons/{me}")
    sent = document("Person", me, **{**last.json["spec"], "roles": ["operator", "agency-admin"]})
    tries = [
        await people.ask("PUT", f"persons/{me}", sent, by=token, **{"If-Match": last.headers["ETag"]}),
        await people.link(me, await people.code("my-other-account"), by=token),
        *[await people.act(me, step, by=token) for step in ("approve", "suspend", "resume", "end")],
        await people.ask("DELETE", f"persons/{me}", by=token, **{"If-Match": last.headers["ETag"]}),
    ]
    for got in tries:
        assert (got.status, got.code) == (403, "not-granted"), got.body
    assert (await people.ask("GET", f"persons/{me}")).json["metadata"]["revision"] == last.json["metadata"]["revision"]


async def test_only_operators_change_people_and_administrators_see_their_own(office: Office) -> None:
    people = office.people
    person = await people.create("developer", agency="H49.2")
    own = await people.create("developer")
    assert (await people.ask("GET", f"persons/{own}", by=office.admin[1])).status == 200
    assert (await people.ask("GET", f"persons/{person}", by=office.admin[1])).status == 404
    assert (await people.ask("GET", f"persons/{person}/profile", by=office.admin[1])).status == 404
    for by in ("agency-admin", "integrator", "developer", "auditor", office.admin[1]):
        assert (await people.act(own, "suspend", by=by)).status in (403, 404)
        assert (await people.link(own, await people.code("x"), by=by)).status in (403, 404)


async def test_an_account_is_one_persons(office: Office) -> None:
    people = office.people
    one, other = await people.create("developer"), await people.create("developer")
    account = await people.code("wanted")
    assert (await people.link(one, account)).status == 200
    taken = await people.link(other, account)
    assert (taken.status, taken.code) == (409, "already-exists")
    assert (await people.act(one, "end")).status == 200
    assert (await people.link(other, account)).status == 200


async def test_those_on_watch_are_told_which_person_changed_whom(office: Office) -> None:
    people = office.people
    person = await people.create("developer", by=office.first[1])
    async with asyncio.timeout(20):
        while not (told := [line for line in office.security_log.read_text().splitlines() if person in line]):
            await asyncio.sleep(0.02)
    [event] = map(json.loads, told)
    said = {**event, **event.get("event", {})}
    assert "role-changed" in json.dumps(said)
    assert f'"person/{office.first[0]}"' in told[0]
    assert f'"{office.first[0]}"' in told[0]  # user.id


async def test_what_is_kept_of_a_change_names_whoever_made_it_by_an_id_alone(office: Office) -> None:
    people, (changer, token) = office.people, office.first
    person = await people.create("developer", by=token)
    assert (await people.link(person, await people.code("with-a-name"), by=token, name="Trần Thị Bình")).status == 200
    got = await people.ask("POST", "agencies", document("Agency", "H49.88", title=TEXT), by=token)
    assert got.status == 201, got.body
    for path in (f"persons/{person}/history", "agencies/H49.88/history"):
        history = (await people.ask("GET", path)).json["items"]
        assert {version["metadata"]["updatedBy"] for version in history} == {f"person/{changer}"}
        assert "Trần" not in json.dumps(history, ensure_ascii=False)
    async with asyncio.timeout(20):
        while "H49.88" not in (events := office.security_log.read_text()):
            await asyncio.sleep(0.02)
    for line in (line for line in events.splitlines() if "H49.88" in line or person in line):
        assert f"person/{changer}" in line
    assert "Trần" not in events
    assert "Tr\\u1ea7n" not in events


async def test_no_system_brings_back_the_time_before_there_were_persons(tmp_path: Path) -> None:
    """Whoever holds the key of an operator's system puts one operator after the other out of office; the last one stays."""
    people = await People.start(tmp_path)
    try:
        first, token = await people.signed_in("first", "operator")
        second = await awaiting(people, "second", "operator")
        assert (await people.act(second, "approve", by=token)).status == 200
        own = await people.code("own-account")
        code = await people.code("nobody")
        refused = await people.link(first, code)  # one of the last two, and by a system
        assert (refused.status, refused.code) == (409, "step-not-allowed"), refused.body
        linked = await people.link(first, code, by=await people.session("second"))
        assert linked.json["status"]["phase"] == "awaiting-operator"
        last = await people.ask("GET", f"persons/{second}")

        async def put(**changed: Any) -> Any:
            sent = document("Person", second, **{**last.json["spec"], **changed})
            return await people.ask("PUT", f"persons/{second}", sent, **{"If-Match": last.headers["ETag"]})

        tries = [
            await people.link(second, own),
            await people.act(second, "end"),
            await put(roles=["developer"]),
            await put(agency="H49.2"),
            await put(issuer=people.other.url),
        ]
        for got in tries:
            assert (got.status, got.code) == (409, "step-not-allowed"), got.body
        assert (await people.act(second, "suspend")).status == 200  # in need, and it changes nothing of this
        mine = await people.create("operator")
        assert (await people.link(mine, own)).json["status"]["phase"] == "awaiting-operator"
        assert (await people.act(mine, "approve", by="operator-2")).code == "not-granted"
        assert (await people.exchange(people.issuer.id_token("own-account"))).status == 400
        assert (await people.act(second, "resume")).status == 200
        assert (await people.me(await people.session("second"))).json["roles"] == ["operator"]
        again = await people.link(first, code, by="operator")  # with one person left, a system may prepare
        assert again.json["status"]["phase"] == "awaiting-operator"
        assert (await people.act(first, "approve", by=await people.session("second"))).status == 200
    finally:
        await people.stop()


async def test_an_agency_that_had_an_administrator_stays_with_persons(office: Office) -> None:
    """Ending them all, or taking the role, gives its systems nothing back; operators register another one."""
    people, first, second = office.people, office.first[1], office.second[1]
    theirs = await system(people, "theirs-alone", "agency-admin", by="operator", agency="H49.2")
    service = {**CONTRACTS[0], "service": "left", "provider": "theirs-alone"}
    assert (await people.ask("POST", "services", document("Service", "left-v1", contract=service))).status == 201
    ended, demoted = [await awaiting(people, f"gone-{n}", "agency-admin", by=first, agency="H49.2") for n in (1, 2)]
    for person in (ended, demoted):
        assert (await people.act(person, "approve", by=second)).status == 200
    last = await people.ask("GET", f"persons/{demoted}")
    spec = document("Person", demoted, **{**last.json["spec"], "roles": ["developer"]})
    got = await people.ask("PUT", f"persons/{demoted}", spec, **{"If-Match": last.headers["ETag"]})
    assert got.status == 200, got.body
    assert (await people.act(ended, "end")).status == 200
    last = await people.ask("GET", "systems/theirs-alone")  # nor does a service get away from its persons
    assert (await people.ask("POST", "agencies", document("Agency", "H49.77", title=TEXT))).status == 201
    moved = document("System", "theirs-alone", **{**last.json["spec"], "agency": "H49.77"})
    got = await people.ask("PUT", "systems/theirs-alone", moved, **{"If-Match": last.headers["ETag"]})
    assert (got.status, got.code) == (409, "step-not-allowed"), got.body
    assert "administrator" in got.json["detail"]

    assert (await people.ask("POST", "grants", grant("left", "gamma", "left", read_person=["*"]))).status == 201
    code, words = await approve(people, "left", theirs)
    assert (code, "lgsp login" in words) == ("not-granted", True)

    anew = await awaiting(people, "anew", "agency-admin", by=first, agency="H49.2")
    assert (await people.act(anew, "approve", by=second)).status == 200
    assert await approve(people, "left", await people.session("anew")) == "awaiting-operator"
    assert await approve(people, "left", first) == "in-force"


async def test_a_deleted_system_that_comes_back_with_its_keys_has_its_registrars(office: Office) -> None:
    people = office.people
    await system(people, "came-back", by=office.first[1])
    last = await people.ask("GET", "systems/came-back")
    gone = await people.ask("DELETE", "systems/came-back", **{"If-Match": last.headers["ETag"]})
    assert gone.status in (200, 204)
    back = await people.ask("POST", "systems", document("System", "came-back", **last.json["spec"]))
    assert list(back.json["status"]["keyRegistrars"].values()) == [[office.first[0]]]


async def test_an_agency_whose_administrators_ended_does_not_fall_back_to_its_systems(office: Office) -> None:
    people, agency = office.people, "H49.1"
    await requested(people, "after-the-end")
    assert await approve(people, "after-the-end", office.first[1]) == "awaiting-provider"
    administrators = [
        person["metadata"]["name"]
        for person in (await people.ask("GET", f"persons?agency={agency}")).json["items"]
        if "agency-admin" in person["spec"]["roles"] and person["status"]["phase"] in ("active", "suspended")
    ]
    assert office.admin[0] in administrators
    for person in administrators:
        assert (await people.act(person, "end", by=office.second[1])).status == 200
    code, words = await approve(people, "after-the-end", people.bus.token("agency-admin"))
    assert (code, "lgsp login" in words) == ("not-granted", True), words
    another = await awaiting(people, "next-admin", "agency-admin", by=office.first[1])
    assert (await people.act(another, "approve", by=office.second[1])).status == 200
    assert await approve(people, "after-the-end", await people.session("next-admin")) == "in-force"
