"""What each person was told already, and which gateway tells them now: one bucket that all gateways share.

One gateway at a time holds the lease and sends. What it is about to send is written down before, under the id that the message
carries: a gateway that is killed in between sends it again under the same id, and none is lost.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import orjson
from nats.aio.client import Client
from nats.js.kv import KeyValue

from lgsp_gateway.sessions import buckets
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.leader_reads import open_bucket

BUCKET = "LGSP_NOTIFICATIONS"
LEASE_SECONDS = 60.0
_LEASE = "lease"
_CHOICES = "choices"
_CERTIFICATES = "certificates"
_NOTED_ANEW_SECONDS = 3600.0
_GONE_SECONDS = 2 * 86_400.0
"""A gateway that has noted nothing for so long is not there any more."""
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 3600.0


class Certificate(NamedTuple):
    """A certificate of a gateway.

    Args:
        end: seconds since 1970.
    """

    gateway: str
    file: str
    end: float


@dataclass(slots=True)
class Told:
    """What a person was told by one channel.

    Args:
        sent: the ids of occasions that last and were told.
        pending: the id of the message that is being sent; empty for none.
        occasions: of this message.
        attempts: at this message.
        due: when the next attempt may be made, in seconds since 1970.
        quiet_until: no other message begins before, in seconds since 1970.
    """

    sent: list[str] = field(default_factory=list)
    pending: str = ""
    occasions: list[str] = field(default_factory=list)
    attempts: int = 0
    due: float = 0.0
    quiet_until: float = 0.0

    def begin(self, identifier: str, occasions: list[str]) -> None:
        """Begin a message."""
        self.pending, self.occasions, self.attempts, self.due = identifier, occasions, 0, 0.0

    def succeed(self, quiet_until: float) -> None:
        """Note that the message was accepted."""
        self.sent = [*self.sent, *self.occasions]
        self.pending, self.occasions, self.quiet_until = "", [], quiet_until

    def fail(self, now: float) -> None:
        """Note that the message was not accepted; the pause before the next attempt doubles each time."""
        self.attempts += 1
        self.due = now + min(_FIRST_PAUSE * 2 ** min(self.attempts - 1, 20), _LONGEST_PAUSE)


class NotificationLedger:
    """Reads and writes the bucket.

    Args:
        gateway: the name of this gateway.
    """

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._bucket: KeyValue | None = None
        self._connection: Client | None = None
        self._noted: dict[str, float] | None = None
        self._noted_at = 0.0

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the bucket if it is not there.

        Raises:
            Refusal: `cannot-start`.
        """
        await streams.ensure(connection, buckets.bucket_config(BUCKET, "What people were told", replicas))
        self._bucket, self._connection = open_bucket(connection.jetstream(), BUCKET), connection

    async def hold(self) -> bool:
        """Take the lease or keep it; tell whether this gateway has it now.

        Raises:
            Refusal: `bus-unavailable`.
        """
        now, stored = time.time(), await buckets.read(self._bucket, _LEASE)
        if stored and stored.document["gateway"] != self._gateway and stored.document["until"] > now:
            return False
        if (
            stored
            and stored.document["gateway"] == self._gateway
            and stored.document["until"] - now > LEASE_SECONDS / 2
        ):
            return True
        lease = {"gateway": self._gateway, "until": now + LEASE_SECONDS}
        return await buckets.replace(self._bucket, _LEASE, lease, stored.revision if stored else 0)

    async def note_choice(self) -> None:
        """Tell whichever gateway sends that somebody has chosen anew.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await buckets.write(self._bucket, _CHOICES, {"at": time.time()})

    async def choices_revision(self) -> int:
        """Return what changes whenever somebody chooses anew.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await buckets.read(self._bucket, _CHOICES)
        return stored.revision if stored else 0

    async def note_certificates(self, ends: Mapping[str, float]) -> None:
        """Tell whichever gateway sends when the certificates of this one end.

        Args:
            ends: by their files, in seconds since 1970.

        Raises:
            Refusal: `bus-unavailable`.
        """
        now = time.time()
        if self._noted == (known := dict(ends)) and now - self._noted_at < _NOTED_ANEW_SECONDS:
            return
        key = f"{_CERTIFICATES}.{self._gateway.encode().hex()}"
        await buckets.write(self._bucket, key, {"gateway": self._gateway, "ends": known, "at": now})
        self._noted, self._noted_at = known, now

    async def certificates(self) -> list[Certificate]:
        """Return the certificates of all gateways that were there in the last days.

        Raises:
            Refusal: `bus-unavailable`.
        """
        now, found = time.time(), list[Certificate]()
        stored = await buckets.values_of(self._connection, self._bucket, BUCKET, f"{_CERTIFICATES}.*")
        for value in stored.values():
            document = orjson.loads(value)
            if now - document["at"] < _GONE_SECONDS:
                found += [Certificate(document["gateway"], file, end) for file, end in document["ends"].items()]
        return found

    async def read(self, person: str) -> dict[str, Told]:
        """Read what a person was told, by channel.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await buckets.read(self._bucket, f"told.{person}")
        document: dict[str, Any] = stored.document if stored else {}
        return {channel: Told(**told) for channel, told in document.items()}

    async def write(self, person: str, told: dict[str, Told]) -> None:
        """Keep what a person was told.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await buckets.write(self._bucket, f"told.{person}", {channel: asdict(one) for channel, one in told.items()})
