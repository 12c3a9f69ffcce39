"""Writes down what a delivery came to: the state of the message and its answer, its evidence, its dead letter, the event that its caller is told by.

Each step can be repeated, and the last one is the acknowledgement in the stream: a crash in between repeats the rest. A dead letter is
stored before the state that tells of it, so that whoever reads `dead` finds the letter, whatever is killed in between.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import structlog

from lgsp_gateway.calls.authorize import AuthorizedCall
from lgsp_gateway.calls.model import StepTimes
from lgsp_gateway.delivery.dead_letters.letter import DeadLetter
from lgsp_gateway.delivery.dead_letters.store import Burial
from lgsp_gateway.delivery.entries import DeliveryState
from lgsp_gateway.delivery.lanes.lane import Dead, Done, Outcome
from lgsp_gateway.delivery.messages.attempt import Answered, AttemptResult, Unknown
from lgsp_gateway.delivery.messages.callbacks import Callbacks
from lgsp_gateway.delivery.messages.evidence import Event, MessageEvidence
from lgsp_gateway.delivery.messages.message_store import MessageRecord, MessageStore
from lgsp_gateway.delivery.messages.observer import DeliveryObserver
from lgsp_gateway.delivery.messages.state import AnswerRecord, Reason, State
from lgsp_gateway.delivery.streams import dead_message_subject
from lgsp_problems import Refusal, RevisionConflict, StorageFull, refusal_with_code

T = TypeVar("T")

MAX_WRITES = 600
"""Tries to store an outcome, ten minutes of them: what cannot be stored at all must not keep its lane for ever."""

RECORDED_WITHIN_SECONDS = 5.0
"""After which an entry of a cancellation that is not marked as written is written by whoever settles the message."""

WRITE_AGAIN_SECONDS = 1.0
"""Between two tries to store an outcome that is known: it is kept in memory until then, since to try the message again may do harm."""


class Settlement:
    """Settles messages.

    Args:
        now: returns the time in seconds since 1970, on a clock that does not jump ahead.
    """

    def __init__(
        self,
        store: MessageStore,
        dead_letters: Burial,
        callbacks: Callbacks,
        evidence: MessageEvidence,
        observer: DeliveryObserver,
        now: Callable[[], float],
    ) -> None:
        self.store = store
        self._dead_letters = dead_letters
        self._callbacks = callbacks
        self._evidence = evidence
        self._observer = observer
        self._now = now

    def attempted(self, record: MessageRecord, result: AttemptResult) -> None:
        """Count an attempt."""
        refusal = result.error if isinstance(result, Answered) else result.refusal
        self._observer.attempted(record.envelope, refusal.code if refusal else "answered", result.seconds)

    async def begin(self, record: MessageRecord) -> MessageRecord:
        """Mark that an attempt begins. Where the mark may have been written, it is looked for: without its attempt it would say that nobody
        knows whether there was one.

        Args:
            record: with the attempt; its revision is that of the state of before.

        Raises:
            RevisionConflict: somebody else has changed the state.
        """
        while True:
            try:
                return await self.store.write(record)
            except RevisionConflict:
                stored = await self._surely(partial(self.store.state_of, record.envelope))
                if stored.state.open_attempt != record.state.open_attempt:
                    raise
                return replace(record, revision=stored.revision)
            except Refusal as refusal:
                await self._pause(refusal)

    async def answer(self, record: MessageRecord, call: AuthorizedCall, body: bytes, result: Answered) -> Outcome:
        """Keep the answer of a provider for its caller."""
        now, error = self._milliseconds(), result.error
        outcome = error.code if error else "answered"
        status = error.kind.status if error else HTTPStatus.OK.value
        retention = call.operation.asynchronous.answer_retention if call.operation.asynchronous else 86_400.0
        kept = AnswerRecord(status, len(result.document), now + int(retention * 1000))
        reason = Reason.of(error) if error else None
        state = replace(
            record.state.with_outcome(outcome),
            state="answered",
            changed=now,
            answer=kept,
            reason=reason,
            next_attempt=0,
        )
        answer = result.document if error is None else None  # an error is in the state, and must replace no answer
        ending = Event(
            at=now,
            outcome=outcome,
            status=status,
            state="answered",
            attempt=state.attempts,
            grant=call.grant.name,
            body=body,
            answer=answer,
            seconds=result.seconds,
            times=result.times,
        )
        stored = await self._write_with_entry(replace(record, state=state), ending, answer)
        if stored.state.state != "answered":  # it was ended otherwise while its provider worked
            await self._evidence.write(stored.envelope, replace(ending, state=_ending(stored.state.state)))
        await self._notify_caller(stored)
        self._count(stored)
        return Done()

    async def _write_with_entry(
        self, record: MessageRecord, event: Event, answer: bytes | None = None
    ) -> MessageRecord:
        """Store a state that is a fact, and its entry at the same time: neither waits for the other's disk.

        Returns:
            What is stored, as `write_surely` says.
        """
        entry = self._evidence.begin(record.envelope, event)
        stored = await self.write_surely(record, answer)
        await self._evidence.finish(entry)
        return stored

    async def retry_later(
        self, record: MessageRecord, call: AuthorizedCall, body: bytes, result: Unknown, seconds: float
    ) -> None:
        """Record an attempt that failed, and when the next one is due."""
        now, refusal = self._milliseconds(), result.refusal
        due = now + int(seconds * 1000)
        state = replace(record.state, state="delivering", changed=now, next_attempt=due, reason=Reason.of(refusal))
        event = Event(
            at=now,
            outcome=refusal.code,
            status=refusal.kind.status,
            state="delivering",
            attempt=state.attempts,
            grant=call.grant.name,
            body=body,
            seconds=result.seconds,
            times=result.times,
        )
        await self._write_with_entry(replace(record, state=state), event)

    async def bury(
        self,
        record: MessageRecord,
        body: bytes,
        refusal: Refusal,
        *,
        call: AuthorizedCall | None = None,
        seconds: float = 0.0,
        times: StepTimes | None = None,
    ) -> Outcome:
        """Make a dead letter of a message.

        Args:
            refusal: why.
            call: what allowed the attempt that failed; None where nothing was tried.
        """
        now, reason = self._milliseconds(), Reason.of(refusal)
        state = record.state.with_outcome(refusal.code) if record.state.open_attempt else record.state
        state = replace(state, state="dead", changed=now, reason=reason, next_attempt=0)
        letter = _letter(replace(record, state=state))
        await self._surely(partial(self._dead_letters.bury, letter, body))
        record = await self.write_surely(replace(record, state=state))
        if record.state.state != "dead":  # somebody else ended it first
            await self._surely(partial(self._dead_letters.withdraw, letter))
        ending = Event(
            at=now,
            outcome=refusal.code,
            status=refusal.kind.status,
            state=_ending(record.state.state),
            attempt=state.attempts if call else 0,
            grant=call.grant.name if call else "",
            body=body if call else None,
            seconds=seconds,
            times=times,
        )
        await self._end(record, ending)
        return Dead(refusal.code) if record.state.state == "dead" else Done()

    async def recover_burial(self, record: MessageRecord) -> MessageRecord:
        """Return what is known of a message that comes again: dead, where its dead letter is stored and its state did not say so yet.

        Whoever buried it was killed in between. To try it once more would deliver what a person may be deciding about.
        """
        if record.state.is_final:
            return record
        envelope, state = record.envelope, record.state
        subject = dead_message_subject(envelope.service, envelope.consumer, envelope.message)
        letter = await self._surely(partial(self._dead_letters.waiting, subject, envelope.round))
        if letter is None:
            return record
        attempts = max(state.attempts, len(letter.attempts))
        state = replace(state, state="dead", changed=letter.died, reason=letter.reason, next_attempt=0)
        return await self.write_surely(replace(record, state=replace(state, attempts=attempts, latest=letter.attempts)))

    async def record_again(self, record: MessageRecord, body: bytes) -> None:
        """Write the entry of an attempt that ended a message again, where the message has come again after that.

        Whoever ended it may have been killed before its entry was written. Two entries of one attempt say the same; none would hide from
        the person that their data was handed out.
        """
        state, reason = record.state, record.state.reason
        if state.state == "answered" and state.answer:
            kept = await self._surely(partial(self.store.answer, record.envelope)) if reason is None else None
            event = Event(
                at=state.changed,
                outcome=reason.code if reason else "answered",
                status=state.answer.status,
                state=state.state,
                attempt=state.attempts,
                grant=record.envelope.grant,
                body=body,
                answer=kept,
            )
        elif state.state == "cancelled":
            await self._surely(partial(self.record_cancellation, record))
            return
        elif state.state == "dead" and reason:
            status = refusal_with_code(reason.code, vi=reason.text.vi, en=reason.text.en).kind.status
            event = Event(at=state.changed, outcome=reason.code, status=status, state=state.state)
        else:
            return
        await self._evidence.write(record.envelope, event)

    async def record_cancellation(self, record: MessageRecord) -> MessageRecord:
        """Write the entry of a cancellation, unless it is known to be on disk, and mark that it is.

        Whoever cancelled the message may have been killed after its state was stored, or could not write the evidence. Killed between the
        entry and the mark, there are two entries, which say the same.

        Raises:
            Refusal: `evidence-unavailable` or `bus-unavailable`.
        """
        state = record.state
        if state.is_recorded:
            return record
        decision = Event(at=state.changed, outcome="cancelled", status=200, state="cancelled", by=state.by)
        await self._evidence.write_first(record.envelope, decision)
        try:
            return await self.store.write(replace(record, state=replace(state, is_recorded=True)))
        except RevisionConflict:  # another gateway has marked it
            return record

    def is_being_recorded(self, record: MessageRecord) -> bool:
        """Tell whether the one who cancelled a message may still be writing the entry of that."""
        state = record.state
        is_recent = self._milliseconds() - state.changed < RECORDED_WITHIN_SECONDS * 1000
        return state.state == "cancelled" and not state.is_recorded and is_recent

    async def finish(self, record: MessageRecord, body: bytes) -> None:
        """Do what follows when a message is over: keep its dead letter, have its caller told. What was done before stays as it is."""
        if record.state.state == "dead":
            await self._surely(partial(self._dead_letters.bury, _letter(record), body))
        await self._notify_caller(record)

    async def _notify_caller(self, record: MessageRecord) -> None:
        if record.envelope.callback:
            await self._surely(partial(self._callbacks.enqueue, record))

    async def write_surely(self, record: MessageRecord, answer: bytes | None = None) -> MessageRecord:
        """Store a state that is a fact, as long as this gateway may.

        An answer replaces a dead letter's state: another gateway may have taken this one for dead while it waited for its provider.

        Returns:
            What is stored: the state that was given; the one of somebody else that ended the message first.
        """
        for _ in range(MAX_WRITES):
            try:
                return await self._when_there_is_room(partial(self.store.write, record, answer))
            except RevisionConflict:
                stored = await self._surely(partial(self.store.state_of, record.envelope))
                late = record.state.state == "answered" and stored.state.state == "dead"
                is_ours = stored.state == record.state  # its answer may not be there
                is_over = stored.state.is_final and stored.state.round >= record.state.round and not is_ours
                if is_over and not (late and stored.state.round == record.state.round):
                    return stored
                record = replace(record, revision=stored.revision)
            except Refusal as refusal:
                await self._pause(refusal)
        return await self.store.write(record, answer)

    async def _surely(self, work: Callable[[], Awaitable[T]]) -> T:
        for _ in range(MAX_WRITES):
            try:
                return await self._when_there_is_room(work)
            except Refusal as refusal:
                await self._pause(refusal)
        return await work()

    async def _when_there_is_room(self, work: Callable[[], Awaitable[T]]) -> T:
        """Store something as soon as the storage has room: until then nobody else could store it either, and the outcome must not be lost."""
        while True:
            try:
                return await work()
            except StorageFull as refusal:
                await self._pause(refusal)

    async def _pause(self, refusal: Refusal) -> None:
        structlog.get_logger().warning("the outcome of a message waits to be stored", code=refusal.code)
        await asyncio.sleep(WRITE_AGAIN_SECONDS)

    async def _end(self, record: MessageRecord, ending: Event) -> None:
        """Do what follows the state of a message that is over, once that is stored."""
        await self._evidence.write(record.envelope, ending)
        await self._notify_caller(record)
        self._count(record)

    def _count(self, record: MessageRecord) -> None:
        state, envelope = record.state, record.envelope
        reason = state.reason.code if state.reason else ""
        self._observer.completed(envelope, state.state, reason, (state.changed - envelope.accepted) / 1000)

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)


def _letter(record: MessageRecord) -> DeadLetter:
    envelope, state = record.envelope, record.state
    assert state.reason is not None
    return DeadLetter(
        kind="message",
        message=envelope.message,
        owner=envelope.consumer,
        service=envelope.service,
        major=envelope.major,
        name=envelope.operation,
        envelope=envelope.document(),
        reason=state.reason,
        attempts=state.latest,
        died=state.changed,
        round=envelope.round,
    )


def _ending(state: State) -> DeliveryState:
    """Return how the evidence names the state of a message that is over."""
    return "delivering" if state == "accepted" else state
