"""Who is signed in: a bucket whose keys are digests of session tokens, and which every gateway reads.

So a session that ends has ended at all of them. What is open for long (a stream of events) learns of it from the marker that NATS
publishes to all gateways when a key is deleted.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.kv import KeyValue

from lgsp_gateway.registry.persons import Person
from lgsp_gateway.sessions import buckets
from lgsp_runtime.background import Background
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.leader_reads import open_bucket
from lgsp_runtime.nats.request_reply import bus_unavailable

SESSIONS = "LGSP_SESSIONS"
SESSION_SECONDS = 3600
"""How long a session lasts that is not used: as long as a system's access token."""
BROWSER_SECONDS = 12 * 3600
"""How long a session of a browser lasts at most, however much it is used."""
FRESH_SECONDS = 15 * 60
"""How long ago a person may have shown who they are who decides where data goes."""
MAX_ENDED = 10_000
"""Ended sessions that a gateway remembers, for streams that began before."""

_SUBJECT = f"$KV.{SESSIONS}.session."
_OPERATION = "KV-Operation"


class Origin(NamedTuple):
    """Where a session comes from: how its person signed in, in which browser, from which address, and as which local user (an opaque
    id; empty for an account of another issuer)."""

    method: str
    agent: str = ""
    address: str = ""
    user: str = ""


class Session(NamedTuple):
    """One sign-in: who, through which system (empty for none), and until when (seconds since 1970).

    `generation` is the one that the person's sessions were of when it began (`registry.persons.Person`), `system_generation` the
    one that the system's tokens were of: what ends those ends the sessions through it. `key` identifies the issuer's key that signed the ID token
    (`keys.removed_keys.key_id`); empty for a session that began before the bus kept it, and for a local user. `began` is when (seconds since
    1970), `authenticated` when the person last showed who they are: with single sign-on that may be long before; 0 where their issuer did
    not say. The rest is its `Origin`.
    """

    person: str
    system: str
    generation: int
    expires: float
    system_generation: int = 0
    key: str = ""
    began: float = 0.0
    method: str = ""
    agent: str = ""
    address: str = ""
    user: str = ""
    authenticated: float = 0.0

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Session":
        """Read a session as it is kept; what another version of the gateway kept beside it is left out."""
        return cls(**{name: value for name, value in document.items() if name in cls._fields})

    def is_of(self, person: Person, now: float) -> bool:
        """Tell whether it still holds for a person."""
        return self.person == person.name and self.generation == person.generation and now < self.expires

    def is_fresh(self, now: float) -> bool:
        """Tell whether the person showed who they are a moment ago (`FRESH_SECONDS`)."""
        return now - self.authenticated <= FRESH_SECONDS


class SessionStore:
    """Reads, writes and ends sessions."""

    def __init__(self) -> None:
        self.bucket: KeyValue | None = None
        """The bucket, once it is open: what else lives as long as an unused session is kept there too."""
        self._connection: Client | None = None
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._listeners: list[Callable[[str], None]] = []

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the bucket where it is not there.

        Raises:
            Refusal: `cannot-start`.
        """
        await streams.ensure(connection, buckets.bucket_config(SESSIONS, "Who is signed in", replicas, SESSION_SECONDS))
        self.bucket, self._connection = open_bucket(connection.jetstream(), SESSIONS), connection

    async def follow_ends(self, connection: Client, background: Background) -> None:
        """Learn from now on of sessions that end, at whichever gateway.

        Raises:
            Refusal: `bus-unavailable`.
        """
        try:
            await connection.subscribe(f"{_SUBJECT}*", cb=background.guard("ends of sessions", self._note))
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def _note(self, message: Msg) -> None:
        if (message.headers or {}).get(_OPERATION) is None:
            return
        key = message.subject.removeprefix(_SUBJECT)
        self._ended[key] = None
        if len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)
        for listener in list(self._listeners):
            listener(key)

    def on_ended(self, listener: Callable[[str], None]) -> None:
        """Call a function with the id of each session that ends."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Callable[[str], None]) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    def has_ended(self, session: str) -> bool:
        """Tell whether the session of an id was ended since this gateway runs."""
        return session in self._ended

    async def begin(self, token: str, session: Session) -> None:
        """Keep a session under its token, of which a digest is kept.

        Raises:
            Refusal: `bus-unavailable`.
        """
        key = id_of(token)
        await buckets.write(self.bucket, f"of.{session.person}.{key}", {})
        await buckets.write(self.bucket, f"session.{key}", session._asdict())

    async def session(self, token: str) -> Session | None:
        """Read the session of a token; None where there is none, or none any more.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await self.session_of_id(id_of(token))

    async def session_of_id(self, session: str) -> Session | None:
        """Read a session by its id; None where there is none, or none any more.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await buckets.read(self.bucket, f"session.{session}")
        return Session.from_document(stored.document) if stored else None

    async def extend(self, token: str) -> None:
        """Keep a session for as long again as an unused one is kept, unless it has ended meanwhile.

        Raises:
            Refusal: `bus-unavailable`.
        """
        key = id_of(token)
        stored = await buckets.read(self.bucket, f"session.{key}")
        if stored and await buckets.replace(self.bucket, f"session.{key}", stored.document, stored.revision):
            await buckets.write(self.bucket, f"of.{stored.document['person']}.{key}", {})

    async def end(self, token: str) -> None:
        """End the session of a token, if there is one.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await self.end_by_id(id_of(token))

    async def end_by_id(self, session: str) -> None:
        """End the session of an id, if there is one.

        Raises:
            Refusal: `bus-unavailable`.
        """
        known = await self.session_of_id(session)
        try:
            if known:
                await buckets.opened(self.bucket).delete(f"of.{known.person}.{session}")
            await buckets.opened(self.bucket).delete(f"session.{session}")
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def sessions_of(self, person: str) -> dict[str, Session]:
        """Return the sessions of a person, by their ids.

        Raises:
            Refusal: `bus-unavailable`.
        """
        keys = [key.rpartition(".")[2] for key in await buckets.keys_of(self._connection, SESSIONS, f"of.{person}.*")]
        found = {key: await self.session_of_id(key) for key in keys}
        return {key: session for key, session in found.items() if session and session.person == person}

    async def end_of(self, person: str, session: str) -> bool:
        """End a session of a person by its id; return whether there was one.

        Raises:
            Refusal: `bus-unavailable`.
        """
        known = await self.session_of_id(session)
        if known is None or known.person != person:
            return False
        await self.end_by_id(session)
        return True

    async def end_others(self, person: str, kept: str) -> None:
        """End all sessions of a person but one.

        Args:
            kept: the id of that one; "" for none.

        Raises:
            Refusal: `bus-unavailable`.
        """
        for session in await self.sessions_of(person):
            if session != kept:
                await self.end_by_id(session)


def id_of(token: str) -> str:
    """Return the id of a session: the SHA-256 of its token, in hexadecimal. It is no secret."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
