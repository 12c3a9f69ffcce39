"""The metric of notifications: what was sent by which channel, and what was not accepted."""

from collections import Counter as Counted
from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.notifications.choices import CHANNELS, Channel

SENT, REFUSED = "sent", "refused"


class NotificationMetrics(Collector):
    """Attempts at messages to people, by channel and outcome."""

    def __init__(self) -> None:
        self._attempts: Counted[tuple[str, str]] = Counted()

    def count(self, channel: Channel, fault: str) -> None:
        """Count an attempt.

        Args:
            fault: why it was not accepted; empty where it was.
        """
        self._attempts[channel, REFUSED if fault else SENT] += 1

    def collect(self) -> Iterator[Metric]:
        """Return the samples of now."""
        attempts = CounterMetricFamily(
            "lgsp_notifications", "Attempts at messages to people", labels=["channel", "outcome"]
        )
        for channel in CHANNELS:
            for outcome in (SENT, REFUSED):
                attempts.add_metric([channel, outcome], self._attempts[channel, outcome])
        yield attempts
