"""People who use the console in a browser: they are registered, signed in, and given a page of Debian's chromium."""

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from lgsp_gateway.http.session_cookie import CONSOLE, REQUESTED_WITH, SessionCookie
from lgsp_gateway.registry.approver_roles import APPROVING_ROLES
from lgsp_gateway.sessions.session_store import Session
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_runtime.nats.connection import connect
from support.people import new_person_id
from support.processes import apt_install
from support.waits import SECONDS
from support.workbench import Got, Workbench, document

SAME_ORIGIN = {REQUESTED_WITH: CONSOLE, "Sec-Fetch-Site": "same-origin"}
"""What a browser sends with a request that a page of the bus makes."""

TIMEOUT_MS = 1000 * SECONDS
"""The longest that a page is waited for."""

_FETCH_FAILED = "Failed to load resource"
"""How chromium's console speaks of a response with an error status; whether that is a fault is for the test to say."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's chromium, installed where it is missing and that is possible."""
    if not shutil.which("chromium"):
        await asyncio.to_thread(apt_install, "chromium")
    binary = shutil.which("chromium")
    assert binary, "chromium is missing; apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()


class SignedIn(NamedTuple):
    """A person, and the token of a session of theirs."""

    person: str
    token: str


class Officials:
    """The people of a bus, made as tests ask for them and shared by those that ask for the same."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus
        self._people: dict[tuple[str, frozenset[str], str], str] = {}

    async def signed_in(self, *roles: str, agency: str = "H49.1", who: str = "a") -> SignedIn:
        """A person with these roles for an agency, and a new session of theirs.

        Args:
            who: tells several people with the same roles apart.
        """
        key = (agency, frozenset(roles), who)
        if key not in self._people:
            self._people[key] = await self._register(*roles, agency=agency)
        person = self._people[key]
        return SignedIn(person, await self.begin_session(person))

    async def begin_session(self, person: str, seconds: float = 3600) -> str:
        """A new session of a person, as a sign-in begins it.

        Args:
            seconds: left of the hour that it lasts.
        """
        got = await self.bus.registry("GET", f"persons/{person}")
        assert got.status == 200, got.body
        generation = got.json.get("status", {}).get("generation", 0)
        connection = await connect(self.bus.endpoint("gateway"), "test sign-in")
        try:
            store = PeopleStore(lambda: self.bus.endpoint("people"))
            await store.start(connection, 1)
            token = f"lgsp_session_{secrets.token_urlsafe(32)}"
            await store.sessions.begin(token, self._session(person, generation, time.time() + seconds))
        finally:
            await connection.close()
        return token

    @staticmethod
    def _session(person: str, generation: int, expires: float) -> Session:
        return Session(person, "", generation, expires, began=expires - 3600, authenticated=expires - 3600)

    async def _register(self, *roles: str, agency: str) -> str:
        """Register a person; in a role that approves, a second operator approves them, and as many of the two are people as there are."""
        approving = APPROVING_ROLES.intersection(roles)
        assert not (self.bus.shared and approving), "once people approve, systems never do again: use a bus of your own"
        operators = [person for (_, held, _), person in self._people.items() if "operator" in held]
        first = await self.begin_session(operators[0]) if len(operators) > 1 else self.bus.token("operator")
        second = await self.begin_session(operators[-1]) if operators else self.bus.token("operator-2")
        person = new_person_id()
        spec = {"issuer": f"http://127.0.0.1:{self.bus.port}", "agency": agency, "roles": list(roles)}
        got = await self._ask(first, "persons", document("Person", person, **spec))
        assert got.status == 201, got.body
        account = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(26))
        linked = {"account": account, "name": f"Nguyễn Văn {roles[0] if roles else 'A'}", "reason": "thử"}
        got = await self._ask(first, f"persons/{person}/link", linked)
        assert got.status == 200, got.body
        if got.json["status"]["phase"] != "active":
            got = await self._ask(second, f"persons/{person}/approve", {"reason": "thử"})
            assert got.json["status"]["phase"] == "active", got.body
        return person

    async def _ask(self, token: str, path: str, sent: dict[str, Any]) -> Got:
        return await self.bus.registry("POST", path, sent, headers={"Authorization": f"Bearer {token}"})


class Console:
    """The browser of one test: pages of people who are signed in. What a page must never do fails the test at its end."""

    def __init__(self, browser: Browser, officials: Officials) -> None:
        self.officials = officials
        self.bus = officials.bus
        self.url = f"http://127.0.0.1:{self.bus.port}"
        self.faults: list[str] = []
        """Errors of scripts, what the content security policy stopped, and requests that would have left the machine."""
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def page(
        self,
        *roles: str,
        agency: str = "H49.1",
        who: str = "a",
        language: str = "vi",
        theme: str = "light",
        width: int = 1440,
        height: int = 900,
    ) -> Page:
        """A page of somebody who has just signed in, in a browser of their own; nothing is opened in it yet.

        Args:
            roles: of the person, for the agency.
            who: tells several people with the same roles apart.
            language: `vi` or `en`, which the browser prefers.
            theme: `light` or `dark`, which the browser prefers.
        """
        signed_in = await self.officials.signed_in(*roles, agency=agency, who=who)
        return await self.page_with(signed_in.token, language, theme, width, height)

    async def page_with(
        self, token: str = "", language: str = "vi", theme: str = "light", width: int = 1440, height: int = 900
    ) -> Page:
        """A page of a browser that holds a session, or none."""
        context = await self._browser.new_context(
            base_url=self.url,
            locale={"vi": "vi-VN", "en": "en-GB"}[language],
            timezone_id="Asia/Ho_Chi_Minh",
            color_scheme="dark" if theme == "dark" else "light",
            viewport={"width": width, "height": height},
        )
        context.set_default_timeout(TIMEOUT_MS)
        self._contexts.append(context)
        if token:
            name = SessionCookie(self.url).name
            await context.add_cookies(
                [{"name": name, "value": token, "url": self.url, "httpOnly": True, "sameSite": "Strict"}]
            )
        return await self._tab(context)

    async def tab(self, page: Page) -> Page:
        """Another tab of the browser of a page, with the same session; nothing is opened in it yet."""
        return await self._tab(page.context)

    async def _tab(self, context: BrowserContext) -> Page:
        page = await context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note_error)
        page.on("request", self._note_request)
        return page

    def _note_error(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_FETCH_FAILED):
            self.faults.append(message.text)

    def _note_request(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", "localhost", None, ""):
            self.faults.append(f"a request to {request.url}")

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()
        assert not self.faults, self.faults
