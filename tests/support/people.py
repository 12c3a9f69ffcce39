"""A bus on which people sign in: two issuers, and what an operator and a person do."""

import base64
import secrets
from pathlib import Path
from typing import Any

from lgsp_gateway.sessions.sign_in import ID_TOKEN, TOKEN_EXCHANGE
from support.sign_in_issuer import SignInIssuer, write_entries
from support.workbench import Got, Workbench, document


def new_person_id() -> str:
    return "p-" + base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]


def new_name(stem: str) -> str:
    """A name that a bus does not know yet, of a local user for example, however often a test is tried on it."""
    return f"{stem}-{secrets.token_hex(3)}"


class People:
    """The bus, with what people need of it."""

    def __init__(self, bus: Workbench, issuer: SignInIssuer, other: SignInIssuer) -> None:
        self.bus = bus
        self.issuer = issuer
        self.other = other

    @classmethod
    async def start(cls, folder: Path, *options: str, other: SignInIssuer | None = None) -> "People":
        issuer, other = await SignInIssuer().start(), await (other or SignInIssuer()).start()
        file = write_entries(folder / "issuers.yaml", issuer, other)
        bus = await Workbench(folder).start("--issuers", str(file), *options)
        return cls(bus, issuer, other)

    async def stop(self) -> None:
        await self.bus.stop()
        await self.issuer.stop()
        await self.other.stop()

    async def exchange(self, id_token: str, **more: str) -> Got:
        """Exchange an ID token for a session."""
        form = {"grant_type": TOKEN_EXCHANGE, "subject_token": id_token, "subject_token_type": ID_TOKEN, **more}
        headers = {"Accept-Language": "en"}
        async with self.bus.session.post("/oauth2/token", data=form, headers=headers) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def code(self, subject: str, issuer: SignInIssuer | None = None) -> str:
        """The code of an account that is not registered, as whoever signs in is told it."""
        got = await self.exchange((issuer or self.issuer).id_token(subject))
        assert got.status == 400, got.body
        said = str(got.json["error_description"])
        assert "tell its code" in said, said
        return said.partition("tell its code ")[2].partition(" ")[0]

    async def create(self, *roles: str, by: str = "operator", agency: str = "H49.1", issuer: str = "") -> str:
        """A person without an account."""
        person = new_person_id()
        spec = {"issuer": issuer or self.issuer.url, "agency": agency, "roles": list(roles)}
        got = await self.ask("POST", "persons", document("Person", person, **spec), by=by)
        assert got.status == 201, got.body
        return person

    async def link(self, person: str, account: str, by: str = "operator", name: str = "Nguyễn Thị B") -> Got:
        said = {"account": account, "name": name, "reason": "thử"}
        return await self.ask("POST", f"persons/{person}/link", said, by=by)

    async def act(self, person: str, action: str, by: str = "operator", reason: str = "thử") -> Got:
        return await self.ask("POST", f"persons/{person}/{action}", {"reason": reason}, by=by)

    async def ask(self, method: str, path: str, sent: Any = None, *, by: str = "operator", **headers: str) -> Got:
        """Ask `/registry/…` as a system, by its name, or as whoever holds a session, by its token."""
        token = by if by.startswith("lgsp_session_") else self.bus.token(by)
        return await self.bus.registry(method, path, sent, headers={"Authorization": f"Bearer {token}", **headers})

    async def me(self, token: str) -> Got:
        async with self.bus.session.get("/me", headers={"Authorization": f"Bearer {token}"}) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def signed_in(
        self, subject: str, *roles: str, agency: str = "H49.1", by: str = "operator"
    ) -> tuple[str, str]:
        """Register somebody, approve them where that is needed, and sign them in: their id and the token of the session."""
        person = await self.create(*roles, agency=agency, by=by)
        got = await self.link(person, await self.code(subject), by=by)
        assert got.status == 200, got.body
        if got.json["status"]["phase"] == "awaiting-operator":
            raise AssertionError(f"{person} waits for another operator")
        return person, await self.session(subject)

    async def session(self, subject: str, **more: str) -> str:
        got = await self.exchange(self.issuer.id_token(subject), **more)
        assert got.status == 200, got.body
        return str(got.json["access_token"])
