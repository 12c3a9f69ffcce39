"""Delivers accepted messages to their providers.

The handler of a lane is given a message again whenever it is not certain that it was settled: after a crash of a gateway, of the NATS server,
or a lost acknowledgement. So it looks first at what is known of the message. What was decided at its acceptance is decided again, by the
registry of today.

An operation that must not be done twice is marked as begun on disk before it is tried. Where that mark is found and nobody knows how the
attempt ended, the message becomes a dead letter: a person asks the provider.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog

from lgsp_gateway.calls.authorization_cache import AuthorizationCache
from lgsp_gateway.calls.authorize import AuthorizedCall, UnauthorizedCall
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.execution.port import ExecutionPort
from lgsp_gateway.delivery.lanes.back_off import delay
from lgsp_gateway.delivery.lanes.lane import (
    Delivery,
    Done,
    LaneConfig,
    LaneHandler,
    Outcome,
    PauseLane,
    RetryAfter,
)
from lgsp_gateway.delivery.messages import envelope as envelopes
from lgsp_gateway.delivery.messages import lane_names, reasons
from lgsp_gateway.delivery.messages.attempt import (
    NO_ADAPTER_SECONDS,
    Answered,
    AttemptResult,
    NothingDone,
    Unknown,
    attempt,
    may_be_repeated,
)
from lgsp_gateway.delivery.messages.damaged_messages import envelope_of_damaged
from lgsp_gateway.delivery.messages.envelope import Envelope
from lgsp_gateway.delivery.messages.lane_names import MessageLane
from lgsp_gateway.delivery.messages.message_store import MessageRecord
from lgsp_gateway.delivery.messages.provider_health import ProviderHealth
from lgsp_gateway.delivery.messages.settlement import RECORDED_WITHIN_SECONDS, Settlement
from lgsp_gateway.delivery.messages.state import Attempt, MessageState
from lgsp_gateway.delivery.storage.space import StorageSpace
from lgsp_gateway.delivery.streams import WORK
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal, RevisionConflict, StorageFull

SUSPENDED_SECONDS = 10.0
"""The pause of the lane of a suspended service, before the registry is asked again."""
CONCURRENCY = 32
"""Messages of a lane that are with their provider at the same time."""
UNDER_WAY = 128
"""Messages of a lane that are handled at the same time, with those whose outcome is being written: the more, the more share a sync."""
WINDOW = 256


class LaneProvider:
    """The provider of one lane, as this gateway uses it.

    `pause` is the newest reason to try nothing for a while: whoever waited for a slot meanwhile need not find out by itself.
    """

    def __init__(self) -> None:
        self.health = ProviderHealth(random.random)
        self.slots = asyncio.Semaphore(CONCURRENCY)
        self.pause: PauseLane | None = None


@dataclass(frozen=True, slots=True)
class _Tried:
    """An attempt that was made.

    Args:
        before: what was known of the message before it.
        record: what is known with it.
    """

    before: MessageRecord
    record: MessageRecord
    call: AuthorizedCall
    result: AttemptResult


class Dispatcher:
    """Delivers the messages of the lanes that fall to one gateway.

    Args:
        gateway: its name, in attempts.
        now: returns the time in seconds since 1970, on a clock that does not jump ahead: else one jump would end every message.
        space: the room that answers need.
    """

    def __init__(
        self,
        gateway: str,
        registry: RegistrySnapshot,
        authorizations: AuthorizationCache,
        checks: DocumentChecks,
        execution: ExecutionPort,
        settlement: Settlement,
        now: Callable[[], float],
        space: StorageSpace,
    ) -> None:
        self._space = space
        self._gateway = gateway
        self._registry = registry
        self._authorizations = authorizations
        self._checks = checks
        self._execution = execution
        self._settlement = settlement
        self._now = now

    def lane(self, name: str) -> tuple[LaneConfig, LaneHandler] | None:
        """Return configuration and handler of a lane of messages; None where a name is none."""
        lane = lane_names.parse(name)
        if lane is None:
            return None
        config = LaneConfig(
            name,
            WORK,
            (lane.filter,),
            ordering_key=_ordering_key,
            concurrency=UNDER_WAY,
            window=WINDOW,
            attempt_seconds=None,  # the contract ends it; to cancel it would leave its outcome unknown
        )
        return config, partial(self._deliver, lane, LaneProvider())

    async def _deliver(self, lane: MessageLane, provider: LaneProvider, delivery: Delivery) -> Outcome:
        if delivery.is_damaged:
            return await self._bury_damaged(envelope_of_damaged(lane, delivery, self._registry), delivery.payload)
        envelope, body = envelopes.parse(delivery.payload)
        pause = provider.pause
        async with provider.slots:
            if provider.pause and provider.pause is not pause:
                return provider.pause
            tried = await self._deliver_now(provider.health, delivery, envelope, body)
        outcome = await self._settle_attempt(provider, tried, body) if isinstance(tried, _Tried) else tried
        if isinstance(outcome, PauseLane):
            provider.pause = replace(outcome, failed=False)
        return outcome

    async def _bury_damaged(self, envelope: Envelope, stored: bytes) -> Outcome:
        """Make a dead letter of a message that nobody can read; where it was tried before, its state tells of it.

        Args:
            envelope: what is known of it.
            stored: as the stream has it. The letter keeps that: another key of the same number would make all that waits look damaged.
        """
        record = await self._settlement.store.state_of(envelope)
        if record.state.round > envelope.round:
            return Done()
        known = replace(record.envelope, round=envelope.round)
        record = replace(record, envelope=known, state=_begun_anew(record.state, envelope.round))
        record = await self._settlement.recover_burial(record)
        if record.state.is_final:
            if record.state.state != "answered":
                await self._settlement.record_again(record, stored)
            await self._settlement.finish(record, stored)
            return Done()
        return await self._settlement.bury(record, stored, reasons.content_damaged())

    async def _deliver_now(
        self, health: ProviderHealth, delivery: Delivery, envelope: Envelope, body: bytes
    ) -> _Tried | Outcome:
        record = await self._settlement.store.state_of(envelope)
        if record.state.round > envelope.round:  # it was retried as a dead letter since
            return Done()
        record = replace(record, envelope=envelope, state=_begun_anew(record.state, envelope.round))
        if delivery.num_delivered > 1:
            record = await self._settlement.recover_burial(record)
        if record.state.is_final:
            return await self._finish(record, body)
        decided = self._decide(record)
        if isinstance(decided, PauseLane):
            return decided
        if isinstance(decided, Refusal):
            return await self._settlement.bury(record, body, decided)
        try:
            await self._checks.check_request(envelope.consumer, decided.operation, body)
        except Refusal as refusal:
            return await self._settlement.bury(record, body, refusal)
        return await self._deliver_authorized(health, record, decided, body)

    async def _finish(self, record: MessageRecord, body: bytes) -> Outcome:
        """Do what may be left to do of a message that is over already."""
        if self._settlement.is_being_recorded(record):
            return RetryAfter(RECORDED_WITHIN_SECONDS, "cancellation-being-recorded")
        await self._settlement.record_again(record, body)
        await self._settlement.finish(record, body)
        return Done()

    async def _deliver_authorized(
        self, health: ProviderHealth, record: MessageRecord, call: AuthorizedCall, body: bytes
    ) -> _Tried | Outcome:
        pause = health.pause(time.monotonic())
        if pause:
            return PauseLane(health.reason, pause)
        if not self._execution.is_available:
            return PauseLane("bus-unavailable", NO_ADAPTER_SECONDS)
        if not self._space.can_settle():
            return PauseLane(StorageFull.CODE, NO_ADAPTER_SECONDS)
        try:
            return await self._try(record, call, body)
        except RevisionConflict:
            structlog.get_logger().info("message changed before its delivery", message=record.envelope.message)
            return RetryAfter(0.0, "revision-conflict")

    def _decide(self, record: MessageRecord) -> AuthorizedCall | PauseLane | Refusal:
        """Decide whether a message may be delivered now, by the registry of today.

        Returns:
            What allows it; the pause after which it may be decided; or why it never may.
        """
        envelope, now = record.envelope, self._now()
        contract = self._registry.contract(envelope.service, envelope.major)
        known, asked = self._authorizations, (envelope.consumer, envelope.target, now)
        decided = known.recall(*asked) or known.authorize(*asked)
        may_repeat = isinstance(decided, AuthorizedCall) and may_be_repeated(decided)
        if record.is_damaged or (record.state.open_attempt and not may_repeat):  # it may have been tried
            return reasons.outcome_unknown()
        if now * 1000 >= envelope.deadline:
            return reasons.deadline_passed()
        if contract is not None:
            try:
                self._registry.refuse_suspended(contract, now)
            except Refusal as refusal:
                return PauseLane(refusal.code, SUSPENDED_SECONDS)
        if isinstance(decided, UnauthorizedCall):
            return decided.refusal
        if envelope.consumer not in self._registry.systems:
            return reasons.no_such_consumer()
        return decided

    def _is_decided_still(self, record: MessageRecord, call: AuthorizedCall) -> bool:
        """Tell whether what allowed a delivery a while ago allows it now."""
        decided = self._decide(record)
        return isinstance(decided, AuthorizedCall) and decided.revision == call.revision

    async def _try(self, before: MessageRecord, call: AuthorizedCall, body: bytes) -> _Tried | RetryAfter:
        """Try once to deliver a message.

        Raises:
            RevisionConflict: its state has changed since it was read, by a cancellation for example; nothing was tried.
        """
        state = before.state
        consumer = self._registry.systems[before.envelope.consumer]
        known = state.with_outcome("outcome-unknown") if state.open_attempt else state
        begun = known.with_attempt(Attempt(int(self._now() * 1000), self._gateway))
        record = replace(before, state=replace(begun, changed=begun.latest[-1].at))
        if not call.operation.idempotent:
            record = await self._settlement.begin(record)
            if not self._is_decided_still(before, call):  # the mark may have waited long for its disk
                await self._settlement.write_surely(replace(before, revision=record.revision))
                return RetryAfter(0.0, "decided-anew")
        result = await attempt(self._execution, self._checks, record.envelope, call, consumer, body)
        self._settlement.attempted(record, result)
        return _Tried(before, record, call, result)

    async def _settle_attempt(self, provider: LaneProvider, tried: _Tried, body: bytes) -> Outcome:
        before, record, result = tried.before, tried.record, tried.result
        if isinstance(result, NothingDone) and result.pause is not None:
            provider.pause = PauseLane(result.refusal.code, result.pause)
            if record.revision != before.revision:  # the mark goes: nothing was begun
                await self._settlement.write_surely(replace(before, revision=record.revision))
            return provider.pause
        return await self._settle(provider.health, record, tried.call, body, result)

    async def _settle(
        self, health: ProviderHealth, record: MessageRecord, call: AuthorizedCall, body: bytes, result: AttemptResult
    ) -> Outcome:
        if isinstance(result, Answered):
            health.record_success()
            return await self._settlement.answer(record, call, body, result)
        record = replace(record, state=record.state.with_outcome(result.refusal.code))
        if isinstance(result, NothingDone):
            return await self._settlement.bury(
                record, body, result.refusal, call=call, seconds=result.seconds, times=result.times
            )
        if not result.answered:
            health.record_failure(result.refusal.code, time.monotonic())
        if not may_be_repeated(call):
            reason = result.refusal if result.answered else reasons.outcome_unknown()
            return await self._settlement.bury(
                record, body, reason, call=call, seconds=result.seconds, times=result.times
            )
        return await self._retry_later(health, record, call, body, result)

    async def _retry_later(
        self, health: ProviderHealth, record: MessageRecord, call: AuthorizedCall, body: bytes, result: Unknown
    ) -> Outcome:
        pause = health.pause(time.monotonic())
        seconds = pause or delay(record.state.attempts, random.random)
        await self._settlement.retry_later(record, call, body, result, seconds)
        code = result.refusal.code
        return PauseLane(code, pause, failed=True) if pause else RetryAfter(seconds, code)


def _begun_anew(state: MessageState, number: int) -> MessageState:
    """Return the state of a message in a round; it may be known of an earlier one only."""
    return state if state.round >= number else state.in_round(number)


def _ordering_key(delivery: Delivery) -> str:
    """Return what keeps the order of a message among those of its caller."""
    return envelopes.ordering_key(delivery.payload)
