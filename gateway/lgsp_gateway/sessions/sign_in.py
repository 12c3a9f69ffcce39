"""From an issuer's ID token to a session of the bus (token exchange, RFC 8693), and from a session's token to a principal.

A session's token says nothing by itself: it is a random text under whose digest the session is kept. So a session ends for
all gateways at once when its person signs out, is suspended or gets other roles. People do not call services, so this look
at NATS is on no hot path.
"""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from lgsp_auth.client_authentication import ClientAuthenticator, oauth_refusal
from lgsp_auth.id_token import Account, IdTokenVerifier, InvalidGrant, VerifiedIdToken, one_time_value
from lgsp_auth.one_time import ReplayGuard
from lgsp_auth.principal import Principal
from lgsp_auth.token_errors import UnknownKey
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.keys.removed_keys import key_id
from lgsp_gateway.registry.persons import Person, principal_of_person
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions.accounts import AccountCodes, AccountNotRegistered, is_committed
from lgsp_gateway.sessions.issuers import People
from lgsp_gateway.sessions.session_store import BROWSER_SECONDS, SESSION_SECONDS, Origin, Session, id_of

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name of RFC 8693
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105

PREFIX = "lgsp_session_"
"""What a session's token begins with: whoever finds one lying about sees what it is."""


MAX_REMEMBERED = 10_000
"""Ids of sessions that were found; about 1 MB when full."""
EXTEND_SECONDS = 300.0
"""How often a session of a browser that is used is kept for as long again."""


def is_session_token(token: str) -> bool:
    """Tell whether a bearer token is a session's."""
    return token.startswith(PREFIX)


class SignedIn(NamedTuple):
    """A person who is signed in, their session, and its id (`session_store.id_of`)."""

    principal: Principal
    session: Session
    id: str


class BegunSession(NamedTuple):
    """A session that has begun: its token, and the opaque id of its person."""

    token: str
    person: str


class PersonNotActive(InvalidGrant):
    """A person whose account it is may not sign in now.

    Args:
        person: their opaque id.
    """

    def __init__(self, person: str, vi: str, en: str) -> None:
        self.person = person
        super().__init__(vi, en)


class SignIn:
    """Begins, finds and ends sessions.

    Args:
        people: the issuers of ID tokens, and where sessions are kept.
        codes: makes the codes of accounts.
        clients: finds out which system a person signs in through, where one shows itself.
        replays: sees to it that an ID token, and such a system's assertion, count once.
        own_issuer: the address of the bus, which is the issuer of its local users.
    """

    def __init__(
        self,
        people: People,
        codes: AccountCodes,
        registry: RegistrySnapshot,
        clients: ClientAuthenticator,
        replays: ReplayGuard,
        own_issuer: str,
    ) -> None:
        self._replays = replays
        self._found: OrderedDict[str, float] = OrderedDict()
        self.tokens = IdTokenVerifier(people.issuers_of_staff)
        self._issuers = frozenset((own_issuer, *self.tokens.issuers))
        self.codes = codes
        self._people = people.store
        self.sessions = people.store.sessions
        self._removed_keys = people.removed_keys
        self._registry = registry
        self._clients = clients

    @classmethod
    def create(
        cls,
        people: People,
        keys: KeyStore,
        registry: RegistrySnapshot,
        clients: ClientAuthenticator,
        replays: ReplayGuard,
        own_issuer: str,
    ) -> "SignIn":
        """Make it of a gateway's parts."""
        return cls(people, AccountCodes(keys.pseudonym_key()), registry, clients, replays, own_issuer)

    async def exchange(self, form: Mapping[str, str], authorization: str | None, now: float) -> dict[str, Any]:
        """Return the answer to a token request that exchanges an ID token for a session (RFC 8693, section 2.2.1).

        Args:
            form: the parameters of the request's body.
            authorization: the request's `Authorization` header.
            now: seconds since 1970.

        Raises:
            Refusal: `invalid_request`, `invalid_client`, `invalid_grant` or `bus-unavailable`.
        """
        _check_request(form)
        through = ""
        if authorization is not None or "client_assertion" in form or "client_secret" in form:
            asking = self._clients.authenticate(form, authorization, now)
            if asking.one_time:
                await self._replays.use(asking.one_time)
            through = asking.client.system
        token = form["subject_token"]
        verified = await self.verify(self.tokens, token, now)
        account = verified.account
        person = await self._person(account)
        await self._replays.use(one_time_value(token, account))
        signed_by = key_id(account.issuer, verified.key)
        begun = await self._begin(
            person,
            *(Origin("token"), now, SESSION_SECONDS, verified.authenticated),
            through=through,
            key=signed_by,
        )
        return {
            "access_token": begun.token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": SESSION_SECONDS,
        }

    async def begin(self, account: Account, origin: Origin, now: float) -> BegunSession:
        """Begin a session of a browser for a local user who has just shown that an account is theirs.

        Args:
            now: seconds since 1970.

        Raises:
            AccountNotRegistered: the account is nobody's.
            Refusal: `invalid_grant`, where its person may not sign in; `bus-unavailable`.
        """
        return await self._begin(await self._person(account), origin, now, BROWSER_SECONDS, now)

    async def begin_verified(self, identity: VerifiedIdToken, origin: Origin, now: float) -> BegunSession:
        """Begin a session of a browser for the person for whom an issuer vouches.

        Raises:
            AccountNotRegistered, Refusal: as `begin`.
        """
        person, signed_by = await self._person(identity.account), key_id(identity.account.issuer, identity.key)
        return await self._begin(person, origin, now, BROWSER_SECONDS, identity.authenticated, key=signed_by)

    async def begin_for(self, person: str, origin: Origin, now: float) -> BegunSession | None:
        """Begin a session of a browser for a person who was let in otherwise; None where the person may not sign in.

        Raises:
            Refusal: `bus-unavailable`.
        """
        known = self._registry.persons.get(person)
        if known is None or known.phase != "active":
            return None
        return await self._begin(known, origin, now, BROWSER_SECONDS, now)

    async def _begin(
        self,
        person: Person,
        origin: Origin,
        now: float,
        seconds: int,
        authenticated: float,
        *,
        through: str = "",
        key: str = "",
    ) -> BegunSession:
        token = PREFIX + secrets.token_urlsafe(32)
        of_system, ends = self._registry.generation(through).number, now + seconds
        session = Session(
            *(person.name, through, person.generation, ends, of_system, key, now, *origin), authenticated=authenticated
        )
        await self.sessions.begin(token, session)
        return BegunSession(token, person.name)

    async def find(self, token: str, now: float) -> SignedIn | None:
        """Find who is signed in under a session's token; None where it counts no more, or never did.

        Args:
            now: seconds since 1970.

        Raises:
            Refusal: `bus-unavailable`.
        """
        signed_in = await self._look(id_of(token), await self.sessions.session(token), now)
        if signed_in is None:
            self._found.pop(id_of(token), None)
            return None
        await self._remember(token, signed_in, now)
        return signed_in

    async def look(self, signed_in: SignedIn, now: float) -> SignedIn | None:
        """Look who somebody who was signed in is now; None where their session has ended. This is no use of the session.

        Args:
            now: seconds since 1970.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await self._look(signed_in.id, await self.sessions.session_of_id(signed_in.id), now)

    async def _look(self, key: str, session: Session | None, now: float) -> SignedIn | None:
        if session and session.key and await self._removed_keys.has_ended(session.key):
            session = None
        person = self._registry.persons.get(session.person) if session else None
        signed_in = SignedIn(principal_of_person(person, session.system), session, key) if session and person else None
        return signed_in if signed_in and self.still_counts(signed_in, now) else None

    def remembers(self, token: str) -> bool:
        """Tell whether a session was found under this token before, so that its holder need not wait for what others send."""
        return id_of(token) in self._found

    async def _remember(self, token: str, signed_in: SignedIn, now: float) -> None:
        """Remember that a session is used, and keep it for as long again where it may last longer than an unused one is kept."""
        key, session = signed_in.id, signed_in.session
        extended = self._found.get(key, session.began)
        if now - extended > EXTEND_SECONDS and session.expires > now + EXTEND_SECONDS:
            await self.sessions.extend(token)
            extended = now
        self._found[key] = extended
        if len(self._found) > MAX_REMEMBERED:
            self._found.popitem(last=False)

    def still_counts(self, signed_in: SignedIn, now: float) -> bool:
        """Tell whether somebody who was signed in still is, as far as the registry and the clock say.

        Args:
            now: seconds since 1970.
        """
        session, principal = signed_in.session, signed_in.principal
        if self.sessions.has_ended(signed_in.id):
            return False
        person = self._registry.persons.get(session.person)
        if person is None or person.phase != "active" or not session.is_of(person, now):
            return False
        if person.issuer not in self._issuers or self._removed_keys.is_removed(session.key):
            return False
        if person.agency != principal.agency or not principal.roles <= person.roles:
            return False
        return not session.system or self._is_open_through(session)

    def _is_open_through(self, session: Session) -> bool:
        system = self._registry.systems.get(session.system)
        return system is not None and system.tokens.number == session.system_generation

    async def end(self, token: str) -> None:
        """End a session, if there is one under this token.

        Raises:
            Refusal: `bus-unavailable`.
        """
        if is_session_token(token):
            await self.sessions.end(token)

    async def person_of(self, account: Account) -> str:
        """Return the opaque id of the person whose account it is, whether they may sign in or not; "" for nobody.

        Raises:
            Refusal: `bus-unavailable`.
        """
        linked = await self._people.account(self.codes.code(account))
        return linked.person if linked and linked.person in self._registry.persons else ""

    async def end_sessions(self, account: Account, user: str) -> None:
        """End the sessions that a local user has begun.

        Args:
            account: of the user.
            user: the opaque id of the user.

        Raises:
            Refusal: `bus-unavailable`.
        """
        linked = await self._people.account(self.codes.code(account))
        for key, session in (await self.sessions.sessions_of(linked.person) if linked else {}).items():
            if session.user == user:
                await self.sessions.end_of(session.person, key)

    async def verify(self, verifier: IdTokenVerifier, token: str, now: float) -> VerifiedIdToken:
        """Verify an ID token, also one that is signed by a key that its issuer has just begun to use.

        Raises:
            Refusal: `invalid_grant`.
        """
        try:
            return verifier.verify(token, now)
        except UnknownKey as unknown:
            if not await unknown.refresh():
                raise
            return verifier.verify(token, now)

    async def _person(self, account: Account) -> Person:
        """The person whose account it is, who may sign in now."""
        code = self.codes.code(account)
        linked = await self._people.account(code)
        person = self._registry.persons.get(linked.person) if linked else None
        if linked is None or person is None or person.issuer != account.issuer:
            raise AccountNotRegistered(code)
        if not is_committed(code, linked.salt, person.account):
            raise AccountNotRegistered(code)
        if person.phase != "active":
            raise _not_active(person)
        return person


def _check_request(form: Mapping[str, str]) -> None:
    if form.get("subject_token_type") != ID_TOKEN or not form.get("subject_token"):
        raise oauth_refusal(
            "invalid_request",
            f"cần subject_token là mã định danh và subject_token_type là {ID_TOKEN}",
            f"subject_token must be an ID token and subject_token_type {ID_TOKEN}",
        )
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN or "actor_token" in form:
        raise oauth_refusal(
            "invalid_request",
            f"chỉ cấp {ACCESS_TOKEN} và không nhận actor_token",
            f"only {ACCESS_TOKEN} is issued, and no actor_token is taken",
        )


def _not_active(person: Person) -> PersonNotActive:
    if person.phase == "awaiting-operator":
        return PersonNotActive(
            person.name,
            f"Người dùng {person.name} còn chờ một người vận hành khác phê duyệt; hãy nhờ họ.",
            f"Person {person.name} waits for the approval of another operator; ask one.",
        )
    return PersonNotActive(
        person.name,
        f"Người dùng {person.name} đang ở giai đoạn {person.phase} nên không đăng nhập được; hãy liên hệ người vận hành trục.",
        f"Person {person.name} is {person.phase} and cannot sign in; ask an operator of the bus.",
    )
