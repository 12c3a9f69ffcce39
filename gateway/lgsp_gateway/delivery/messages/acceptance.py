"""Accepts a call that is carried out later: its message is on disk before its caller hears of it.

What was decided of the call stands in the envelope. What may have changed by the time of the delivery, its grant and its contract, is
looked at again then.
"""

from collections.abc import Callable

from lgsp_contracts.names import SystemName
from lgsp_gateway.calls.deferral import MessageOptions, read_options
from lgsp_gateway.calls.execution.port import Acceptance, Execution, Outbox
from lgsp_gateway.calls.idempotency import Idempotency, call_key, call_key_of_message
from lgsp_gateway.calls.model import Deferral
from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.delivery.entries import ACCEPTED, REPEATED, AcceptedEntry
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.messages import envelope as envelopes
from lgsp_gateway.delivery.messages.callbacks import EndpointLookup
from lgsp_gateway.delivery.messages.envelope import Envelope
from lgsp_gateway.delivery.messages.lane_names import MessageLane
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage
from lgsp_gateway.delivery.streams import WORK
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_problems import NotFound


class MessageOutbox(Outbox):
    """Stores accepted messages in `LGSP_WORK`.

    Args:
        now: returns the time in seconds since 1970, on a clock that does not jump.
        bounds: what may be stored.
    """

    def __init__(
        self,
        work: GroupCommit,
        lanes: Lanes,
        idempotency: Idempotency,
        endpoints: EndpointLookup,
        pseudonyms: Pseudonyms,
        now: Callable[[], float],
        bounds: StorageBounds,
    ) -> None:
        self._bounds = bounds
        self._work = work
        self._lanes = lanes
        self._idempotency = idempotency
        self._endpoints = endpoints
        self._pseudonyms = pseudonyms
        self._now = now
        self._announced: set[str] = set()

    async def accept(self, execution: Execution, record: CallRecord) -> Acceptance:
        """Store one message; see `Outbox`."""
        consumer = SystemName(execution.consumer.name)
        # Also of a repetition: nobody knows yet whether the first one was stored, or refused by this.
        self._bounds.admit(execution.consumer.agency, len(execution.body))
        options = read_options(execution.request.head.deferral or Deferral(True, "", "", ""))
        callback = self._endpoints.find_named(consumer, options.callback) if options.callback else None
        if options.callback and callback is None:
            raise _no_such_endpoint()
        message, key = await self._claim(execution, options)
        envelope = self._envelope(execution, options, message, key, callback.id if callback else "", record)
        await self._ensure_lane(envelope.lane)
        payload = envelopes.serialize(envelope, execution.body)
        stored = await self._work.publish(
            NewMessage(envelope.work_subject, payload, envelope.headers, message_id=envelope.deduplication_id)
        )
        repeated = stored.duplicate and message != execution.request.message
        if not stored.duplicate:
            self._bounds.stored.add(envelope.agency, len(execution.body), envelope.deadline / 1000)
        return Acceptance(message, repeated, self._entry(envelope, record, repeated=repeated))

    async def _claim(self, execution: Execution, options: MessageOptions) -> tuple[str, str]:
        """Return the id of the message, and the key of its attempts (`call.key`)."""
        request, consumer, authorized, body, _, _ = execution
        key = request.head.idempotency_key
        if not key:
            return request.message, call_key_of_message(consumer.name, request.message)
        message = await self._idempotency.claim_message(
            key,
            consumer.name,
            request.message,
            authorized.subject,
            request.head.target.purpose,
            " ".join(options),
            body,
        )
        return message, call_key(consumer.name, key)

    def _envelope(
        self, execution: Execution, options: MessageOptions, message: str, key: str, callback: str, record: CallRecord
    ) -> Envelope:
        request, consumer, authorized, _, _, _ = execution
        contract, operation = authorized.contract, authorized.operation
        now = self._now()
        within = operation.asynchronous.delivery_deadline if operation.asynchronous else 0.0
        return Envelope(
            message=message,
            consumer=SystemName(consumer.name),
            agency=consumer.agency,
            service=contract.service,
            major=contract.major,
            operation=operation.name,
            version=contract.version,
            provider=contract.provider,
            purpose=request.head.target.purpose,
            grant=authorized.grant.name,
            traceparent=request.traceparent,
            salt=request.salt.hex(),
            key=key,
            priority=options.priority,
            accepted=int(now * 1000),
            deadline=int((now + within) * 1000),
            ordering_key=options.ordering_key,
            callback=callback,
            on_behalf_of=record.on_behalf_of,
            subject=record.subject,
        )

    def _entry(self, envelope: Envelope, record: CallRecord, *, repeated: bool) -> bytes:
        return AcceptedEntry(
            message=envelope.message,
            time=record.time_ms,
            gateway=record.gateway,
            trace=record.trace,
            consumer=record.consumer,
            agency=record.agency,
            provider=record.provider,
            service=record.service,
            version=record.version,
            operation=record.operation,
            purpose=record.purpose,
            grant=record.grant,
            subject=record.subject,
            on_behalf_of=record.on_behalf_of,
            reference=record.reference,
            outcome=REPEATED if repeated else ACCEPTED,
            deadline=envelope.deadline,
            priority=envelope.priority,
            ordering_key=self._pseudonyms.of(envelope.ordering_key) if envelope.ordering_key else "",
            callback=envelope.callback,
            request_digest=record.request_digest,
            request_size=record.request_size,
        ).to_bytes()

    async def _ensure_lane(self, lane: MessageLane) -> None:
        if lane.name not in self._announced:
            await self._lanes.announce(WORK, lane.name)
            self._announced.add(lane.name)


def _no_such_endpoint() -> NotFound:
    return NotFound(
        vi="Hệ thống gọi không có điểm nhận webhook nào tên như trong Lgsp-Callback; hãy tạo nó ở /endpoints, hoặc bỏ tiêu đề này.",
        en="The calling system has no webhook endpoint with the name in Lgsp-Callback; create it at /endpoints, or leave the header out.",
    )
