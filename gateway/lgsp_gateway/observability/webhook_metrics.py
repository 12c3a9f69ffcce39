"""The metrics of webhooks: what became of the requests to the endpoints of each system."""

from bisect import bisect_left
from collections import Counter as Counted
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.delivery.webhooks.attempts import DELIVERED, describe
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint
from lgsp_gateway.delivery.webhooks.send_result import Delivered, SendResult
from lgsp_gateway.delivery.webhooks.sender import WebhookSender
from lgsp_gateway.delivery.webhooks.webhook_event import WebhookEvent

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)


class WebhookMetrics(Collector):
    """Attempts by system and outcome, how long deliveries took, and how many endpoints fail now.

    Args:
        sender: whose attempts are counted from now on.
    """

    def __init__(self, sender: WebhookSender) -> None:
        self._sender = sender
        self._outcomes: Counted[tuple[str, str]] = Counted()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0
        sender.observers.append(self._count)

    def collect(self) -> Iterator[Metric]:
        """Return the samples of now."""
        attempts = CounterMetricFamily(
            "lgsp_webhook_attempts", "Requests to webhook endpoints", labels=["system", "outcome"]
        )
        for labels, number in self._outcomes.items():
            attempts.add_metric(labels, number)
        yield attempts
        bounds = [*map(str, BUCKETS), "+Inf"]
        yield HistogramMetricFamily(
            "lgsp_webhook_delivery_seconds",
            "Duration of the requests that were answered 2xx",
            buckets=list(zip(bounds, accumulate(self._buckets), strict=True)),
            sum_value=self._seconds,
        )
        failing = GaugeMetricFamily(
            "lgsp_webhook_endpoints_failing", "Endpoints whose breaker is open", labels=["system"]
        )
        for system, number in self._sender.failing().items():
            failing.add_metric([system], number)
        yield failing

    def _count(self, endpoint: Endpoint, _message: str, _event: WebhookEvent | None, result: SendResult) -> None:
        if not isinstance(result, Delivered):
            self._outcomes[endpoint.system, describe(result)["outcome"]] += 1
        else:
            self._outcomes[endpoint.system, DELIVERED] += 1
            self._buckets[bisect_left(BUCKETS, result.ms / 1000)] += 1
            self._seconds += result.ms / 1000
