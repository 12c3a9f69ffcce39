"""What waits for somebody's decision, what they see before it, renewal, and deputies of absent approvers."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from support.approvers import Approvers, day
from support.preloaded import run
from support.workbench import document, grant


@pytest_asyncio.fixture(scope="module")
async def office(tmp_path_factory: Any) -> AsyncIterator[Approvers]:
    found = await Approvers.start(tmp_path_factory.mktemp("approvers"))
    yield found
    await found.stop()


async def named_as_deputy(office: Approvers, absent: str, deputy: str, by: str, first: int = 0, last: int = 7) -> Any:
    """Name a deputy in somebody's document."""
    read = await office.people.ask("GET", f"persons/{absent}", by=by)
    spec = {**read.json["spec"], "deputy": {"person": deputy, "from": day(first), "until": day(last)}}
    sent = document("Person", absent, **spec)
    return await office.people.ask("PUT", f"persons/{absent}", sent, by=by, **{"If-Match": read.headers["ETag"]})


async def consents(office: Approvers, token: str, step: str = "consent") -> Any:
    tag = (await office.get("/me/deputy", token)).headers["ETag"]
    return await office.ask("POST", f"/me/deputy/{step}", token, {}, **{"If-Match": tag})


async def stands_in(office: Approvers, token: str, grant_name: str, step: str, absent: str = "") -> Any:
    path = f"/me/deputy/{absent or office.admin[0]}/grants/{grant_name}/{step}"
    return await office.ask("POST", path, token, {})


async def test_a_request_waits_for_both_and_then_for_the_other(office: Approvers) -> None:
    await office.requested("two-of-us")
    for token in (office.first[1], office.second[1], office.admin[1]):
        assert "approve" in (await office.waiting(token))["two-of-us"]["steps"]  # type: ignore[operator]
    assert "two-of-us" not in await office.waiting(office.people.bus.token("developer"))
    read = await office.get("/registry/grants/two-of-us/review", office.first[1])
    approved = await office.ask(
        "POST", "/registry/grants/two-of-us/approve", office.first[1], {}, **{"If-Match": read.headers["ETag"]}
    )
    assert approved.json["status"]["phase"] == "awaiting-provider"
    mine = (await office.waiting(office.first[1]))["two-of-us"]
    assert "approve" not in mine["steps"]  # type: ignore[operator]
    assert "administrator" in str(mine["obstacle"])
    other = (await office.waiting(office.admin[1]))["two-of-us"]
    assert other["missing"] == "provider"
    assert other["approvals"] == [{"by": f"person/{office.first[0]}", "as": "operator", "onBehalfOf": []}]
    as_read = {"If-Match": read.headers["ETag"]}  # an approval by somebody else is no change of what was read
    approved = await office.ask("POST", "/registry/grants/two-of-us/approve", office.admin[1], {}, **as_read)
    assert (approved.status, approved.json["status"]["phase"]) == (200, "in-force")
    reason = {"reason": "thử"}
    stale = await office.ask("POST", "/registry/grants/two-of-us/suspend", office.admin[1], reason, **as_read)
    assert (stale.status, stale.json["current"]["status"]["phase"]) == (412, "in-force")
    assert "two-of-us" not in await office.waiting(office.admin[1])


async def test_the_page_of_requests_goes_on(office: Approvers) -> None:
    for number in range(3):
        await office.requested(f"page-{number}")
    seen: list[str] = []
    cursor = ""
    for _ in range(20):
        got = await office.get(f"/me/requests?limit=2{cursor and '&cursor=' + cursor}", office.admin[1])
        assert len(got.json["items"]) <= 2
        seen += [one["document"]["metadata"]["name"] for one in got.json["items"]]
        if not (cursor := got.json.get("next", "")):
            break
    assert len(seen) == len(set(seen))
    assert {"page-0", "page-1", "page-2"} <= set(seen)


async def test_what_a_grant_shows_stands_beside_what_it_hides(office: Approvers) -> None:
    await office.requested("shown", read_person=["/cha/hoVaTen"])
    got = (await office.get("/registry/grants/shown/review", office.admin[1])).json
    assert got["personal"] is True
    shown = got["shows"]["operations"]["read-person"]
    assert shown["example"] == {"ketQua": "KHOP"}
    assert shown["visible"] == {}
    assert shown["classification"] == "personal"
    assert (await office.get("/registry/grants/nothing/review", office.admin[1])).code == "not-found"


async def test_who_asks_for_an_unlisted_service_learns_nothing_of_it(office: Approvers) -> None:
    sent = grant("curious", "asker", service="hidden", read=["*"])
    assert (await office.people.ask("POST", "grants", sent, by="asker")).status == 201
    got = await office.get("/registry/grants/curious/review", office.people.bus.token("asker"))
    assert (got.status, got.json["shows"], got.json["steps"]) == (200, {}, [])


async def test_a_denial_says_why_to_whoever_asked(office: Approvers) -> None:
    await office.requested("no")
    assert (await office.ask("POST", "/registry/grants/no/deny", office.admin[1], {})).code == "malformed"
    reason = {"reason": 'thiếu căn cứ "><img src=x onerror=alert(1)>'}
    assert (await office.ask("POST", "/registry/grants/no/deny", office.admin[1], reason)).status == 200
    seen = await office.people.ask("GET", "grants/no", by="developer")
    assert (seen.json["status"]["phase"], seen.json["status"]["reason"]) == ("denied", reason["reason"])
    denied = await office.people.ask("GET", "grants?phase=denied", by="developer")
    assert "no" in [one["metadata"]["name"] for one in denied.json["items"]]


async def test_persons_who_wait_are_shown_to_operators(office: Approvers) -> None:
    person = await office.people.create("agency-admin", by=office.first[1])
    assert (await office.people.link(person, await office.people.code("waits"), by=office.first[1])).status == 200
    assert person not in await office.waiting(office.admin[1])
    assert "approve" not in (await office.waiting(office.first[1]))[person]["steps"]  # type: ignore[operator]
    assert "approve" in (await office.waiting(office.second[1]))[person]["steps"]  # type: ignore[operator]
    assert (await office.people.act(person, "end", by=office.second[1])).status == 200


async def test_a_renewal_is_a_successor_that_is_approved_anew(office: Approvers) -> None:
    await office.requested("yearly", read_person=["/ketQua"])
    for token in (office.first[1], office.admin[1]):
        assert (await office.ask("POST", "/registry/grants/yearly/approve", token, {})).status == 200
    before = (await office.people.ask("GET", "grants/yearly")).json["spec"]
    renewed = await office.ask("POST", "/registry/grants/yearly/renew", office.people.bus.token("developer"), {})
    assert renewed.status == 201, renewed.body
    assert renewed.headers["Location"] == "/registry/grants/yearly-r2"
    assert renewed.json["status"] == {"phase": "requested", "requestedBy": "developer", "renews": "yearly"}
    spec = renewed.json["spec"]
    assert (spec["validFrom"], spec["validUntil"]) == ("2040-01-02", "2041-01-01")
    assert {**spec, "validFrom": before["validFrom"], "validUntil": before["validUntil"]} == before
    again = await office.ask("POST", "/registry/grants/yearly/renew", office.admin[1], {})
    assert again.code == "already-exists"
    assert "yearly-r2" in again.json["detail"]
    for token, phase in ((office.admin[1], "awaiting-operator"), (office.second[1], "in-force")):
        approved = await office.ask("POST", "/registry/grants/yearly-r2/approve", token, {})
        assert approved.json["status"]["phase"] == phase
    assert approved.json["status"]["renews"] == "yearly"
    review = (await office.get("/registry/grants/yearly/review", office.admin[1])).json
    assert review["renewedBy"] == "yearly-r2"


async def test_requests_are_decided_by_command(office: Approvers) -> None:
    async def lgsp(*arguments: str, token: str) -> tuple[int, str, str]:
        where = ("--url", f"http://127.0.0.1:{office.people.bus.port}", "--token", token)
        return await run(*arguments, *where)

    await office.requested("by-command")
    await office.requested("not-by-command")
    code, listed, _ = await lgsp("requests", "list", token=office.first[1])
    assert code == 0
    assert "gamma → desk v1" in next(line for line in listed.splitlines() if line.startswith("by-command"))
    code, shown, _ = await lgsp("requests", "show", "by-command", token=office.first[1])
    revision = shown.rpartition("--revision ")[2].strip()
    assert "classification: personal" in shown
    code, _, said = await lgsp("requests", "approve", "by-command", "--revision", "1", token=office.first[1])
    assert (code, "changed after revision 1" in said) == (1, True)
    code, done, _ = await lgsp("requests", "approve", "by-command", "--revision", revision, token=office.first[1])
    assert done.startswith("grant/by-command is awaiting-provider")
    code, shown, _ = await lgsp("requests", "show", "by-command", token=office.first[1])
    assert "# " in shown.splitlines()[-1]  # why the same person may not approve it too
    code, done, _ = await lgsp("requests", "approve", "by-command", token=office.admin[1])
    assert done.startswith("grant/by-command is in-force\n")
    code, _, said = await lgsp("requests", "deny", "not-by-command", token=office.admin[1])
    assert (code, "--reason" in said) == (1, True)
    code, done, _ = await lgsp("requests", "deny", "not-by-command", "--reason", "thừa", token=office.admin[1])
    assert done.startswith("grant/not-by-command is denied\n")
    code, done, _ = await lgsp("grant", "renew", "by-command", "--until", "2041-06-30", token=office.admin[1])
    assert done.startswith("grant/by-command-r2 is awaiting-operator\n    not in force yet"), done


async def test_a_person_is_approved_by_command_with_the_code_that_they_read_out(office: Approvers) -> None:
    person = await office.people.create("agency-admin", by=office.first[1])
    account = await office.people.code("by-command")
    assert (await office.people.link(person, account, by=office.first[1])).status == 200
    where = ("--url", f"http://127.0.0.1:{office.people.bus.port}", "--token", office.second[1])
    assert person in (await run("requests", "list", *where))[1]
    code, _, said = await run("requests", "approve", person, *where)
    assert (code, "--account" in said) == (1, True)
    assert (await run("requests", "approve", person, "--account", account, *where))[1] == f"person/{person} is active\n"


async def test_a_renewal_is_refused_where_nothing_can_be_renewed(office: Approvers) -> None:
    await office.requested("not-yet")
    refused = await office.ask("POST", "/registry/grants/not-yet/renew", office.admin[1], {})
    assert refused.code == "step-not-allowed"
    early = await office.ask("POST", "/registry/grants/alpha-desk/renew", office.first[1], {"until": "2030-01-01"})
    assert early.code in ("malformed", "not-found")


async def test_a_deputy_decides_after_consent_and_is_one_with_whom_they_stand_in_for(office: Approvers) -> None:
    people = office.people
    deputy = await people.create("developer", by=office.first[1])
    assert (await people.link(deputy, await people.code("deputy"), by=office.first[1])).status == 200
    token = await people.session("deputy")
    same_operator = await named_as_deputy(office, office.admin[0], deputy, by=office.first[1])
    assert same_operator.code == "not-granted"  # who linked the account does not name the deputy too
    assert (await named_as_deputy(office, office.admin[0], deputy, by=office.second[1])).status == 200

    await office.requested("away")
    assert (await stands_in(office, token, "away", "approve")).code == "not-granted"
    assert "away" not in await office.waiting(token)
    assert (await consents(office, token)).code == "step-not-allowed"
    consented = await consents(office, office.admin[1])
    assert consented.json["deputy"]["state"] == "in-force", consented.body
    assert (await office.get("/me/deputy", token)).json["standsInFor"][0]["person"] == office.admin[0]

    assert (await office.waiting(token))["away"]["onBehalfOf"] == office.admin[0]
    approved = await stands_in(office, token, "away", "approve")
    assert approved.status == 200, approved.body
    status = approved.json["status"]
    assert status["phase"] == "awaiting-operator"
    assert status["approvedOnBehalfOf"] == {f"person/{deputy}": [f"person/{office.admin[0]}"]}
    again = await office.ask("POST", "/registry/grants/away/approve", office.admin[1], {})
    assert again.code == "not-granted"  # the approver answers for it already
    assert (await stands_in(office, token, "away", "suspend")).status == 404

    assert (await consents(office, office.admin[1], "withdraw")).json["deputy"]["state"] == "awaiting-consent"
    await office.requested("away-again")
    assert (await stands_in(office, token, "away-again", "approve")).code == "not-granted"
    assert (await consents(office, office.admin[1])).json["deputy"]["state"] == "in-force"
    relinked = await people.link(deputy, await people.code("somebody-else"), by=office.first[1])
    assert relinked.status == 200
    other = await people.session("somebody-else")
    assert (await office.get("/me/deputy", office.admin[1])).json["deputy"]["state"] == "void"
    assert (await stands_in(office, other, "away-again", "approve")).code == "not-granted"


async def test_an_operator_and_their_deputy_are_one_pair_of_eyes(office: Approvers) -> None:
    both = await office.approved("both", "operator", "agency-admin", by=office.first[1], approver=office.second[1])
    other = await office.approved("other", "agency-admin", by=office.first[1], approver=office.second[1])
    assert (await named_as_deputy(office, both[0], other[0], by=office.first[1])).status == 200
    assert (await consents(office, both[1])).status == 200
    await office.requested("one-pair")
    assert (await office.ask("POST", "/registry/grants/one-pair/approve", both[1], {})).status == 200
    assert (await stands_in(office, other[1], "one-pair", "approve", both[0])).code == "not-granted"
    assert (await office.people.act(both[0], "end", by=office.second[1])).status == 200
    assert (await stands_in(office, other[1], "one-pair", "approve", both[0])).code == "not-granted"


async def test_who_may_be_named_and_for_how_long(office: Approvers) -> None:
    own = await named_as_deputy(office, office.admin[0], office.first[0], by=office.first[1])
    assert own.code == "not-granted"
    nobody = await named_as_deputy(office, office.admin[0], "p-" + "a" * 26, by=office.first[1])
    assert nobody.code == "invalid-document"
    ended = await named_as_deputy(office, office.admin[0], office.second[0], by=office.first[1], first=-9, last=-1)
    assert ended.code == "invalid-document"
    assert (await office.get("/me/deputy", office.people.bus.token("operator"))).code == "not-granted"


async def test_to_take_back_what_was_never_given_writes_nothing(office: Approvers) -> None:
    _, token = await office.people.signed_in("nobody-s-approver", "developer", by=office.first[1])
    before = (await office.get("/me/deputy", token)).headers["ETag"]
    withdrawn = await consents(office, token, "withdraw")
    assert (withdrawn.status, withdrawn.headers["ETag"]) == (200, before)
