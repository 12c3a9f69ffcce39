"""Tells the caller of a message that it is over: one event to the webhook endpoint that it named, without what was asked or answered.

The event waits in `LGSP_WORK` and has a lane of its own for each system, so an endpoint that is away keeps nobody else waiting. Whoever is
not reached within the deadline finds the state of the message by asking for it, so no dead letter is made of such an event.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Protocol

import orjson

from lgsp_contracts.names import SystemName
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.delivery.dead_letters.letter import DAMAGED_CODE
from lgsp_gateway.delivery.lanes.back_off import delay
from lgsp_gateway.delivery.lanes.lane import (
    Dead,
    Delivery,
    Done,
    LaneConfig,
    LaneHandler,
    Outcome,
    RetryAfter,
)
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.messages.message_store import MessageRecord
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage
from lgsp_gateway.delivery.streams import WORK, callback_filter, callback_subject
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint
from lgsp_gateway.delivery.webhooks.send_result import Deferred, Delivered, Failed, Gone, Refused, SendResult
from lgsp_gateway.delivery.webhooks.webhook_event import WebhookEvent

PREFIX = "callbacks-"
TYPE = "lgsp.message.completed"
SOURCE = "/messages"
DEADLINE_SECONDS = 72 * 3600


class Sender(Protocol):
    """Sends webhooks."""

    async def send(
        self,
        endpoint: Endpoint,
        message_id: str,
        body: bytes,
        *,
        event: WebhookEvent | None,
        traceparent: str = "",
    ) -> SendResult:
        """Send one webhook to an endpoint; see `WebhookSender`."""


class EndpointLookup(Protocol):
    """The webhook endpoints that exist now."""

    def find(self, endpoint_id: str) -> Endpoint | None:
        """Return the endpoint with an id; None where there is none."""

    def find_named(self, system: SystemName, name: str) -> Endpoint | None:
        """Return the endpoint of a system with a name; None where there is none."""


class Callbacks:
    """The events that tell callers of messages that are over.

    Args:
        now: returns the time in seconds since 1970, on a clock that does not jump ahead.
    """

    def __init__(
        self, work: GroupCommit, lanes: Lanes, endpoints: EndpointLookup, sender: Sender, now: Callable[[], float]
    ) -> None:
        self._work = work
        self._lanes = lanes
        self._endpoints = endpoints
        self._sender = sender
        self._now = now

    async def enqueue(self, record: MessageRecord) -> None:
        """Store the event of a message that is over; it is on disk when this returns. To do it again changes nothing.

        Raises:
            Refusal: `bus-unavailable`.
        """
        envelope = record.envelope
        await self._lanes.announce(WORK, PREFIX + envelope.consumer)
        line = {
            "endpoint": envelope.callback,
            "consumer": envelope.consumer,
            "traceparent": envelope.traceparent,
            "deadline": record.state.changed / 1000 + DEADLINE_SECONDS,
            "id": _event_id(record),
        }
        payload = orjson.dumps(line) + b"\n" + _event(record)
        subject = callback_subject(envelope.consumer, _event_id(record))
        await self._work.publish(NewMessage(subject, payload, message_id=f"completed-{_event_id(record)}"))

    def lane(self, name: str) -> tuple[LaneConfig, LaneHandler] | None:
        """Return configuration and handler of a lane of such events; None where a name is none."""
        consumer = SystemName(name.removeprefix(PREFIX))
        if not name.startswith(PREFIX) or not consumer:
            return None
        return LaneConfig(name, WORK, (callback_filter(consumer),), concurrency=4), self._deliver

    async def _deliver(self, delivery: Delivery) -> Outcome:
        if delivery.is_damaged:  # its caller is told less; the message itself says what became of it
            return Dead(DAMAGED_CODE)
        line, _, event = delivery.payload.partition(b"\n")
        header = orjson.loads(line)
        endpoint = self._endpoints.find(header["endpoint"])
        if endpoint is None or endpoint.system != header["consumer"]:
            return Dead("endpoint-deleted")
        if self._now() >= header["deadline"]:
            return Dead("delivery-deadline-passed")
        completed, trace = WebhookEvent(TYPE, SOURCE, header["id"]), header["traceparent"]
        result = await self._sender.send(endpoint, header["id"], event, event=completed, traceparent=trace)
        return _outcome_of(result, delivery.attempt)


def _outcome_of(result: SendResult, tries: int) -> Outcome:
    wait = partial(delay, tries, random.random)
    if isinstance(result, Delivered):
        return Done()
    if isinstance(result, Gone):
        return Dead("endpoint-gone")
    if isinstance(result, Deferred):
        return RetryAfter(result.seconds, result.reason.value)
    if isinstance(result, Failed):
        return RetryAfter(max(wait(), result.retry_after or 0.0), result.reason.value)
    assert isinstance(result, Refused)
    return RetryAfter(wait(), "endpoint-refused")


def _event_id(record: MessageRecord) -> str:
    number = record.envelope.round
    return f"{record.envelope.message}-{number}" if number else record.envelope.message


def _event(record: MessageRecord) -> bytes:
    """Return the event: a CloudEvent in structured mode."""
    message, state = record.envelope.message, record.state
    href = f"/messages/{message}"
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": _event_id(record),
            "source": SOURCE,
            "type": TYPE,
            "subject": message,
            "time": iso_time(state.changed / 1000),
            "datacontenttype": "application/json",
            "data": {"id": message, "state": state.state, "href": href},
        }
    )
