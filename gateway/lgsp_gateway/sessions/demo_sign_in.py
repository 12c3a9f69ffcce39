"""Signs people of a bus on one machine in by a link, once: `lgsp up` prints links of its operator, of an officer and of an agency's
administrator, so that the console can be looked at without an issuer.

The link is written into NATS by whoever started the bus and has its passwords, and counts on the loopback interface alone. The person is
registered when the link is first used, not before: from then on there is a person who operates the bus, and systems alone no
longer approve what concerns persons. So an administrator is registered with whoever is first, while no person operates the bus yet.
"""

import secrets
import time
from collections.abc import Mapping
from typing import NamedTuple

from lgsp_auth.id_token import Account
from lgsp_contracts.names import document_name
from lgsp_gateway.registry.administration import Administration
from lgsp_gateway.registry.change_writer import ABSENT
from lgsp_gateway.registry.documents import API_VERSION
from lgsp_gateway.registry.persons import principal_of_system
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions import buckets
from lgsp_gateway.sessions.person_administration import PersonAdministration
from lgsp_gateway.sessions.session_store import Origin, SessionStore, id_of
from lgsp_gateway.sessions.sign_in import BegunSession, SignIn
from lgsp_gateway.sessions.store import Profile
from lgsp_problems import Refusal

LINK_SECONDS = 3600
_REASON = "lgsp up"
_OPERATOR = "Người vận hành (lgsp up)"


class Newcomer(NamedTuple):
    """How a person is registered whom a link signs in for the first time."""

    agency: str
    roles: tuple[str, ...]
    name: str


async def write_link(
    sessions: SessionStore,
    person: str,
    system: str,
    newcomer: Newcomer | None = None,
    beforehand: Mapping[str, Newcomer] | None = None,
) -> str:
    """Write a new link and return its secret.

    Args:
        person: the id of the person whom it signs in.
        system: the operator's system that registers them, where they are not registered yet.
        newcomer: as what; None for an operator of the same agency as the system.
        beforehand: who is registered before them, by the ids of persons.

    Raises:
        Refusal: `bus-unavailable`.
    """
    link = secrets.token_urlsafe(24)
    expires = time.time() + LINK_SECONDS
    document = {
        "person": person,
        "system": system,
        "newcomer": newcomer and list(newcomer),
        "beforehand": {other: list(as_what) for other, as_what in (beforehand or {}).items()},
        "expires": expires,
    }
    await buckets.write(sessions.bucket, f"once.{id_of(link)}", document)
    return link


class DemoSignIn:
    """Signs somebody in by such a link.

    Args:
        issuer: the address of the bus.
    """

    def __init__(
        self,
        sign_in: SignIn,
        registry: RegistrySnapshot,
        administration: Administration,
        persons: PersonAdministration,
        issuer: str,
    ) -> None:
        self._sign_in = sign_in
        self._registry = registry
        self._administration = administration
        self._persons = persons
        self._issuer = issuer

    async def by_link(self, link: str, origin: Origin, now: float) -> BegunSession:
        """Sign in by a link, and return the session.

        Raises:
            Refusal: `sign-in-failed`, where it does not count; what keeps the person from being registered; `bus-unavailable`.
        """
        key = f"once.{id_of(link)}"
        stored = await buckets.read(self._sign_in.sessions.bucket, key)
        unused = stored and stored.document.get("person") and now < stored.document["expires"]
        if not (stored and unused and await buckets.replace(self._sign_in.sessions.bucket, key, {}, stored.revision)):
            raise _used()
        person = str(stored.document["person"])
        system, newcomer = str(stored.document["system"]), stored.document.get("newcomer")
        for other, as_what in {**stored.document.get("beforehand", {}), person: newcomer}.items():
            if other not in self._registry.persons:
                await self._register(other, system, Newcomer(*as_what) if as_what else None)
        begun = await self._sign_in.begin_for(person, origin, now)
        if begun is None:
            raise _used()
        return begun

    async def _register(self, person: str, system: str, newcomer: Newcomer | None) -> None:
        operator = principal_of_system(self._registry.systems[system])
        agency, roles, called = newcomer or Newcomer(operator.agency, tuple(sorted(operator.roles)), _OPERATOR)
        spec = {"issuer": self._issuer, "agency": agency, "roles": list(roles)}
        document = {"apiVersion": API_VERSION, "kind": "Person", "metadata": {"name": person}, "spec": spec}
        await self._administration.put(operator, document, ABSENT, _REASON)
        code = self._sign_in.codes.code(Account(self._issuer, f"{_REASON} {person}"))
        name = document_name("Person", person)
        await self._persons.link(operator, name, Profile(code, called), _REASON)


def _used() -> Refusal:
    return Refusal(
        "sign-in-failed",
        vi="Liên kết này đã được dùng hoặc đã hết hạn; hãy chạy lại lgsp up để có liên kết mới.",
        en="This link was used already or has expired; start lgsp up again for another one.",
    )
