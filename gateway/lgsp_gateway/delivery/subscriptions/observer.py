"""Who is told of deliveries to subscriptions: the metrics, which `delivery` does not know."""

from typing import Protocol

from lgsp_gateway.delivery.subscriptions.model import Subscription


class SubscriptionObserver(Protocol):
    """Counts what happens."""

    def attempted(self, subscription: Subscription, outcome: str) -> None:
        """Count an attempt.

        Args:
            outcome: `delivered`, or the code of a problem.
        """

    def filtered(self, subscription: Subscription) -> None:
        """Count an event that the filter of a subscription left out."""

    def buried(self, subscription: Subscription, reason: str) -> None:
        """Count an event that became a dead letter."""

    def expired(self, number: int) -> None:
        """Count events that a subscription did not take before their retention ended."""
