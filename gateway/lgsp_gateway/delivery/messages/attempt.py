"""One attempt to have a message carried out by its provider, and what it came to."""

import time
from dataclasses import dataclass

from lgsp_gateway.calls.authorize import AuthorizedCall
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.execution.port import DeclaredError, Execution, ExecutionPort
from lgsp_gateway.calls.model import CallHead, CallRequest, Credentials, StepTimes
from lgsp_gateway.delivery.messages.envelope import Envelope
from lgsp_gateway.registry.indexed_documents import System
from lgsp_problems import NoAdapter, ProviderLimitReached, Refusal, RequestUnfit

NO_ADAPTER_SECONDS = 2.0
"""The pause of a lane that has no adapter. To ask again costs next to nothing, and what waits is delivered soon after one is there."""

_NO_CREDENTIALS = Credentials(None, "", "", "", "")


@dataclass(frozen=True, slots=True)
class Answered:
    """The provider answered: with a document, or with an error that the contract declares.

    Args:
        document: without what the grant does not show; empty for an error.
        times: what the adapter says that it took.
    """

    document: bytes
    error: DeclaredError | None
    seconds: float
    times: StepTimes


@dataclass(frozen=True, slots=True)
class NothingDone:
    """The provider certainly did nothing.

    Args:
        pause: seconds after which it may; None where it never will.
        seconds: that the attempt took.
        times: what the adapter says that it took.
    """

    refusal: Refusal
    pause: float | None
    seconds: float
    times: StepTimes


@dataclass(frozen=True, slots=True)
class Unknown:
    """The attempt failed, and the provider may have done it.

    Args:
        answered: whether it answered at all.
        times: what the adapter says that it took.
    """

    refusal: Refusal
    answered: bool
    seconds: float
    times: StepTimes


AttemptResult = Answered | NothingDone | Unknown


def may_be_repeated(call: AuthorizedCall) -> bool:
    """Tell whether a message may be tried again though its provider may have done it."""
    return call.operation.idempotent or call.operation.deduplicated


async def attempt(
    execution: ExecutionPort,
    checks: DocumentChecks,
    envelope: Envelope,
    call: AuthorizedCall,
    consumer: System,
    body: bytes,
) -> AttemptResult:
    """Try once to have a message carried out."""
    began, times = time.perf_counter(), StepTimes()
    head = CallHead(envelope.target, _NO_CREDENTIALS, "", "", "")
    request = CallRequest(envelope.message, envelope.traceparent, bytes.fromhex(envelope.salt), head, body)
    try:
        document = await execution.execute(Execution(request, consumer, call, body, times, envelope.key))
    except Refusal as refusal:
        return _result_of(refusal, time.perf_counter() - began, times)
    seconds = time.perf_counter() - began
    try:
        meaning = await checks.check_answer(consumer.name, call.operation, document)
    except Refusal as refusal:
        return Unknown(refusal, answered=True, seconds=seconds, times=times)
    if not call.projection.shows_all_of(meaning):
        document = await checks.project(consumer.name, call.projection, document, meaning)
    if call.operation.response.has_files:
        try:
            await checks.files.pass_answer(consumer.name, call, document, envelope.message)
        except Refusal as refusal:
            return Unknown(refusal, answered=True, seconds=seconds, times=times)
    return Answered(document, None, seconds, times)


def _result_of(refusal: Refusal, seconds: float, times: StepTimes) -> AttemptResult:
    match refusal:
        case DeclaredError():
            return Answered(b"", refusal, seconds, times)
        case NoAdapter():
            return NothingDone(refusal, NO_ADAPTER_SECONDS, seconds, times)
        case ProviderLimitReached():
            return NothingDone(refusal, float(refusal.retry_after or 1), seconds, times)
        case RequestUnfit():
            return NothingDone(refusal, None, seconds, times)
        case _:
            return Unknown(refusal, answered=False, seconds=seconds, times=times)
