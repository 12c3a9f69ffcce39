"""Officers of an agency share its form system, and no files: each sends and reads their own, and the evidence names who did."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.filings import pdf
from support.form_contract import AGENCY, ANSWER, CONTRACT, NUMBER, SERVICE, officers_grant
from support.people import People
from support.sign_in_issuer import SignInIssuer, write_entries
from support.workbench import CONTRACTS, Got, Workbench, document

from lgsp_adapters.adapter import Call

PERSON = {"soDinhDanh": NUMBER, "hoVaTen": "Nguyễn Thị Bình", "ngaySinh": "1993-05-17", "nguoiThan": []}


class Officers:
    """A bus with two officers of one agency, each by id and token."""

    def __init__(self, people: People) -> None:
        self.people, self.bus = people, people.bus
        self.clerk, self.other = ("", ""), ("", "")

    async def ask(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> Got:
        sent = {"Authorization": f"Bearer {token}", "Accept-Language": "en", **headers}
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.bus.session.request(method, path, headers=sent, **content) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def upload(self, token: str) -> str:
        got = await self.ask("POST", "/files", token, pdf(1000), **{"Content-Type": "application/pdf"})
        assert got.status == 201, got.body
        return str(got.json["href"])

    async def send(self, token: str, file: str) -> Got:
        headers = {"Lgsp-Purpose": "giai-quyet-tthc", "Lgsp-Reference": "H49.2-261128-0001"}
        return await self.ask("POST", f"/me/forms/{SERVICE}/v1/check-card", token, PERSON | {"giayTo": file}, **headers)


@pytest_asyncio.fixture(scope="module")
async def officers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Officers]:
    folder = tmp_path_factory.mktemp("officers")
    issuer, other = await SignInIssuer().start(), await SignInIssuer().start()
    file = write_entries(folder / "issuers.yaml", issuer, other)
    contracts, documents = (*CONTRACTS, CONTRACT), [officers_grant()]
    bus = await Workbench(folder, contracts=contracts, documents=documents).start("--issuers", str(file))
    found = Officers(People(bus, issuer, other))
    found.clerk = await found.people.signed_in("clerk", "officer", agency=AGENCY)
    found.other = await found.people.signed_in("other", "officer", agency=AGENCY)
    yield found
    await bus.stop()
    for one in (issuer, other):
        await one.stop()


async def test_nobody_else_of_the_agency_reads_changes_or_passes_on_an_officers_file(officers: Officers) -> None:
    async def check(_: dict[str, Any], __: Call) -> dict[str, Any]:
        return ANSWER

    served = await officers.bus.serve(SERVICE, check_card=check)
    file = await officers.upload(officers.clerk[1])
    for method, path in (("GET", file), ("GET", f"{file}/metadata"), ("DELETE", file)):
        got = await officers.ask(method, path, officers.other[1])
        assert (method, got.status, got.code) == (method, 404, "not-found")
    part = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
    assert (await officers.ask("PATCH", file, officers.other[1], b"x", **part)).status == 404
    passed_on = await officers.send(officers.other[1], file)
    assert (passed_on.status, passed_on.code) == (422, "file-not-found")

    assert (await officers.ask("GET", file, officers.clerk[1])).status == 200
    assert (await officers.send(officers.clerk[1], file)).status == 200
    await officers.bus.unserve(served)


async def test_the_evidence_of_a_file_names_the_officer(officers: Officers) -> None:
    file = await officers.upload(officers.clerk[1])
    assert (await officers.ask("GET", file, officers.clerk[1])).status == 200
    assert (await officers.ask("DELETE", file, officers.clerk[1])).status == 204
    entries = [one for one in await officers.bus.entries() if one.get("file") == file.rpartition("/")[2]]
    assert [one["action"] for one in entries] == ["uploaded", "read", "deleted"]
    assert {(one["consumer"], one["by"]) for one in entries} == {("forms-h49-2", f"person/{officers.clerk[0]}")}


async def test_the_evidence_names_the_system_through_which_somebody_uploads_or_tries(officers: Officers) -> None:
    bus, people, secret = officers.bus, officers.people, "a-secret-of-a-portal"
    made = {"secretSha256": hashlib.sha256(secret.encode()).hexdigest(), "title": {"vi": "Cổng", "en": "Portal"}}
    for agency in (AGENCY, "H49.1"):
        portal = document("System", f"portal-{agency[-1]}", agency=agency, **made)
        assert (await people.ask("POST", "systems", portal)).status == 201
    clerk = await people.session("clerk", client_id=f"portal-{AGENCY[-1]}", client_secret=secret)
    file = await officers.upload(clerk)
    assert (await officers.ask("GET", file, clerk)).status == 200
    assert (await officers.ask("DELETE", file, officers.clerk[1])).status == 204  # by themselves
    entries = [one for one in await bus.entries() if one.get("file") == file.rpartition("/")[2]]
    assert [(one["action"], one.get("through", "")) for one in entries] == [
        *(("uploaded", f"portal-{AGENCY[-1]}"), ("read", f"portal-{AGENCY[-1]}"), ("deleted", "")),
    ]

    _, alone = await people.signed_in("developer", "developer", agency="H49.1")
    through = await people.session("developer", client_id="portal-1", client_secret=secret)
    sandbox = await bus.serve(trials="only")
    for token, portal_name in ((alone, ""), (through, "portal-1")):
        path = "/catalog/services/desk/v1/operations/read/try?sandbox=true&grant=alpha-desk"
        tried = await officers.ask("POST", path, token, {"soDinhDanh": NUMBER})
        assert tried.status == 200, tried.body
        entry = [one for one in await bus.entries() if one.get("trial")][-1]
        assert entry.get("through", "") == portal_name
    await bus.unserve(sandbox)
