"""Who may read a file besides its owner: the systems that got a message or event which refers to it, for as long as that gives them the right.

Officers of an agency share its form system, and no files: what the answer to an officer's form refers to, that officer alone may read.

The right ends with what gave it: that of a message when its answer is no longer kept, that of an event with the event's retention. It also counts
only while its reader may still make the call or receive the event: each reading asks the registry of today. Each right is a message of its own
in a stream, so a thousand subscribers contend for nothing, and it deletes itself.
"""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError

from lgsp_auth.policy import Officer
from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.storage.batch import TTL
from lgsp_gateway.delivery.storage.space import storage_full
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

STREAM = "LGSP_FILE_ACCESS"
SUBJECTS = "files.access."
MAX_DAYS = 100
"""How long a right is kept at most; longer than any file."""
WRITE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Carrier:
    """What refers to files: a call, an accepted message, an answer or an event.

    Args:
        message: its id.
        service, major, name: of the operation or event.
        until: when the right to read its files ends, in seconds since 1970.
        officer: the opaque id of the officer whose form it answers, who alone may read its files; "" for none.
    """

    message: str
    service: str
    major: int
    name: str
    until: float
    officer: str = ""


class FileAccess:
    """The rights to read files.

    Args:
        bus: writes them.
    """

    def __init__(self, bus: NatsRequestReply, registry: RegistrySnapshot) -> None:
        self._bus = bus
        self._registry = registry
        self._connection: Client | None = None

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the stream where it is not there.

        Raises:
            Refusal: `cannot-start`.
        """
        self._connection = connection
        await streams.ensure_raw(
            connection,
            {
                "name": STREAM,
                "description": "Which systems may read which files",
                "subjects": [SUBJECTS + ">"],
                "storage": "file",
                "num_replicas": replicas,
                "max_msgs_per_subject": 1,
                "max_age": MAX_DAYS * 86400 * 1_000_000_000,
                "allow_direct": True,
                "allow_msg_ttl": True,
            },
        )

    async def give(self, file: str, reader: SystemName, carrier: Carrier) -> None:
        """Let a system read a file, since it gets a message or event that refers to it. No right that it has becomes shorter.

        Raises:
            Refusal: `storage-full` or `bus-unavailable`.
        """
        subject = f"{SUBJECTS}{file}.{reader}.{carrier.service}.v{carrier.major}.{carrier.name}"
        subject += f".{carrier.officer}" if carrier.officer else ""
        known = await self._read(subject)
        if known is not None and known.until > carrier.until:
            carrier = replace(carrier, until=known.until)
        lasting = max(1, int(carrier.until - time.time()))
        acknowledged = await self._bus.publish(
            subject, orjson.dumps(asdict(carrier)), {TTL: f"{lasting}s"}, WRITE_SECONDS
        )
        if acknowledged.get("seq"):
            return
        if acknowledged.get("error", {}).get("err_code") in streams.FULL_CODES:
            raise storage_full()
        raise bus_unavailable()

    async def carrier_for(self, file: str, reader: SystemName, officer: Officer | None = None) -> str | None:
        """Return the message or event by which a system may read a file now; None where it may not.

        Args:
            officer: who reads by the form system of an agency; None where a system reads by itself.

        Raises:
            Refusal: `bus-unavailable`.
        """
        now = time.time()
        for carrier in await self._given(file, reader):
            if carrier.until > now and self._counts(reader, carrier, now, officer):
                return carrier.message
        return None

    def _counts(self, reader: SystemName, carrier: Carrier, now: float, officer: Officer | None) -> bool:
        """Tell whether a reader provides the service, or may still call the operation or receive the event."""
        if carrier.officer != (officer.person if officer else ""):
            return False
        contract = self._registry.contract(carrier.service, carrier.major)
        if contract is not None and contract.provider == reader:
            return True
        return any(
            grant.in_force(now)
            and grant.suspended is None
            and grant.is_for(officer)
            and carrier.name in (*grant.operations, *grant.events)
            for grant in self._registry.grants_held(reader, carrier.service, carrier.major)
        )

    async def _given(self, file: str, reader: SystemName) -> Iterable[Carrier]:
        try:
            subjects = await streams.subjects(self._connected(), STREAM, f"{SUBJECTS}{file}.{reader}.>")
        except (NatsError, APIError, OSError) as error:
            raise bus_unavailable() from error
        found = [await self._read(subject) for subject in subjects]
        return [carrier for carrier in found if carrier is not None]

    async def _read(self, subject: str) -> Carrier | None:
        try:
            stored = await self._connected().jetstream().get_last_msg(STREAM, subject)
        except NotFoundError:
            return None
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        return Carrier(**orjson.loads(stored.data or b"{}"))

    def _connected(self) -> Client:
        if self._connection is None or not self._connection.is_connected:
            raise bus_unavailable()
        return self._connection
