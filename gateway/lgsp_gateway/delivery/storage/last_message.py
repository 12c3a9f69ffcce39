"""Reads the last message of a subject on the connection of delivery, once for each message that is delivered.

Why not nats-py's `request`, as lists and single questions use it: it makes a future, an inbox subject and a coroutine for each question; this one makes none of them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from lgsp_gateway.delivery.storage.batch import TTL
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnknownKeyError, UnreadablePayloadError
from lgsp_problems import Refusal
from lgsp_runtime.nats import leader_reads
from lgsp_runtime.nats.request_reply import NatsRequestReply, Reply, bus_unavailable

SECONDS = 5.0
"""How long an answer of JetStream may take."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message of a stream.

    Args:
        at: when it was stored, in seconds since 1970.
        payload: empty where it is damaged.
        headers: as they were stored, and those that JetStream adds.
        is_damaged: what is stored is not what was written.
    """

    subject: str
    sequence: int
    at: float
    payload: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    is_damaged: bool = False

    @property
    def expires(self) -> float:
        """Return when JetStream removes it, in seconds since 1970; infinity where it stays."""
        kept = self.headers.get(TTL)
        if kept is None:
            return float("inf")
        return self.at + (float(kept[:-1]) * 3600 if kept.endswith("h") else float(kept.removesuffix("s")))

    @classmethod
    def read(cls, headers: "dict[str, str]", stored: bytes, cipher: PayloadCipher) -> "StoredMessage":
        """Read a message that was found, with the headers that a direct get adds.

        Raises:
            Refusal: `bus-unavailable`, where JetStream cannot answer, or the key of the payload is not there.
        """
        if "Nats-Sequence" not in headers:
            raise bus_unavailable()
        at, subject = datetime.fromisoformat(headers["Nats-Time-Stamp"]).timestamp(), headers["Nats-Subject"]
        try:
            payload, is_damaged = cipher.decrypt(subject, stored), False
        except UnknownKeyError as error:
            raise bus_unavailable() from error
        except UnreadablePayloadError as error:
            structlog.get_logger().error("stored payload cannot be read", subject=subject, error=str(error))
            payload, is_damaged = b"", True
        return cls(subject, int(headers["Nats-Sequence"]), at, payload, headers, is_damaged)


class LastMessages:
    """The last messages of the subjects of one stream.

    Args:
        bus: on the connection of delivery.
    """

    def __init__(self, bus: NatsRequestReply, stream: str, cipher: PayloadCipher) -> None:
        self._bus = bus
        self._subject = leader_reads.subject_of(stream)
        self._cipher = cipher

    async def last(self, subject: str) -> StoredMessage | None:
        """Return the last message of a subject, which may be damaged; None where there is none.

        Args:
            subject: without wildcards.

        Raises:
            Refusal: `bus-unavailable`.
        """
        answered: asyncio.Future[Reply | Refusal | None] = asyncio.get_running_loop().create_future()

        def on_reply(reply: Reply | Refusal | None) -> None:
            if not answered.done():
                answered.set_result(reply)

        self._bus.ask(self._subject, leader_reads.last_of(subject), SECONDS, on_reply)
        reply = await answered
        if isinstance(reply, Refusal):
            raise reply
        if reply is None:
            raise bus_unavailable()
        found = leader_reads.read_reply(reply[0])
        return StoredMessage.read(*found, self._cipher) if found else None
