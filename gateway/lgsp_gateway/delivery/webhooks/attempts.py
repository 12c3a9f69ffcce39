"""The last attempts of each endpoint, for its developers: what became of them and of which event, without its data.

Each gateway keeps the last few of the endpoints that it sends to, and writes them from time to time as one message in a stream in NATS's
memory. So an attempt costs no write of its own, every gateway can show those of all, and they outlast a restart of a gateway.
"""

import time
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from lgsp_gateway.delivery.webhooks.endpoint import Endpoint
from lgsp_gateway.delivery.webhooks.send_result import Deferred, Delivered, Failed, Gone, SendResult
from lgsp_gateway.delivery.webhooks.webhook_event import WebhookEvent
from lgsp_problems import Refusal
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

STREAM: Final = "LGSP_WEBHOOK_ATTEMPTS"
SUBJECTS = "webhook-attempts."
DELIVERED: Final = "delivered"
"""The outcome of an attempt that was answered 2xx."""
KEPT = 20
"""Attempts of an endpoint in each gateway."""
KEPT_DAYS = 7
FLUSH_SECONDS = 1.0
MAX_AT_ONCE = 200
"""Endpoints whose attempts are written in one round."""
MAX_ENDPOINTS = 10_000
"""Endpoints whose attempts are kept in the memory of a gateway; those that were not used for longest are forgotten there."""
_MAX_BYTES = 64 * 1024 * 1024
_WRITE_SECONDS = 5.0


class _Attempt(NamedTuple):
    at: float
    message: str
    event: WebhookEvent | None
    result: SendResult


class AttemptLog:
    """Keeps the last attempts of each endpoint.

    Args:
        gateway: the name of this gateway.
        bus: writes into the stream.
    """

    def __init__(self, gateway: str, bus: NatsRequestReply) -> None:
        self._gateway = gateway
        self._bus = bus
        self._connection: Client | None = None
        self._attempts: dict[str, deque[_Attempt]] = {}
        self._unwritten: dict[str, None] = {}

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the stream if it is not there.

        Raises:
            Refusal: `cannot-start`.
        """
        self._connection = connection
        config = {
            "name": STREAM,
            "description": "The last attempts of webhook endpoints",
            "subjects": [SUBJECTS + ">"],
            "storage": "memory",
            "num_replicas": replicas,
            "max_msgs_per_subject": 1,
            "max_age": KEPT_DAYS * 86_400 * 1_000_000_000,
            "max_bytes": _MAX_BYTES,
            "allow_direct": True,
        }
        await streams.ensure_raw(connection, config)

    def record(self, endpoint: Endpoint, message_id: str, event: WebhookEvent | None, result: SendResult) -> None:
        """Keep what became of an attempt."""
        kept = self._attempts.pop(endpoint.id, None)
        self._attempts[endpoint.id] = kept = deque(maxlen=KEPT) if kept is None else kept
        kept.append(_Attempt(time.time(), message_id, event, result))
        self._unwritten[endpoint.id] = None
        if len(self._attempts) > MAX_ENDPOINTS:
            del self._attempts[next(iter(self._attempts))]

    async def flush(self) -> None:
        """Write what was recorded since; what cannot be written now is written later."""
        for endpoint_id in list(islice(self._unwritten, MAX_AT_ONCE)):
            del self._unwritten[endpoint_id]
            kept = self._attempts.get(endpoint_id)
            if not kept:
                continue
            try:
                await self._bus.publish(
                    f"{SUBJECTS}{endpoint_id}.{self._gateway}", orjson.dumps(self._described(kept)), {}, _WRITE_SECONDS
                )
            except Refusal as refusal:
                self._unwritten[endpoint_id] = None
                structlog.get_logger().warning("webhook attempts not written", code=refusal.code)
                return

    async def of(self, endpoint_id: str) -> list[dict[str, Any]]:
        """Return the last attempts of an endpoint, of all gateways, the newest first.

        Raises:
            Refusal: `bus-unavailable`.
        """
        own = self._described(self._attempts.get(endpoint_id, ()))
        attempts = own + [one for one in await self._written(endpoint_id) if one not in own]
        return sorted(attempts, key=lambda one: float(one["at"]), reverse=True)

    def _described(self, attempts: Iterable[_Attempt]) -> list[dict[str, Any]]:
        return [
            {
                "at": one.at,
                "message": one.message,
                **({"event": one.event._asdict()} if one.event else {}),
                "gateway": self._gateway,
                **describe(one.result),
            }
            for one in attempts
        ]

    async def _written(self, endpoint_id: str) -> list[dict[str, Any]]:
        if self._connection is None:
            raise bus_unavailable()
        jetstream, attempts = self._connection.jetstream(), []
        try:
            for subject in await streams.subjects(self._connection, STREAM, f"{SUBJECTS}{endpoint_id}.*"):
                try:
                    message = await jetstream.get_last_msg(STREAM, subject, direct=True)
                except NotFoundError:  # it has just become too old
                    continue
                attempts += orjson.loads(message.data or b"[]")
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        return attempts


def describe(result: SendResult) -> dict[str, Any]:
    """Return the members that describe a result, as the API shows an attempt: `outcome`, and what else there is."""
    match result:
        case Delivered(status=status, ms=ms):
            return {"outcome": DELIVERED, "status": status, "ms": round(ms, 1)}
        case Failed(reason=reason, status=status, ms=ms, retry_after=wait):
            failed: dict[str, Any] = {"outcome": reason.value, "ms": round(ms, 1)}
            failed |= {"status": status} if status is not None else {}
            return {**failed, "retryAfter": round(wait)} if wait is not None else failed
        case Gone(ms=ms):
            return {"outcome": "gone", "status": 410, "ms": round(ms, 1)}
        case Deferred(reason=reason_of_deferral):
            return {"outcome": reason_of_deferral.value}
        case _:
            return {"outcome": "url-not-allowed"}
