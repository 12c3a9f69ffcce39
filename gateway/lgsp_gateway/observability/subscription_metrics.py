"""The metrics of subscriptions: attempts, events left out, dead letters, states, and how many events wait for each.

Labels are ids of subscriptions and problem codes; their number is bounded by the number of subscriptions that a system may have.
"""

import time
from collections import Counter
from collections.abc import Iterator

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.subscriptions.authorization import refusal_of_any
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.delivery.subscriptions.reader import consumers
from lgsp_gateway.delivery.subscriptions.store import SubscriptionStore
from lgsp_gateway.registry.snapshot import RegistrySnapshot

BACKLOG_SECONDS = 15.0
"""How often the server is asked how much waits."""


class SubscriptionMetrics(Collector):
    """Counts the deliveries of one gateway; a `SubscriptionObserver`."""

    def __init__(self) -> None:
        self._attempts: Counter[tuple[str, str, str]] = Counter()
        self._filtered: Counter[tuple[str, str]] = Counter()
        self._dead: Counter[tuple[str, str, str]] = Counter()
        self._expired = 0
        self._backlogs: dict[str, tuple[int, int]] = {}
        self._store: SubscriptionStore | None = None

    def attempted(self, subscription: Subscription, outcome: str) -> None:
        """Count an attempt; see `SubscriptionObserver`."""
        self._attempts[subscription.service, subscription.id, outcome] += 1

    def filtered(self, subscription: Subscription) -> None:
        """Count an event that a filter left out."""
        self._filtered[subscription.service, subscription.id] += 1

    def buried(self, subscription: Subscription, reason: str) -> None:
        """Count an event that became a dead letter."""
        self._dead[subscription.service, subscription.id, reason] += 1

    def expired(self, number: int) -> None:
        """Count events whose retention ended; see `SubscriptionObserver`."""
        self._expired += number

    def watch(self, store: SubscriptionStore, registry: RegistrySnapshot, lanes: Lanes, connection: Client) -> None:
        """Export the states of subscriptions, and what waits for those whose lanes this gateway has, from now on."""
        self._store, self._registry, self._lanes, self._connection = store, registry, lanes, connection

    async def read_backlogs(self) -> None:
        """Ask the server how much waits in the lanes that this gateway has."""
        served = {state.name for state in self._lanes.states() if state.served_here}
        backlogs: dict[str, tuple[int, int]] = {}
        if served:
            try:
                for info in await consumers(self._connection):
                    if info.name in served:
                        backlogs[info.name] = info.num_pending or 0, info.num_ack_pending or 0
            except (NatsError, OSError) as error:
                structlog.get_logger().info("backlogs not read", error=type(error).__name__)
        self._backlogs = backlogs

    def waiting(self) -> dict[str, int]:
        """Return how many events wait for each subscription that this gateway serves, by its id."""
        ids = {one.consumer_name: one.id for one in self._store or ()}
        return {ids[name]: waiting for name, (waiting, _) in self._backlogs.items() if name in ids}

    def collect(self) -> Iterator[Metric]:
        """Return the metrics."""
        attempts = CounterMetricFamily(
            "lgsp_subscription_attempts",
            "Attempts to deliver an event to a subscription",
            labels=["service", "subscription", "outcome"],
        )
        for labels, number in self._attempts.items():
            attempts.add_metric(labels, number)
        yield attempts
        filtered = CounterMetricFamily(
            "lgsp_subscription_filtered",
            "Events that the filter of a subscription left out",
            labels=["service", "subscription"],
        )
        for pair, number in self._filtered.items():
            filtered.add_metric(pair, number)
        yield filtered
        dead = CounterMetricFamily(
            "lgsp_subscription_dead_letters",
            "Events that could not be delivered to a subscription",
            labels=["service", "subscription", "reason"],
        )
        for labels, number in self._dead.items():
            dead.add_metric(labels, number)
        yield dead
        expired = CounterMetricFamily(
            "lgsp_subscription_expired",
            "Events that a subscription did not take before their retention ended",
            value=self._expired,
        )
        yield expired
        if self._store is not None:
            yield from self._collect_states(self._store)

    def _collect_states(self, store: SubscriptionStore) -> Iterator[Metric]:
        states: Counter[str] = Counter({"active": 0, "blocked": 0, "paused": 0, "ended": 0})
        backlog = GaugeMetricFamily(
            "lgsp_subscription_backlog",
            "Events that wait for a subscription, at the gateway that delivers them",
            labels=["service", "subscription", "state"],
        )
        for subscription in store:
            states["blocked" if self._is_blocked(subscription) else subscription.state] += 1
            if subscription.consumer_name in self._backlogs:
                waiting, under_way = self._backlogs[subscription.consumer_name]
                backlog.add_metric([subscription.service, subscription.id, "waiting"], waiting)
                backlog.add_metric([subscription.service, subscription.id, "under-way"], under_way)
        yield backlog
        subscriptions = GaugeMetricFamily(
            "lgsp_subscriptions",
            "Subscriptions; those that nothing allows to receive now are blocked",
            labels=["state"],
        )
        for state, number in states.items():
            subscriptions.add_metric([state], number)
        yield subscriptions

    def _is_blocked(self, subscription: Subscription) -> bool:
        is_active = subscription.state == "active"
        return is_active and refusal_of_any(subscription, self._registry, time.time()) is not None
