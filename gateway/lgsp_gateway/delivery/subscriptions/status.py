"""What its owner is told of a subscription beside what it wrote: whether it moves, why not, and what waits."""

import time
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.delivery_reports import DeliveryReports
from lgsp_gateway.delivery.subscriptions.authorization import refusal_of_any
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.nats.request_reply import bus_unavailable


class SubscriptionStatuses:
    """Tells how subscriptions stand."""

    def __init__(self, registry: RegistrySnapshot, reports: DeliveryReports) -> None:
        self._registry = registry
        self._reports = reports

    def document(self, subscription: Subscription) -> dict[str, Any]:
        """Return a subscription as its owner reads it, with why it stands still where it does."""
        document = subscription.document()
        refusal = refusal_of_any(subscription, self._registry, time.time()) if subscription.state == "active" else None
        if refusal:
            document["blocked"] = {"code": refusal.code, "vi": refusal.detail.vi, "en": refusal.detail.en}
        elif pause := self._reports.pause_of(subscription.consumer_name):
            document["waiting"] = pause.reason
            document["nextAttemptAt"] = iso_time(pause.until)
        return document

    async def backlog(self, connection: Client, subscription: Subscription) -> dict[str, Any] | None:
        """Return how many events wait, how many are under way, and since when the oldest of them; None where no gateway keeps that (a reader of server-sent events
        keeps its own position, and a lane that was never served has none).

        Raises:
            Refusal: `bus-unavailable`.
        """
        if subscription.delivery.kind == "sse":
            return None
        try:
            info = await connection.jetstream().consumer_info(streams.EVENTS, subscription.consumer_name)
        except NotFoundError:
            return None
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        backlog = {"waiting": info.num_pending or 0, "underWay": info.num_ack_pending or 0}
        oldest = await self._oldest_at(connection, info) if any(backlog.values()) else None
        return {**backlog, "oldestAt": iso_time(oldest)} if oldest else backlog

    async def _oldest_at(self, connection: Client, info: ConsumerInfo) -> float | None:
        """Return when the oldest event was stored that a consumer has not settled, in seconds since 1970; None where it is gone by now.

        Raises:
            Refusal: `bus-unavailable`.
        """
        after = (info.ack_floor.stream_seq if info.ack_floor else 0) + 1
        found = []
        for subject in info.config.filter_subjects or [info.config.filter_subject or ">"]:
            try:
                message = await connection.jetstream().get_msg(streams.EVENTS, seq=after, subject=subject, next=True)
            except NotFoundError:
                continue
            except (NatsError, OSError) as error:
                raise bus_unavailable() from error
            if message.time:
                found.append(message.time.timestamp())
        return min(found, default=None)
