"""What the bus knows of people and may have to forget, in two key-value buckets of NATS that keep one version of each key.

The registry keeps every version of every document for ever, so nothing of a person but an opaque id goes into it. Here
stand what a person is called, the salt that connects them with their account, and who is signed in. What is forgotten is
overwritten on disk, not only hidden by a marker.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import KeyNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from lgsp_gateway.registry.persons import Person
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.nats.request_reply import bus_unavailable

PEOPLE = "LGSP_PEOPLE"
SESSIONS = "LGSP_SESSIONS"
SESSION_SECONDS = 3600
"""How long a session lasts: as long as a system's access token."""


class LinkedAccount(NamedTuple):
    """Whose an account is, and the salt of the commitment to it in the person's document."""

    person: str
    salt: bytes


class Profile(NamedTuple):
    """What is known of a person beside their document: the code of their account, and what they are called."""

    account: str
    name: str


class Session(NamedTuple):
    """One sign-in: who, through which system (empty for none), and until when (seconds since 1970).

    `generation` is the one that the person's sessions were of when it began (`registry.persons.Person`), `system_generation` the
    one that the system's tokens were of: what ends those ends the sessions through it. `key` identifies the issuer's key that signed the ID token
    (`keys.removed_keys.key_id`); empty for a session that began before the bus kept it.
    """

    person: str
    system: str
    generation: int
    expires: float
    system_generation: int = 0
    key: str = ""

    def is_of(self, person: Person, now: float) -> bool:
        """Tell whether it still holds for a person."""
        return self.person == person.name and self.generation == person.generation and now < self.expires


class PeopleStore:
    """Reads and writes both buckets.

    Args:
        eraser: where NATS is, for the user who may delete what is kept of people; asked when something is to be forgotten.
    """

    def __init__(self, eraser: Callable[[], NatsEndpoint]) -> None:
        self._eraser = eraser
        self._people: KeyValue | None = None
        self._sessions: KeyValue | None = None

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the buckets where they are not there.

        Raises:
            Refusal: `cannot-start`.
        """
        await streams.ensure(connection, _bucket(PEOPLE, "What people are called, and their accounts", replicas))
        await streams.ensure(connection, _bucket(SESSIONS, "Who is signed in", replicas, SESSION_SECONDS))
        jetstream = connection.jetstream()
        self._people, self._sessions = await jetstream.key_value(PEOPLE), await jetstream.key_value(SESSIONS)

    async def account(self, code: str) -> LinkedAccount | None:
        """Read whose an account is.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await _get(self._people, f"account.{code}")
        return LinkedAccount(stored["person"], bytes.fromhex(stored["salt"])) if stored else None

    async def profile(self, person: str) -> Profile | None:
        """Read what is known of a person beside their document.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await _get(self._people, f"person.{person}")
        return Profile(stored["account"], stored["name"]) if stored else None

    async def link(self, person: str, profile: Profile, salt: bytes) -> None:
        """Keep whose an account is, and what the person is called; what was kept of either is overwritten on disk.

        The profile comes first: it names the account, so that whatever is interrupted here can be forgotten later.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of that user.
        """
        await self._replace(f"person.{person}", profile._asdict())
        await self._replace(f"account.{profile.account}", {"person": person, "salt": salt.hex()})

    async def forget_account(self, code: str) -> None:
        """Forget whose an account was; what was kept of it is overwritten on disk.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of that user.
        """
        await self._erase(f"account.{code}")

    async def forget_profile(self, person: str) -> None:
        """Forget what a person was called; what was kept of it is overwritten on disk.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of that user.
        """
        await self._erase(f"person.{person}")

    async def begin(self, token: str, session: Session) -> None:
        """Keep a session under its token, of which a digest is kept.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await _put(self._sessions, f"session.{_digest(token)}", session._asdict())

    async def session(self, token: str) -> Session | None:
        """Read the session of a token; None where there is none, or none any more.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await _get(self._sessions, f"session.{_digest(token)}")
        return Session(**stored) if stored else None

    async def end(self, token: str) -> None:
        """End the session of a token, if there is one.

        Raises:
            Refusal: `bus-unavailable`.
        """
        try:
            await _open(self._sessions).delete(f"session.{_digest(token)}")
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def _replace(self, key: str, members: Mapping[str, Any]) -> None:
        """Keep something under a key. The server drops a version that a newer one replaces, and leaves its bytes on disk."""
        before = await _get(self._people, key)
        if before == members:
            return
        if before is not None:
            await self._erase(key)
        await _put(self._people, key, members)

    async def _erase(self, key: str) -> None:
        """Overwrite what is kept under a key, by a connection of its own: its user may delete here and nowhere else."""
        stream, subject = f"KV_{PEOPLE}", f"$KV.{PEOPLE}.{key}"
        connection = await connect(self._eraser(), "forgetting people")
        jetstream = connection.jetstream()
        try:
            last = await jetstream.get_last_msg(stream, subject)
            await jetstream.delete_msg(stream, int(last.seq or 0))  # the server overwrites its bytes
            await jetstream.purge_stream(stream, subject=subject)
        except NotFoundError:
            return
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        finally:
            await connection.close()


def _bucket(name: str, description: str, replicas: int, seconds: float = 0) -> StreamConfig:
    """A stream laid out as a bucket; one of the client's own making lets no single message be deleted."""
    return StreamConfig(
        name=f"KV_{name}",
        description=description,
        subjects=[f"$KV.{name}.>"],
        storage=StorageType.FILE,
        num_replicas=replicas,
        max_msgs_per_subject=1,
        max_age=seconds,
        discard=DiscardPolicy.NEW,
        allow_rollup_hdrs=True,
        allow_direct=True,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _open(bucket: KeyValue | None) -> KeyValue:
    if bucket is None:
        raise bus_unavailable()
    return bucket


async def _get(bucket: KeyValue | None, key: str) -> dict[str, Any] | None:
    try:
        entry = await _open(bucket).get(key)
    except KeyNotFoundError:
        return None
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
    stored: dict[str, Any] = orjson.loads(entry.value or b"null")
    return stored


async def _put(bucket: KeyValue | None, key: str, members: Mapping[str, Any]) -> None:
    try:
        await _open(bucket).put(key, orjson.dumps(members))
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
