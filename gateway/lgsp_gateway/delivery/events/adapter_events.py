"""Answers the adapters that publish events (wire protocol 1.1, `docs/protocol/wire-1.md`).

NATS lets an adapter publish the events of the services that its system provides, and nobody else; so the subject says who publishes. An
adapter asks a gateway rather than writing to the stream, since what is in the stream has been checked.
"""

from collections import Counter

import uuid_utils
from nats.aio.client import Client
from nats.aio.msg import Msg

from lgsp_contracts import event_replies, wire_events
from lgsp_contracts.cloudevents import ReceivedEvent
from lgsp_contracts.event_replies import EventAccepted, EventDelayed, EventRefused, Reply
from lgsp_contracts.names import Major, ServiceName, SystemName
from lgsp_contracts.strict_json import Limits
from lgsp_gateway.delivery.events.publication import EventPublication, EventTarget, PublicationRequest
from lgsp_gateway.registry.indexed_documents import System
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.error_frames import forget_frames

MAX_IN_PROGRESS = 512
"""Events of one system that this gateway works on at the same time; the sender of more is asked to wait."""
MAX_BYTES_IN_PROGRESS = 64 * 1024 * 1024
"""Bytes of those events; one alone may be larger."""


class AdapterEvents:
    """Takes the events of adapters on one gateway."""

    def __init__(self, publication: EventPublication, background: Background) -> None:
        self._publication = publication
        self._registry = publication.registry
        self._background = background
        self._in_progress: Counter[str] = Counter()
        self._bytes_in_progress: Counter[str] = Counter()

    async def start(self, connection: Client) -> None:
        """Answer from now on. All gateways share the events."""
        answer = self._background.guard("adapter events", self._on_event)
        await connection.subscribe(wire_events.EVENTS, queue="gateways", cb=answer)
        await connection.flush()

    async def _on_event(self, message: Msg) -> None:
        target = _target_of(message.subject)
        publisher = self._publisher_of(target) if target else None
        if target is None or publisher is None:
            return  # just now retired; who gets no reply asks again
        if not message.reply.startswith(event_replies.reply_prefix(SystemName(publisher.name))):
            return
        others, size = self._bytes_in_progress[publisher.name], len(message.data)
        if self._in_progress[publisher.name] >= MAX_IN_PROGRESS or (others and others + size > MAX_BYTES_IN_PROGRESS):
            await message.respond(event_replies.serialize(EventDelayed()))
            return
        self._in_progress[publisher.name] += 1
        self._bytes_in_progress[publisher.name] += size
        # Not awaited here: nats-py calls one after the other, and each event waits for the disk.
        self._background.run_once("adapter events", self._answer(message, publisher, target))

    def _publisher_of(self, target: EventTarget) -> System | None:
        """Return the system that provides a service in force: nobody else can have sent its event."""
        providers = self._registry.services.providers.get(ServiceName(target.service), {})
        return self._registry.systems.get(providers.get(Major(target.major), ""))

    async def _answer(self, message: Msg, publisher: System, target: EventTarget) -> None:
        try:
            reply = await self._publish(message.data, publisher, target)
        finally:
            self._in_progress[publisher.name] -= 1
            self._bytes_in_progress[publisher.name] -= len(message.data)
        await message.respond(event_replies.serialize(reply))

    async def _publish(self, data: bytes, publisher: System, target: EventTarget) -> Reply:
        async def read(_: Limits) -> list[ReceivedEvent]:
            return [wire_events.parse_event(data)]

        message, salt = str(uuid_utils.uuid7()), self._publication.salts.take()
        trace = self._publication.traceparent(message)
        request = PublicationRequest(message, salt, publisher, target, "adapter", trace, read)
        try:
            [published] = await self._publication.publish(request)
        except Refusal as refusal:
            forget_frames(refusal)  # they hold the event
            return _reply_to(refusal)
        return EventAccepted(published.message, published.repeated, published.salt.hex())


def _target_of(subject: str) -> EventTarget | None:
    _, service, major, event = subject.split(".")
    number = major.removeprefix("v")
    return EventTarget(service, int(number), event) if number.isdecimal() else None


def _reply_to(refusal: Refusal) -> Reply:
    """Tell what will not change from what may: the bus cannot store it now, or the publisher sends too fast."""
    if refusal.kind.status >= 500 or refusal.kind.status == 429:
        return EventDelayed(refusal.retry_after or 1)
    return EventRefused(refusal.code, refusal.detail.vi, refusal.detail.en)
