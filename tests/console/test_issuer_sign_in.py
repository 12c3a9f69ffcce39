"""A browser signs in with an issuer, through the gateway, and in nobody else's place."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from support.console import SAME_ORIGIN, Officials
from support.people import People, new_person_id
from support.sign_in_issuer import CONSOLE_CLIENT, SignInIssuer
from support.waits import eventually
from support.workbench import Got

from lgsp_gateway.sessions.demo_sign_in import write_link
from lgsp_gateway.sessions.session_store import SESSION_SECONDS, SESSIONS, SessionStore, id_of
from lgsp_runtime.nats.connection import connect

BEGIN = "/console/sign-in/issuer"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest_asyncio.fixture(scope="module")
async def people(folder: Path) -> AsyncIterator[People]:
    """Two issuers: one that names itself in its redirects, and one that does not and knows the console by a secret."""
    other = SignInIssuer(secret="bí mật / của bảng điều hành", names_itself=False)
    found = await People.start(folder, "--security-log", str(folder / "security.log"), other=other)
    yield found
    await found.stop()


class BrowserOf:
    """What a browser keeps and sends, without its pages."""

    def __init__(self, people: People, address: str = "127.0.0.1") -> None:
        self.people = people
        self.session = aiohttp.ClientSession(
            f"http://127.0.0.1:{people.bus.port}",
            connector=aiohttp.TCPConnector(local_addr=(address, 0)),
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        )

    async def get(self, path: str, **headers: str) -> Got:
        async with self.session.get(
            path, headers={"Accept-Language": "en", **headers}, allow_redirects=False
        ) as answer:
            return Got(answer.status, await answer.read(), answer.headers.copy())

    @property
    def token(self) -> str:
        """The token of the session that it holds."""
        return next(cookie.value for cookie in self.session.cookie_jar if cookie.key == "lgsp_session")

    async def begin(self, back: str = "/console", *, again: bool = False, issuer: SignInIssuer | None = None) -> str:
        """Begin, go to the issuer, and return the path and query of its redirect."""
        url, asked = (issuer or self.people.issuer).url, "&again=true" if again else ""
        got = await self.get(f"{BEGIN}?issuer={url}&return={quote(back, safe='')}{asked}")
        assert got.status == 303
        async with self.session.get(got.headers["Location"], allow_redirects=False) as redirect:
            parts = urlsplit(redirect.headers["Location"])
        return f"{parts.path}?{parts.query}"

    async def outcome(self) -> dict[str, str]:
        found: dict[str, str] = (await self.get("/console/sign-in/outcome")).json
        return found


@pytest_asyncio.fixture
async def browser_of(people: People) -> AsyncIterator[BrowserOf]:
    opened = BrowserOf(people)
    yield opened
    await opened.session.close()


@pytest_asyncio.fixture
async def other_browser(people: People) -> AsyncIterator[BrowserOf]:
    opened = BrowserOf(people)
    yield opened
    await opened.session.close()


async def test_a_person_signs_in_and_comes_back_where_they_were(people: People, browser_of: BrowserOf) -> None:
    person, _ = await people.signed_in(people.issuer.new_subject("browser"), "auditor")
    finished = await browser_of.get(await browser_of.begin("/console/messages?service=desk"))
    assert (finished.status, finished.headers["Location"]) == (303, "/console/messages?service=desk")
    cookie = next(one for one in finished.headers.getall("Set-Cookie") if one.startswith("lgsp_session="))
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert (await browser_of.get("/me")).json["person"] == person
    [asked] = [one for one in people.issuer.asked if one.get("redirect_uri", "").endswith("/console/callback")][-1:]
    assert len(asked["code_verifier"]) >= 43
    listed = (await browser_of.get("/me/sessions")).json["items"]
    assert [one["method"] for one in listed if one["current"]] == ["issuer"]


async def test_an_account_that_is_not_registered_is_shown_its_code_and_no_session_begins(
    people: People, browser_of: BrowserOf
) -> None:
    code = await people.code(people.issuer.new_subject("unregistered"))
    back = await browser_of.get(await browser_of.begin())
    assert back.headers["Location"].startswith("/console/sign-in?")
    assert code not in back.headers["Location"]  # nobody is shown a code that a link brought
    outcome = await browser_of.outcome()
    assert outcome["account"] == code
    assert "operator" in outcome["detail"]
    assert await browser_of.outcome() == {}  # it is told once
    assert (await browser_of.get("/me")).status == 401


async def test_a_sign_in_is_finished_in_the_browser_that_began_it_alone(
    people: People, browser_of: BrowserOf, other_browser: BrowserOf
) -> None:
    await people.signed_in(people.issuer.new_subject("bound"), "auditor")
    redirect = await browser_of.begin()
    for stranger in ("without a sign-in of its own", "with one"):
        got = await other_browser.get(redirect)
        assert got.headers["Location"].startswith("/console/sign-in?"), stranger
        assert (await other_browser.outcome())["code"] == "sign-in-failed"
        assert (await other_browser.get("/me")).status == 401
        await other_browser.begin()
    assert (await browser_of.get(redirect)).headers["Location"] == "/console"


async def test_a_redirect_counts_once(people: People, browser_of: BrowserOf) -> None:
    await people.signed_in(people.issuer.new_subject("replayed"), "auditor")
    redirect = await browser_of.begin()
    kept = [(cookie.key, cookie.value) for cookie in browser_of.session.cookie_jar]
    assert (await browser_of.get(redirect)).headers["Location"] == "/console"
    browser_of.session.cookie_jar.clear()
    browser_of.session.cookie_jar.update_cookies(dict(kept))
    again = await browser_of.get(redirect)
    assert again.headers["Location"].startswith("/console/sign-in?")
    assert (await browser_of.get("/me")).status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elsewhere"},
        {"iss": ""},
        {"state": "other"},
        {"state": ""},
        {"code": ""},
        {"error": "access_denied"},
    ],
    ids=str,
)
async def test_a_redirect_that_is_not_as_it_must_be_begins_nothing(
    people: People, browser_of: BrowserOf, changed: dict[str, str]
) -> None:
    await people.signed_in(people.issuer.new_subject(f"changed {changed}"), "auditor")
    people.issuer.redirected = changed
    try:
        got = await browser_of.get(await browser_of.begin())
    finally:
        people.issuer.redirected = {}
    assert got.headers["Location"].startswith("/console/sign-in?")
    assert "sign-in failed" in (await browser_of.outcome())["detail"]
    assert (await browser_of.get("/me")).status == 401


@pytest.mark.parametrize(
    "claims", [{"nonce": "other"}, {"nonce": None}, {"aud": "other"}, {"iss": "https://elsewhere"}], ids=str
)
async def test_an_id_token_of_another_sign_in_begins_nothing(
    people: People, browser_of: BrowserOf, claims: dict[str, str]
) -> None:
    await people.signed_in(people.issuer.new_subject(f"claims {claims}"), "auditor")
    people.issuer.claims = claims
    try:
        got = await browser_of.get(await browser_of.begin())
    finally:
        people.issuer.claims = {}
    assert got.headers["Location"].startswith("/console/sign-in?")
    assert (await browser_of.get("/me")).status == 401


@pytest.mark.parametrize(
    "back",
    ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "/consoles", "/services/desk", "", "/console/a b", "javascript:alert(1)", "/console\\@elsewhere"],
)  # fmt: skip
async def test_nobody_is_led_away(people: People, browser_of: BrowserOf, back: str) -> None:
    await people.signed_in(people.issuer.new_subject(f"led away {back}"), "auditor")
    finished = await browser_of.get(await browser_of.begin(back))
    assert finished.headers["Location"] == "/console"


async def test_another_page_begins_no_sign_in(people: People, browser_of: BrowserOf) -> None:
    got = await browser_of.get(f"{BEGIN}?issuer={people.issuer.url}", **{"Sec-Fetch-Site": "cross-site"})
    assert got.headers["Location"] == "/console/sign-in?return=%2Fconsole"
    assert "Set-Cookie" not in got.headers


async def test_an_issuer_that_nobody_configured_or_that_is_away_is_said_so(
    people: People, browser_of: BrowserOf
) -> None:
    await browser_of.get(f"{BEGIN}?issuer=https://elsewhere.example")
    assert "does not use this issuer" in (await browser_of.outcome())["detail"]
    query = parse_qs(urlsplit((await browser_of.get(f"{BEGIN}?issuer={people.other.url}")).headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["openid"]


async def test_who_signs_out_is_told_where_they_are_still_signed_in(people: People, browser_of: BrowserOf) -> None:
    await people.signed_in("signs out", "auditor")
    people.issuer.subject = "signs out"
    await browser_of.get(await browser_of.begin())
    async with browser_of.session.post("/console/sign-out", headers=SAME_ORIGIN) as answer:
        assert (await answer.json())["atIssuer"] == f"{people.issuer.url}/sign-out?client_id=lgsp-cli"
    assert (await browser_of.get("/me/citizen-session")).json["issuers"] == []  # those of staff are not for citizens


async def test_the_link_of_a_local_bus_signs_its_operator_in_once(people: People, browser_of: BrowserOf) -> None:
    connection = await connect(people.bus.endpoint("gateway"), "test")
    sessions = SessionStore()
    await sessions.start(connection, 1)
    person = new_person_id()
    link = await write_link(sessions, person, "operator")
    await connection.close()
    assert (await people.bus.registry("GET", f"persons/{person}")).status == 404  # not before somebody uses it

    async def use() -> tuple[int, str]:
        url = "/console/sign-in/once"
        async with browser_of.session.post(url, json={"link": link}, headers=SAME_ORIGIN) as answer:
            return answer.status, await answer.text()

    assert (await use())[0] == 200
    assert (await browser_of.get("/me")).json["roles"] == ["operator"]
    assert (await use())[0] == 401


async def code_of_change(people: People, token: str) -> str:
    """What the bus says where a session decides where data goes; the session is fresh enough where it is another thing."""
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    body = {"system": "alpha", "name": "nhan", "url": "http://127.0.0.1:9/"}
    async with people.bus.session.post("/endpoints", json=body, headers=headers) as answer:
        return str((await answer.json()).get("type", "")).rpartition(":")[2]


async def test_to_sign_in_again_is_to_enter_the_credentials_again(people: People, browser_of: BrowserOf) -> None:
    person, _ = await people.signed_in("again", "developer")
    people.issuer.subject = "again"
    await browser_of.get(await browser_of.begin())
    assert "max_age" not in people.issuer.begun[-1]
    assert await code_of_change(people, browser_of.token) == "sign-in-too-old"  # the issuer asked nothing
    await browser_of.get(await browser_of.begin(again=True))
    assert (people.issuer.begun[-1]["prompt"], people.issuer.begun[-1]["max_age"]) == ("login", "900")
    assert await code_of_change(people, browser_of.token) != "sign-in-too-old"
    assert (await browser_of.get("/me")).json["person"] == person


@pytest.mark.parametrize(("claims", "said"), [({}, "did not ask"), ({"auth_time": None}, "does not say when")])
async def test_an_issuer_that_did_not_ask_again_does_not_count(
    people: People, browser_of: BrowserOf, claims: dict[str, None], said: str
) -> None:
    subject = f"not again {said}"
    await people.signed_in(subject, "developer")
    people.issuer.subject, people.issuer.asks_again, people.issuer.claims = subject, False, claims
    try:
        people.issuer.shown_at -= 3600
        got = await browser_of.get(await browser_of.begin("/console/subscriptions", again=True))
    finally:
        people.issuer.asks_again, people.issuer.claims = True, {}
    assert got.headers["Location"] == "/console/sign-in?return=%2Fconsole%2Fsubscriptions&again=true"
    assert said in (await browser_of.outcome())["detail"]
    assert (await browser_of.get("/me")).status == 401


async def test_a_new_sign_in_ends_the_session_that_the_browser_held(people: People, browser_of: BrowserOf) -> None:
    await people.signed_in("twice", "auditor")
    people.issuer.subject = "twice"
    await browser_of.get(await browser_of.begin())
    first = browser_of.token
    redirect = await browser_of.begin()
    # The redirect is another site's, so the session's cookie does not come along.
    browser_of.session.cookie_jar.clear(lambda one: one.key == "lgsp_session")
    await browser_of.get(redirect)
    assert browser_of.token != first
    assert (await people.me(browser_of.token)).status == 200
    assert (await people.me(first)).status == 401


async def test_a_session_lasts_twelve_hours_however_much_it_is_used(people: People, browser_of: BrowserOf) -> None:
    person, _ = await people.signed_in("long", "auditor")
    people.issuer.subject = "long"
    await browser_of.get(await browser_of.begin())
    for _ in range(2):
        [own] = [one for one in (await browser_of.get("/me/sessions")).json["items"] if one["current"]]
        lasts = datetime.fromisoformat(own["expires"]) - datetime.fromisoformat(own["began"])
        assert lasts == timedelta(hours=12)
    officials = Officials(people.bus)
    assert (await people.me(await officials.begin_session(person, seconds=60))).status == 200
    assert (await people.me(await officials.begin_session(person, seconds=-1))).status == 401


async def test_a_session_that_nobody_uses_ends_and_one_that_is_used_is_kept(people: People) -> None:
    person, unused = await people.signed_in("idle", "auditor")
    # As it is six minutes after its sign-in: a use is noted every five.
    used = await Officials(people.bus).begin_session(person, seconds=3600 - 360)
    connection = await connect(people.bus.endpoint("gateway"), "test")
    try:
        jetstream = connection.jetstream()
        bucket = await jetstream.key_value(SESSIONS)
        kept = {token: f"session.{id_of(token)}" for token in (used, unused)}
        before = {token: (await bucket.get(key)).revision or 0 for token, key in kept.items()}
        for token in kept:
            assert (await people.me(token)).status == 200
        assert (await bucket.get(kept[used])).revision != before[used]  # for an hour from now
        assert (await bucket.get(kept[unused])).revision == before[unused]
        config = (await jetstream.stream_info(f"KV_{SESSIONS}")).config
        assert config.max_age == SESSION_SECONDS == 3600
        await jetstream.update_stream(config.evolve(max_age=1, duplicate_window=1))  # the hour passes
        try:
            await eventually(partial(has_ended, people, unused))
        finally:
            await jetstream.update_stream(config)
    finally:
        await connection.close()


async def has_ended(people: People, token: str) -> bool:
    return (await people.me(token)).status == 401


async def test_a_client_with_a_secret_shows_it_as_the_issuer_takes_it(people: People, browser_of: BrowserOf) -> None:
    person = await people.create("auditor", issuer=people.other.url)
    assert (await people.link(person, await people.code("confidential", people.other))).status == 200
    people.other.subject = "confidential"
    for methods in ([], ["client_secret_post"], ["client_secret_basic", "client_secret_post"]):
        people.other.methods = methods
        await browser_of.get(await browser_of.begin(issuer=people.other))
        assert (await browser_of.get("/me")).json["person"] == person, methods
    assert people.other.begun[-1]["client_id"] == CONSOLE_CLIENT


async def test_an_issuer_that_does_not_name_itself_has_a_callback_of_its_own(
    people: People, browser_of: BrowserOf
) -> None:
    people.other.subject = "mixed up"
    redirect = await browser_of.begin(issuer=people.other)
    own = f"/console/callback/{people.other.url.removeprefix('http://').replace('.', '-').replace(':', '-')}"
    assert redirect.startswith(f"{own}?")
    honest = await browser_of.begin()  # at the other issuer, which passes the code of this one off as its own
    for wrong in (honest.replace("/console/callback", own), f"{honest}&iss={people.other.url}"):
        got = await browser_of.get(wrong)
        assert got.headers["Location"].startswith("/console/sign-in?"), wrong
        await browser_of.begin()
    redirect = await browser_of.begin(issuer=people.other)
    for wrong in (redirect.replace(own, "/console/callback"), redirect.replace(own, f"{own}-x")):
        before = len(people.other.asked)
        await browser_of.get(wrong)
        assert len(people.other.asked) == before, wrong  # no code is taken to an issuer that it may not be for
        redirect = await browser_of.begin(issuer=people.other)


async def test_who_is_not_signed_in_uses_up_nothing_that_others_need(people: People, browser_of: BrowserOf) -> None:
    await people.signed_in("needs it", "auditor")
    people.issuer.subject = "needs it"
    hostile, before = BrowserOf(people, "127.0.0.2"), await remembered(people)
    try:
        state = parse_qs(urlsplit(await hostile.begin()).query)["state"][0]
        forged = f"/console/callback?code=forged&iss={people.issuer.url}&state={state}"
        begun = "; ".join(f"{cookie.key}={cookie.value}" for cookie in hostile.session.cookie_jar)
        for _ in range(10):
            await hostile.get(forged, Cookie=begun)
            assert (await hostile.outcome())["code"] == "sign-in-failed"
        assert await remembered(people) == before  # not one of them is kept
        assert (await browser_of.get(await browser_of.begin())).headers["Location"] == "/console"
    finally:
        await hostile.session.close()


async def remembered(people: People) -> int:
    """How many states of sign-ins the gateways remember."""
    connection = await connect(people.bus.endpoint("gateway"), "test")
    try:
        info = await connection.jetstream().stream_info("LGSP_REPLAY", subjects_filter="replay.sign-in.>")
        return sum((info.state.subjects or {}).values())
    finally:
        await connection.close()


async def test_the_security_log_says_whom_a_sign_in_concerns(
    people: People, folder: Path, browser_of: BrowserOf
) -> None:
    person, _ = await people.signed_in("watched", "auditor")
    people.issuer.subject = "watched"
    await browser_of.get(await browser_of.begin())
    async with browser_of.session.post("/console/sign-out", headers=SAME_ORIGIN) as answer:
        assert answer.status == 200
    assert (await people.act(person, "suspend")).status == 200
    await browser_of.get(await browser_of.begin())

    await eventually(partial(heard_of, folder, person, "signed-in", "signed-out", "sign-in-refused"))


async def test_a_wrong_password_names_the_person_and_not_what_was_typed(
    people: People, folder: Path, browser_of: BrowserOf
) -> None:
    async def post(path: str, **body: str) -> int:
        async with browser_of.session.post(f"/console/sign-in/{path}", json=body, headers=SAME_ORIGIN) as answer:
            return answer.status

    new = (await people.bus.ask("POST", "/users", {"user": "le.van.c"}, system="operator")).json
    person = await people.create("auditor", issuer=f"http://127.0.0.1:{people.bus.port}")
    assert (await people.link(person, new["account"])).status == 200
    chosen = {"user": "le.van.c", "password": "con mèo nhà tôi thích ngủ trưa"}
    assert await post("link", link=new["link"].rpartition("/")[2], **chosen) == 200
    assert await post("password", user="le.van.c", password="bimatcuatoi") == 401
    assert await post("password", user="bimatcuatoi", password="le.van.c") == 401  # in the wrong field
    assert await post("password", **chosen) == 200
    await eventually(partial(heard_of, folder, person, "password-chosen", "sign-in-refused", "signed-in"))
    log = (folder / "security.log").read_text()
    assert "bimatcuatoi" not in log
    assert "le.van.c" not in log


def heard_of(folder: Path, person: str, *actions: str) -> bool:
    """Tell whether the security log has each of these events of a person."""
    events = [json.loads(line) for line in (folder / "security.log").read_text().splitlines()]
    return set(actions) <= {one["event"]["action"] for one in events if one.get("user", {}).get("id") == person}


async def test_a_form_of_another_site_signs_nobody_out(people: People, browser_of: BrowserOf) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    for path in ("/console/sign-out", "/my-data/sign-out"):  # the session's cookie does not come along, and must stay
        async with browser_of.session.post(path, headers=headers) as answer:
            assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
