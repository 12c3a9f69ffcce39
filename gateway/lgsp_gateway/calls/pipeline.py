"""The story of one call.

A caller holds a token. Somebody granted its system this operation for this purpose. The request keeps the contract. The
adapter of the provider answers over NATS. The answer keeps the contract too; what the grant does not show is removed. The
record is written to disk as evidence. Only then does the answer leave.

A "no" anywhere is a `Refusal`, and it is evidence like an answer. Only a caller that could not be identified leaves none:
those are counted and sampled, so that a flood of bad tokens costs no disk.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, NoReturn

from lgsp_auth import policy
from lgsp_auth.policy import Grant
from lgsp_contracts.dossiers import read_dossier_reference
from lgsp_gateway.calls.auth_failure_limiter import REFUSED_CALLS, AuthFailureLimiter
from lgsp_gateway.calls.authorization_cache import AuthorizationCache
from lgsp_gateway.calls.authorize import AuthorizedCall, UnauthorizedCall, authorize
from lgsp_gateway.calls.background_work import BackgroundWork
from lgsp_gateway.calls.deferral import accepted_document, is_deferred, may_be_deferred
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.execution.port import DeclaredError, Execution, ExecutionPort, Outbox
from lgsp_gateway.calls.idempotency import Idempotency, KeyedRequest, StoredAnswer, call_key, key_required
from lgsp_gateway.calls.identification import Caller, Identification
from lgsp_gateway.calls.model import CallRequest, CallResult
from lgsp_gateway.calls.observer import CallObserver
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import BusUnavailable, NoAdapter, ProviderLimitReached, Refusal, RequestUnfit
from lgsp_runtime.nats.request_reply import bus_unavailable
from lgsp_runtime.unexpected_errors import log_internal_error

LARGE_BYTES = 256 * 1024
"""Bytes of a document whose digest is computed in a thread: 1 MiB takes 2 ms."""


@dataclass(slots=True)
class Pipeline:
    """Carries the calls of one gateway, whichever face they came by.

    Args:
        gateway: its name in the evidence.
    """

    gateway: str
    registry: RegistrySnapshot
    identification: Identification
    authorizations: AuthorizationCache
    quotas: Quotas
    checks: DocumentChecks
    idempotency: Idempotency
    execution: ExecutionPort
    pseudonyms: Pseudonyms
    evidence: EvidenceLog
    observer: CallObserver
    refusals: AuthFailureLimiter = field(default_factory=lambda: AuthFailureLimiter(REFUSED_CALLS))
    background: BackgroundWork = field(default_factory=BackgroundWork)
    outbox: Outbox = field(init=False)
    """Takes the calls that are carried out later. It stands above the pipeline, so it is given to it once both are there."""

    async def call(self, request: CallRequest, caller: Caller | None = None) -> CallResult:
        """Carry a call to its provider and the answer back.

        Args:
            caller: who calls, where that is known already; None to find it by the credentials of the request.

        Raises:
            Refusal: whatever stood in the way; it is in the evidence already.
        """
        began, now = time.perf_counter(), time.time()
        if caller is None:
            caller = self.identification.recall(request.head.credentials, now) or await self._identify(request, now)
        record = CallRecord.begin(request, caller.system, self.gateway, began, now)
        if caller.officer is not None:
            record.officer, record.through = caller.officer.person, caller.officer.through
        if request.head.trial_by:
            record.trial_by, record.through = request.head.trial_by, request.head.trial_through
        try:
            try:
                result = await self._govern(request, caller, record)
            except Refusal as refusal:
                await self._refuse(request, record, refusal)
            except Exception as error:
                await self._refuse(request, record, log_internal_error(error, request.message), error)
            await self.evidence.write(record.finish())
        finally:
            if request.head.deferral is not None:
                self.background.finish(request.message)
        record.mark_written()
        if not result.accepted:
            self.background.answered(record.times)
        self.observer.answered(request, record)
        return result

    async def _govern(self, request: CallRequest, caller: Caller, record: CallRecord) -> CallResult:
        """Do everything between knowing the caller and writing the evidence."""
        now = time.time()
        authorized = self._authorize(request, caller, record, now)
        grant, operation = authorized.grant, authorized.operation
        if grant.on_behalf_of or request.head.on_behalf_of:
            record.on_behalf_of = await self._person(request, grant, now)
        quota = await self._take_quota(request, caller, grant, now)
        body = request.body if isinstance(request.body, bytes) else await request.body(operation.limits.bytes)
        if len(body) <= LARGE_BYTES:
            record.set_request(body)
        else:
            await asyncio.to_thread(record.set_request, body)
        if request.head.deferral is not None and may_be_deferred(request.head.deferral, operation):
            await self.background.admit(record.consumer, request.message)
        subject = await self.checks.check_request(record.consumer, operation, body)
        record.set_checked(self.pseudonyms.of(subject) if subject else "")
        if operation.request.has_files:
            await self.checks.files.pass_request(record.consumer, authorized, body, request.message, caller.officer)
        execution = Execution(request, caller.system, authorized, body, record.times)
        if request.head.deferral is not None and is_deferred(request.head.deferral, operation):
            return await self._accept(execution, record, quota)
        execute = self._execute_once if request.head.idempotency_key else self._execute
        document, meaning = await execute(execution, record)
        projection = authorized.projection
        if not projection.shows_all_of(meaning):
            document = await self.checks.project(record.consumer, projection, document, meaning)
        if operation.response.has_files:
            await self.checks.files.pass_answer(record.consumer, authorized, document, request.message, caller.officer)
        if len(document) <= LARGE_BYTES:
            record.set_answer(document)
        else:
            await asyncio.to_thread(record.set_answer, document)
        announced = self.registry.announced(authorized.contract.service, authorized.contract.major, now)
        return CallResult(document, quota, announced, record.times)

    async def _take_quota(self, request: CallRequest, caller: Caller, grant: Grant, now: float) -> tuple[str, str]:
        """Count a call; see `Quotas.take`."""
        if request.head.trial_by:
            return await self.quotas.take_for_trial(grant, now)
        if caller.officer is not None and grant.officers is not None and grant.officers.quota is not None:
            return await self.quotas.take_for_officer(grant, caller.officer.person, grant.officers.quota, now)
        return self.quotas.try_take(grant, now) or await self.quotas.take(grant, now)

    async def _accept(self, execution: Execution, record: CallRecord, quota: tuple[str, str]) -> CallResult:
        """Have a call carried out later."""
        message, repeated, entry = await self.outbox.accept(execution, record)
        record.set_accepted(message, entry, repeated=repeated)
        contract = execution.authorized.contract
        announced = self.registry.announced(contract.service, contract.major, time.time())
        return CallResult(accepted_document(message), quota, announced, record.times, accepted=message)

    async def _identify(self, request: CallRequest, now: float) -> Caller:
        try:
            return await self.identification.caller(request.head.credentials, now)
        except Refusal as refusal:
            self.observer.unidentified(request, refusal)
            raise

    def _authorize(self, request: CallRequest, caller: Caller, record: CallRecord, now: float) -> AuthorizedCall:
        """Decide whether the call may be made, before its document is looked at.

        Raises:
            Refusal: `unknown-service`, what `policy.decide` says, `service-suspended`, `token-not-bound`, `reference-invalid`,
                `idempotency-key-required`.
        """
        consumer, target = record.consumer, request.head.target
        decided: AuthorizedCall | UnauthorizedCall
        if caller.officer is not None:
            decided = authorize(consumer, target, self.registry, now, caller.officer)
        else:
            recalled = self.authorizations.recall(consumer, target, now)
            decided = recalled or self.authorizations.authorize(consumer, target, now)
        if isinstance(decided, UnauthorizedCall):
            record.set_unauthorized(decided)
            raise decided.refusal
        record.set_authorized(decided)
        if decided.grant.sender_constrained and not caller.bound:
            raise policy.token_not_bound(decided.grant)
        if request.head.reference:
            record.reference = read_dossier_reference(request.head.reference)
        elif decided.grant.reference_required:
            raise policy.reference_required(decided.grant)
        if decided.operation.key_required and not request.head.idempotency_key:
            raise key_required(decided.operation.name)
        return decided.as_trial() if request.head.trial_by else decided

    async def _person(self, request: CallRequest, grant: Grant, now: float) -> str:
        """Return the pseudonym of the person on whose behalf a call is made.

        Raises:
            Refusal: `person-required` or `token-invalid`.
        """
        if not request.head.on_behalf_of:
            raise policy.person_required(grant)
        person = await self.identification.person(request.head.on_behalf_of, now)
        if grant.on_behalf_of not in ("", "anyone", person.kind):
            raise policy.person_required(grant)
        return self.pseudonyms.of(person.number)

    async def _execute(self, execution: Execution, record: CallRecord) -> tuple[bytes, Any]:
        """Have the provider answer, and hold the answer against the contract: its bytes, and what they mean if that is known."""
        sent = time.perf_counter()
        try:
            document = await self.execution.execute(execution)
        finally:
            record.times.provider = (time.perf_counter() - sent) * 1000
        return document, await self.checks.check_answer(record.consumer, execution.authorized.operation, document)

    async def _execute_once(self, execution: Execution, record: CallRecord) -> tuple[bytes, Any]:
        """Have the provider answer, or give the answer that the same Idempotency-Key got before."""
        if not self.execution.is_available:
            raise bus_unavailable()
        request, _, authorized, body, _, _ = execution
        operation, key = authorized.operation, request.head.idempotency_key
        question = KeyedRequest(request.head.target.purpose, body, operation.idempotent, operation.deduplicated)
        claim = await self.idempotency.claim(key, record.caller, request.message, authorized.subject, question)
        if isinstance(claim, StoredAnswer):
            record.outcome = claim.outcome
            return claim.document, None
        try:
            document, meaning = await self._execute(execution._replace(key=call_key(record.caller, key)), record)
        except (NoAdapter, RequestUnfit, ProviderLimitReached, DeclaredError):
            # Nothing was done under this key, so it is free again.
            answer_of_another_try = claim and await self.idempotency.release(claim)
            if not answer_of_another_try:
                raise
            record.outcome = answer_of_another_try.outcome
            return answer_of_another_try.document, None
        if claim and not operation.idempotent:
            await self.idempotency.store_answer(claim, document)
        return document, meaning

    async def _refuse(
        self, request: CallRequest, record: CallRecord, refusal: Refusal, cause: Exception | None = None
    ) -> NoReturn:
        """Record a call that ends with a no, and raise it.

        Raises:
            Refusal: the one that was given; `too-many-attempts`, after a wait, for a system that was refused too often before any
                quota counted it: those are counted, and not written down each.
        """
        if not record.was_received:
            if not self.refusals.may_try(record.caller):
                late = await self.refusals.delayed_refusal()
                record.set_refusal(late)
                self.observer.limited(record)
                raise late from refusal
            if not isinstance(refusal, BusUnavailable):
                self.refusals.record_failure(record.caller)
        record.set_refusal(refusal)
        entry = record.finish()
        self.observer.refused(request, record, refusal)
        await self.evidence.write(entry)
        raise refusal from cause
