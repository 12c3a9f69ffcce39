"""What stands in `LGSP_WORK` of an accepted message: one line of JSON, a line feed, the body as its caller sent it.

The envelope holds everything that a delivery needs but the registry, since the delivery may be days later, on another gateway. It
holds no token and no Idempotency-Key: what was decided by them was decided at acceptance.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import orjson

from lgsp_contracts.names import Major, OperationName, ServiceName, SystemName
from lgsp_gateway.calls.model import CallTarget
from lgsp_gateway.delivery.messages.lane_names import MessageLane
from lgsp_gateway.delivery.streams import Priority, answer_subject, message_subject, work_subject

OPERATION = "Lgsp-Operation"
SUBJECT = "Lgsp-Subject"
"""The header of the pseudonym of the person whom a message is about."""
ON_BEHALF_OF = "Lgsp-On-Behalf-Of"
"""The header of the pseudonym of the person who had it sent."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An accepted message without its body.

    Args:
        message: its id (UUIDv7).
        version: of the contract by which it was accepted.
        grant: by which it was accepted.
        purpose: of the grant; empty where the caller named none.
        traceparent: the trace context that each attempt carries on.
        salt: 16 bytes in hex, for the digests in its entries.
        key: what the provider may tell a repeated attempt by (`call.key`), the same in each.
        ordering_key: messages with the same one are delivered one after the other; "" for none.
        accepted, deadline: in milliseconds since 1970.
        callback: the id of the endpoint that is told when it is over; "" for none.
        on_behalf_of, subject: pseudonyms; "" for none.
        round: 0, and one more for each time that it was retried as a dead letter.
    """

    message: str
    consumer: SystemName
    agency: str
    service: ServiceName
    major: Major
    operation: OperationName
    version: str
    provider: SystemName
    purpose: str
    grant: str
    traceparent: str
    salt: str
    key: str
    priority: Priority
    accepted: int
    deadline: int
    ordering_key: str = ""
    callback: str = ""
    on_behalf_of: str = ""
    subject: str = ""
    round: int = 0

    @property
    def target(self) -> CallTarget:
        """Return what the message asks for, as `calls.authorize` takes it."""
        return CallTarget(self.service, self.major, self.operation, self.purpose)

    @property
    def lane(self) -> MessageLane:
        """Return the lane that delivers it."""
        return MessageLane(self.service, self.major, self.priority, self.consumer)

    @property
    def work_subject(self) -> str:
        """Return its subject in `LGSP_WORK`."""
        return work_subject(self.service, self.major, self.priority, self.consumer, self.message)

    @property
    def state_subject(self) -> str:
        """Return the subject of its state in `LGSP_MESSAGES`."""
        return message_subject(self.consumer, self.message)

    @property
    def answer_subject(self) -> str:
        """Return the subject of its answer in `LGSP_MESSAGES`."""
        return answer_subject(self.consumer, self.message)

    @property
    def deduplication_id(self) -> str:
        """Return its `Nats-Msg-Id`: the same for each publication of one round, so that the stream stores it once."""
        return f"{self.message}.{self.round}" if self.round else self.message

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the message in `LGSP_WORK`: what its dead letter and its evidence tell of it if its content is damaged."""
        told = {OPERATION: self.operation, SUBJECT: self.subject, ON_BEHALF_OF: self.on_behalf_of}
        return {name: value for name, value in told.items() if value}

    def next_round(self, deadline: int) -> "Envelope":
        """Return the envelope of the message when it is retried as a dead letter, until a new deadline."""
        return replace(self, round=self.round + 1, deadline=deadline)

    def document(self) -> dict[str, Any]:
        """Return the envelope as JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `document` wrote, by this version or another: what it does not know it leaves out."""
        unknown = document.keys() - _FIELDS
        return cls(**(document if not unknown else {name: document[name] for name in document.keys() - unknown}))


_FIELDS = {field.name for field in fields(Envelope)}


def serialize(envelope: Envelope, body: bytes) -> bytes:
    """Return what stands in `LGSP_WORK`."""
    return orjson.dumps(envelope) + b"\n" + body


def parse(data: bytes) -> tuple[Envelope, bytes]:
    """Read what `serialize` wrote.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    line, _, body = data.partition(b"\n")
    return Envelope.from_document(orjson.loads(line)), body


def ordering_key(data: bytes) -> str:
    """Read the ordering key alone out of what `serialize` wrote.

    Raises:
        ValueError, KeyError: it is none.
    """
    key: str = orjson.loads(data[: data.index(b"\n")])["ordering_key"]
    return key
