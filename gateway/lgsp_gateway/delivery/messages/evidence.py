"""Writes what becomes of a message into the evidence: each attempt, and each decision of a person."""

import asyncio
from dataclasses import dataclass

import structlog

from lgsp_contracts import entry as entries
from lgsp_gateway.calls.model import StepTimes
from lgsp_gateway.delivery.entries import DeliveryEntry, DeliveryState
from lgsp_gateway.delivery.messages.envelope import Envelope
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_problems import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An attempt to deliver a message, or the decision that ends it.

    Args:
        at: in milliseconds since 1970.
        outcome: `answered`, a problem code, or what was decided.
        attempt: its number, from 1; 0 for a decision.
        grant: that allows the attempt; "" for none.
        by: who decided; "" where nobody did.
        body: what was sent; None where nothing was.
        answer: what its caller can read of the answer; None where there is none.
        seconds: that it took.
        times: what the adapter says that it took; None where none was asked.
    """

    at: int
    outcome: str
    status: int
    state: DeliveryState
    attempt: int = 0
    grant: str = ""
    by: str = ""
    body: bytes | None = None
    answer: bytes | None = None
    seconds: float = 0.0
    times: StepTimes | None = None


class MessageEvidence:
    """Writes the entries of the deliveries of messages.

    Args:
        gateway: its name in the entries.
    """

    def __init__(self, gateway: str, log: EvidenceLog) -> None:
        self._gateway = gateway
        self._log = log

    def begin(self, envelope: Envelope, event: Event) -> "asyncio.Future[None]":
        """Begin to write an entry; `finish` waits for it."""
        return self._log.write(self._entry(envelope, event))

    async def finish(self, written: "asyncio.Future[None]") -> None:
        """Wait until an entry is on disk, or the evidence log keeps it until it can be written.

        What it tells of has happened by then; that its entry is late must not make it happen again.
        """
        try:
            await written
        except Refusal as refusal:
            structlog.get_logger().warning("evidence of a delivery is late", code=refusal.code)

    async def write(self, envelope: Envelope, event: Event) -> None:
        """Write an entry, as `begin` and `finish` do."""
        await self.finish(self.begin(envelope, event))

    async def write_first(self, envelope: Envelope, event: Event) -> None:
        """Write an entry of what happens only once it is on disk.

        Raises:
            Refusal: `evidence-unavailable`.
        """
        await self._log.write(self._entry(envelope, event))

    def _entry(self, envelope: Envelope, event: Event) -> bytes:
        salt = bytes.fromhex(envelope.salt)
        return DeliveryEntry(
            message=envelope.message,
            time=event.at,
            gateway=self._gateway,
            trace=envelope.traceparent[3:35],
            to=envelope.provider,
            channel="adapter",
            consumer=envelope.consumer,
            agency=envelope.agency,
            provider=envelope.provider,
            service=envelope.service,
            version=envelope.version,
            operation=envelope.operation,
            purpose=envelope.purpose,
            grant=event.grant,
            subject=envelope.subject,
            on_behalf_of=envelope.on_behalf_of,
            attempt=event.attempt,
            outcome=event.outcome,
            state=event.state,
            by=event.by,
            status=event.status,
            request_digest="" if event.body is None else entries.digest(salt, event.body),
            request_size=len(event.body or b""),
            answer_digest="" if event.answer is None else entries.digest(salt, event.answer),
            answer_size=len(event.answer or b""),
            provider_ms=round(event.seconds * 1000, 2),
            adapter_ms=event.times.adapter if event.times else None,
            upstream_ms=event.times.upstream if event.times else None,
        ).to_bytes()
