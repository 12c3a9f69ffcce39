"""The exchange: the story of one call.

A caller holds a token. Somebody granted its system this operation for this purpose. The request keeps the contract. The
adapter of the provider answers over NATS. The answer keeps the contract too; what the grant does not show is removed. The
passage is written to disk. Only then does the answer leave.

A "no" anywhere is a `Refusal`, and it is evidence like an answer. Only a caller that could not be identified leaves none:
those are counted and sampled, so that a flood of bad tokens costs no disk.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from lgsp_auth import policy
from lgsp_auth.policy import Grant
from lgsp_contracts import wire
from lgsp_contracts.checking import broken_answer, broken_request, check_answer, counted, read_request
from lgsp_contracts.contract import Operation, person_in
from lgsp_gateway.calls.auth_failure_limiter import REFUSED_CALLS, AuthFailureLimiter
from lgsp_gateway.calls.authorization import AuthorizationCache
from lgsp_gateway.calls.authorize import Asked, AuthorizedCall, UnauthorizedCall
from lgsp_gateway.calls.idempotency import NOTHING_HAPPENED, Idempotency, Question, call_key, key_required
from lgsp_gateway.calls.identification import Caller, Credentials, Identification
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.calls.record import Passage, Pseudonyms, Salts
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.observability.call_observer import Watch
from lgsp_gateway.registry.lifecycle.announcements import Announcement
from lgsp_gateway.registry.snapshot import Registry
from lgsp_gateway.workers.heavy_documents import HeavyDocuments
from lgsp_problems import Refusal
from lgsp_runtime.nats.request_reply import Bus, bus_unavailable
from lgsp_runtime.unexpected_errors import fault

PROJECTED_AT_ONCE = 32 * 1024
"""Bytes of an answer whose hidden fields are taken out where everybody waits; twice as many take 2 ms (measured)."""


class Head(NamedTuple):
    """What a caller says before its document. `parent` is the trace context that it sent, if any."""

    asked: Asked
    credentials: Credentials
    on_behalf_of: str
    idempotency_key: str
    parent: str


Body = bytes | Callable[[], Awaitable[bytes]]
"""A document that is there, or read once its caller may call."""


class Call(NamedTuple):
    """A call as it came in. `traceparent` is what it carries onwards, `salt` that of the digests in its entry."""

    message: str
    traceparent: str
    salt: bytes
    head: Head
    body: Body


@dataclass(slots=True)
class Answer:
    """What the caller gets: the document, what is left of its quota, what is announced of the service, and where the time went, in
    milliseconds."""

    body: bytes
    quota: tuple[str, str]
    announced: Announcement | None
    check: float
    provider: float
    evidence: float = 0.0
    total: float = 0.0


@dataclass(slots=True)
class Exchange:
    """One gateway's exchange."""

    name: str
    registry: Registry
    authorizations: AuthorizationCache
    identification: Identification
    bus: Bus
    evidence: EvidenceLog
    idempotency: Idempotency
    quotas: Quotas
    pseudonyms: Pseudonyms
    watch: Watch
    heavy: HeavyDocuments
    salts: Salts = field(default_factory=Salts)
    refusals: AuthFailureLimiter = field(default_factory=lambda: AuthFailureLimiter(REFUSED_CALLS))

    async def stop(self) -> None:
        """Write what is left of the evidence, and end what was started for heavy documents."""
        await self.evidence.stop()
        await self.heavy.stop()

    async def call(self, call: Call) -> Answer:
        """Carry a call to its provider and the answer back.

        Raises:
            Refusal: whatever stood in the way; it is in the evidence already.
        """
        began, now = time.perf_counter(), time.time()
        caller = self.identification.recall(call.head.credentials, now) or await self._identify(call)
        name, agency = caller.system.name, caller.system.agency
        trace, time_ms = call.traceparent[3:35], int(now * 1000)
        passage = Passage(call.message, trace, name, agency, self.name, began, time_ms, call.salt)
        try:
            answer = await self._governed(call, caller, passage)
        except Refusal as refusal:
            if not passage.was_received and not self.refusals.may_try(name):
                await self._refused_too_often(passage, refusal)
            await self._refused(call, passage, refusal)
            raise
        except Exception as error:
            said = fault(error, call.message)
            await self._refused(call, passage, said)
            raise said from error
        written = time.perf_counter()
        await self.evidence.write(passage.entry())
        done = time.perf_counter()
        answer.evidence, answer.total = (done - written) * 1000, (done - began) * 1000
        self.watch.answered(passage, call.traceparent, call.head.parent, answer.check, answer.evidence)
        return answer

    async def _governed(self, call: Call, caller: Caller, passage: Passage) -> Answer:
        """Everything between knowing the caller and writing the evidence."""
        now = time.time()
        way = self.authorizations.recall(passage.consumer, call.head.asked, now)
        if way is None:
            way = self._authorize(call.head.asked, passage, now)
        passage.goes(way)
        grant, operation = way.grant, way.operation
        if grant.sender_constrained and not caller.bound:
            raise policy.token_not_bound(grant)
        if operation.key_required and not call.head.idempotency_key:
            raise key_required(operation.name)
        if grant.on_behalf_of or call.head.on_behalf_of:
            passage.on_behalf_of = await self._behalf(call, grant, now)
        quota = self.quotas.try_take(grant, now) or await self.quotas.take(grant, now)
        body = call.body if isinstance(call.body, bytes) else await call.body()
        passage.received(body)
        schema = operation.request
        if len(body) <= schema.light_bytes or schema.effort.is_light(body):
            request = read_request(operation.limits, body)
            measured = counted(request, body) if schema.counts_places else request
            if schema.is_valid(measured):
                subject = person_in(request, operation.subject)
            elif schema.effort.explains_at_once(body):
                raise broken_request(schema.violations(measured))
            else:
                subject = await self.heavy.subject_of_request(passage.consumer, operation, body)
        else:
            subject = await self.heavy.subject_of_request(passage.consumer, operation, body)
        passage.subject = self.pseudonyms.of(subject) if subject else ""
        checked = (time.perf_counter() - passage.began) * 1000
        answer, document = await (self._once if call.head.idempotency_key else self._asked)(call, way, passage, body)
        projection = way.projection
        if projection.shows_all_of(document):
            visible = answer
        elif len(answer) > PROJECTED_AT_ONCE:
            visible = await self.heavy.project(passage.consumer, projection, answer)
        else:
            visible = projection.cut(answer, document)
        passage.answered(visible)
        announced = self.registry.announced(way.contract.service, way.contract.major, now)
        return Answer(visible, quota, announced, checked, passage.provider_ms)

    def _authorize(self, asked: Asked, passage: Passage, now: float) -> AuthorizedCall:
        """Decide on a call where that is not remembered.

        Raises:
            Refusal: `unknown-service`, what `policy.decide` says, `service-suspended`.
        """
        decided = self.authorizations.authorize(passage.consumer, asked, now)
        if isinstance(decided, UnauthorizedCall):
            passage.unauthorized(decided)
            raise decided.refusal
        return decided

    async def _identify(self, call: Call) -> Caller:
        try:
            return await self.identification.caller(call.head.credentials, time.time())
        except Refusal as refusal:
            trace, address = call.traceparent[3:35], call.head.credentials.address
            self.watch.unidentified(call.message, trace, address, refusal)
            raise

    async def _behalf(self, call: Call, grant: Grant, now: float) -> str:
        """The pseudonym of the person on whose behalf a call is made.

        Raises:
            Refusal: `person-required` or `token-invalid`.
        """
        if not call.head.on_behalf_of:
            raise policy.person_required(grant)
        person = await self.identification.person(call.head.on_behalf_of, now)
        if grant.on_behalf_of not in ("", "anyone", person.kind):
            raise policy.person_required(grant)
        return self.pseudonyms.of(person.number)

    async def _once(self, call: Call, way: AuthorizedCall, passage: Passage, body: bytes) -> tuple[bytes, Any]:
        """The provider's answer, or the answer that the same Idempotency-Key got before."""
        if not self.bus.connected:
            raise bus_unavailable()
        operation = way.operation
        key, consumer = call.head.idempotency_key, passage.consumer
        question = Question(call.head.asked.purpose, body, operation.idempotent, operation.deduplicated)
        claim = await self.idempotency.claim(key, consumer, call.message, way.subject, question)
        if isinstance(claim, bytes):
            passage.outcome = "replayed"
            return claim, None
        try:
            answer, document = await self._asked(call, way, passage, body, call_key(consumer, key))
        except Refusal as refusal:
            if claim and (refusal.code in NOTHING_HAPPENED or refusal.code in operation.errors):
                await self.idempotency.give_back(claim)
            raise
        if claim and not operation.idempotent:
            await self.idempotency.keep(claim, answer)
        return answer, document

    async def _asked(
        self, call: Call, way: AuthorizedCall, passage: Passage, body: bytes, key: str = ""
    ) -> tuple[bytes, Any]:
        """Ask the adapter, and hold what it says against the contract: the answer's bytes, and what they mean where that was
        worked out here."""
        seconds = way.operation.timeout
        context = wire.Context(
            message=call.message,
            consumer=passage.consumer,
            agency=passage.agency,
            purpose=call.head.asked.purpose,
            version=way.contract.version,
            deadline=int((time.time() + seconds) * 1000),
            traceparent=call.traceparent,
            key=key,
            salt=call.salt.hex(),
        )
        request = wire.request(context, body)
        repeatable = way.operation.idempotent or bool(key and way.operation.deduplicated)
        sent = time.perf_counter()
        try:
            data = await self.bus.request(way.subject, request, seconds, repeatable=repeatable)
        finally:
            passage.provider_ms = (time.perf_counter() - sent) * 1000
        answer = _answered(way.operation, wire.parse_reply(data))
        schema = way.operation.response
        if len(answer) <= schema.light_bytes or schema.effort.is_light(answer):
            return answer, check_answer(schema, way.operation.answer_limits, answer, in_haste=True)
        await self.heavy.check_answer(passage.consumer, way.operation, answer)
        return answer, None

    async def _refused_too_often(self, passage: Passage, refusal: Refusal) -> NoReturn:
        """A call that no quota counted, of a system that sends many of them: counted, and not written down each.

        Raises:
            Refusal: `too-many-attempts`, after a wait.
        """
        late = await self.refusals.delayed_refusal()
        passage.refused(late)
        self.watch.metrics.passed(passage)
        raise late from refusal

    async def _refused(self, call: Call, passage: Passage, refusal: Refusal) -> None:
        if not passage.was_received:
            self.refusals.record_failure(passage.consumer)
        passage.refused(refusal)
        self.watch.refused(passage, call.traceparent, call.head.parent, refusal)
        await self.evidence.write(passage.entry())


def _answered(operation: Operation, reply: wire.Reply | None) -> bytes:
    """The document of a reply.

    Raises:
        Refusal: an error that the contract declares, `provider-timeout`, `provider-failed`, `provider-broke-contract`.
    """
    if reply is None:
        raise broken_answer("the reply is not wire protocol 1")
    if reply.status == "answered":
        return reply.body
    if reply.status == "error":
        declared = operation.errors.get(reply.code)
        if declared is None:
            raise broken_answer("the reply names an error that the contract does not declare")
        raise Refusal(reply.code, kind=declared, vi=f"{declared.title.vi}.", en=f"{declared.title.en}.")
    if reply.status == "late":
        raise Refusal(
            "provider-timeout",
            vi="Hệ thống cung cấp không trả lời bộ kết nối trong thời hạn của hợp đồng; hãy thử lại sau;"
            " nếu thao tác thay đổi dữ liệu, hãy dùng lại đúng Idempotency-Key đó.",
            en="The provider's system did not answer its adapter within the time its contract gives; try again later,"
            " where the operation changes something, with the same Idempotency-Key.",
        )
    if reply.code == "unfit":
        raise Refusal(
            "request-unfit",
            vi="Hệ thống cung cấp không nhận được một giá trị của yêu cầu (ký tự điều khiển, số quá lớn, ngày không có);"
            " chưa có gì được gửi đi, hãy sửa giá trị đó.",
            en="The provider's system cannot be sent a value of this request (a control character, a number too large, a day that is none);"
            " nothing was sent, mend that value.",
        )
    raise Refusal(
        "provider-failed",
        vi="Bộ kết nối không lấy được kết quả từ hệ thống cung cấp; hãy thử lại sau, hoặc báo cho đơn vị vận hành trục.",
        en="The adapter got no result from the provider's system; try again later, or tell the operator of the bus.",
        private=f"adapter: {reply.code[:40]}",
    )
