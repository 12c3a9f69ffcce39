"""Local users of the bus: how they come, sign in, are slowed down when somebody guesses, and change how they sign in."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pyotp
import pytest
import pytest_asyncio
from support.console import SAME_ORIGIN, Officials
from support.people import new_name, new_person_id
from support.waits import eventually
from support.workbench import Got, Workbench, document

PASSWORD = "con mèo nhà tôi thích ngủ trưa"
OTHER = "mưa rơi trên mái tôn lúc năm giờ"


class BrowserOf:
    """What a browser keeps and sends, without its pages."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{bus.port}", cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Got:
        sent = {"Accept-Language": "en", **SAME_ORIGIN, **headers}
        async with self.session.request(method, path, json=body, headers=sent) as answer:
            return Got(answer.status, await answer.read(), answer.headers.copy())

    async def sign_in(self, user: str, password: str = PASSWORD, code: str = "") -> Got:
        sent = {"user": user, "password": password, **({"code": code} if code else {})}
        return await self.ask("POST", "/console/sign-in/password", sent)

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.session.cookie_jar}


@pytest_asyncio.fixture
async def browser_of(console_bus: Workbench) -> AsyncIterator[BrowserOf]:
    opened = BrowserOf(console_bus)
    yield opened
    await opened.session.close()


@pytest_asyncio.fixture
async def elsewhere(console_bus: Workbench) -> AsyncIterator[BrowserOf]:
    opened = BrowserOf(console_bus)
    yield opened
    await opened.session.close()


async def made(bus: Workbench, user: str) -> dict[str, str]:
    got = await bus.ask("POST", "/users", {"user": user}, system="operator")
    assert got.status == 201, got.body
    found: dict[str, str] = got.json
    return found


async def with_password(bus: Workbench, browser: BrowserOf, user: str, role: str = "auditor") -> str:
    """A local user who has a password and is registered; return the id of the person."""
    new = await made(bus, user)
    name, link = new["link"].partition("#")[2].split("/")
    got = await browser.ask("POST", "/console/sign-in/link", {"user": name, "link": link, "password": PASSWORD})
    assert got.json == {"account": new["account"], "registered": False}
    return await registered(bus, new["account"], role)


async def registered(bus: Workbench, account: str, role: str = "auditor") -> str:
    person = new_person_id()
    spec = {"issuer": f"http://127.0.0.1:{bus.port}", "agency": "H49.1", "roles": [role]}
    assert (await bus.registry("POST", "persons", document("Person", person, **spec))).status == 201
    linked = {"account": account, "name": "Trần Thị B", "reason": "thử"}
    got = await bus.registry("POST", f"persons/{person}/link", linked)
    assert got.json["status"]["phase"] == "active", got.body
    return person


async def test_a_user_chooses_a_password_is_registered_and_signs_in(
    console_bus: Workbench, browser_of: BrowserOf
) -> None:
    user = new_name("tran.thi.b")
    new = await made(console_bus, user)
    name, link = new["link"].partition("#")[2].split("/")
    chosen = {"user": name, "link": link, "password": PASSWORD}
    got = await browser_of.ask("POST", "/console/sign-in/link", chosen)
    assert got.json == {"account": new["account"], "registered": False}
    not_yet = await browser_of.sign_in(user)
    assert (not_yet.status, not_yet.json["account"]) == (400, new["account"])
    person = await registered(console_bus, new["account"])
    assert (await browser_of.sign_in(f" {user.title()} ")).status == 200
    assert (await browser_of.ask("GET", "/me")).json["person"] == person
    again = await browser_of.ask("POST", "/console/sign-in/link", {**chosen, "password": OTHER})
    assert (again.status, again.code) == (401, "sign-in-failed")  # a link counts once
    assert (await browser_of.ask("GET", "/oauth2/issuers")).json["localUsers"] is True


@pytest.mark.parametrize(
    "password",
    ["ngắn quá", "a" * 300, "aaaaaaaaaaaaaaaaaaaa", "mậtkhẩu123456789", "123456789012345678", "quangninhquangninh"],
)  # fmt: skip
async def test_a_password_that_is_short_or_easily_guessed_is_refused_at_its_field(
    console_bus: Workbench, browser_of: BrowserOf, password: str
) -> None:
    name = new_name("le.thi.c")
    new = await made(console_bus, name)
    link = new["link"].rpartition("/")[2]
    got = await browser_of.ask("POST", "/console/sign-in/link", {"user": name, "link": link, "password": password})
    assert (got.status, [one["pointer"] for one in got.json["errors"]]) == (422, ["/password"])
    assert password not in got.body.decode()


async def test_wrong_passwords_slow_down_whoever_guesses_and_not_whose_account_it_is(
    console_bus: Workbench, browser_of: BrowserOf, elsewhere: BrowserOf
) -> None:
    user = new_name("guessed")
    await with_password(console_bus, browser_of, user)
    assert (await browser_of.sign_in(user)).status == 200
    answers: list[Got] = []

    async def has_to_wait() -> bool:  # long enough for the next step, on a slow machine too
        answers.append(await elsewhere.sign_in(user, f"wrong {len(answers)}"))
        return answers[-1].status == 429 and int(answers[-1].headers["Retry-After"]) >= 2

    await eventually(has_to_wait)
    assert [got.status for got in answers[:5]] == [401] * 5
    assert (await elsewhere.sign_in(user)).status == 429  # right or wrong: nobody learns which
    assert (await browser_of.sign_in(user)).status == 200  # from a browser that they have used before


async def guess_until_refused(browser: BrowserOf, user: str) -> list[dict[str, Any]]:
    """Guess passwords until whoever guesses has to wait: what they were told, which is the same for five guesses at least."""
    told: list[dict[str, Any]] = []

    async def has_to_wait() -> bool:
        got = await browser.sign_in(user, "wrong")
        told.append({"status": got.status, **got.json})
        return got.status == 429

    await eventually(has_to_wait, seen=lambda: told)
    return told


async def test_nobody_learns_which_users_there_are(
    console_bus: Workbench, browser_of: BrowserOf, elsewhere: BrowserOf
) -> None:
    known_user, unknown_user = new_name("known.user"), new_name("unknown.user")
    await with_password(console_bus, browser_of, known_user)
    known, unknown = [await guess_until_refused(elsewhere, user) for user in (known_user, unknown_user)]
    for got in (known[-1], unknown[-1]):
        got.pop("detail")  # which says how long to wait
    assert known[:5] + known[-1:] == unknown[:5] + unknown[-1:]


async def test_a_session_that_somebody_else_put_there_does_not_become_the_persons(
    console_bus: Workbench, browser_of: BrowserOf
) -> None:
    user = new_name("fixed")
    await with_password(console_bus, browser_of, user)
    planted = "lgsp_session_" + "A" * 43
    browser_of.session.cookie_jar.update_cookies({"lgsp_session": planted})
    assert (await browser_of.sign_in(user)).status == 200
    assert browser_of.cookies["lgsp_session"] != planted
    first = browser_of.cookies["lgsp_session"]
    assert (await browser_of.sign_in(user)).status == 200
    assert browser_of.cookies["lgsp_session"] != first


async def test_a_new_sign_in_ends_the_session_that_the_browser_held(
    console_bus: Workbench, browser_of: BrowserOf
) -> None:
    user = new_name("again")
    await with_password(console_bus, browser_of, user)
    await browser_of.sign_in(user)
    first = browser_of.cookies["lgsp_session"]
    assert (await browser_of.sign_in(user, "wrong")).status == 401
    assert (await browser_of.ask("GET", "/me", Authorization=f"Bearer {first}")).status == 200
    assert (await browser_of.sign_in(user)).status == 200
    assert (await browser_of.ask("GET", "/me", Authorization=f"Bearer {first}")).status == 401


async def test_passkeys_that_are_none_hold_up_nobody_at_the_same_address(
    console_bus: Workbench, browser_of: BrowserOf
) -> None:
    state = (await browser_of.ask("POST", "/console/sign-in/passkey/options")).json["state"]
    shown = {"state": state, "credential": {"id": "AA", "response": {}}}
    got = await asyncio.gather(*(browser_of.ask("POST", "/console/sign-in/passkey", shown) for _ in range(200)))
    assert {one.status for one in got} == {401}


@pytest.mark.parametrize("path", ["password", "passkey/options", "passkey", "link"])
async def test_another_page_signs_nobody_in(browser_of: BrowserOf, path: str) -> None:
    got = await browser_of.ask("POST", f"/console/sign-in/{path}", {}, **{"Sec-Fetch-Site": "cross-site"})
    assert (got.status, got.code) == (403, "cross-site-request")


async def test_an_authenticator_is_set_up_asked_for_and_each_code_counts_once(
    console_bus: Workbench, browser_of: BrowserOf, elsewhere: BrowserOf
) -> None:
    user = new_name("with.totp")
    await with_password(console_bus, browser_of, user)
    await browser_of.sign_in(user)
    refused = await browser_of.ask("POST", "/me/account/authenticator", {"password": "wrong"})
    assert [one["pointer"] for one in refused.json["errors"]] == ["/password"]
    begun = (await browser_of.ask("POST", "/me/account/authenticator", {"password": PASSWORD})).json
    assert begun["picture"].startswith("data:image/svg+xml")
    totp = pyotp.TOTP(begun["secret"])
    wrong = await browser_of.ask("PUT", "/me/account/authenticator", {"state": begun["state"], "code": "000"})
    assert wrong.status == 422
    now = time.time()
    finished = await browser_of.ask(
        "PUT", "/me/account/authenticator", {"state": begun["state"], "code": totp.at(now - 30)}
    )
    recovery = finished.json["codes"]
    assert len(set(recovery)) == 10
    needed = await elsewhere.sign_in(user)
    assert (needed.status, needed.code) == (401, "second-factor-required")
    assert (await elsewhere.sign_in(user, code="000000")).status == 401
    assert (await elsewhere.sign_in(user, code=totp.at(now))).status == 200
    assert (await browser_of.sign_in(user, code=totp.at(now))).status == 401  # used
    assert (await browser_of.sign_in(user, code=recovery[0])).status == 200
    assert (await browser_of.sign_in(user, code=recovery[0])).status == 401
    account = (await browser_of.ask("GET", "/me/account")).json
    assert (account["authenticator"], account["recoveryCodes"]) == (True, 9)
    assert (await browser_of.ask("POST", "/me/account/authenticator/remove", {"password": PASSWORD})).status == 200
    assert (await browser_of.ask("GET", "/me/account")).json["authenticator"] is False


async def test_who_has_the_password_does_not_guess_codes_without_an_end(
    console_bus: Workbench, browser_of: BrowserOf, elsewhere: BrowserOf
) -> None:
    user = new_name("codes.guessed")
    await with_password(console_bus, browser_of, user)
    await browser_of.sign_in(user)
    begun = (await browser_of.ask("POST", "/me/account/authenticator", {"password": PASSWORD})).json
    code = pyotp.TOTP(begun["secret"]).now()
    await browser_of.ask("PUT", "/me/account/authenticator", {"state": begun["state"], "code": code})
    seen = [(await elsewhere.sign_in(user, code=code)).status for number in range(5) for code in ("", "123456")]
    assert 429 in seen[:7]


async def test_a_changed_password_ends_the_other_sessions(
    console_bus: Workbench, browser_of: BrowserOf, elsewhere: BrowserOf
) -> None:
    user = new_name("changes")
    await with_password(console_bus, browser_of, user)
    for browser in (browser_of, elsewhere):
        assert (await browser.sign_in(user)).status == 200
    change = {"password": PASSWORD, "newPassword": "123456789012345"}
    refused = await browser_of.ask("PUT", "/me/account/password", change)
    assert [one["pointer"] for one in refused.json["errors"]] == ["/newPassword"]
    assert (await browser_of.ask("PUT", "/me/account/password", {**change, "newPassword": OTHER})).status == 200
    assert (await browser_of.ask("GET", "/me")).status == 200
    assert (await elsewhere.ask("GET", "/me")).status == 401
    assert (await elsewhere.sign_in(user)).status == 401
    assert (await elsewhere.sign_in(user, OTHER)).status == 200


async def test_a_reset_gives_nobody_the_rights_of_the_person(console_bus: Workbench, browser_of: BrowserOf) -> None:
    user = new_name("reset.me")
    await with_password(console_bus, browser_of, user)
    assert (await browser_of.sign_in(user)).status == 200
    new = (await console_bus.ask("POST", f"/users/{user}/reset", system="operator")).json
    assert (await browser_of.ask("GET", "/me")).status == 401  # the session of the account of before has ended
    assert (await browser_of.sign_in(user)).status == 401
    link = new["link"].rpartition("/")[2]
    chosen = {"user": user, "link": link, "password": OTHER}
    assert (await browser_of.ask("POST", "/console/sign-in/link", chosen)).status == 200
    got = await browser_of.sign_in(user, OTHER)
    assert (got.status, got.json["account"]) == (400, new["account"])  # an operator links the new account, as any other
    assert (await console_bus.ask("DELETE", f"/users/{user}", system="operator")).status == 200
    assert (await browser_of.sign_in(user, OTHER)).status in (401, 429)


async def test_a_user_who_is_ended_is_signed_out(
    console_bus: Workbench, browser_of: BrowserOf, elsewhere: BrowserOf
) -> None:
    user, other = new_name("ended.user"), new_name("stays")
    await with_password(console_bus, browser_of, user)
    await with_password(console_bus, elsewhere, other)
    assert [(await browser_of.sign_in(user)).status, (await elsewhere.sign_in(other)).status] == [200, 200]
    assert (await console_bus.ask("DELETE", f"/users/{user}", system="operator")).status == 200
    assert (await browser_of.ask("GET", "/me")).status == 401
    assert (await elsewhere.ask("GET", "/me")).status == 200


async def test_operators_alone_make_users(console_bus: Workbench) -> None:
    for system in ("auditor", "agency-admin", "developer"):
        assert (await console_bus.ask("POST", "/users", {"user": "nobody"}, system=system)).status == 403
    for wrong in ("a", "Ă", "a..b", "-ab", "x" * 65, "a b c"):
        assert (await console_bus.ask("POST", "/users", {"user": wrong}, system="operator")).status == 400, wrong


async def test_a_person_lists_and_ends_their_own_sessions_alone(
    console_bus: Workbench, officials: Officials, browser_of: BrowserOf, elsewhere: BrowserOf
) -> None:
    user = new_name("sessions")
    await with_password(console_bus, browser_of, user)
    for browser in (browser_of, elsewhere):
        await browser.sign_in(user)
    listed = (await browser_of.ask("GET", "/me/sessions")).json["items"]
    assert [one["current"] for one in listed].count(True) == 1
    other = next(one for one in listed if not one["current"])
    _, stranger = await officials.signed_in("auditor", who="stranger")
    theirs = {"Authorization": f"Bearer {stranger}"}
    got = await BrowserOf.ask(elsewhere, "DELETE", f"/me/sessions/{listed[0]['id']}", **theirs)
    assert got.status == 404
    assert (await browser_of.ask("DELETE", f"/me/sessions/{other['id']}")).status == 200
    assert (await elsewhere.ask("GET", "/me")).status == 401
    await elsewhere.sign_in(user)
    assert (await browser_of.ask("POST", "/me/sessions/end-others")).status == 200
    assert (await elsewhere.ask("GET", "/me")).status == 401
    assert (await browser_of.ask("GET", "/me")).status == 200


async def events_of(browser: BrowserOf, count: int, between: Any) -> list[tuple[str, Any]]:
    """Follow a session until it has said so many things about itself; `between` is done after the first."""
    found: list[tuple[str, Any]] = []
    name = ""
    timeout = aiohttp.ClientTimeout(total=15)
    async with browser.session.get("/me/session/events", timeout=timeout) as answer:
        async for line in answer.content:
            text = line.decode().strip()
            name = text.removeprefix("event: ") if text.startswith("event: ") else name
            if text.startswith("data: ") and name != "waiting":
                found.append((name, json.loads(text.removeprefix("data: "))))
                if len(found) == 1:
                    await between()
                if len(found) == count:
                    break
    return found


async def test_every_tab_learns_at_once_that_the_session_ended(
    console_bus: Workbench, browser_of: BrowserOf, elsewhere: BrowserOf
) -> None:
    user = new_name("ends")
    person = await with_password(console_bus, browser_of, user)
    await browser_of.sign_in(user)
    elsewhere.session.cookie_jar.update_cookies(browser_of.cookies)  # another tab

    async def sign_out() -> None:
        assert (await elsewhere.ask("POST", "/console/sign-out")).status == 200

    assert [name for name, _ in await events_of(browser_of, 2, sign_out)] == ["session", "ended"]
    await browser_of.sign_in(user)

    async def suspend() -> None:
        got = await console_bus.registry("POST", f"persons/{person}/suspend", {"reason": "thử"})
        assert got.status == 200, got.body

    assert [name for name, _ in await events_of(browser_of, 2, suspend)] == ["session", "ended"]


async def test_every_tab_learns_at_once_that_a_role_was_taken_away(
    console_bus: Workbench, browser_of: BrowserOf
) -> None:
    user = new_name("demoted")
    person = await with_password(console_bus, browser_of, user)
    await browser_of.sign_in(user)

    async def demote() -> None:
        known = await console_bus.registry("GET", f"persons/{person}")
        changed = {**known.json, "spec": {**known.json["spec"], "roles": ["developer"]}}
        changed.pop("status")
        got = await console_bus.registry(
            "PUT", f"persons/{person}", changed, headers={"If-Match": known.headers["ETag"]}
        )
        assert got.status == 200, got.body

    first, second = await events_of(browser_of, 2, demote)
    assert (first[0], first[1]["roles"]) == ("session", ["auditor"])
    assert second[0] == "ended" or second[1]["roles"] == ["developer"]
