"""What people and systems do with accepted messages: look at one, read its answer, cancel it; and what happens to its dead letter."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from lgsp_auth.policy import Grant
from lgsp_contracts.names import SystemName
from lgsp_gateway.calls.authorize import UnauthorizedCall, authorize
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.delivery.dead_letters.letter import DeadLetter, Decider
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.messages import envelope as envelopes
from lgsp_gateway.delivery.messages import reasons
from lgsp_gateway.delivery.messages.envelope import Envelope
from lgsp_gateway.delivery.messages.evidence import Event, MessageEvidence
from lgsp_gateway.delivery.messages.message_store import MessageRecord
from lgsp_gateway.delivery.messages.settlement import Settlement
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage
from lgsp_gateway.delivery.streams import WORK
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import NotFound, ProblemCode, Refusal, RevisionConflict, refusal_with_code

DEFAULT_DEADLINE_SECONDS = 72 * 3600.0
"""Of a dead letter that is retried, where the contract of today does not say."""
NOT_YET_SECONDS = 2
"""After which to ask again for the answer of a message that is about to be delivered."""
MAX_TRIES = 3
"""To write a decision while the message changes."""


@dataclass(frozen=True, slots=True)
class MessageAnswer:
    """The answer of a message.

    Args:
        salt: of its digests, in hex.
        grant: what allows the caller to read it now.
    """

    document: bytes
    salt: str
    grant: Grant


class MessageOperations:
    """Decisions about accepted messages.

    Args:
        checks: takes out of an answer what its grant does not show any more.
        now: returns the time in seconds since 1970, on a clock that does not jump ahead.
    """

    def __init__(
        self,
        work: GroupCommit,
        lanes: Lanes,
        settlement: Settlement,
        evidence: MessageEvidence,
        registry: RegistrySnapshot,
        checks: DocumentChecks,
        quotas: Quotas,
        now: Callable[[], float],
    ) -> None:
        self._work = work
        self._lanes = lanes
        self._settlement = settlement
        self._evidence = evidence
        self._registry = registry
        self._checks = checks
        self._quotas = quotas
        self._now = now
        self.store = settlement.store

    async def find(self, message: str, consumer: SystemName | None) -> MessageRecord:
        """Return a message that something is to be done with.

        Args:
            consumer: the system whose message it must be; None for any.

        Raises:
            Refusal: `not-found`, `stored-content-damaged` or `bus-unavailable`.
        """
        record = await self.look_up(message, consumer)
        if record.is_damaged:
            raise reasons.content_damaged()
        return record

    async def look_up(self, message: str, consumer: SystemName | None) -> MessageRecord:
        """Return a message, which may be damaged.

        Args:
            consumer: the system whose message it must be; None for any.

        Raises:
            Refusal: `not-found` or `bus-unavailable`.
        """
        record = await self.store.find(message, consumer)
        if record is None:
            raise NotFound(
                vi="Không có thông điệp này, hoặc không phải của hệ thống gọi, hoặc đã quá thời gian lưu; hãy kiểm tra mã thông điệp.",
                en="There is no such message, or it is not of the calling system, or it is no longer kept; check the id of the message.",
            )
        return record

    async def answer(self, record: MessageRecord) -> MessageAnswer:
        """Return the answer of a message, as the registry of today shows it to its caller.

        Raises:
            Refusal: what the provider declared, or why there is no answer; `answer-not-available`; what `authorize` says, where the call
                would not be allowed any more; `bus-unavailable`.
        """
        state = record.state
        if state.state == "answered" and state.answer:
            if state.reason:
                raise Refusal(
                    state.reason.code,
                    vi=state.reason.text.vi,
                    en=state.reason.text.en,
                    kind=ProblemCode(state.answer.status, state.reason.title or state.reason.text),
                )
            document = await self.store.answer(record.envelope)
            if document is None:
                raise _answer_expired()
            return await self._shown_today(record.envelope, document)
        if state.state == "dead" and state.reason:
            raise refusal_with_code(state.reason.code, vi=state.reason.text.vi, en=state.reason.text.en)
        if state.is_final:
            raise _never_answered()
        raise _not_answered_yet(state.next_attempt, self._now())

    async def _shown_today(self, envelope: Envelope, document: bytes) -> MessageAnswer:
        """Return what a caller may see now of an answer that was kept since its grant allowed it."""
        decided = authorize(envelope.consumer, envelope.target, self._registry, self._now())
        if isinstance(decided, UnauthorizedCall):
            raise decided.refusal
        if not decided.projection.shows_all_of(None):
            document = await self._checks.project(envelope.consumer, decided.projection, document, None)
        return MessageAnswer(document, envelope.salt, decided.grant)

    async def cancel(self, record: MessageRecord, by: str) -> MessageRecord:
        """Cancel a message that is not being delivered. To do it twice changes nothing.

        Args:
            by: who wants that.

        Raises:
            Refusal: `step-not-allowed`, where it is too late; `bus-unavailable`; `evidence-unavailable`, where it is cancelled and that is
                not in the evidence yet.
        """
        for _ in range(MAX_TRIES):
            if record.state.state == "cancelled":
                return await self._settlement.record_cancellation(record)
            if record.state.is_final or record.state.open_attempt:
                raise _too_late_to_cancel(is_over=record.state.is_final)
            now = self._milliseconds()
            state = replace(record.state, state="cancelled", changed=now, next_attempt=0, reason=None, by=by)
            try:
                cancelled = await self.store.write(replace(record, state=state))
            except RevisionConflict:
                record = await self.store.state_of(record.envelope)
                continue
            cancelled = await self._settlement.record_cancellation(cancelled)
            await self._settlement.finish(cancelled, b"")
            return cancelled
        raise _too_late_to_cancel(is_over=False)

    async def redeliver(self, letter: DeadLetter, payload: bytes, decider: Decider) -> None:
        """Deliver the message of a dead letter again, within a new deadline. To do it twice changes nothing. The evidence has it first.

        It counts towards the quota as the call did, which keeps a provider from being asked more often than its grant says; what an
        operator retries counts by itself.

        Raises:
            Refusal: `step-not-allowed`, where the message was answered after all; what `authorize` says, where its caller may not make the
                call now; `quota-exceeded`; `evidence-unavailable` or `bus-unavailable`.
        """
        buried, by = Envelope.from_document(letter.envelope), decider.name
        state = (await self.store.state_of(buried)).state
        if state.state == "answered" and state.round == buried.round:
            raise _answered_after_all()
        decided = authorize(buried.consumer, buried.target, self._registry, self._now())
        if isinstance(decided, UnauthorizedCall):
            raise decided.refusal
        if decider.for_owner:
            await self._quotas.take(decided.grant, time.time())
        else:
            await self._quotas.take_for_operator(decided.grant, time.time())
        within = decided.operation.asynchronous.delivery_deadline if decided.operation.asynchronous else None
        deadline = self._now() + (within or DEFAULT_DEADLINE_SECONDS)
        envelope = buried.next_round(int(deadline * 1000))
        now = self._milliseconds()
        decision = Event(at=now, outcome="retried", status=200, state="delivering", by=by)
        await self._evidence.write_first(envelope, decision)
        await self._lanes.announce(WORK, envelope.lane.name)
        stored = await self._work.publish(
            NewMessage(
                envelope.work_subject,
                envelopes.serialize(envelope, payload),
                envelope.headers,
                message_id=envelope.deduplication_id,
            )
        )
        if not stored.duplicate:
            self.store.stored_bytes.add(envelope.agency, len(payload), envelope.deadline / 1000)
        await self._show_as_accepted(envelope, now, by)

    async def _show_as_accepted(self, envelope: Envelope, now: int, by: str) -> None:
        """Show a message as accepted from now on, unless its delivery has begun already."""
        record = await self.store.state_of(envelope)
        if record.state.round >= envelope.round:
            return
        state = replace(record.state.in_round(envelope.round), changed=now, by=by)
        try:
            await self.store.write(replace(record, envelope=envelope, state=state))
        except RevisionConflict:  # its delivery has begun
            return

    async def end(self, letter: DeadLetter, by: str) -> None:
        """Record that somebody gave the message of a dead letter up. To do it twice changes nothing. The evidence has it first.

        Raises:
            Refusal: `evidence-unavailable` or `bus-unavailable`.
        """
        envelope, now = Envelope.from_document(letter.envelope), self._milliseconds()
        record = await self.store.state_of(envelope)
        known = envelope if envelope.operation else record.envelope  # the letter may be damaged, and its state not
        decision = Event(at=now, outcome="given-up", status=200, state="given-up", by=by)
        await self._evidence.write_first(known, decision)
        if record.state.state == "dead" and record.state.round == envelope.round:
            state = replace(record.state, state="given-up", changed=now, by=by)
            await self.store.write(replace(record, state=state))

    async def read_payload(self, letter: DeadLetter, payload: bytes, by: str) -> bytes:
        """Return the request of a dead letter; that somebody looked is in the evidence then.

        Raises:
            Refusal: `evidence-unavailable`.
        """
        envelope, now = Envelope.from_document(letter.envelope), self._milliseconds()
        event = Event(at=now, outcome="payload-read", status=200, state="dead", by=by, answer=payload)
        await self._evidence.write_first(envelope, event)
        return payload

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)


def _answered_after_all() -> Refusal:
    return Refusal(
        "step-not-allowed",
        vi="Bên cung cấp đã trả lời thông điệp này sau khi trục coi là không giao được; hãy xem câu trả lời, rồi ngừng giao thông điệp này.",
        en="The provider answered this message after it had become a dead letter; read its answer, then give the letter up.",
    )


def _too_late_to_cancel(*, is_over: bool) -> Refusal:
    if is_over:
        return Refusal(
            "step-not-allowed",
            vi="Thông điệp này đã kết thúc nên không hủy được nữa; hãy xem trạng thái của nó.",
            en="This message is over, so it can no longer be cancelled; look at its state.",
        )
    return Refusal(
        "step-not-allowed",
        vi="Đã quá muộn để hủy: thông điệp đang được giao cho hệ thống cung cấp; hãy xem lại trạng thái sau ít giây.",
        en="It is too late to cancel: the message is being delivered to its provider; look at its state again in some seconds.",
        retry_after=5,
    )


def _not_answered_yet(next_attempt: int, now: float) -> Refusal:
    wait = round(next_attempt / 1000 - now) if next_attempt else NOT_YET_SECONDS
    return Refusal(
        "answer-not-available",
        vi="Thông điệp này chưa có câu trả lời; hãy hỏi lại sau, hoặc dùng Lgsp-Callback để được báo.",
        en="This message has no answer yet; ask again later, or use Lgsp-Callback to be told.",
        retry_after=min(max(1, wait), 3600),
    )


def _answer_expired() -> Refusal:
    return Refusal(
        "answer-not-available",
        vi="Câu trả lời của thông điệp này đã quá thời gian lưu theo hợp đồng; nếu vẫn cần, hãy gửi yêu cầu mới.",
        en="The answer of this message is no longer kept, by its contract; send a new request if it is still needed.",
    )


def _never_answered() -> Refusal:
    return Refusal(
        "answer-not-available",
        vi="Thông điệp này đã bị hủy hoặc đã ngừng giao nên không có câu trả lời; hãy xem trạng thái của thông điệp.",
        en="This message was cancelled or given up, so it has no answer; look at its state.",
    )
