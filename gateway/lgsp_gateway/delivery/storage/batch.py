"""What one atomic batch of JetStream may hold, and how it is written (NATS ADR-50).

The server stores a batch whole or not at all. It refuses one of more than 1,000 messages, one that holds a message id which it knows,
and one in which a subject with an expected last sequence comes twice.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lgsp_runtime.nats.protocol import encode_headers

MAX_MESSAGES = 1000
"""Of one batch, by the server."""
MAX_BYTES = 1024 * 1024
"""Of payloads after which a batch is full."""

MESSAGE_ID = "Nats-Msg-Id"
EXPECTED_LAST = "Nats-Expected-Last-Subject-Sequence"
TTL = "Nats-TTL"
"""The header with the time after which the stream deletes a message: seconds, also as `30s`, or hours as `720h`."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to store.

    Args:
        subject: a valid subject of the stream; nobody checks it.
        headers: further headers, such as `TTL`; no value holds a line end.
        message_id: the same for each repetition of one message, which the stream stores once within its duplicate window; at most 255
            visible ASCII characters. "" where nobody repeats it: then it gets one of its own.
        expected_last: the sequence that the last message of the subject must have: 0 for none; None where it does not matter.
    """

    subject: str
    payload: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    message_id: str = ""
    expected_last: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a message is stored.

    Args:
        sequence: in its stream.
        duplicate: a message with this id was stored before, under `sequence`, and this one was not.
        uncertain: a message with this id is stored under `sequence`, and it is not known whether it is this one: an acknowledgement was lost.
    """

    sequence: int
    duplicate: bool = False
    uncertain: bool = False


@dataclass(slots=True, eq=False)
class Pending:
    """A message on its way to the disk.

    Args:
        message_id: its own, or the one that it was given.
        payload: of the message, as it is stored.
        stored: done when it is known where it is stored.
        uncertain: it was published, and it is not known what became of it.
    """

    message: NewMessage
    message_id: str
    payload: bytes
    stored: "asyncio.Future[Stored]"
    uncertain: bool = False

    def fields(self) -> dict[str, str]:
        """Return its headers, with those that JetStream acts on."""
        fields = {MESSAGE_ID: self.message_id, **self.message.headers}
        if self.message.expected_last is not None:
            fields[EXPECTED_LAST] = str(self.message.expected_last)
        return fields


def take_batch(waiting: deque[Pending]) -> list[Pending]:
    """Remove the first messages that fit in one batch, in their order; at least one."""
    batch: list[Pending] = []
    size = 0
    subjects: set[str] = set()
    conditional: set[str] = set()
    while waiting and len(batch) < MAX_MESSAGES:
        message = waiting[0].message
        size += len(message.payload)
        subject, is_conditional = message.subject, message.expected_last is not None
        if batch and (size > MAX_BYTES or subject in (subjects if is_conditional else conditional)):
            break
        batch.append(waiting.popleft())
        subjects.add(subject)
        if is_conditional:
            conditional.add(subject)
    return batch


def first_of_each_subject(messages: Iterable[Pending], limit: int) -> list[Pending]:
    """Return the first message of each subject: they may be published at the same time, and those behind them only after that."""
    first: dict[str, Pending] = {}
    for pending in messages:
        first.setdefault(pending.message.subject, pending)
        if len(first) == limit:
            break
    return list(first.values())


def encoded_headers(batch: list[Pending], batch_id: str) -> Iterator[bytes]:
    """Yield the header block of each message of an atomic batch; the last one commits it.

    Args:
        batch_id: at most 64 characters, never used again.
    """
    for number, pending in enumerate(batch, 1):
        fields = pending.fields()
        fields["Nats-Batch-Id"] = batch_id
        fields["Nats-Batch-Sequence"] = str(number)
        if number == len(batch):
            fields["Nats-Batch-Commit"] = "1"
        yield encode_headers(fields)
