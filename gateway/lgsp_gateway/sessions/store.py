"""What the bus knows of people and may have to forget, in a key-value bucket of NATS that keeps one version of each key.

The registry keeps every version of every document for ever, so nothing of a person but an opaque id goes into it. Here
stand what a person is called, and the salt that connects them with their account. What is forgotten is overwritten on disk, not
only hidden by a marker. Who is signed in stands in a bucket of its own (`session_store`).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError
from nats.js.kv import KeyValue

from lgsp_gateway.sessions import buckets
from lgsp_gateway.sessions.session_store import SessionStore
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.nats.leader_reads import open_bucket
from lgsp_runtime.nats.request_reply import bus_unavailable

PEOPLE = "LGSP_PEOPLE"


class LinkedAccount(NamedTuple):
    """Whose an account is, and the salt of the commitment to it in the person's document."""

    person: str
    salt: bytes


class Profile(NamedTuple):
    """What is known of a person beside their document: the code of their account, and what they are called."""

    account: str
    name: str


class PeopleStore:
    """Reads and writes the bucket, and opens that of the sessions.

    Args:
        eraser: where NATS is, for the user who may delete what is kept of people; asked when something is to be forgotten.
    """

    def __init__(self, eraser: Callable[[], NatsEndpoint]) -> None:
        self._eraser = eraser
        self.bucket: KeyValue | None = None
        """The bucket, once it is open: what else of people must be deletable is kept there too."""
        self._connection: Client | None = None
        self.sessions = SessionStore()

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the buckets where they are not there.

        Raises:
            Refusal: `cannot-start`.
        """
        config = buckets.bucket_config(PEOPLE, "What people are called, and their accounts", replicas)
        await streams.ensure(connection, config)
        self.bucket, self._connection = open_bucket(connection.jetstream(), PEOPLE), connection
        await self.sessions.start(connection, replicas)

    async def keys(self, pattern: str) -> list[str]:
        """Return the keys of the bucket that match a pattern of NATS subjects, sorted.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await buckets.keys_of(self._connection, PEOPLE, pattern)

    async def values(self, pattern: str) -> dict[str, bytes]:
        """Return what is stored under the keys of the bucket that match a pattern of NATS subjects, by key.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await buckets.values_of(self._connection, self.bucket, PEOPLE, pattern)

    async def stored_at(self, key: str) -> float:
        """Return when what is under a key was stored, in seconds since 1970, by the clock of the server.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await buckets.stored_at(self._connection, PEOPLE, key)

    async def account(self, code: str) -> LinkedAccount | None:
        """Read whose an account is.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await buckets.read(self.bucket, f"account.{code}")
        return LinkedAccount(stored.document["person"], bytes.fromhex(stored.document["salt"])) if stored else None

    async def profile(self, person: str) -> Profile | None:
        """Read what is known of a person beside their document.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await buckets.read(self.bucket, f"person.{person}")
        return Profile(stored.document["account"], stored.document["name"]) if stored else None

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
        await self.erase(f"account.{code}")

    async def forget_profile(self, person: str) -> None:
        """Forget what a person was called; what was kept of it is overwritten on disk.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of that user.
        """
        await self.erase(f"person.{person}")

    async def notification_choices(self, person: str) -> dict[str, Any] | None:
        """Read what a person wants to be told of, and where (`notifications.choices`); None where they have chosen nothing.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await buckets.read(self.bucket, f"notify.{person}")
        return stored.document if stored else None

    async def keep_notification_choices(self, person: str, choices: Mapping[str, Any]) -> None:
        """Keep what a person wants to be told of; what was kept before is overwritten on disk.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of that user.
        """
        await self._replace(f"notify.{person}", choices)

    async def forget_notification_choices(self, person: str) -> None:
        """Forget what a person wanted to be told of, and where; it is overwritten on disk.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of that user.
        """
        await self.erase(f"notify.{person}")

    async def notified(self) -> list[str]:
        """Return the ids of the persons who want to be told of something.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return [key.removeprefix("notify.") for key in await self.keys("notify.*")]

    async def _replace(self, key: str, members: Mapping[str, Any]) -> None:
        """Keep something under a key. The server drops a version that a newer one replaces, and leaves its bytes on disk."""
        before = await buckets.read(self.bucket, key)
        if before and before.document == members:
            return
        if before is not None:
            await self.erase(key)
        await buckets.write(self.bucket, key, members)

    async def erase(self, key: str) -> None:
        """Overwrite what is kept under a key, by a connection of its own: its user may delete here and nowhere else.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of that user.
        """
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
