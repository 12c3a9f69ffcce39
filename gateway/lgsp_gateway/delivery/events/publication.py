"""The story of a publication.

A system sends one event, or several. The contract says that this system provides the service and announces this event. The data keeps
the contract. The event is written to disk, and its entry to the evidence; only then its publisher is told. An event that comes again
counts once. A "no" is evidence too, unless it comes from a flood.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, NamedTuple, NoReturn

import orjson
import uuid_utils

from lgsp_auth.policy import CallDenied
from lgsp_contracts import cloudevents
from lgsp_contracts.cloudevents import ReceivedEvent
from lgsp_contracts.contract import Contract
from lgsp_contracts.entry import digest
from lgsp_contracts.event import Event
from lgsp_contracts.names import SystemName
from lgsp_contracts.strict_json import Limits
from lgsp_gateway.calls.auth_failure_limiter import AuthFailureLimiter
from lgsp_gateway.calls.salts import Salts
from lgsp_gateway.delivery.entries import ACCEPTED, REPEATED, EventEntry
from lgsp_gateway.delivery.events.data_checks import check_data
from lgsp_gateway.delivery.events.event_record import EventRecord
from lgsp_gateway.delivery.events.event_store import EventStore
from lgsp_gateway.delivery.events.observer import PublicationObserver
from lgsp_gateway.delivery.events.publication_rate import PublicationRate
from lgsp_gateway.delivery.files.access import Carrier
from lgsp_gateway.delivery.files.file_references import FileReferences
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.document_workers.pool import DocumentWorkers
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.registry.indexed_documents import System
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal, Text
from lgsp_runtime.unexpected_errors import log_internal_error

ReadEvents = Callable[[Limits], Awaitable[Sequence[ReceivedEvent]]]
"""Reads the events of a request once its sender may publish; it is given the limits of the data of one event."""

REFUSED_EVENTS = Text(
    "Hệ thống này gửi quá nhiều sự kiện bị từ chối; hãy dừng lại, kiểm tra hợp đồng rồi thử lại sau vài giây.",
    "This system sent too many events that were refused; stop, check the contract, and try again in a few seconds.",
)


class EventTarget(NamedTuple):
    """What is published, as its publisher names it."""

    service: str
    major: int
    event: str


class PublicationRequest(NamedTuple):
    """One event, or several, as they came in.

    Args:
        message: the id (UUIDv7) of a single event, and of what is refused.
        salt: of the digest in the entry of either.
        traceparent: the trace that events belong to that carry none of their own.
    """

    message: str
    salt: bytes
    publisher: System
    target: EventTarget
    channel: Literal["http", "adapter"]
    traceparent: str
    read: ReadEvents


class PublishedEvent(NamedTuple):
    """An event that is on disk.

    Args:
        id: as its publisher names it.
        message: its id on the bus (UUIDv7).
        salt: of the digest of its data in the evidence.
        repeated: it had been accepted before, and counts once.
    """

    id: str
    message: str
    salt: bytes
    repeated: bool


@dataclass(slots=True)
class _Event:
    """One event of a request on its way.

    Args:
        number: in its batch, from 0; None where it comes alone.
        entry: what the evidence will say of it, as far as that is known.
    """

    contract: Contract
    event: Event
    received: ReceivedEvent
    number: int | None
    salt: bytes
    entry: EventEntry
    record: EventRecord | None = None


@dataclass(slots=True)
class EventPublication:
    """Takes the events that come to one gateway, whichever way.

    Args:
        gateway: its name in the evidence.
        files: binds the files that events carry.
        bounds: what may be stored.
    """

    gateway: str
    registry: RegistrySnapshot
    workers: DocumentWorkers
    store: EventStore
    evidence: EvidenceLog
    pseudonyms: Pseudonyms
    rate: PublicationRate
    observer: PublicationObserver
    files: FileReferences
    bounds: StorageBounds
    salts: Salts = field(default_factory=Salts)
    refusals: AuthFailureLimiter = field(default_factory=lambda: AuthFailureLimiter(REFUSED_EVENTS))

    def traceparent(self, message: str, parent: str = "") -> str:
        """Return the trace context of a request: in its sender's trace if it named one, else one that is named after its message."""
        trace = message.replace("-", "")
        span = trace[16:]
        if parent:
            return f"{parent[:36]}{span}{parent[52:]}"
        return f"00-{trace}-{span}-{'01' if self.observer.begins_trace(trace) else '00'}"

    async def publish(self, request: PublicationRequest) -> list[PublishedEvent]:
        """Publish the events of a request, in their order. If one of them is wrong, none is stored.

        Returns:
            The events, all on disk.

        Raises:
            Refusal: whatever stood in the way; it is in the evidence already. One that comes again afterwards counts once.
        """
        entry = self._begin(request)
        try:
            contract, event = self._authorize(request.publisher, request.target)
            received = await request.read(event.limits)
            self.rate.spend(request.publisher.name, max(1, len(received)))
            self.bounds.admit(request.publisher.agency, sum(len(one.data) for one in received))
        except Exception as error:
            await self._refuse_unread(entry, error)
        is_batch = len(received) > 1
        events = [
            _Event(
                contract,
                event,
                one,
                number if is_batch else None,
                self.salts.take() if is_batch else request.salt,
                self._own_entry(entry, one) if is_batch else entry,
            )
            for number, one in enumerate(received)
        ]
        for one in events:
            try:
                await self._prepare(request, one)
            except Exception as error:
                await self._refuse(request, one, error)
        # Tasks begin in their order, and each hands its event to the store before it waits.
        published = await asyncio.gather(*(self._store(request, one) for one in events), return_exceptions=True)
        return [_unless_failed(one) for one in published]

    def _begin(self, request: PublicationRequest) -> EventEntry:
        publisher, target = request.publisher, request.target
        contract = self.registry.contract(target.service, target.major)  # a name that does not exist may be anything
        return EventEntry(
            message=request.message,
            time=time.time_ns() // 1_000_000,
            gateway=self.gateway,
            trace=request.traceparent[3:35],
            provider=publisher.name,
            agency=publisher.agency,
            service=contract.service if contract else "",
            version=contract.version if contract else "",
            event=target.event if contract and target.event in contract.events else "",
            channel=request.channel,
        )

    def _own_entry(self, entry: EventEntry, received: ReceivedEvent) -> EventEntry:
        """Return the entry of one event of a batch, which has a message id of its own."""
        return replace(entry, message=str(uuid_utils.uuid7()), trace=received.context.traceparent[3:35] or entry.trace)

    def _authorize(self, publisher: System, target: EventTarget) -> tuple[Contract, Event]:
        """Return what a system publishes, if it provides the service.

        Raises:
            CallDenied: `unknown-service` or `not-granted`.
            Refusal: `service-suspended`.
        """
        now = time.time()
        contract, event = self.registry.event(publisher.name, target.service, target.major, target.event, now)
        if contract.provider != publisher.name:
            raise CallDenied(
                "not-granted",
                vi=f"Hệ thống {publisher.name} không cung cấp dịch vụ {contract.service} v{contract.major} nên không được công bố sự kiện của dịch vụ này; hãy dùng mã truy cập của hệ thống cung cấp.",
                en=f"System {publisher.name} does not provide {contract.service} v{contract.major}, so it may not publish its events; use an access token of the system that does.",
            )
        self.registry.refuse_suspended(contract, now)
        return contract, event

    async def _prepare(self, request: PublicationRequest, one: _Event) -> None:
        """Check an event, and make the record of it that is stored.

        Raises:
            Refusal: it is not the one that was announced, or its data breaks the contract.
        """
        context, data = one.received
        publisher = SystemName(request.publisher.name)
        one.entry = replace(one.entry, request_digest=digest(one.salt, data), request_size=len(data))
        cloudevents.check_context(context, one.event.type, publisher)
        checked = await check_data(self.workers, publisher, one.event, data)
        files: tuple[str, ...] = ()
        if one.event.data.has_files:
            document, until = orjson.loads(data), time.time() + one.event.retention
            contract = one.contract
            carrier = Carrier(one.entry.message, contract.service, contract.major, one.event.name, until)
            bound = await self.files.check_and_bind(publisher, document, one.event.data, carrier)
            files = tuple(reference.file for reference in bound)
        ordering_key = self.pseudonyms.of(checked.ordering_key) if checked.ordering_key else ""
        one.entry = replace(
            one.entry,
            subject=self.pseudonyms.of(checked.person) if checked.person else "",
            ordering_key=ordering_key,
            files=files,
        )
        filled = context._replace(
            time=context.time or datetime.now(UTC).isoformat(timespec="milliseconds"),
            traceparent=context.traceparent or request.traceparent,
        )
        one.record = EventRecord(filled, one.entry.message, ordering_key, data)

    async def _store(self, request: PublicationRequest, one: _Event) -> PublishedEvent:
        """Store an event and its entry.

        Raises:
            Refusal: it is not known to be on disk, or an event of the same id says something else.
        """
        assert one.record is not None
        try:
            acceptance = await self.store.store(one.contract, one.event, one.record)
        except Exception as error:
            await self._refuse(request, one, error)
        if not acceptance.repeated:
            until = time.time() + one.event.retention
            self.bounds.stored.add(request.publisher.agency, len(one.received.data), until)
        outcome = REPEATED if acceptance.repeated else ACCEPTED
        entry = replace(one.entry, message=acceptance.message, outcome=outcome)
        await self.evidence.write(entry.to_bytes())
        self.observer.published(entry)
        return PublishedEvent(one.received.context.id, acceptance.message, one.salt, acceptance.repeated)

    async def _refuse_unread(self, entry: EventEntry, error: Exception) -> NoReturn:
        """Record a request that is refused before its events are looked at, and raise why.

        Raises:
            Refusal: the reason; `too-many-attempts`, after a wait, for a system that was refused too often: those are counted, and not
                written down each.
        """
        refusal = _refusal_of(error, entry.message)
        entry = replace(entry, outcome=refusal.code, status=refusal.kind.status)
        if not self.refusals.may_try(entry.provider):
            late = await self.refusals.delayed_refusal()
            self.observer.publication_refused(entry, late)
            raise late from error
        self.refusals.record_failure(entry.provider)
        self.observer.publication_refused(entry, refusal)
        await self.evidence.write(entry.to_bytes())
        raise refusal from _cause_of(refusal, error)

    async def _refuse(self, request: PublicationRequest, one: _Event, error: Exception) -> NoReturn:
        """Record an event that is refused, under the id that its publisher is told, and raise why.

        Raises:
            Refusal: the reason.
        """
        refusal = _refusal_of(error, request.message)
        if one.number is not None:
            refusal = cloudevents.in_batch(refusal, one.number)
        entry = replace(one.entry, message=request.message, outcome=refusal.code, status=refusal.kind.status)
        self.observer.publication_refused(entry, refusal)
        await self.evidence.write(entry.to_bytes())
        raise refusal from _cause_of(refusal, error)


def _refusal_of(error: Exception, message: str) -> Refusal:
    return error if isinstance(error, Refusal) else log_internal_error(error, message)


def _cause_of(refusal: Refusal, error: Exception) -> BaseException | None:
    """Return what caused a refusal: never itself, which would be a cycle that holds the event."""
    return error.__cause__ if refusal is error else error


def _unless_failed(published: PublishedEvent | BaseException) -> PublishedEvent:
    if isinstance(published, BaseException):
        raise published
    return published
