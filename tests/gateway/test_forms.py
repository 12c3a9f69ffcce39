"""Officers call by forms: the calls' checks all hold, and the evidence names the officer beside the form system of the agency."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yaml
from support.issuer import PeoplesIssuer
from support.people import People
from support.preloaded import run
from support.searched import Searched
from support.sign_in_issuer import SignInIssuer, write_entries
from support.workbench import ALL, NUMBER, Got, Workbench, document, grant, idempotency_key

from lgsp_adapters.adapter import Call

FORMS = "forms-h49-2"
DOSSIER = "H49.2-261128-0001"
BODY = {"soDinhDanh": NUMBER}


def for_officers(name: str, consumer: str = FORMS, officers: Any = None, **more: Any) -> dict[str, Any]:
    """A grant for officers of an agency, of all its officers where none are named."""
    operations = more.pop("operations", {"read_person": ALL})
    made = grant(name, consumer, "desk", more.pop("requests", 100_000), **operations)
    made["spec"] |= {"officers": officers or {}, **more}
    return made


GRANTS = [
    for_officers("all-officers", operations={"read": ALL, "register": ALL, "register_once": ALL}),
    for_officers("civil-status", officers={"positions": ["tu-phap-ho-tich"]}, referenceRequired=True),
    for_officers(
        "few", officers={"quota": {"requests": 2, "per": "day"}}, operations={"narrow": ["/ketQua", "/cha/hoVaTen"]}
    ),
]


class Offices:
    """A bus with officers in two agencies, an index, and citizens who look at their log."""

    def __init__(self, people: People, searched: Searched, citizens: PeoplesIssuer) -> None:
        self.people, self.searched, self.citizens, self.bus = people, searched, citizens, people.bus
        self.clerk, self.clerk_token = "", ""
        self.registrar, self.registrar_token = "", ""
        self.neighbour_token = ""
        self.count = 0

    async def officer(
        self, *positions: str, agency: str = "H49.2", roles: tuple[str, ...] = ("officer",)
    ) -> tuple[str, str]:
        """An officer who has signed in: id and token."""
        self.count += 1
        person, token = await self.people.signed_in(f"officer-{self.count}", *roles, agency=agency)
        if positions:
            await self.change(person, positions=list(positions))
        return person, token

    async def change(self, person: str, **spec: Any) -> None:
        known = await self.people.ask("GET", f"persons/{person}")
        changed = {name: part for name, part in known.json.items() if name != "status"}
        changed["spec"] |= spec
        got = await self.people.ask("PUT", f"persons/{person}", changed, **{"If-Match": known.headers["ETag"]})
        assert got.status == 200, got.body

    async def ask(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> Got:
        sent = {"Authorization": f"Bearer {token}", "Accept-Language": "en", **headers}
        async with self.bus.session.request(method, path, json=body, headers=sent) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def send(
        self,
        token: str,
        operation: str = "read-person",
        body: Any = None,
        purpose: str = "thu-nghiem",
        reference: str = DOSSIER,
        **headers: str,
    ) -> Got:
        """Send a form."""
        named = {"Lgsp-Purpose": purpose, "Lgsp-Reference": reference, **headers}
        present = {name: value for name, value in named.items() if value}
        return await self.ask("POST", f"/me/forms/desk/v1/{operation}", token, body or BODY, **present)

    async def forms(self, token: str) -> dict[str, dict[str, Any]]:
        got = await self.ask("GET", "/me/forms", token)
        assert got.status == 200, got.body
        return {form["operation"]: form for form in got.json["items"]}


@pytest_asyncio.fixture(scope="module")
async def offices(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Offices]:
    folder = tmp_path_factory.mktemp("offices")
    issuer, other, citizens = await SignInIssuer().start(), await SignInIssuer().start(), await PeoplesIssuer().start()
    entries = yaml.safe_load(write_entries(folder / "issuers.yaml", issuer, other).read_text())
    entries["issuers"] += yaml.safe_load(citizens.entry(folder).read_text())["issuers"]
    (folder / "all.yaml").write_text(yaml.safe_dump(entries))
    address = str(folder / "index.db")
    bus = await Workbench(folder, documents=GRANTS).start("--index", address, "--issuers", str(folder / "all.yaml"))
    searched = await Searched(bus, folder, address).start()
    found = Offices(People(bus, issuer, other), searched, citizens)
    found.clerk, found.clerk_token = await found.officer()
    found.registrar, found.registrar_token = await found.officer("tu-phap-ho-tich")
    _, found.neighbour_token = await found.officer("tu-phap-ho-tich", agency="H49.1")
    yield found
    await searched.stop()
    for one in (issuer, other, citizens):
        await one.stop()


async def test_an_officer_sees_the_forms_that_are_open_to_them(offices: Offices) -> None:
    assert sorted(await offices.forms(offices.clerk_token)) == ["narrow", "read", "register", "register-once"]
    forms = await offices.forms(offices.registrar_token)
    assert sorted(forms) == ["narrow", "read", "read-person", "register", "register-once"]
    form = forms["read-person"]
    assert (form["service"], form["major"], form["classification"]) == ("desk", 1, "personal")
    assert form["title"] == {"vi": "Thử", "en": "Try"}
    assert form["provider"]["agency"] == "H49.1"
    [one] = form["grants"]
    assert (one["name"], one["purposes"], one["legalBasis"]) == ("civil-status", ["thu-nghiem"], "Thử nghiệm")
    assert one["referenceRequired"] is True
    assert await offices.forms(offices.neighbour_token) == {}

    described = await offices.ask("GET", "/me/forms/desk/v1/read-person", offices.registrar_token)
    assert described.json["request"]["required"] == ["soDinhDanh"]
    assert described.json["response"]["properties"]["ketQua"]["type"] == "string"
    assert described.json["errors"]["person-not-found"]["en"] == "No such person"
    assert described.json["changes"] is False
    hidden = await offices.ask("GET", "/me/forms/desk/v1/read-person", offices.clerk_token)
    assert (hidden.status, hidden.code) == (404, "unknown-service")


async def test_a_form_is_a_call_whose_evidence_names_the_officer(offices: Offices) -> None:
    got = await offices.send(offices.registrar_token)
    assert (got.status, got.json) == (200, {"ketQua": "KHOP"})
    assert got.headers["Cache-Control"] == "no-store"
    entry = await offices.bus.entry(got.message)
    assert (entry["consumer"], entry["agency"], entry["by"]) == (FORMS, "H49.2", f"person/{offices.registrar}")
    assert (entry["purpose"], entry["grant"], entry["reference"]) == ("thu-nghiem", "civil-status", DOSSIER)
    assert (entry["outcome"], entry["status"], len(entry["subject"])) == ("answered", 200, 32)
    found = await offices.searched.indexed(got.message)
    assert (found["by"], found["reference"]) == (entry["by"], DOSSIER)
    by_officer = await offices.searched.items(by=entry["by"])
    assert {one["by"] for one in by_officer} == {entry["by"]}
    assert got.message in [one["message"] for one in await offices.searched.items(reference=DOSSIER)]
    assert await offices.searched.items(reference="H49.2-261128-9999") == []


async def test_the_evidence_says_through_which_portal_an_officer_asked(offices: Offices) -> None:
    secret, people = "a-secret-of-a-portal", offices.people
    made = {"secretSha256": hashlib.sha256(secret.encode()).hexdigest(), "title": {"vi": "Cổng", "en": "Portal"}}
    portal = document("System", "portal", agency="H49.2", **made)
    assert (await people.ask("POST", "systems", portal)).status == 201
    person, token = await offices.officer()
    subject = f"officer-{offices.count}"
    through = await people.session(subject, client_id="portal", client_secret=secret)
    entry = await offices.bus.entry((await offices.send(through, "read")).message)
    assert (entry["by"], entry["through"]) == (f"person/{person}", "portal")
    assert "through" not in await offices.bus.entry((await offices.send(token, "read")).message)


async def test_the_citizen_sees_agency_purpose_and_dossier_and_no_officer(offices: Offices) -> None:
    number = "022093004321"
    got = await offices.send(offices.registrar_token, body={"soDinhDanh": number})
    await offices.searched.indexed(got.message)
    log = await offices.ask("GET", "/me/access-log", offices.citizens.token(number))
    [item] = log.json["items"]
    assert (item["agency"], item["system"], item["reference"]) == ("H49.2", FORMS, DOSSIER)
    assert item["legalBasis"] == "Thử nghiệm"
    assert "Cán bộ của Thử (bằng biểu mẫu)" in item["text"]
    assert f"mục đích thu-nghiem, hồ sơ {DOSSIER}" in item["text"]
    assert offices.registrar.encode() not in log.body


async def test_a_program_can_name_a_dossier_too(offices: Offices) -> None:
    got = await offices.bus.call(headers={"Lgsp-Reference": DOSSIER})
    entry = await offices.bus.entry(got.message)
    assert entry["reference"] == DOSSIER
    assert "by" not in entry
    plain = await offices.bus.entry((await offices.bus.call()).message)
    assert not {"by", "reference"} & plain.keys()
    later = await offices.bus.call(headers={"Lgsp-Reference": DOSSIER, "Prefer": "respond-async"})
    assert later.status == 202
    assert (await offices.bus.ask("GET", f"/messages/{later.message}")).status == 200
    [accepted] = [
        one for one in await offices.bus.entries() if (one["message"], one["kind"]) == (later.message, "accepted")
    ]
    assert accepted["reference"] == DOSSIER


@pytest.mark.parametrize(
    ("who", "sent", "status", "code"),
    [
        ("clerk_token", {}, 403, "not-granted"),  # another position than the grant names
        ("neighbour_token", {}, 403, "not-granted"),  # an officer of another agency
        ("registrar_token", {"purpose": ""}, 400, "malformed"),
        ("registrar_token", {"purpose": "kham-chua-benh"}, 403, "purpose-not-granted"),
        ("registrar_token", {"reference": ""}, 400, "reference-invalid"),
        ("registrar_token", {"reference": "hồ sơ".encode().decode("latin-1")}, 400, "reference-invalid"),
        ("registrar_token", {"reference": f"HS-{NUMBER}"}, 400, "reference-invalid"),
        ("registrar_token", {"body": {"soDinhDanh": "1"}}, 422, "contract-violation"),
        ("registrar_token", {"operation": "register-once"}, 400, "idempotency-key-required"),
        ("registrar_token", {"operation": "nothing"}, 404, "unknown-service"),
        ("registrar_token", {"operation": "wait"}, 403, "not-granted"),
    ],
)
async def test_each_refusal_of_a_call_is_one_of_a_form(
    offices: Offices, who: str, sent: dict[str, Any], status: int, code: str
) -> None:
    got = await offices.send(getattr(offices, who), **sent)
    assert (got.status, got.code) == (status, code)
    assert "System" not in got.json["detail"]
    entry = await offices.bus.entry(got.message)
    assert entry["outcome"] == code
    assert entry["by"].startswith("person/p-")
    if code == "contract-violation":
        assert [error["pointer"] for error in got.json["errors"]] == ["/soDinhDanh"]


async def test_each_officer_has_a_quota_within_that_of_the_grant(offices: Offices) -> None:
    assert [(await offices.send(offices.clerk_token, "narrow")).status for _ in range(3)] == [200, 200, 429]
    assert (await offices.send(offices.registrar_token, "narrow")).status == 200


async def test_a_grant_hides_fields_from_officers_too(offices: Offices) -> None:
    served = await offices.bus.serve("hidden")  # another adapter of the same bus is no matter
    await offices.bus.unserve(served)
    _, token = await offices.officer()
    got = await offices.send(token, "narrow")
    assert set(got.json) <= {"ketQua", "cha"}


async def test_a_form_sent_twice_is_done_once_and_only_for_its_officer(offices: Offices) -> None:
    key = idempotency_key()
    first = await offices.send(offices.clerk_token, "register", **{"Idempotency-Key": key})
    again = await offices.send(offices.clerk_token, "register", **{"Idempotency-Key": key})
    assert (first.status, again.status, first.body) == (200, 200, again.body)
    assert (await offices.bus.entry(again.message))["outcome"] == "replayed"
    other = await offices.send(offices.registrar_token, "register", **{"Idempotency-Key": key})
    assert (await offices.bus.entry(other.message))["outcome"] == "answered"


async def test_an_operator_settles_a_form_whose_outcome_is_unknown(offices: Offices) -> None:
    bus, key = offices.bus, idempotency_key()

    async def register(request: dict[str, Any], call: Call) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {"ketQua": "never"}

    [usual] = bus.adapters
    await bus.unserve(usual)
    adapter = await bus.serve(register=register)
    lost = await offices.send(offices.clerk_token, "register", **{"Idempotency-Key": key})
    await bus.unserve(adapter)
    await bus.serve()
    assert lost.status == 504
    described = await offices.ask("GET", "/me/forms/desk/v1/register", offices.clerk_token)
    of_form = ["--system", described.json["officer"]["formSystem"], "--officer", described.json["officer"]["person"]]
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("operator")]
    code, out, err = await run("idempotency", "show", key, *of_form, *remote)
    assert (code, lost.message in out, "begun" in out) == (0, True, True), err
    code, _, err = await run("idempotency", "show", key, *of_form[:2], *remote)
    assert (code, "and the officer" in err) == (1, True)
    code, _, err = await run("idempotency", "show", key, "--system", "alpha", *of_form[2:], *remote)
    assert (code, "leave officer out" in err) == (1, True)
    code, _, err = await run("idempotency", "settle", key, "did-not-happen", *of_form, "-m", "asked", *remote)
    assert code == 0, err
    again = await offices.send(offices.clerk_token, "register", **{"Idempotency-Key": key})
    assert (again.status, again.json) == (200, {"ketQua": "KHOP"})


@pytest.mark.parametrize("end", ["suspend", "role", "position", "agency"])
async def test_an_officer_who_is_one_no_more_is_out_at_once(offices: Offices, end: str) -> None:
    person, token = await offices.officer("tu-phap-ho-tich", roles=("officer", "developer"))
    assert (await offices.send(token)).status == 200
    if end == "suspend":
        assert (await offices.people.act(person, "suspend")).status == 200
    elif end == "role":
        await offices.change(person, roles=["developer"])
    elif end == "position":
        await offices.change(person, positions=["dia-chinh"])
    else:
        await offices.change(person, agency="H49.1")
    got = await offices.send(token)
    assert (got.status, got.code) == ((401, "token-invalid") if end == "suspend" else (403, "not-granted"))


async def test_nobody_but_officers_uses_forms(offices: Offices) -> None:
    _, developer = await offices.officer(roles=("developer",))
    for token in (developer, offices.bus.token("operator"), offices.bus.token("alpha")):
        for method, path in (("GET", "/me/forms"), ("POST", "/me/forms/desk/v1/read")):
            got = await offices.ask(method, path, token, BODY)
            assert (got.status, got.code) == (403, "not-granted")
    nobody = await offices.ask("GET", "/me/forms", "x.y.z")
    assert nobody.status == 401


async def test_no_token_is_of_a_form_system(offices: Offices) -> None:
    got = await offices.bus.call(system=FORMS)  # signed with the bus's own key, as none ever is
    assert (got.status, got.code) == (401, "token-invalid")


async def test_a_grant_for_officers_opens_nothing_to_a_system(offices: Offices) -> None:
    """Also where a system of an earlier registry has the name of a form system."""
    sent = document("System", "forms-h49-7", agency="H49.2", title={"vi": "Giả", "en": "False"})
    got = await offices.bus.registry("POST", "systems", sent)
    assert (got.status, got.code) == (422, "invalid-document")
    assert "choose another name" in got.json["detail"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"consumer": "alpha"}, "for the form system"),
        ({"consumer": "forms-h49-99"}, "for the form system"),
        ({"events": {"moved": {"fields": ["*"]}}}, "/spec/events"),
        ({"onBehalfOf": "citizen"}, "/spec/onBehalfOf"),
        ({"senderConstrained": True}, "/spec/senderConstrained"),
    ],
)
async def test_a_grant_for_officers_is_refused_where_it_makes_no_sense(
    offices: Offices, change: dict[str, Any], said: str
) -> None:
    sent = for_officers("another")
    sent["spec"] |= change
    got = await offices.bus.registry("POST", "grants", sent)
    assert (got.status, got.code) == (422, "invalid-document")
    assert said in got.json["detail"] + str(got.json.get("errors"))


async def test_a_form_system_has_grants_for_officers_alone_and_keeps_its_agency(offices: Offices) -> None:
    got = await offices.bus.registry("POST", "grants", grant("no-officers", FORMS, read=ALL))
    assert (got.status, "add officers" in got.json["detail"]) == (422, True)
    known = await offices.bus.registry("GET", "agencies/H49.2")
    gone = await offices.bus.registry("DELETE", "agencies/H49.2", headers={"If-Match": known.headers["ETag"]})
    assert (gone.status, gone.code) == (409, "in-use")


async def test_a_grant_of_personal_data_for_officers_needs_two_approvals(offices: Offices) -> None:
    """Asked for by the agency of the officers; in force once the provider and an operator have approved it."""
    sent = for_officers("asked-for", officers={"persons": [offices.clerk]})
    asked = await offices.bus.registry("POST", "grants", sent, system="asker")
    assert (asked.status, asked.json["status"]["phase"]) == (201, "requested")
    assert (await offices.send(offices.clerk_token)).code == "not-granted"
    for who, phase in (("agency-admin", "awaiting-operator"), ("operator", "in-force")):
        step = await offices.bus.registry("POST", "grants/asked-for/approve", {}, system=who)
        assert (step.status, step.json["status"]["phase"]) == (200, phase), step.body

    async def is_open() -> bool:
        return (await offices.send(offices.clerk_token)).status == 200

    async with asyncio.timeout(20):
        while not await is_open():
            await asyncio.sleep(0.02)
    wider = {**asked.json, "spec": {**asked.json["spec"], "officers": {}}}
    wider.pop("status")
    last = await offices.bus.registry("GET", "grants/asked-for")
    widened = await offices.bus.registry("PUT", "grants/asked-for", wider, headers={"If-Match": last.headers["ETag"]})
    assert widened.status == 200, widened.body
    assert widened.json["status"]["phase"] != "in-force"  # for more officers than anybody approved
