"""The evidence of deliveries to subscriptions: an entry for each attempt, on disk before its outcome counts."""

import time
from typing import NamedTuple

from lgsp_contracts.contract import person_in
from lgsp_contracts.entry import digest
from lgsp_gateway.delivery.dead_letters.letter import DeadLetter
from lgsp_gateway.delivery.entries import Channel, DeliveryEntry, DeliveryState
from lgsp_gateway.delivery.subscriptions.subscribed_event import EventDelivery
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.registry.snapshot import RegistrySnapshot


class AttemptOutcome(NamedTuple):
    """What an entry says of an attempt.

    Args:
        attempt: its number, from 1; 0 where nothing was sent.
        outcome: `delivered`, or the code of a problem.
        state: what has become of the event for this subscription.
        status: of HTTP.
        ms: milliseconds that it took.
        by: the principal who decided, where somebody did.
    """

    attempt: int
    outcome: str
    state: DeliveryState
    status: int = 200
    ms: float = 0.0
    answer: bytes = b""
    by: str = ""


class SubscriptionEvidence:
    """Writes the entries of one gateway's deliveries to subscriptions.

    Args:
        gateway: its name in the evidence.
    """

    def __init__(self, gateway: str, log: EvidenceLog, pseudonyms: Pseudonyms) -> None:
        self.gateway = gateway
        self._log = log
        self._pseudonyms = pseudonyms

    async def write(self, delivery: EventDelivery, channel: Channel, outcome: AttemptOutcome) -> None:
        """Write what became of an attempt; it is on disk when this returns.

        Raises:
            Refusal: `evidence-unavailable`.
        """
        subscription, stored, event, authorized = delivery
        entry = DeliveryEntry(
            message=stored.message,
            time=time.time_ns() // 1_000_000,
            gateway=self.gateway,
            trace=stored.traceparent[3:35],
            to=subscription.id,
            channel=channel,
            consumer=subscription.consumer,
            agency=authorized.consumer.agency,
            provider=authorized.contract.provider,
            service=subscription.service,
            version=authorized.contract.version,
            event=stored.event,
            purpose=subscription.purpose,
            grant=authorized.grant.name,
            subject=self.subject_of(delivery),
            attempt=outcome.attempt,
            outcome=f"test-{outcome.outcome}" if stored.is_test else outcome.outcome,
            state=outcome.state,
            by=outcome.by,
            status=outcome.status,
            request_digest=digest(event.salt, event.data) if outcome.attempt else "",
            request_size=len(event.data) if outcome.attempt else 0,
            answer_digest=digest(event.salt, outcome.answer) if outcome.answer else "",
            answer_size=len(outcome.answer),
            provider_ms=outcome.ms,
        )
        await self._log.write(entry.to_bytes())

    def subject_of(self, delivery: EventDelivery) -> str:
        """Return the pseudonym of the person whom an event is about; "" for nobody, as of a test event: its example names nobody who lives."""
        if delivery.stored.is_test:
            return ""
        person = person_in(delivery.stored.document, delivery.authorized.event.subject)
        return self._pseudonyms.of(person) if person else delivery.stored.subject

    async def write_decision(
        self, letter: DeadLetter, registry: RegistrySnapshot, outcome: str, state: DeliveryState, by: str
    ) -> None:
        """Write what somebody did with a dead letter, or that events have expired.

        Args:
            by: who, as histories name principals; "" where nobody decided.

        Raises:
            Refusal: `evidence-unavailable`.
        """
        contract, system = registry.contract(letter.service, letter.major), registry.systems.get(letter.owner)
        entry = DeliveryEntry(
            message=letter.envelope.get("message", letter.message),
            time=time.time_ns() // 1_000_000,
            gateway=self.gateway,
            to=letter.subscription,
            channel=letter.envelope["channel"],
            consumer=letter.owner,
            agency=system.agency if system else "",
            provider=contract.provider if contract else "",
            service=letter.service,
            version=contract.version if contract else "",
            event=letter.name,
            purpose=letter.envelope["purpose"],
            grant="",
            subject=letter.envelope["subject"],
            attempt=0,
            outcome=outcome,
            state=state,
            by=by,
            status=200 if by else 504,
        )
        await self._log.write(entry.to_bytes())
