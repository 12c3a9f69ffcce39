"""One durable pull consumer of JetStream: how it is made, pulled from and acknowledged, as bytes on the connection of delivery.

Its priority group is pinned: the server gives its messages to one of those who pull, and to the next one when that one has not pulled for
`PIN_SECONDS` (NATS ADR-42). Each pull that names the pin renews it; one that has ended before it arrives does nothing else.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from lgsp_gateway.delivery.lanes.lane import ACK_WAIT_SECONDS, Delivery, LaneConfig
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnknownKeyError, UnreadablePayloadError
from lgsp_problems import Refusal
from lgsp_runtime.nats.protocol import decode_headers
from lgsp_runtime.nats.request_reply import NatsRequestReply, Reply, acknowledgement, bus_unavailable

PIN_SECONDS = 3.0
"""After how long without a pull the pin is free."""
PULL_SECONDS = 30.0
"""How long a pull waits at the server."""
API_SECONDS = 5.0
"""How long the server may take to answer."""
MAX_ACK_PENDING = 20_000
"""Messages of a lane that are under way or wait for their next attempt; beyond it a lane gets nothing new."""
GROUP = "lane"
PIN_ID = "Nats-Pin-Id"

_SECOND = 1_000_000_000
_ONLY_ALL = 10101
"""JetStream's error code: consumers of a work queue read all of it."""
_NOT_THERE = 10014
"""JetStream's error code: there is no such consumer."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a delivery of the server says beside its payload and headers.

    Args:
        consumer: of which stream and consumer it is.
        number: of the delivery, among all of its consumer.
    """

    consumer: tuple[str, str]
    sequence: int
    number: int
    num_delivered: int
    published_at: float


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """What the server says of a consumer.

    Args:
        last_delivery: the number of the newest delivery.
        ack_pending: messages that were delivered, and are neither acknowledged nor given up.
        pin: of the gateway that gets its messages; "" where none does.
    """

    last_delivery: int
    ack_pending: int
    pin: str


def read_arrival(reply: bytes) -> Arrival | None:
    """Read the subject that a delivery is acknowledged on (`$JS.ACK.…`, in both forms of NATS ADR-15); None where it is none."""
    parts = reply.decode().split(".")
    if len(parts) == 9:
        stream, consumer, delivered, sequence, number, published = parts[2:8]
    elif len(parts) >= 11:
        stream, consumer, delivered, sequence, number, published = parts[4:10]
    else:
        return None
    return Arrival((stream, consumer), int(sequence), int(number), int(delivered), int(published) / _SECOND)


def make_delivery(
    arrival: Arrival,
    subject: bytes,
    payload: bytes,
    headers: dict[str, str],
    attempt: int,
    cipher: PayloadCipher | None,
) -> Delivery:
    """Make what a handler is given.

    Args:
        payload: as it is stored.
        headers: all that it has.

    Raises:
        UnknownKeyError: the key that it is encrypted by is not there.
    """
    own = {name: value for name, value in headers.items() if name != PIN_ID}
    stream, name = arrival.consumer
    is_damaged = False
    if cipher is not None:
        try:
            payload = cipher.decrypt(subject.decode(), payload)
        except UnknownKeyError as error:
            structlog.get_logger().error("the key of a stored payload is missing", lane=name, error=str(error))
            raise
        except UnreadablePayloadError as error:
            structlog.get_logger().error("stored payload cannot be read", lane=name, error=str(error))
            is_damaged = True
    return Delivery(
        stream,
        subject.decode(),
        arrival.sequence,
        payload,
        own,
        arrival.published_at,
        arrival.num_delivered,
        attempt,
        is_damaged,
    )


@dataclass(frozen=True, slots=True)
class PullEnd:
    """How a pull ended that the server says the end of.

    Args:
        status: 408, 409, 423, 503 or 404.
        undelivered: messages that it asked for in vain; None where the server does not say.
    """

    status: int
    undelivered: int | None


def read_pull_end(headers: bytes) -> PullEnd | None:
    """Read the status that the server ends a pull with; None where it is none."""
    line, _, _ = headers.partition(b"\r\n")
    status = line.split(b" ", 2)[1] if b" " in line else b""
    if not status.isdigit():
        return None
    undelivered = decode_headers(headers).get("Nats-Pending-Messages", "")
    return PullEnd(int(status), int(undelivered) if undelivered.isdigit() else None)


class Consumer:
    """The consumer of one lane, as one gateway uses it.

    Args:
        inbox: the prefix of the subjects that its pulls are answered on, which ends with a dot.
    """

    def __init__(self, bus: NatsRequestReply, config: LaneConfig, inbox: str) -> None:
        self._bus = bus
        self._config = config
        self._inbox = inbox
        self._path = f"{config.stream}.{config.name}"
        self._loop = asyncio.get_running_loop()
        self._pulls: dict[int, tuple[int, float]] = {}
        self._pull_number = 0
        self.pin = ""
        """By which the server knows that this gateway is the one; "" where it is not known to be."""
        self.requested = 0
        """Messages that were asked for and have not come."""

    async def ensure(self, resume_after: int | None = None) -> ConsumerState:
        """Make the consumer, or change it to its configuration.

        Args:
            resume_after: where it is to begin if it is gone, although it was there before: the last sequence that is settled.

        Raises:
            Refusal: `bus-unavailable`.
        """
        info = await self._api("INFO")
        if _error_code(info) == _NOT_THERE:
            info = await self._create(self._server_config() | self._start(resume_after))
            if _error_code(info) == _ONLY_ALL:
                info = await self._create(self._server_config())
        elif "error" not in info and any(
            info["config"].get(key) != value for key, value in self._server_config().items()
        ):
            info = await self._create(info["config"] | self._server_config())
        if "error" in info:
            raise bus_unavailable(str(info["error"].get("description", "")))
        return _state(info)

    async def delete(self) -> None:
        """Delete the consumer, and with it the place that it had in its stream.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await self._api("DELETE")

    def ask_state(self, then: Callable[[ConsumerState | None], None]) -> None:
        """Ask for the state of the consumer.

        Args:
            then: called with it, or with None where no answer came.
        """

        def on_reply(reply: Reply | Refusal | None) -> None:
            info = {} if isinstance(reply, Refusal) else acknowledgement(reply)
            then(_state(info) if "delivered" in info else None)

        self._ask(f"$JS.API.CONSUMER.INFO.{self._path}", b"", on_reply)

    def pull(self, batch: int) -> None:
        """Ask for messages; nothing happens while there is no connection."""
        self._pull_number += 1
        request = {"batch": batch, "expires": int(PULL_SECONDS * _SECOND), "group": GROUP}
        if self._send_pull(self._pull_number, request):
            self._pulls[self._pull_number] = (batch, self._loop.time() + PULL_SECONDS + 1)
            self.requested += batch

    def renew_pin(self) -> None:
        """Tell the server that this gateway is still there, without asking for a message."""
        if self.pin:
            self._send_pull(0, {"batch": 1, "expires": 1, "group": GROUP})

    def count_delivery(self) -> None:
        """Record that a message came."""
        self.requested -= 1
        if self.requested <= 0:
            self.forget_pulls()

    def end_pull(self, number: int, end: PullEnd) -> None:
        """Record that a pull ended."""
        batch, _ = self._pulls.pop(number, (0, 0.0))
        self.requested -= min(batch, batch if end.undelivered is None else end.undelivered)
        if not self._pulls or self.requested < 0:
            self.forget_pulls()

    def expire_pulls(self, now: float) -> None:
        """Forget pulls whose end was not told, since they got all that they asked for or it was lost."""
        for number in [number for number, (_, end) in self._pulls.items() if end < now]:
            del self._pulls[number]
        if not self._pulls:
            self.requested = 0

    def forget_pulls(self) -> None:
        """Record that the server holds no pull any more."""
        self._pulls.clear()
        self.requested = 0

    def acknowledge(self, reply: str) -> None:
        """Tell the server that a message is settled."""
        self._send(reply, b"+ACK")

    def acknowledge_and(self, reply: str, then: Callable[[bool], None]) -> None:
        """Tell the server that a message is settled.

        Args:
            then: called with whether the server knows it.
        """
        self._ask(reply, b"+ACK", lambda answer: then(isinstance(answer, tuple)))

    def hand_back(self, reply: str, seconds: float = 0.0) -> None:
        """Have the server deliver a message again.

        Args:
            seconds: when.
        """
        self._send(reply, b'-NAK {"delay": %d}' % int(seconds * _SECOND) if seconds else b"-NAK")

    def keep_alive(self, reply: str) -> bool:
        """Tell the server that a message is being worked on; it waits again for as long as from its delivery.

        Returns:
            Whether it could be told.
        """
        return self._send(reply, b"+WPI")

    def unpin(self) -> None:
        """Leave the messages to another gateway."""
        if self.pin:
            self.pin = ""
            self._ask(f"$JS.API.CONSUMER.UNPIN.{self._path}", orjson.dumps({"group": GROUP}), lambda _: None)

    def _send_pull(self, number: int, request: dict[str, Any]) -> bool:
        if self.pin:
            request["id"] = self.pin
        reply = f"{self._inbox}{number}"
        return self._send(f"$JS.API.CONSUMER.MSG.NEXT.{self._path}", orjson.dumps(request), reply)

    def _send(self, subject: str, payload: bytes, reply: str = "") -> bool:
        try:
            self._bus.send(subject, payload, reply=reply)
        except Refusal:
            return False
        return True

    def _ask(self, subject: str, payload: bytes, then: Callable[[Reply | Refusal | None], None]) -> None:
        try:
            self._bus.ask(subject, payload, API_SECONDS, then)
        except Refusal as refusal:
            then(refusal)

    async def _api(self, verb: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        payload = orjson.dumps(document) if document else b""
        reply = await self._bus.request(f"$JS.API.CONSUMER.{verb}.{self._path}", payload, API_SECONDS, repeatable=False)
        answer: dict[str, Any] = orjson.loads(reply)
        return answer

    async def _create(self, config: dict[str, Any]) -> dict[str, Any]:
        return await self._api("CREATE", {"stream_name": self._config.stream, "config": config, "action": ""})

    def _server_config(self) -> dict[str, Any]:
        return {
            "name": self._config.name,
            "durable_name": self._config.name,
            "ack_policy": "explicit",
            "ack_wait": int(ACK_WAIT_SECONDS * _SECOND),
            "max_ack_pending": MAX_ACK_PENDING,
            "filter_subjects": list(self._config.filters),
            "priority_policy": "pinned_client",
            "priority_groups": [GROUP],
            "priority_timeout": int(PIN_SECONDS * _SECOND),
            "max_waiting": 512,
        }

    def _start(self, resume_after: int | None) -> dict[str, Any]:
        after = self._config.start_after if resume_after is None else resume_after
        return {"deliver_policy": "by_start_sequence", "opt_start_seq": after + 1} if after else {}


def _state(info: dict[str, Any]) -> ConsumerState:
    groups = info.get("priority_groups") or [{}]
    pin = groups[0].get("pinned_client_id", "")
    return ConsumerState(info["delivered"]["consumer_seq"], info.get("num_ack_pending", 0), pin)


def _error_code(answer: dict[str, Any]) -> int:
    return int(answer.get("error", {}).get("err_code", 0))
