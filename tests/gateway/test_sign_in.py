"""People sign in with an issuer, and nobody else does in their place."""

import asyncio
import base64
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from support.people import People
from support.sign_in_issuer import CLIENT
from support.workbench import TEXT, document

from lgsp_auth.signing_keys import SigningKey


@pytest_asyncio.fixture(scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[People]:
    found = await People.start(tmp_path_factory.mktemp("people"))
    yield found
    await found.stop()


async def test_who_is_registered_signs_in_and_acts_in_their_roles(people: People) -> None:
    person, token = await people.signed_in("022093001234", "developer")
    got = await people.me(token)
    assert got.json == {
        "principal": f"person/{person}",
        "person": person,
        "agency": "H49.1",
        "agencyTitle": TEXT,
        "roles": ["developer"],
    }
    assert (await people.ask("GET", "agencies", by=token)).status == 200
    refused = await people.ask("DELETE", "agencies/H49.2", by=token)
    assert (refused.status, refused.code) == (403, "not-granted")
    assert person in refused.json["detail"]


async def test_a_session_opens_no_service_and_no_connection(people: People) -> None:
    _, token = await people.signed_in("no-service", "developer")
    got = await people.bus.call(headers={"Authorization": f"Bearer {token}"})
    assert (got.status, got.code) == (401, "token-invalid")


async def test_an_account_that_is_not_registered_is_told_its_code_and_nothing_else(people: People) -> None:
    subject = "022088000001"
    first, second = await people.code(subject), await people.code(subject)
    assert first == second
    assert len(first.replace("-", "")) == 26
    assert await people.code("022088000002") != first


async def test_the_same_subject_of_two_issuers_is_two_accounts(people: People) -> None:
    mine, theirs = await people.code("same"), await people.code("same", people.other)
    assert mine != theirs
    await people.signed_in("same", "developer")
    other = await people.exchange(people.other.id_token("same"))
    assert (other.status, other.json["error"]) == (400, "invalid_grant")
    assert theirs in other.json["error_description"]


async def test_an_account_of_another_issuer_than_the_documents_does_not_sign_in(people: People) -> None:
    person = await people.create("developer")  # of the first issuer
    assert (await people.link(person, await people.code("elsewhere", people.other))).status == 200
    got = await people.exchange(people.other.id_token("elsewhere"))
    assert got.json["error"] == "invalid_grant"


def unsigned(token: str) -> str:
    _, claims, _ = token.split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{claims}."


async def test_no_other_token_is_exchanged(people: People) -> None:
    await people.signed_in("attacked", "operator")
    issuer, now = people.issuer, int(time.time())
    hostile = {
        "of another client": issuer.id_token("attacked", aud="another-client"),
        "for the bus itself": issuer.id_token("attacked", aud="lgsp"),
        "for several, none authorised": issuer.id_token("attacked", aud=[CLIENT, "another-client"]),
        "for several, another authorised": issuer.id_token(
            "attacked", aud=[CLIENT, "another-client"], azp="another-client"
        ),
        "an access token": issuer.id_token("attacked", typ="at+jwt"),
        "unsigned": unsigned(issuer.id_token("attacked")),
        "signed by somebody else": issuer.id_token("attacked", key=SigningKey.generate()),
        "signed by another issuer": issuer.id_token("attacked", key=people.other.key),
        "of an issuer that nobody knows": issuer.id_token("attacked", iss="https://elsewhere"),
        "expired": issuer.id_token("attacked", iat=now - 400, exp=now - 100),
        "old": issuer.id_token("attacked", iat=now - 3600, exp=now + 3600),
        "of tomorrow": issuer.id_token("attacked", iat=now + 86400, exp=now + 90000),
        "without an expiry": issuer.id_token("attacked", exp=None),
        "without a time": issuer.id_token("attacked", iat=None),
        "without a subject": issuer.id_token("attacked", sub=None),
        "with odd claims": issuer.id_token("attacked", sub=["attacked"], exp="never"),
        "no token": "x.y.z",
        "a system's token": people.bus.token("operator"),
    }
    for what, token in hostile.items():
        got = await people.exchange(token)
        assert (got.status, got.json["error"]) == (400, "invalid_grant"), (what, got.body)
        assert "attacked" not in str(got.json["error_description"]), what
    assert (await people.exchange(issuer.id_token("attacked"))).status == 200  # what is right still counts


async def test_a_token_of_several_audiences_that_authorises_the_client_counts(people: People) -> None:
    await people.signed_in("several", "developer")
    assert (await people.exchange(people.issuer.id_token("several", aud=[CLIENT, "x"], azp=CLIENT))).status == 200


async def test_an_id_token_is_exchanged_once(people: People) -> None:
    await people.signed_in("once", "developer")
    token = people.issuer.id_token("once")
    assert (await people.exchange(token)).status == 200
    again = await people.exchange(token)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


async def test_an_id_token_whose_signature_is_written_in_another_way_is_the_same(people: People) -> None:
    await people.signed_in("rewritten", "developer")
    token = people.issuer.id_token("rewritten")
    assert (await people.exchange(token)).status == 200
    for padding in ("=", "==", "==="):
        again = await people.exchange(token + padding)
        assert (again.status, again.json["error"]) == (400, "invalid_grant"), padding


async def test_a_request_that_asks_for_something_else_is_refused(people: People) -> None:
    await people.signed_in("asking", "developer")
    for more in (
        {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token": "x"},
    ):
        got = await people.exchange(people.issuer.id_token("asking"), **more)
        assert (got.status, got.json["error"]) == (400, "invalid_request"), more


async def test_a_person_acts_through_a_system_that_proves_itself(people: People) -> None:
    person, _ = await people.signed_in("through", "developer")
    wrong = await people.exchange(people.issuer.id_token("through"), client_id="alpha", client_secret="guessed")
    assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")
    spec = {"agency": "H49.1", "title": {"vi": "Thử", "en": "Try"}}
    secret = "a-secret-of-a-portal"
    made = {**spec, "secretSha256": hashlib.sha256(secret.encode()).hexdigest()}
    system = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": "portal"}, "spec": made}
    assert (await people.ask("POST", "systems", system)).status == 201
    token = await people.session("through", client_id="portal", client_secret=secret)
    assert (await people.me(token)).json["principal"] == f"person/{person}@portal"
    revision = (await people.ask("GET", "systems/portal")).headers["ETag"]
    assert (await people.ask("DELETE", "systems/portal", **{"If-Match": revision})).status == 204
    assert (await people.me(token)).status == 401


async def test_signing_out_ends_the_session_at_once(people: People) -> None:
    _, token = await people.signed_in("leaving", "developer")
    other = await people.session("leaving")
    async with people.bus.session.post("/oauth2/revoke", data={"token": token}) as answer:
        assert answer.status == 200
    assert (await people.me(token)).status == 401
    assert (await people.me(other)).status == 200


@pytest.mark.parametrize("step", ["suspend", "end", "link", "roles"])
async def test_what_ends_sessions_ends_them_at_once_and_for_good(people: People, step: str) -> None:
    subject = f"watched-{step}"
    person, token = await people.signed_in(subject, "developer")
    if step == "link":
        assert (await people.link(person, await people.code(f"{subject}-new"))).status == 200
    elif step == "roles":
        last = await people.ask("GET", f"persons/{person}")
        changed = {"issuer": people.issuer.url, "agency": "H49.1", "roles": ["auditor"]}
        sent = {"apiVersion": "lgsp/v1", "kind": "Person", "metadata": {"name": person}, "spec": changed}
        assert (await people.ask("PUT", f"persons/{person}", sent, **{"If-Match": last.headers["ETag"]})).status == 200
        assert (await people.me(token)).json["roles"] == ["auditor"]  # what they may now, they may at once
        return
    else:
        assert (await people.act(person, step)).status == 200
    assert (await people.me(token)).status == 401
    refused = await people.exchange(people.issuer.id_token(subject))
    assert refused.json["error"] == "invalid_grant"
    if step == "suspend":
        assert (await people.act(person, "resume")).status == 200
        assert (await people.me(token)).status == 401
        assert (await people.me(await people.session(subject))).status == 200


async def test_guessed_sessions_cost_their_sender_time(people: People) -> None:
    statuses = [(await people.me(f"lgsp_session_{number}")).status for number in range(5)]
    assert set(statuses) == {401}


async def test_nothing_of_a_person_is_in_what_is_kept_for_ever(people: People) -> None:
    """Not the number that the issuer knows them by, not their name; and once they have ended, on no disk at all."""
    subject, name = "022093009999", "Trần Thị Được Quên"
    person = await people.create("developer")
    account = await people.code(subject)
    assert (await people.link(person, account, name=name)).status == 200
    profile = await people.ask("GET", f"persons/{person}/profile")
    assert profile.json == {"account": account, "name": name}
    token = await people.session(subject)
    versions = (await people.ask("GET", f"persons/{person}/history")).json
    for kept in (subject, name, account.replace("-", "").lower()):
        assert kept not in json.dumps(versions, ensure_ascii=False)
    assert on_disk(people.bus.state.nats, name)
    assert not on_disk(people.bus.state.nats, subject)
    assert not on_disk(people.bus.state.nats, token)
    assert (await people.act(person, "end")).status == 200
    assert (await people.act(person, "end")).status == 200  # again, where the bus failed the first time
    assert (await people.ask("GET", f"persons/{person}/profile")).json == {}
    assert not on_disk(people.bus.state.nats, name)
    assert await people.code(subject) == account  # nobody's any more


async def test_nothing_is_left_of_what_was_replaced_before_a_person_ended(people: People) -> None:
    """Another account, another name, the same account again: each takes the place of what was kept, on disk too."""
    names = "Lê Thị Tên Cũ", "Lê Thị Tên Giữa", "Lê Thị Tên Mới"
    person = await people.create("developer")
    first, second = await people.code("replaced-1"), await people.code("replaced-2")
    for account, name in zip((first, second, second), names, strict=True):
        assert (await people.link(person, account, name=name)).status == 200
        assert [name for name in names if on_disk(people.bus.state.nats, name)] == [name]
    assert await people.session("replaced-2")
    assert (await people.act(person, "end")).status == 200
    for forgotten in (*names, *(account.replace("-", "").lower() for account in (first, second))):
        assert not on_disk(people.bus.state.nats, forgotten), forgotten


def on_disk(folder: Path, text: str) -> bool:
    needles = (text.encode(), json.dumps(text).encode()[1:-1])
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return any(needle in file.read_bytes() for file in files for needle in needles)


async def rest_of(stream: aiohttp.ClientResponse) -> bytes:
    """Read a stream until the gateway ends it, whether in good order or not."""
    received = b""
    async with asyncio.timeout(20):
        with contextlib.suppress(aiohttp.ClientPayloadError):  # it breaks off
            async for line in stream.content:
                received += line
    return received


async def test_what_is_sent_to_a_person_ends_with_their_session(people: People) -> None:
    person, token = await people.signed_in("reads-on", "auditor")
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with people.bus.session.get("/evidence/entries?follow=true", headers=headers) as stream:
        assert stream.status == 200
        assert (await people.act(person, "suspend")).status == 200
        after = (await people.bus.call()).message  # what comes now is not theirs to read
        assert after.encode() not in await rest_of(stream)


async def test_what_is_sent_to_a_person_ends_with_the_role_that_reads_it(people: People) -> None:
    person, token = await people.signed_in("loses-a-role", "auditor", "developer")
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with people.bus.session.get("/evidence/entries?follow=true", headers=headers) as stream:
        assert stream.status == 200
        last = await people.ask("GET", f"persons/{person}")
        spec = document("Person", person, **{**last.json["spec"], "roles": ["developer"]})
        got = await people.ask("PUT", f"persons/{person}", spec, **{"If-Match": last.headers["ETag"]})
        assert got.status == 200, got.body
        after = (await people.bus.call()).message
        assert after.encode() not in await rest_of(stream)
    assert (await people.me(token)).json["roles"] == ["developer"]  # who is signed in stays so, with the roles of now


@pytest.mark.parametrize("end", ["tokens-ended", "registered-again"])
async def test_a_session_through_a_system_ends_with_what_the_system_was(people: People, end: str) -> None:
    name = f"portal-{end}"
    secret = "a-secret-of-the-portal"
    digest = hashlib.sha256(secret.encode()).hexdigest()
    portal = document("System", name, agency="H49.1", title=TEXT, secretSha256=digest)
    assert (await people.ask("POST", "systems", portal)).status == 201
    await people.signed_in(end, "developer")
    token = await people.session(end, client_id=name, client_secret=secret)
    assert (await people.me(token)).status == 200
    if end == "tokens-ended":
        assert (await people.ask("POST", f"systems/{name}/end-tokens", {"reason": "thử"})).status == 200
    else:
        last = await people.ask("GET", f"systems/{name}")
        gone = await people.ask("DELETE", f"systems/{name}", **{"If-Match": last.headers["ETag"]})
        assert gone.status in (200, 204)
        assert (await people.ask("POST", "systems", portal)).status == 201
    assert (await people.me(token)).status == 401
    anew = await people.session(end, client_id=name, client_secret=secret)
    assert (await people.me(anew)).status == 200


@pytest.mark.long
async def test_a_key_that_the_issuer_removes_ends_the_sessions_that_it_began(tmp_path: Path) -> None:
    people = await People.start(tmp_path)
    issuer = people.issuer
    try:
        _, stolen = await people.signed_in("stolen", "auditor")
        headers = {"Authorization": f"Bearer {stolen}", "Accept": "text/event-stream"}
        async with people.bus.session.get("/evidence/entries?follow=true", headers=headers) as stream:
            assert stream.status == 200
            issuer.key = issuer.signs_with = SigningKey.generate()
            # A token by the new key has the gateway read the keys, at most once in ten seconds.
            async with asyncio.timeout(20):
                while (begun := await people.exchange(issuer.id_token("stolen"))).status != 200:
                    await asyncio.sleep(0.2)
            assert (await people.me(stolen)).status == 401
            after = (await people.bus.call()).message
            assert after.encode() not in await rest_of(stream)
        await people.bus.gateway.stop()
        await people.bus.gateway.start()
        assert (await people.me(begun.json["access_token"])).status == 200
        # It remembers no removed keys, and reads again which ones there are.
        async with asyncio.timeout(20):
            while (await people.me(stolen)).status != 401:
                await asyncio.sleep(0.2)
    finally:
        await people.stop()


async def test_who_is_signed_in_does_not_wait_for_what_others_send_from_their_address(people: People) -> None:
    """Behind a proxy, or in one office, an operator still gets in while somebody floods the bus with guesses.

    The last test here: those guesses use up what everybody at this address may fail."""
    person, token = await people.signed_in("not-held-up", "developer")
    assert (await people.me(token)).status == 200
    held_up = asyncio.Event()

    async def guess(sender: int) -> None:
        for number in range(1000):
            if (await people.me(f"lgsp_session_{sender}_{number}")).status == 429:
                held_up.set()

    guessing = [asyncio.create_task(guess(sender)) for sender in range(40)]
    try:
        async with asyncio.timeout(20):
            await held_up.wait()
            assert [(await people.me(token)).status for _ in range(5)] == [200] * 5
            assert (await people.act(person, "suspend")).status == 200
            assert (await people.me(token)).status in (401, 429)
    finally:
        for task in guessing:
            task.cancel()
        await asyncio.gather(*guessing, return_exceptions=True)
