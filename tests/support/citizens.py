"""A bus whose evidence citizens read in a browser, and whose agencies they ask."""

import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from lgsp_auth.signing_keys import SigningKey
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.citizens.requests import CitizenRequest
from lgsp_gateway.citizens.sealed_requests import ASKED, SealedRequests
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.http.session_cookie import CONSOLE, REQUESTED_WITH
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.sessions.store import PEOPLE, PeopleStore
from lgsp_runtime.nats.connection import connect
from support.issuer import CLAIM
from support.searched import Searched
from support.sign_in_issuer import SignInIssuer, write_entries
from support.workbench import TEXT, Got, Workbench, document

OWN_PAGE = {REQUESTED_WITH: CONSOLE, "Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
FOREIGN_ADMIN = "foreign-admin"


class Citizens:
    """The bus: `alpha` and `agency-admin` are of the agency H49.1, `foreign-admin` of H49.2."""

    def __init__(self, searched: Searched, issuer: SignInIssuer) -> None:
        self.searched = searched
        self.bus = searched.bus
        self.issuer = issuer

    @classmethod
    async def start(cls, folder: Path, *options: str) -> "Citizens":
        issuer, address = await SignInIssuer(citizens=CLAIM).start(), str(folder / "index.db")
        file = write_entries(folder / "issuers.yaml", issuer)
        key, spec = SigningKey.generate(), {"agency": "H49.2", "title": TEXT, "roles": ["agency-admin"]}
        admin = document("System", FOREIGN_ADMIN, jwks=[key.public_jwk()], **spec)
        bench = Workbench(folder, documents=[admin])
        bus = await bench.start("--index", address, "--issuers", str(file), *options)
        return cls(await Searched(bus, folder, address).start(), issuer)

    async def stop(self) -> None:
        await self.searched.stop()
        await self.issuer.stop()

    async def read_about(self, number: str) -> str:
        """Let `alpha` read about somebody; return the message once the evidence can be searched for it."""
        message = (await self.bus.call(body={"soDinhDanh": number})).message
        await self.searched.indexed(message)
        return message

    async def browser(self, number: str) -> "CitizenBrowser":
        """A browser in which a citizen has signed in."""
        browser = CitizenBrowser(self)
        assert (await browser.sign_in(number)).headers["Location"] == "/my-data"
        return browser

    async def store_request(self, citizen: str, request: dict[str, Any], number: str, *, days: int) -> str:
        """Store another request like one that was sent; return its number.

        Args:
            citizen: the number of the citizen.
            request: as the agency reads it.
            days: until it is due; negative where it is overdue.
        """
        keys, now = KeyStore(self.bus.state.keys), datetime.datetime.now(VIETNAM)
        pseudonyms = Pseudonyms(keys.pseudonym_key())
        pseudonym, due = pseudonyms.of(citizen), (now + datetime.timedelta(days=days)).date()
        made = CitizenRequest(
            number, "H49.1", pseudonym, request["kind"], request["text"], request["entry"], now.timestamp(), due
        )
        connection = await connect(self.bus.endpoint("gateway"), "test")
        try:
            people = PeopleStore(lambda: self.bus.endpoint("people"))
            await people.start(connection, 1)
            alias = partial(_alias, pseudonyms)
            assert await SealedRequests(people, PayloadCipher(keys.storage_keys), alias, 6).create(
                made, ASKED, made.document()
            )
        finally:
            await connection.close()
        return number

    async def damage_request(self, number: str, part: str = ASKED) -> None:
        """Change what is stored of a request (`asked`, `replied`, `answered`), as a disk would."""
        connection = await connect(self.bus.endpoint("gateway"), "test")
        try:
            bucket = await connection.jetstream().key_value(PEOPLE)
            [key] = [key for key in await bucket.keys() if key.endswith(f".{number}.{part}")]
            await bucket.put(key, b'{"sealed": "damaged"}')
        finally:
            await connection.close()

    async def agency(self, method: str, path: str = "", sent: Any = None, who: str = "agency-admin") -> Got:
        """Ask `/citizen-requests` as a system."""
        headers = {"Authorization": f"Bearer {self.bus.token(who)}", "Accept-Language": "en"}
        async with self.bus.session.request(method, f"/citizen-requests{path}", json=sent, headers=headers) as answer:
            return Got(answer.status, await answer.read(), answer.headers)


def _alias(pseudonyms: Pseudonyms, citizen: str) -> str:
    return pseudonyms.of(f"requests of {citizen}")


class CitizenBrowser:
    """What a browser of a citizen keeps and sends, without its page."""

    def __init__(self, citizens: Citizens) -> None:
        self._issuer = citizens.issuer
        self.session = aiohttp.ClientSession(
            f"http://127.0.0.1:{citizens.bus.port}", cookie_jar=aiohttp.CookieJar(unsafe=True)
        )

    async def sign_in(self, number: Any) -> Got:
        """Sign in as a citizen whose number the issuer gives; return the answer to the issuer's redirect."""
        self._issuer.claims = {CLAIM: number}
        begun = await self.ask("GET", f"/my-data/sign-in?issuer={self._issuer.url}")
        async with self.session.get(begun.headers["Location"], allow_redirects=False) as redirect:
            parts = urlsplit(redirect.headers["Location"])
        return await self.ask("GET", f"{parts.path}?{parts.query}")

    async def ask(self, method: str, path: str, sent: Any = None, **headers: str) -> Got:
        sent_headers = {**OWN_PAGE, **headers}
        request = self.session.request(method, path, json=sent, headers=sent_headers, allow_redirects=False)
        async with request as answer:
            return Got(answer.status, await answer.read(), answer.headers.copy())

    async def object_to(self, message: str, text: str = "Tôi chưa từng nộp hồ sơ này.", **more: str) -> Got:
        document = {"message": message, "agency": "H49.1", "kind": "object", "text": text, **more}
        return await self.ask("POST", "/me/access-requests", document)

    async def requests(self) -> list[dict[str, Any]]:
        got = await self.ask("GET", "/me/access-requests")
        assert got.status == 200, got.body
        return list(got.json["items"])
