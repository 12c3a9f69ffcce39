"""Citizens sign in in a browser, object to a read of their data, and the agency that read answers; nobody else learns of it."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from nats.js.kv import KeyValue
from support.at_rest import files_with, stored_bytes
from support.citizens import FOREIGN_ADMIN, CitizenBrowser, Citizens
from support.waits import eventually
from support.workbench import document

from lgsp_gateway.citizens.request_store import MAX_A_DAY, RequestStore
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.sessions.session_store import SESSIONS
from lgsp_gateway.sessions.sign_in import ID_TOKEN, TOKEN_EXCHANGE
from lgsp_gateway.sessions.store import PEOPLE, PeopleStore
from lgsp_runtime.nats.connection import connect

TEXT = "Tôi chưa từng nộp hồ sơ đất đai ở Hạ Long."
FIRST = "Chúng tôi đã nhận và sẽ kiểm tra nhật ký của hệ thống."
ANSWER = "Cán bộ đã tra nhầm số; chúng tôi xin lỗi."


@pytest_asyncio.fixture(scope="module")
async def citizens(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Citizens]:
    folder = tmp_path_factory.mktemp("citizens")
    started = await Citizens.start(folder, "--security-log", str(folder / "security.log"))
    yield started
    await started.stop()


@pytest_asyncio.fixture
async def browsers(citizens: Citizens) -> AsyncIterator[list[CitizenBrowser]]:
    opened: list[CitizenBrowser] = []
    yield opened
    for browser in opened:
        await browser.session.close()


async def signed_in(citizens: Citizens, browsers: list[CitizenBrowser], number: str) -> CitizenBrowser:
    browsers.append(await citizens.browser(number))
    return browsers[-1]


async def test_a_citizen_objects_and_reads_the_answer(citizens: Citizens, browsers: list[CitizenBrowser]) -> None:
    message = await citizens.read_about("022093000001")
    citizen = await signed_in(citizens, browsers, "022093000001")
    [entry] = (await citizen.ask("GET", "/me/access-log")).json["items"]
    assert (entry["message"], entry["agency"], entry["received"]) == (message, "H49.1", True)
    asked = await citizen.object_to(message, TEXT)
    assert (asked.status, asked.json["state"], asked.json["text"]) == (201, "waiting", TEXT)
    assert 6 <= asked.json["daysLeft"] <= 10
    number = asked.json["number"]
    assert (await citizen.object_to(message)).code == "already-exists"

    [listed] = [one for one in (await citizens.agency("GET")).json["items"] if one["number"] == number]
    assert TEXT not in str(listed)  # who has read it has opened it
    opened = (await citizens.agency("GET", f"/{number}")).json
    assert (opened["text"], opened["mayAnswer"], opened["entry"]["message"]) == (TEXT, True, message)
    answered = await citizens.agency("POST", f"/{number}/answer", {"text": ANSWER})
    assert (answered.status, answered.json["answer"]["by"]) == (200, "agency-admin")
    again = await citizens.agency("POST", f"/{number}/answer", {"text": "khác"})
    assert (again.status, again.code) == (409, "step-not-allowed")

    log = citizens.bus.state.root.parent / "security.log"
    for action in ("citizen-request-opened", "citizen-request-answered"):  # a thread of its own writes them
        await eventually(partial(_is_logged, log, action, number))
    assert TEXT not in log.read_text()

    [own] = await citizen.requests()
    assert (own["state"], own["answer"]["text"], set(own["answer"])) == ("answered", ANSWER, {"text", "at"})


def _is_logged(log: Path, action: str, number: str) -> bool:
    return any(action in line and number in line for line in log.read_text().splitlines())


async def test_nobody_else_learns_of_a_request(citizens: Citizens, browsers: list[CitizenBrowser]) -> None:
    message = await citizens.read_about("022093000002")
    citizen = await signed_in(citizens, browsers, "022093000002")
    number = (await citizen.object_to(message, TEXT)).json["number"]
    assert (await citizens.agency("GET", who=FOREIGN_ADMIN)).json["items"] == []
    for method, path in (("GET", f"/{number}"), ("POST", f"/{number}/answer")):
        got = await citizens.agency(method, path, {"text": "x"} if method == "POST" else None, FOREIGN_ADMIN)
        assert (got.status, got.code) == (404, "not-found")
    for role in ("operator", "developer", "integrator", "alpha"):
        assert (await citizens.agency("GET", f"/{number}", who=role)).status == 403, role
    seen = (await citizens.agency("GET", f"/{number}", who="auditor")).json
    assert (seen["text"], seen["mayAnswer"]) == (TEXT, False)
    assert (await citizens.agency("POST", f"/{number}/answer", {"text": "x"}, "auditor")).status == 403

    other = await signed_in(citizens, browsers, "022093000003")
    assert await other.requests() == []
    for stolen in ({}, {"agency": "H49.2"}):
        assert (await other.object_to(message, **stolen)).code == "not-found"
    assert (await citizen.object_to(message, agency="H49.2", kind="ask")).code == "not-found"


async def test_a_session_of_a_citizen_is_one_of_nobody_else(citizens: Citizens, browsers: list[CitizenBrowser]) -> None:
    citizen = await signed_in(citizens, browsers, "022093000004")
    [cookie] = [one for one in citizen.session.cookie_jar if one.key == "lgsp_citizen"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert (await citizen.ask("GET", "/me")).status == 401
    assert (await citizen.ask("GET", "/registry/grants")).status == 401
    as_person = {"Cookie": f"{SessionCookie(f'http://127.0.0.1:{citizens.bus.port}').name}={cookie.value}"}
    assert (await citizens.bus.session.get("/me", headers=as_person)).status == 401
    as_token = {"Authorization": f"Bearer {cookie.value}"}
    assert (await citizen.ask("GET", "/me", **as_token)).status == 401
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"X-Requested-With": ""}):
        got = await citizen.ask("POST", "/me/access-requests", {}, **foreign)
        assert (got.status, got.code) == (403, "cross-site-request")

    assert (await citizen.ask("GET", "/me/citizen-session")).json["signedIn"]
    assert (await citizen.ask("POST", "/my-data/sign-out", {})).status == 200
    citizen.session.cookie_jar.update_cookies({"lgsp_citizen": cookie.value})  # kept by somebody
    ended = await citizen.ask("GET", "/me/access-log")
    assert (ended.status, ended.code) == (401, "token-invalid")
    assert not (await citizen.ask("GET", "/me/citizen-session")).json["signedIn"]


async def test_a_session_expires(citizens: Citizens, browsers: list[CitizenBrowser]) -> None:
    citizen = await signed_in(citizens, browsers, "022093000005")
    assert (await citizen.ask("GET", "/me/access-requests")).status == 200
    connection = await connect(citizens.bus.endpoint("gateway"), "test")
    try:
        bucket: KeyValue = await connection.jetstream().key_value(SESSIONS)
        for key in await bucket.keys():
            if key.startswith("citizen."):
                stored = (await bucket.get(key)).value or b""
                assert b"022093000005" not in stored
                await bucket.put(key, stored.replace(b'"expires":', b'"expires":1,"was":'))
    finally:
        await connection.close()
    ended = await citizen.ask("GET", "/me/access-requests")
    assert (ended.status, ended.code) == (401, "token-invalid")
    assert "sign in again" in ended.json["detail"]


async def test_an_issuer_of_citizens_is_for_citizens_alone(citizens: Citizens, browsers: list[CitizenBrowser]) -> None:
    browsers.append(browser := CitizenBrowser(citizens))
    assert (await browser.ask("GET", "/oauth2/issuers")).json["items"] == []
    [offered] = (await browser.ask("GET", "/me/citizen-session")).json["issuers"]
    assert offered["issuer"] == citizens.issuer.url
    begun = await browser.ask("GET", f"/console/sign-in/issuer?issuer={citizens.issuer.url}")
    assert begun.headers["Location"].startswith("/console/sign-in?")
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": citizens.issuer.id_token("x"),
        "subject_token_type": ID_TOKEN,
    }
    async with citizens.bus.session.post("/oauth2/token", data=form) as answer:
        assert answer.status == 400


async def test_a_new_sign_in_ends_the_session_of_before_and_signing_out_tells_where_else(
    citizens: Citizens, browsers: list[CitizenBrowser]
) -> None:
    citizen = await signed_in(citizens, browsers, "022093000021")
    first = next(one.value for one in citizen.session.cookie_jar if one.key == "lgsp_citizen")
    await citizen.sign_in("022093000021")
    stale = {"Cookie": f"lgsp_citizen={first}"}
    async with citizens.bus.session.get("/me/citizen-session", headers=stale) as answer:
        assert (await answer.json())["signedIn"] is False
    out = await citizen.ask("POST", "/my-data/sign-out")
    assert out.json["atIssuer"].startswith(f"{citizens.issuer.url}/sign-out?client_id=")


@pytest.mark.parametrize("number", [None, "", 5, ["022093000001"], "\ud800"], ids=repr)
async def test_an_issuer_that_gives_no_number_signs_nobody_in(citizens: Citizens, number: object) -> None:
    browser = CitizenBrowser(citizens)
    try:
        assert (await browser.sign_in(number)).headers["Location"] == "/my-data"
        read = (await browser.ask("GET", "/me/citizen-session")).json
        assert not read["signedIn"]
        assert "did not give your personal number" in read["failure"]
        assert "failure" not in (await browser.ask("GET", "/me/citizen-session")).json  # it is told once
    finally:
        await browser.session.close()


async def test_a_citizen_floods_nobody(citizens: Citizens, browsers: list[CitizenBrowser]) -> None:
    messages = [await citizens.read_about("022093000006") for _ in range(MAX_A_DAY + 3)]
    citizen = await signed_in(citizens, browsers, "022093000006")
    got = await asyncio.gather(*(citizen.object_to(message) for message in messages))
    assert sorted(one.status for one in got) == [201] * MAX_A_DAY + [429] * 3
    assert len(await citizen.requests()) == MAX_A_DAY


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"text": ""}, "/text"),
        ({"text": " \n"}, "/text"),
        ({"text": "x" * 2001}, "/text"),
        ({"kind": "delete"}, "/kind"),
    ],
    ids=str,
)
async def test_what_is_wrong_with_a_request_is_said_at_its_field(
    citizens: Citizens, browsers: list[CitizenBrowser], changed: dict[str, str], pointer: str
) -> None:
    citizen = await signed_in(citizens, browsers, "022093000007")
    got = await citizen.object_to("019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11", **changed)
    assert (got.status, got.json["errors"][0]["pointer"]) == (422, pointer)


async def test_nothing_of_a_request_can_be_read_on_the_disk(citizens: Citizens, browsers: list[CitizenBrowser]) -> None:
    message = await citizens.read_about("022093000008")
    citizen = await signed_in(citizens, browsers, "022093000008")
    number = (await citizen.object_to(message, TEXT)).json["number"]
    await citizens.agency("POST", f"/{number}/answer", {"text": ANSWER})
    assert files_with(citizens.bus.state.root, [TEXT, ANSWER, "022093000008"]) == {}


async def test_one_that_cannot_be_read_hides_no_other_and_is_reported(
    citizens: Citizens, browsers: list[CitizenBrowser]
) -> None:
    first, second = [await citizens.read_about("022093000011") for _ in range(2)]
    citizen = await signed_in(citizens, browsers, "022093000011")
    asked = (await citizen.object_to(first, TEXT)).json
    lost, other = asked["number"], (await citizen.object_to(second)).json["number"]

    async def check() -> Any:
        operator = {"Authorization": f"Bearer {citizens.bus.token('operator')}", "Accept-Language": "en"}
        async with citizens.bus.session.get("/ops/checks", headers=operator) as answer:
            [found] = [one for one in (await answer.json())["items"] if one["check"] == "citizen requests"]
            return found

    connection = await connect(citizens.bus.endpoint("gateway"), "test")
    try:
        bucket = await connection.jetstream().key_value(PEOPLE)
        [key] = [key for key in await bucket.keys() if f".{lost}." in key]
        good = (await bucket.get(key)).value or b""
        for bad in (b"no json", b'{"sealed": "AQAAAABub2JvZHkgaGFzIHRoaXMga2V5IGFueSBtb3JlLCBzb3JyeQ=="}'):
            await bucket.put(key, bad)
            listed = (await citizens.agency("GET")).json
            [damaged] = [one for one in listed["damaged"] if one["number"] == lost]
            assert (damaged["due"], damaged["state"]) == (asked["due"], "waiting")
            assert other in {one["number"] for one in listed["items"]}
        assert lost not in str((await citizens.agency("GET", who=FOREIGN_ADMIN)).json)
        for who, status, code in (("agency-admin", 502, "stored-content-damaged"), (FOREIGN_ADMIN, 404, "not-found")):
            got = await citizens.agency("GET", f"/{lost}", who=who)
            assert (got.status, got.code) == (status, code)
        own = (await citizen.ask("GET", "/me/access-requests")).json
        assert ([one["number"] for one in own["damaged"]], [one["number"] for one in own["items"]]) == ([lost], [other])
        logged = [line for line in citizens.bus.gateway.log.read_text().splitlines() if "request unreadable" in line]
        assert any(lost in line and key in line for line in logged)
        failed = await check()
        assert not failed["ok"]
        assert lost in failed["detail"]["en"]

        await bucket.put(key, good)  # restored
        assert (await citizens.agency("GET")).json["damaged"] == []
        assert (await check())["ok"]
    finally:
        await connection.close()


async def test_filters_of_the_log(citizens: Citizens, browsers: list[CitizenBrowser]) -> None:
    message = await citizens.read_about("022093000009")
    citizen = await signed_in(citizens, browsers, "022093000009")
    for query, expected in (
        ("agency=H49.1", [message]),
        ("agency=H49.2", []),
        ("since=2000-01-01", [message]),
        ("until=2000-01-01", []),
    ):
        found = (await citizen.ask("GET", f"/me/access-log?{query}")).json["items"]
        assert [one["message"] for one in found] == expected, query


async def test_a_first_reply_is_given_once_and_is_no_answer(citizens: Citizens, browsers: list[CitizenBrowser]) -> None:
    message = await citizens.read_about("022093000012")
    citizen = await signed_in(citizens, browsers, "022093000012")
    asked = (await citizen.object_to(message)).json
    number = asked["number"]
    assert asked["waitsForFirstReply"]
    assert 2 <= asked["firstReplyDaysLeft"] <= 4
    assert asked["firstReplyDue"] < asked["due"]
    for who, status in ((FOREIGN_ADMIN, 404), ("alpha", 403)):
        assert (await citizens.agency("POST", f"/{number}/first-reply", {"text": FIRST}, who=who)).status == status
    replied = await citizens.agency("POST", f"/{number}/first-reply", {"text": FIRST})
    assert (replied.status, replied.json["firstReply"]["text"], replied.json["state"]) == (200, FIRST, "waiting")
    assert (await citizens.agency("POST", f"/{number}/first-reply", {"text": FIRST})).code == "step-not-allowed"
    assert (await citizens.agency("POST", f"/{number}/answer", {"text": ANSWER})).status == 200
    [own] = await citizen.requests()
    assert (own["firstReply"]["text"], own["answer"]["text"], own["waitsForFirstReply"]) == (FIRST, ANSWER, False)
    assert "by" not in own["firstReply"]  # who wrote it is for the agency


async def test_the_page_knows_the_province_and_by_the_end_of_the_number_who_is_signed_in(
    citizens: Citizens, browsers: list[CitizenBrowser]
) -> None:
    citizen = await signed_in(citizens, browsers, "022093000013")
    session = (await citizen.ask("GET", "/me/citizen-session")).json
    assert (session["numberEnd"], session["province"]) == ("013", "")
    sent = document(
        "Instance", "this", identifier="VN", memberClass="GOV", title={"vi": "Tỉnh Thử", "en": "Try Province"}
    )
    assert (await citizens.bus.registry("POST", "instances", sent)).status == 201
    assert (await citizen.ask("GET", "/me/citizen-session")).json["province"] == "Try Province"


@pytest.mark.parametrize("damage", [False, True])
async def test_an_answered_request_is_forgotten_and_one_that_waits_is_not(
    citizens: Citizens, browsers: list[CitizenBrowser], damage: bool
) -> None:
    """Also one whose answer cannot be read any more."""
    person = f"02209300002{int(damage)}"
    first, second = [await citizens.read_about(person) for _ in range(2)]
    citizen = await signed_in(citizens, browsers, person)
    answered = (await citizen.object_to(first)).json["number"]
    waiting = (await citizen.object_to(second)).json["number"]
    await citizens.agency("POST", f"/{answered}/first-reply", {"text": FIRST})
    await citizens.agency("POST", f"/{answered}/answer", {"text": ANSWER})
    if damage:
        await citizens.damage_request(answered, "answered")
    connection = await connect(citizens.bus.endpoint("gateway"), "test")

    async def consumers() -> set[str]:
        return {one.name for one in await connection.jetstream().consumers_info("KV_LGSP_PEOPLE")}

    try:
        people = PeopleStore(lambda: citizens.bus.endpoint("people"))
        await people.start(connection, 1)
        cipher = PayloadCipher(KeyStore(citizens.bus.state.keys).storage_keys)
        known = await consumers()
        await RequestStore(people, cipher, str, working_days=6, kept_days=0).forget_old()
        assert await consumers() <= known  # looking leaves the server nothing to keep
    finally:
        await connection.close()
    assert [one["number"] for one in await citizen.requests()] == [waiting]
    assert answered.encode() not in await stored_bytes(citizens.bus)
