"""Serves one adapter on the bus: takes requests from NATS, bounded in number, and replies in wire protocol 1.

Instances of an adapter share the load through one queue group, and each announces itself (`service_announcement.py`). A request whose
deadline has passed is not processed. Whatever an adapter raises becomes a reply: the gateway, not the adapter, writes the answer to the
caller.
"""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from nats.errors import Error as NatsError
from nats.errors import OutboundBufferLimitError
from opentelemetry.trace import SpanKind

from lgsp_adapters.adapter import (
    NOT_TRACED,
    Adapter,
    Call,
    Declared,
    Document,
    LimitReached,
    UnfitRequest,
    UpstreamFailed,
    UpstreamLate,
    method_of,
)
from lgsp_adapters.host import reachability_probe
from lgsp_adapters.host.adapter_events import AdapterEvents
from lgsp_adapters.host.circuit_breaker import REST_SECONDS, CircuitBreaker
from lgsp_adapters.host.health import Health
from lgsp_adapters.host.instance import Instance, InstanceControl
from lgsp_adapters.manifest import Manifest
from lgsp_contracts import exact_json, whole_numbers, wire, wire_events
from lgsp_contracts.contract import Contract
from lgsp_contracts.names import EventName, SystemName
from lgsp_problems import Refusal
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.client import CallClient, Subscription
from lgsp_runtime.nats.service_announcement import Description, Endpoint, ServiceAnnouncement
from lgsp_runtime.tracing import Spans

Method = Callable[[Document, Call], Awaitable[Document]]

DRAIN_SECONDS = 10.0
"""How long a stopping adapter waits for the calls it has begun."""

MAX_WAITING = 10_000
"""Requests that wait for a free slot; any more are answered as late."""

SWEEP_SECONDS = 0.02
"""How often deadlines are checked."""


class ServedAdapter:
    """One adapter while it is on the bus.

    Args:
        tasks: the failing background tasks, each with its error.
        events: what is watched for, which a drained instance leaves to others; None where its contract has no events.
        instance: whose calls these are; it may be drained. A new one when None.
    """

    def __init__(
        self,
        adapter: Adapter,
        manifest: Manifest,
        contract: Contract,
        connection: CallClient,
        spans: Spans = NOT_TRACED,
        tasks: Callable[[], Mapping[str, str]] = dict,
        events: AdapterEvents | None = None,
        instance: Instance | None = None,
    ) -> None:
        self._adapter = adapter
        self._instance = instance or Instance()
        self._following = asyncio.Lock()
        self._is_stopped = False
        self._handlers: list[_OperationHandler] = []
        self._manifest = manifest
        self._contract = contract
        self._connection = connection
        self._spans = spans
        self._free_slots = manifest.concurrency
        self._breaker = CircuitBreaker()
        self._waiting: deque[tuple[_OperationHandler, str, bytes, int]] = deque()
        self._working: dict[asyncio.Task[None], float] = {}
        self._late: set[asyncio.Task[None]] = set()
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._announcement: ServiceAnnouncement | None = None
        self._subscriptions: list[Subscription] = []
        self._health: dict[str, Health] = {}
        self._tasks = tasks
        self._events = events
        self._log = structlog.get_logger().bind(service=manifest.service)

    async def start(self) -> None:
        """Subscribe and announce.

        Raises:
            Refusal: `invalid-document`, when the adapter has no method for an operation of its contract.
            nats.errors.Error: the connection is gone.
        """
        methods = {name: method_of(self._adapter, name, self._manifest.location) for name in self._contract.operations}
        health = self._health = {name: Health() for name in methods}
        self._loop = asyncio.get_running_loop()
        contract, endpoints = self._contract, []
        for name, method in methods.items():
            operation = contract.operations[name]
            subject = wire.subject(contract.service, contract.major, operation.name)
            endpoint = Endpoint(name, subject, contract.service)
            handler = _OperationHandler(
                name,
                method,
                endpoint,
                health[name],
                operation.idempotent,
                whole_numbers.reader(operation.request.document),
                whole_numbers.writer(operation.response.document, wire.answered),
            )
            endpoints.append(endpoint)
            self._handlers.append(handler)
        # Behind the operations, where gateways that know no watches read nothing.
        endpoints += [
            Endpoint(name, wire_events.event_subject(contract.service, contract.major, EventName(name)), "")
            for name in self._watches()
        ]
        metadata = {"system": self._manifest.system, "wire": f"{wire.VERSION}.{wire.MINOR}"}
        description = Description(contract.service, contract.version, contract.title.en, metadata)
        self._announcement = ServiceAnnouncement(
            self._connection, description, endpoints, self.standing, self._instance.id, self._instance_status
        )
        system, background = SystemName(self._manifest.system), self._adapter.background
        # The control comes first: what is decided from now on is followed below.
        if self._instance.trials == "only":  # whoever looks for adapters of the service must not find this one
            self._announcement = None
            await self._follow()
        else:
            await InstanceControl(self._connection, system, self._instance, self._follow, background).start()
            await self._follow()
            await self._announcement.start()
        await self._connection.flush()
        self._cancel_overdue()

    async def stop(self) -> None:
        """Accept no more calls, finish those that have begun, release the subscriptions."""
        self._is_stopped = True
        async with self._following:
            await self._connection.drain(*self._subscriptions)
        if self._announcement:
            await self._announcement.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self._working:
                    await asyncio.wait(self._working)
        if self._sweep_timer:
            self._sweep_timer.cancel()
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            await self._connection.flush()

    async def _follow(self) -> int:
        """Take calls, or none when the instance is drained; return how many of those that have come are still to be answered."""
        async with self._following:
            if self._is_stopped:
                pass
            elif self._instance.drained:
                subscriptions, self._subscriptions = self._subscriptions, []
                await self._connection.drain(*subscriptions)
            elif not self._subscriptions:
                self._subscriptions = [
                    await self._subscribe(handler, subject)
                    for handler in self._handlers
                    for subject in self._subjects(handler)
                ]
        if self._instance.drained and self._events:
            await self._events.rest()
        return len(self._working) + len(self._waiting)

    def _subjects(self, handler: "_OperationHandler") -> list[str]:
        """Return where an operation is asked for: by calls, by trials, or by both."""
        contract = self._contract
        trial = wire.trial_subject(contract.service, contract.major, contract.operations[handler.operation].name)
        return {"none": [handler.endpoint.subject], "only": [trial], "also": [handler.endpoint.subject, trial]}[
            self._instance.trials
        ]

    async def _subscribe(self, handler: "_OperationHandler", subject: str) -> Subscription:
        on_request = partial(self._handle_request, handler)
        return await self._connection.subscribe(subject, on_request, queue=self._contract.service)

    async def probe(self) -> None:
        """Probe whether a system that was unreachable accepts connections again."""
        unreachable = [health for health in self._health.values() if health.unreachable]
        if unreachable and await reachability_probe.accepts_connections(self._manifest.connection):
            for health in unreachable:
                health.record_reachable()
            self._log.info("upstream reachable again")

    def standing(self, operation: str) -> dict[str, object]:
        """Return what this instance reports of an operation: the health of the system behind it, its data, its failing tasks; or of an event
        that it watches for."""
        health = self._health.get(operation)
        if health is None:
            watch = self._watches().get(operation)
            return {"watch": watch} if watch else {}
        return {**health.statistics(), **self._adapter.standing(), "tasks": dict(self._tasks())}

    def _watches(self) -> Mapping[str, object]:
        return self._events.watches() if self._events else {}

    def _instance_status(self) -> Mapping[str, object]:
        limit = self._manifest.document.get("limit")
        return {
            "connector": self._manifest.kind,
            "host": self._instance.host,
            "drained": self._instance.drained,
            "concurrency": self._manifest.concurrency,
            "working": len(self._working),
            "waiting": len(self._waiting),
            "circuit": self._breaker.status(),
            **({"providerLimit": limit} if limit else {}),
            **({"expirations": self._instance.expirations} if self._instance.expirations else {}),
        }

    def _handle_request(
        self, handler: "_OperationHandler", _subject: bytes, reply: bytes, data: bytes, _headers: bytes
    ) -> None:
        """Start work on a request, or queue it until a slot is free."""
        arrived = time.perf_counter_ns()
        if self._free_slots > 0:
            self._start_task(handler, reply.decode(), data, arrived)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting.append((handler, reply.decode(), data, arrived))
        else:
            self._publish(reply.decode(), wire.late())

    def _start_task(self, handler: "_OperationHandler", reply: str, data: bytes, arrived: int) -> None:
        self._free_slots -= 1
        self._working[self._loop.create_task(self._answer(handler, reply, data, arrived))] = math.inf

    def _release_slot(self, task: asyncio.Task[None]) -> None:
        self._working.pop(task)
        self._late.discard(task)
        self._free_slots += 1
        if self._waiting and self._free_slots > 0:
            self._start_task(*self._waiting.popleft())

    async def _answer(self, handler: "_OperationHandler", reply: str, data: bytes, arrived: int) -> None:
        began, call = time.perf_counter_ns(), None
        task = asyncio.current_task(self._loop)
        assert task is not None
        try:
            context, document = wire.parse_request(data, handler.loads)
            call = Call(context, self._spans, self._contract.operations[handler.operation].timeout)
            remaining = call.remaining
            self._working[task] = self._loop.time() + remaining
            if remaining <= 0:
                answer = wire.late()
            elif self._spans.provider is None:
                answer = await self._call_adapter(handler, document, call)
            else:
                answer = await self._call_traced(handler, document, call)
        except Refusal:  # it is not wire protocol 1
            answer = wire.failed("broken")
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            assert call is not None  # only a call that has a deadline can be late
            answer = self._record_late(handler, call)
        finally:
            self._release_slot(task)
        waited = call.upstream_time.milliseconds if call else None
        answer = wire.with_durations(answer, (time.perf_counter_ns() - arrived) / 1_000_000, waited)
        if len(answer) > self._connection.max_payload > 0:
            self._log.error("answer too large", size=len(answer), limit=self._connection.max_payload)
            answer = wire.failed("broken")
        if not self._publish(reply, answer):
            await self._publish_when_writable(task, reply, answer)
        handler.endpoint.count(time.perf_counter_ns() - began)

    def _publish(self, reply: str, answer: bytes) -> bool:
        """Publish an answer; return whether the buffer had room for it. If it cannot be sent at all, the caller gets a timeout."""
        try:
            self._connection.publish_nowait(reply, answer)
        except OutboundBufferLimitError:
            return False
        except NatsError as error:
            self._log.warning("answer not sent", error=type(error).__name__)
        return True

    async def _publish_when_writable(self, task: asyncio.Task[None], reply: str, answer: bytes) -> None:
        """Keep an answer, and the slot of its call, while NATS reads more slowly than calls are answered."""
        self._free_slots -= 1
        self._working[task] = math.inf
        try:
            await self._connection.wait_writable()
            self._publish(reply, answer)
        finally:
            self._release_slot(task)

    async def _call_traced(self, handler: "_OperationHandler", document: Document, call: Call) -> bytes:
        what = f"{self._contract.service}/{handler.operation}"
        about: dict[str, str | int] = {"lgsp.message": call.context.message, "messaging.system": "nats"}
        with self._spans.span(what, SpanKind.SERVER, call.context.traceparent, about) as call.traceparent:
            return await self._call_adapter(handler, document, call)

    async def _call_adapter(self, handler: "_OperationHandler", document: Document, call: Call) -> bytes:
        if not self._breaker.allows():
            handler.health.record_failure("resting", handler.health.last_note)
            return wire.failed("unreachable")
        began = time.perf_counter_ns()
        try:
            answer = handler.write(await self._call_with_retry(handler, document, call))
            handler.health.record_success(time.perf_counter_ns() - began)
            self._breaker.record_success()
            return answer
        except Declared as declared:
            handler.health.record_success(time.perf_counter_ns() - began)
            self._breaker.record_success()
            return wire.declared_error(declared.code)
        except (UpstreamFailed, UnfitRequest, LimitReached) as failure:
            return self._failed(handler, call, failure)
        except (UpstreamLate, TimeoutError) as late:
            return self._record_late(handler, call, late.private if isinstance(late, UpstreamLate) else "")
        except Exception as error:
            # The text of an unforeseen error may quote the document, so only where it arose is logged.
            handler.health.record_failure("broken")
            description = str(error) if isinstance(error, exact_json.NotSerializable) else type(error).__name__
            self._call_log(handler, call).error("adapter failed", error=description, frames=frames(error))
            return wire.failed("broken")

    def _failed(
        self, handler: "_OperationHandler", call: Call, failure: UpstreamFailed | UnfitRequest | LimitReached
    ) -> bytes:
        if isinstance(failure, LimitReached):  # the system is well, and was not asked
            handler.health.record_limited()
            self._call_log(handler, call).warning("provider limit reached", note=failure.private)
            if call.requests > failure.was_sent and not handler.repeatable:
                return wire.failed("broken")  # an earlier request of this call may have been carried out
            return wire.limited(failure.retry_after or 1)
        if isinstance(failure, UnfitRequest):  # the request is at fault, not the system
            self._call_log(handler, call).warning(
                "request does not fit", note=failure.private, **_cause_frames(failure)
            )
            return wire.failed("unfit")
        handler.health.record_failure(failure.why, failure.private, connected=failure.connected)
        self._call_log(handler, call).warning(
            "upstream failed", why=failure.why, note=failure.private, **_cause_frames(failure)
        )
        if failure.why == "unreachable":
            self._record_no_answer()
        else:
            self._breaker.record_success()
        return wire.failed(failure.why)

    async def _call_with_retry(self, handler: "_OperationHandler", document: Document, call: Call) -> Document:
        """Call the adapter; once more where the connection was lost and the operation may be repeated."""
        try:
            return await handler.method(document, call)
        except UpstreamFailed as failure:
            if failure.why != "unreachable" or not handler.repeatable or call.remaining <= 0:
                raise
        return await handler.method(document, call)

    def _record_late(self, handler: "_OperationHandler", call: Call, note: str = "") -> bytes:
        handler.health.record_failure("late", note)
        self._call_log(handler, call).warning("upstream late", note=note)
        self._record_no_answer()
        return wire.late()

    def _record_no_answer(self) -> None:
        if self._breaker.record_failure():
            self._log.warning("circuit opened", tried_every_seconds=REST_SECONDS)

    def _call_log(self, handler: "_OperationHandler", call: Call) -> Any:
        return self._log.bind(operation=handler.operation, message=call.context.message, trace=call.traceparent[3:35])

    def _cancel_overdue(self) -> None:
        """Cancel calls that nobody waits for any more. A timer for each call would cost each 4 µs (measured)."""
        self._sweep_timer = self._loop.call_later(
            SWEEP_SECONDS, self._cancel_overdue
        )  # first, so that an error below does not end it
        now = self._loop.time()
        for task, deadline in self._working.items():
            if deadline < now and task not in self._late:
                self._late.add(task)
                task.cancel()


@dataclass(frozen=True, slots=True)
class _OperationHandler:
    """One operation: who answers it, how its numbers are read and written, and where the NATS services protocol counts it."""

    operation: str
    method: Method
    endpoint: Endpoint
    health: Health
    repeatable: bool
    loads: Callable[[bytes], Document]
    write: Callable[[Document], bytes]


def _cause_frames(failure: UpstreamFailed | UnfitRequest) -> dict[str, list[str]]:
    """Tell where a failure arose that came from another error; a system that answers wrongly needs no more than its note."""
    return {"frames": frames(failure)} if failure.__cause__ is not None else {}
