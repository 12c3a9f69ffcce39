"""`lgsp login`, `whoami`, `logout` and `person` as people use them; the browser is a client of HTTP that follows redirects."""

import asyncio
import json
import os
import re
import secrets
import signal
import stat
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml
from support.oidc_modules import PEOPLE, oidc_modules
from support.people import People
from support.preloaded import Fork, begin, run
from support.processes import Process, free_port
from support.sign_in_issuer import SignInIssuer
from support.waits import eventually
from support.workbench import Workbench
from yarl import URL

from lgsp_auth.signing_keys import SigningKey


class Terminal:
    """Somebody's terminal, with a state folder of their own."""

    def __init__(self, people: People, folder: Path) -> None:
        self.people = people
        self.state = folder
        self.where = ["--url", f"http://127.0.0.1:{people.bus.port}"]
        self.environment = {"XDG_STATE_HOME": str(folder)}

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        return await run(*arguments, *self.where, environment=self.environment)

    async def login(self, *options: str, pattern: str = r"Sign in at (\S+)") -> tuple["Login", str]:
        """Begin to sign in, and what it shows: the address to go to."""
        arguments = ["login", "--no-browser", "--issuer", self.people.issuer.url, *options, *self.where]
        login = Login(*await begin(*arguments, environment=self.environment))
        return login, await login.shown(pattern)

    async def signed_in(self) -> tuple[int, str]:
        """Sign in, all the way: the exit code and stderr."""
        login, address = await self.login()
        await visit(address)
        return await login.ended()

    def session_files(self) -> list[Path]:
        return sorted(self.state.rglob("*.json"))


class Login:
    """`lgsp login` while it waits for somebody."""

    def __init__(self, process: Fork, errors: asyncio.StreamReader) -> None:
        self.process = process
        self._errors = errors

    async def shown(self, pattern: str) -> str:
        """What it shows, as soon as it does."""
        async with asyncio.timeout(20):
            while line := (await self._errors.readline()).decode():
                if found := re.search(pattern, line):
                    return found[1]
        raise AssertionError(f"it never said {pattern}")

    async def ended(self) -> tuple[int, str]:
        """Its exit code, and what more it said."""
        async with asyncio.timeout(20):
            said = (await self._errors.read()).decode()
            return await self.process.wait(), said


async def visit(address: str) -> int:
    """Go where a browser would, redirects and all."""
    async with aiohttp.ClientSession() as session, session.get(address) as page:
        return page.status


@pytest_asyncio.fixture(scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[People]:
    found = await People.start(tmp_path_factory.mktemp("login"))
    yield found
    await found.stop()


@pytest.fixture
def terminal(people: People, tmp_path: Path) -> Terminal:
    people.issuer.subject, people.issuer.claims, people.issuer.redirected = "somebody", {}, {}
    people.issuer.names_itself, people.issuer.approved = True, False
    return Terminal(people, tmp_path)


async def registered(people: People, subject: str, *roles: str) -> str:
    people.issuer.subject = subject
    person = await people.create(*roles)
    assert (await people.link(person, await people.code(subject))).status == 200
    return person


async def test_somebody_signs_in_acts_as_themselves_and_signs_out(people: People, terminal: Terminal) -> None:
    person = await registered(people, "signs-in", "auditor")
    code, err = await terminal.signed_in()
    assert code == 0, err
    assert f"Signed in: person/{person} (H49.1; auditor)" in err
    [file] = terminal.session_files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert (await terminal.run("whoami"))[1] == f"person/{person} (H49.1; auditor)\n"
    code, out, _ = await terminal.run("get", "persons")
    assert code == 0
    assert person in out
    assert (await terminal.run("evidence", "tail", "--no-follow"))[0] == 0
    code, _, err = await terminal.run("delete", "agency", "H49.2")
    assert code == 1
    assert f"Person {person} (roles: auditor) may not do this" in err
    token = json.loads(file.read_bytes())["token"]
    assert (await terminal.run("logout"))[0] == 0
    assert terminal.session_files() == []
    assert (await people.me(token)).status == 401


async def test_who_is_not_registered_is_told_what_to_tell_an_operator(people: People, terminal: Terminal) -> None:
    people.issuer.subject = "not-yet"
    code, err = await terminal.signed_in()
    assert code == 1
    account = re.search(r"tell its code ([A-Z2-7-]+) to an operator", err)
    assert account
    assert terminal.session_files() == []
    operator = ["--token", people.bus.token("operator")]
    made = ["person", "create", "--issuer", people.issuer.url, "--agency", "H49.1", "--role", "integrator"]
    code, out, err = await terminal.run(*made, "--account", account[1], "--name", "Lê Văn C", *operator)
    assert code == 0, err
    person = re.fullmatch(r"person/(p-[a-z2-7]{26}) is active\n", out)
    assert person
    code, out, _ = await terminal.run("person", "show", person[1], *operator)
    assert "Lê Văn C" in out
    assert (await terminal.signed_in())[0] == 0
    assert "is suspended" in (await terminal.run("person", "suspend", person[1], "--reason", "nghỉ việc", *operator))[1]
    code, _, err = await terminal.run("whoami")
    assert code == 1
    assert "sign in again with lgsp login" in err
    code, err = await terminal.signed_in()
    assert code == 1
    assert "suspended" in err


async def test_a_person_whose_account_cannot_be_linked_is_not_registered(people: People, terminal: Terminal) -> None:
    code = await people.code("linked-before")
    assert (await people.link(await people.create("developer"), code)).status == 200
    operator = ["--token", people.bus.token("operator")]
    before = (await terminal.run("get", "persons", *operator))[1]
    made = ["person", "create", "--issuer", people.issuer.url, "--agency", "H49.1", "--role", "integrator", "--account"]
    status, _, err = await terminal.run(*made, "WRONG", *operator)
    assert (status, "26 characters" in err) == (1, True)
    status, out, err = await terminal.run(*made, code, *operator)
    assert (status, out) == (1, ""), err
    assert (await terminal.run("get", "persons", *operator))[1] == before


async def test_an_operator_approves_the_account_whose_code_they_heard(people: People, terminal: Terminal) -> None:
    _, token = await people.signed_in("approves", "operator")
    heard, other = await people.code("heard"), await people.code("other")
    person = await people.create("agency-admin")
    assert (await people.link(person, other)).json["status"]["phase"] == "awaiting-operator"
    approve = ["person", "approve", person, "--token", token, "--account"]
    code, _, err = await terminal.run(*approve, heard)
    assert code == 1
    assert "do not approve it" in err
    assert (await terminal.run(*approve, other))[1] == f"person/{person} is active\n"


async def test_the_device_code(people: People, terminal: Terminal) -> None:
    person = await registered(people, "by-device", "developer")
    login, shown = await terminal.login("--device", pattern=r"and enter (\S+)")
    assert shown == "WDJB-MJHT"
    await eventually(lambda: people.issuer.asked and people.issuer.asked[-1]["grant_type"] != "authorization_code")
    people.issuer.approved = True
    code, err = await login.ended()
    assert code == 0, err
    assert (await terminal.run("whoami"))[1].startswith(f"person/{person} ")


async def test_a_redirect_that_carries_another_state_changes_nothing(people: People, terminal: Terminal) -> None:
    await registered(people, "state", "developer")
    login, address = await terminal.login()
    people.issuer.redirected = {"state": "guessed", "code": "the-attackers"}
    assert await visit(address) == 400
    people.issuer.redirected = {"state": "guessed", "error": "access_denied", "code": ""}
    assert await visit(address) == 400
    people.issuer.redirected = {}
    assert await visit(address) == 200
    assert (await login.ended())[0] == 0


async def test_a_code_of_somebody_elses_sign_in_is_worth_nothing(people: People, terminal: Terminal) -> None:
    """Even with the right state: it was given for another challenge (PKCE)."""
    await registered(people, "injected", "developer")
    first, address = await terminal.login()
    people.issuer.redirected = {"state": "kept-for-later"}
    async with aiohttp.ClientSession() as session, session.get(address, allow_redirects=False) as answer:
        stolen = re.search(r"code=([^&]+)", answer.headers["Location"])
    assert stolen
    second, address = await terminal.login()
    people.issuer.redirected = {"code": stolen[1]}
    await visit(address)
    code, err = await second.ended()
    assert code == 1
    assert "invalid_grant" in err
    os.kill(first.process.pid, signal.SIGTERM)
    await first.process.wait()
    assert terminal.session_files() == []


@pytest.mark.parametrize(
    ("redirected", "words"),
    [
        ({"iss": "https://elsewhere"}, "another issuer"),
        ({"iss": ""}, "another issuer"),  # it says in its metadata that it names itself
        ({"error": "access_denied", "code": ""}, "access_denied"),
        ({"error": "\x1b[31mred", "code": ""}, "refused"),
    ],
)
async def test_a_redirect_that_says_no_or_is_of_another_issuer(
    people: People, terminal: Terminal, redirected: dict[str, str], words: str
) -> None:
    await registered(people, f"redirected-{secrets.token_hex(4)}", "developer")
    people.issuer.redirected = redirected
    code, err = await terminal.signed_in()
    assert code == 1
    assert words in err
    assert "\x1b" not in err
    assert terminal.session_files() == []


async def test_an_id_token_that_is_not_of_this_sign_in_is_refused(people: People, terminal: Terminal) -> None:
    await registered(people, "forged", "developer")
    issuer = people.issuer
    faults: list[dict[str, Any]] = [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"iss": people.other.url},
        {"exp": 1},
    ]
    for claims in faults:
        issuer.claims = claims
        code, err = await terminal.signed_in()
        assert (code, "Signed in" in err) == (1, False), claims
    issuer.claims, issuer.signs_with = {}, SigningKey.generate()
    code, err = await terminal.signed_in()
    assert code == 1
    assert "wrong signature" in err or "not signed by a key the issuer uses" in err
    issuer.signs_with = issuer.key
    assert terminal.session_files() == []
    assert (await terminal.signed_in())[0] == 0


async def test_a_session_that_has_expired_is_told_and_nobody_acts_as_somebody_else(
    people: People, terminal: Terminal
) -> None:
    await registered(people, "expired", "developer")
    assert (await terminal.signed_in())[0] == 0
    [file] = terminal.session_files()
    file.write_text(json.dumps({**json.loads(file.read_text()), "expires": 1}))
    code, _, err = await terminal.run("whoami")
    assert code == 1
    assert "run lgsp login" in err
    assert (await terminal.run("logout"))[0] == 0
    assert terminal.session_files() == []


async def test_a_session_that_the_bus_did_not_end_is_not_called_ended(tmp_path: Path) -> None:
    people = await People.start(tmp_path)
    terminal = Terminal(people, tmp_path / "terminal")
    try:
        await registered(people, "stays", "developer")
        assert (await terminal.signed_in())[0] == 0
        await people.bus.nats.kill()
        code, _, err = await terminal.run("logout")
        assert (code, "expires by itself within the hour" in err, "Signed out" in err) == (1, True, False), err
        assert terminal.session_files() == []
        await people.bus.nats.start(wait_ready=False)
    finally:
        await people.stop()


async def test_several_issuers_are_named(people: People, terminal: Terminal) -> None:
    code, _, err = await terminal.run("login", "--no-browser")
    assert code == 1
    assert people.issuer.url in err
    assert people.other.url in err


class Form(HTMLParser):
    """The form on a page: where it goes, and what is in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.action = self.action or said.get("action", "")
        elif tag == "input" and "name" in said:
            self.fields.setdefault(said["name"], said.get("value", ""))


async def browse(address: str, subject: str) -> None:
    """Go to an address and send every form that comes, as whoever signs in does."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(address) as answer:
            url, page = answer.url, await answer.text()
        for _ in range(8):
            form = Form(page)
            if not form.action:
                return
            fields = {name: subject if name in ("login", "password") else value for name, value in form.fields.items()}
            async with session.post(url.join(URL(form.action)), data=fields) as answer:
                url, page = answer.url, await answer.text()
    raise AssertionError("the forms come to no end")


@pytest_asyncio.fixture(scope="module")
async def certified(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[People]:
    """A bus whose people sign in with a certified provider, in its own pages."""
    folder, port, modules = tmp_path_factory.mktemp("certified"), free_port(), oidc_modules()
    provider = await Process(["node", str(PEOPLE), str(port), str(modules)], folder / "log").start()
    issuer = SignInIssuer()
    issuer.url = f"http://127.0.0.1:{port}"
    entry = {**issuer.entry(), "algorithms": ["RS256"]}
    (folder / "issuers.yaml").write_text(yaml.safe_dump({"issuers": [entry]}))
    bus = await Workbench(folder).start("--issuers", str(folder / "issuers.yaml"))
    yield People(bus, issuer, issuer)
    await bus.stop()
    await provider.stop()


@pytest.mark.parametrize(
    ("options", "pattern"), [((), r"Sign in at (\S+)"), (("--device",), r"Open (\S+) on another device")]
)
async def test_a_certified_provider_signs_people_in(
    certified: People, tmp_path: Path, options: tuple[str, ...], pattern: str
) -> None:
    terminal, subject = Terminal(certified, tmp_path), f"somebody{len(options)}"
    login, address = await terminal.login(*options, pattern=pattern)
    await browse(address, subject)
    code, err = await login.ended()
    assert code == 1
    account = re.search(r"tell its code ([A-Z2-7-]+) to an operator", err)
    assert account, err
    person = await certified.create("developer")
    assert (await certified.link(person, account[1])).status == 200
    login, address = await terminal.login(*options, pattern=pattern)
    await browse(address, subject)
    code, err = await login.ended()
    assert code == 0, err
    assert (await terminal.run("whoami"))[1] == f"person/{person} (H49.1; developer)\n"


async def test_an_issuer_that_is_down_is_said_to_be(people: People, terminal: Terminal) -> None:
    await people.issuer.stop()  # the last test of this issuer
    code, _, err = await terminal.run("login", "--no-browser", "--issuer", people.issuer.url)
    assert code == 1
    assert f"The sign-in failed: the issuer {people.issuer.url} does not answer" in err
