"""Publishes the events of an adapter's system on the bus, and returns when they are on disk.

An event is sent by request and reply, and sent again with the same id until a gateway has accepted or refused it: when there is no reply, no
gateway, no connection. The bus counts what it has seen before once, so nothing is lost and nothing comes twice. Events with the same ordering
key are sent one after the other; others at the same time, `IN_FLIGHT` at most, so that memory is bounded: whoever publishes more waits.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError

from lgsp_adapters.adapter import EventIdUsed, EventPublisher, PublicationRefused
from lgsp_adapters.host.gateway_client import GatewayClient
from lgsp_contracts import cloudevents, event_replies, exact_json, whole_numbers, wire_events
from lgsp_contracts.contract import Contract
from lgsp_contracts.event import Event
from lgsp_contracts.names import SystemName
from lgsp_problems import EventConflict, Refusal
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.client import CallClient

REPLY_SECONDS = 10.0
"""How long a gateway may take; it writes the event to disk."""
IN_FLIGHT = 64
"""Events that are sent and not accepted yet, at most."""
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0


class NatsEventPublisher(GatewayClient, EventPublisher):
    """The events of one adapter.

    Args:
        system: the system of the manifest.
    """

    def __init__(self, system: str, contract: Contract) -> None:
        super().__init__(event_replies.reply_prefix(SystemName(system)))
        self._source = cloudevents.source_of(system)
        self._contract = contract
        self._connected = asyncio.Event()
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._keys: dict[str, _KeyQueue] = {}
        self._log = structlog.get_logger().bind(service=contract.service)

    async def connect(self, connection: CallClient) -> None:
        """Publish over this connection from now on.

        Raises:
            nats.errors.Error: the connection is gone.
        """
        await super().connect(connection)
        self._connected.set()

    def disconnect(self, connection: CallClient) -> None:
        """Use a connection no more; what waits for a reply on it is sent again over another."""
        super().disconnect(connection)
        if not self._connections:
            self._connected.clear()

    async def publish(
        self,
        event: str,
        data: Any,
        *,
        id: str,  # noqa: A002 - as CloudEvents names it
        time: datetime | str | None = None,
        traceparent: str = "",
    ) -> str:
        """Publish an event; see `Adapter.publish`."""
        declared = self._contract.events.get(event)
        if declared is None:
            raise _unknown_event(event, self._contract)
        context = wire_events.EventContext(id, self._source, declared.type, _instant(time), traceparent)
        message = wire_events.publish(context, serialize_data(declared, data))
        subject = wire_events.event_subject(self._contract.service, self._contract.major, declared.name)
        async with self._turn_of(declared.ordering_key_of(data)), self._slots:
            return await self._send_until_decided(subject, message)

    @asynccontextmanager
    async def _turn_of(self, key: str | None) -> AsyncIterator[None]:
        """Wait until the events with the same key that came before are accepted or refused."""
        if key is None:
            yield
            return
        queue = self._keys.setdefault(key, _KeyQueue())
        queue.length += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.length -= 1
            if not queue.length:
                del self._keys[key]

    async def _send_until_decided(self, subject: str, message: bytes) -> str:
        pause = FIRST_PAUSE
        while True:
            await self._connected.wait()
            reply = await self._send(subject, message)
            if isinstance(reply, event_replies.EventAccepted):
                return reply.message
            if isinstance(reply, event_replies.EventRefused):
                refusal = EventIdUsed if reply.code == EventConflict.CODE else PublicationRefused
                raise refusal(reply.code, reply.vi, reply.en)
            least = reply.retry_after if reply else 0
            await asyncio.sleep(max(least, pause * random.uniform(0.5, 1)))  # noqa: S311 - no secret
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _send(self, subject: str, message: bytes) -> event_replies.Reply | None:
        """Send an event once; None where it is unknown whether it was accepted."""
        try:
            reply = await self._request(subject, message, REPLY_SECONDS)
        except MaxPayloadError as error:
            raise _too_large() from error
        except (Refusal, NatsError, OSError) as error:
            if isinstance(error.__cause__, MaxPayloadError):
                raise _too_large() from error
            self._log.warning("event not accepted yet, trying again", error=type(error).__name__, frames=frames(error))
            return None
        return event_replies.parse(reply)


class _KeyQueue:
    """The events of one ordering key that wait for each other."""

    __slots__ = ("length", "lock")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()  # first come, first served
        self.length = 0


def serialize_data(event: Event, data: Any) -> bytes:
    """Serialise the data of an event: numbers keep their digits, integers are written as such.

    Raises:
        PublicationRefused: JSON cannot represent one of its values.
    """
    try:
        return exact_json.dumps(whole_numbers.whole_numbers(event.data.document)(data))
    except exact_json.NotSerializable as error:
        raise PublicationRefused(
            "malformed",
            f"Dữ liệu của sự kiện có giá trị mà JSON không chứa được ({error}); hãy sửa ánh xạ.",
            f"The data of the event cannot be written: {error}; correct the mapping.",
        ) from error


def _instant(time: datetime | str | None) -> str:
    """Write a time by RFC 3339; one without a zone is UTC."""
    if isinstance(time, str):
        return time
    moment = time or datetime.now(UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _unknown_event(event: str, contract: Contract) -> PublicationRefused:
    known: Mapping[str, Event] = contract.events
    names = ", ".join(known) or "-"
    return PublicationRefused(
        "not-found",
        f"Hợp đồng {contract.service} không khai sự kiện này; các sự kiện được khai: {names}.",
        f"The contract of {contract.service} declares no such event; it declares: {names}.",
    )


def _too_large() -> PublicationRefused:
    return PublicationRefused(
        "too-large",
        "Sự kiện lớn hơn một thông điệp trên NATS; hãy gửi phần lớn dưới dạng tệp.",
        "The event is larger than a message on NATS may be; send what is large as a file.",
    )
