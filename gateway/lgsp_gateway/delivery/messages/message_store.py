"""Stores what became of each accepted message, and its answer, in `LGSP_MESSAGES`; finds a message wherever it stands.

A message that nobody has tried stands in `LGSP_WORK` alone. Each change of a state names the one that it was made from, so of a delivery
and a cancellation at the same time one is first, and the other learns of it.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import orjson
from nats.aio.client import Client

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.messages import envelope as envelopes
from lgsp_gateway.delivery.messages.damaged_messages import unreadable_envelope
from lgsp_gateway.delivery.messages.envelope import Envelope
from lgsp_gateway.delivery.messages.state import FINAL, MessageState, State
from lgsp_gateway.delivery.storage.batch import TTL
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage
from lgsp_gateway.delivery.storage.last_message import LastMessages
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.storage.stored_bytes import StoredBytes
from lgsp_gateway.delivery.stored_messages import Page, StoredMessage, StoredMessages
from lgsp_runtime.nats.request_reply import NatsRequestReply

STATE_RETENTION_SECONDS = 30 * 86_400
"""How long it is known what became of a message that is over. Longer than the 24 hours in which an Idempotency-Key is recognised, so that
a repeated call never delivers twice."""


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message as it is known now.

    Args:
        revision: of its state in the stream; 0 where it has not been tried.
        is_damaged: its state, or its content where it has none, is not what was written; nobody knows what became of it.
    """

    envelope: Envelope
    state: MessageState
    revision: int = 0
    is_damaged: bool = False

    def serialize(self) -> bytes:
        """Return what stands in `LGSP_MESSAGES`."""
        # Of a message that is over, what kept it in order is not needed any more, and may name a person.
        kept = replace(self.envelope, ordering_key="") if self.state.state in FINAL else self.envelope
        return orjson.dumps({"envelope": kept, "state": self.state.document()})

    @classmethod
    def parse(cls, message: StoredMessage) -> "MessageRecord":
        """Read what `serialize` wrote, or what can be told of it where it is damaged."""
        if message.is_damaged:
            return cls.damaged(unreadable_envelope(message), message)
        document: dict[str, Any] = orjson.loads(message.payload)
        envelope = Envelope.from_document(document["envelope"])
        return cls(envelope, MessageState.from_document(document["state"]), message.sequence)

    @classmethod
    def damaged(cls, envelope: Envelope, message: StoredMessage) -> "MessageRecord":
        """Return the record of a message whose state is damaged: it may have been tried."""
        state = MessageState("delivering", int(message.at * 1000), envelope.round)
        return cls(envelope, state, message.sequence, is_damaged=True)

    @classmethod
    def waiting(cls, envelope: Envelope) -> "MessageRecord":
        """Return the record of a message that has not been tried."""
        return cls(envelope, MessageState("accepted", envelope.accepted, envelope.round))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages are listed.

    Args:
        consumer: who sent them; "" for everybody.
        service, state: only those; "" for all.
    """

    consumer: SystemName | str = ""
    service: str = ""
    state: State | str = ""

    def includes(self, record: MessageRecord) -> bool:
        """Tell whether a message is listed."""
        envelope = record.envelope
        if record.is_damaged:
            return self.service in ("", envelope.service) and not self.state
        return self.service in ("", envelope.service) and self.state in ("", record.state.state)


class MessageStore:
    """What is known of accepted messages.

    Args:
        messages: writes `LGSP_MESSAGES`.
        bus: reads the states of messages that are delivered.
        connection: reads everything else.
        stored: counts what is kept of each agency.
    """

    def __init__(
        self,
        messages: GroupCommit,
        bus: NatsRequestReply,
        connection: Client,
        cipher: PayloadCipher,
        stored: StoredBytes,
    ) -> None:
        self.stored_bytes = stored
        self._messages = messages
        self._last = LastMessages(bus, streams.MESSAGES, cipher)
        self._states = StoredMessages(connection, streams.MESSAGES, cipher)
        self._work = StoredMessages(connection, streams.WORK, cipher)

    async def state_of(self, envelope: Envelope) -> MessageRecord:
        """Return what is known of a message that is to be delivered; its state may be damaged.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await self._last.last(envelope.state_subject)
        if stored and stored.is_damaged:
            return MessageRecord.damaged(envelope, stored)
        return MessageRecord.parse(stored) if stored else MessageRecord.waiting(envelope)

    async def find(self, message: str, consumer: SystemName | None) -> MessageRecord | None:
        """Return a message, which may be damaged; None where there is none, or it is another system's.

        Args:
            consumer: the system whose message it must be; None for any.

        Raises:
            Refusal: `bus-unavailable`.
        """
        owner = consumer or "*"
        subject = f"messages.{owner}.{message}"
        stored = await self._states.last(subject)
        if stored is None:
            waiting = await self._work.last(f"work.*.*.*.{owner}.{message}")
            if waiting:
                return _in_work(waiting)
            stored = await self._states.last(subject)  # it may have been delivered in between
        return MessageRecord.parse(stored) if stored else None

    async def write(self, record: MessageRecord, answer: bytes | None = None) -> MessageRecord:
        """Store a state; it is on disk when this returns.

        Args:
            record: its revision is that of the state which it replaces.
            answer: what the provider answered, kept until `state.answer.expires`.

        Raises:
            RevisionConflict: somebody else has changed the state.
            Refusal: `bus-unavailable`; it may be on disk all the same.
        """
        state, envelope = record.state, record.envelope
        headers: dict[str, str] = {}
        if record.state.state in FINAL - {"dead"}:
            headers[TTL] = str(STATE_RETENTION_SECONDS)
        if answer is not None and state.answer:
            kept = max(1, (state.answer.expires - state.changed) // 1000)
            stored_answer = self._messages.publish(NewMessage(envelope.answer_subject, answer, {TTL: str(kept)}))
            headers[TTL] = str(max(kept, STATE_RETENTION_SECONDS))
        else:
            stored_answer = None
        document = record.serialize()
        stored = self._messages.publish(
            NewMessage(envelope.state_subject, document, headers, expected_last=record.revision)
        )
        try:
            if stored_answer is not None:
                await stored_answer
        finally:  # whatever became of the answer: nobody else would read what became of the state
            revision = (await stored).sequence
        if state.is_final and not state.is_recorded:  # one that replaces another of these, after a retry, counts again
            self.stored_bytes.add(envelope.agency, len(document), state.changed / 1000 + STATE_RETENTION_SECONDS)
        if answer is not None and state.answer:
            self.stored_bytes.add(envelope.agency, len(answer), state.answer.expires / 1000)
        return MessageRecord(envelope, state, revision)

    async def answer(self, envelope: Envelope) -> bytes | None:
        """Return the answer of a message; None where it is not kept any more, or is damaged.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await self._last.last(envelope.answer_subject)
        return stored.payload if stored and not stored.is_damaged else None

    async def list(
        self, selection: Selection, before: tuple[int, int], limit: int
    ) -> tuple[list[MessageRecord], tuple[int, int]]:
        """List messages, those that changed last first.

        Args:
            before: where the page begins, as the page before said it; zeros for the first.

        Returns:
            The page, and where the next one begins: negative where there are no more.

        Raises:
            Refusal: `bus-unavailable`.
        """
        owner = selection.consumer or "*"
        states, waiting = await asyncio.gather(
            self._page(self._states, f"messages.{owner}.*", before[0], limit, selection, MessageRecord.parse),
            self._page(
                self._work, f"work.{selection.service or '*'}.*.*.{owner}.*", before[1], limit, selection, _in_work
            ),
        )
        merged = sorted(
            [(at, 0, sequence, record) for sequence, (at, record) in states.items]
            + [(at, 1, sequence, record) for sequence, (at, record) in waiting.items],
            key=lambda item: item[0],
            reverse=True,
        )
        page = merged[:limit]
        following = [states.before or -1, waiting.before or -1]
        for _, stream, sequence, _ in merged[limit:]:
            following[stream] = max(following[stream], sequence + 1)
        records = [record for _, stream, _, record in page if not (stream == 1 and await self._has_state(record))]
        return records, (following[0], following[1])

    async def _page(
        self,
        source: StoredMessages,
        subject: str,
        before: int,
        limit: int,
        selection: Selection,
        parse: Any,
    ) -> Page[tuple[float, MessageRecord]]:
        if before < 0:
            return Page([], 0)

        def selected(message: StoredMessage) -> tuple[float, MessageRecord] | None:
            record: MessageRecord = parse(message)
            return (message.at, record) if selection.includes(record) else None

        return await source.newest(subject, before, limit, selected)

    async def _has_state(self, record: MessageRecord) -> bool:
        return await self._states.last(record.envelope.state_subject) is not None


def _in_work(message: StoredMessage) -> MessageRecord:
    if message.is_damaged:
        return MessageRecord.damaged(unreadable_envelope(message), message)
    return MessageRecord.waiting(envelopes.parse(message.payload)[0])
