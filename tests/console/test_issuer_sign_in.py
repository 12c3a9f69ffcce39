"""A browser signs in with an issuer, through the gateway, and in nobody else's place."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from support.console import SAME_ORIGIN
from support.people import People, new_person_id
from support.workbench import Got

from lgsp_gateway.sessions.demo_sign_in import write_link
from lgsp_gateway.sessions.session_store import SessionStore
from lgsp_runtime.nats.connection import connect

BEGIN = "/console/sign-in/issuer"


@pytest_asyncio.fixture(scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[People]:
    found = await People.start(tmp_path_factory.mktemp("people"))
    yield found
    await found.stop()


class BrowserOf:
    """What a browser keeps and sends, without its pages."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.session = aiohttp.ClientSession(
            f"http://127.0.0.1:{people.bus.port}", cookie_jar=aiohttp.CookieJar(unsafe=True)
        )

    async def get(self, path: str, **headers: str) -> Got:
        async with self.session.get(
            path, headers={"Accept-Language": "en", **headers}, allow_redirects=False
        ) as answer:
            return Got(answer.status, await answer.read(), answer.headers.copy())

    async def begin(self, back: str = "/console") -> str:
        """Begin, go to the issuer, and return the path and query of its redirect."""
        got = await self.get(f"{BEGIN}?issuer={self.people.issuer.url}&return={quote(back, safe='')}")
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
    person, _ = await people.signed_in("browser", "auditor")
    people.issuer.subject = "browser"
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
    people.issuer.subject = "unregistered"
    code = await people.code("unregistered")
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
    await people.signed_in("bound", "auditor")
    people.issuer.subject = "bound"
    redirect = await browser_of.begin()
    for stranger in ("without a sign-in of its own", "with one"):
        got = await other_browser.get(redirect)
        assert got.headers["Location"].startswith("/console/sign-in?"), stranger
        assert (await other_browser.outcome())["code"] == "sign-in-failed"
        assert (await other_browser.get("/me")).status == 401
        await other_browser.begin()
    assert (await browser_of.get(redirect)).headers["Location"] == "/console"


async def test_a_redirect_counts_once(people: People, browser_of: BrowserOf) -> None:
    await people.signed_in("replayed", "auditor")
    people.issuer.subject = "replayed"
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
    await people.signed_in(f"changed {changed}", "auditor")
    people.issuer.subject = f"changed {changed}"
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
    await people.signed_in(f"claims {claims}", "auditor")
    people.issuer.subject = f"claims {claims}"
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
    await people.signed_in(f"led away {back}", "auditor")
    people.issuer.subject = f"led away {back}"
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
