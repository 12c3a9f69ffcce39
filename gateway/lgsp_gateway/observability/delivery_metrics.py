"""The metrics of what is delivered later: attempts, and what became of accepted messages, and the lanes.

The values of labels are bounded, as in `metrics`: services and states, the names of systems, problem codes.
"""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.delivery.lanes.lane import LaneState
from lgsp_gateway.delivery.messages.envelope import Envelope

SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0, 86_400.0)


class MessageMetrics:
    """Counts attempts to deliver accepted messages, and messages that are over; a `DeliveryObserver`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "lgsp_message_attempts",
            "Attempts to deliver an accepted message",
            ["service", "operation", "outcome"],
            registry=registry,
        )
        self._completed = Counter(
            "lgsp_messages_completed",
            "Accepted messages that are over: answered, dead, cancelled or given up",
            ["service", "operation", "state", "reason"],
            registry=registry,
        )
        self._seconds = Histogram(
            "lgsp_message_completion_seconds",
            "From the acceptance of a message until it was over",
            ["service"],
            buckets=SECONDS,
            registry=registry,
        )

    def attempted(self, envelope: Envelope, outcome: str, seconds: float) -> None:
        """Count an attempt."""
        del seconds  # the time of a provider is in the evidence and in the traces
        self._attempts.labels(envelope.service, envelope.operation, outcome).inc()

    def completed(self, envelope: Envelope, state: str, reason: str, seconds: float) -> None:
        """Count a message that is over."""
        self._completed.labels(envelope.service, envelope.operation, state, reason).inc()
        self._seconds.labels(envelope.service).observe(seconds)


class LaneMetrics(Collector):
    """Shows the lanes that a gateway serves now.

    Args:
        states: returns those of all lanes.
    """

    def __init__(self, states: Callable[[], Iterable[LaneState]]) -> None:
        self._states = states

    def collect(self) -> Iterator[Metric]:
        """Read the lanes; see `Collector`."""
        known = list(self._states())
        for name, text, number in (
            ("lgsp_lanes", "Lanes that this gateway serves", sum(lane.served_here for lane in known)),
            (
                "lgsp_lanes_paused",
                "Lanes that wait for their destination",
                sum(bool(lane.pause_reason) for lane in known),
            ),
            ("lgsp_lane_attempts", "Attempts under way", sum(lane.running for lane in known)),
            ("lgsp_lane_waiting", "Messages held for a later attempt", sum(lane.waiting for lane in known)),
        ):
            yield GaugeMetricFamily(name, text, value=number)
