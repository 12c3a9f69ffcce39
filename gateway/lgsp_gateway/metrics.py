"""What a gateway counts, for Prometheus. Labels are bounded: names from the catalogue and problem codes, never a caller's
own words."""

import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from lgsp_gateway.evidence.log import EvidenceLog
from lgsp_gateway.evidence.passage import Passage
from lgsp_problems import Refusal

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SAMPLE_SECONDS = 1.0


class Metrics:
    """The metrics of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "lgsp_calls", "Calls by identified callers", ["service", "operation", "outcome"], registry=self._registry
        )
        self._duration = Histogram(
            "lgsp_call_duration_seconds",
            "From the first byte to the evidence",
            ["service", "operation"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._unidentified = Counter(
            "lgsp_unidentified_calls", "Calls whose token was refused", registry=self._registry
        )
        self._unsaid = 0
        self._last_said = 0.0

    def watch(self, evidence: EvidenceLog) -> None:
        """Show the state of an evidence log."""
        for name, words, value in (
            ("lgsp_evidence_entries_written", "Evidence entries on disk", lambda: evidence.entries_written),
            ("lgsp_evidence_groups_written", "Group commits", lambda: evidence.groups_written),
            ("lgsp_evidence_entries_kept", "Entries that wait for the stream", lambda: evidence.kept),
            (
                "lgsp_evidence_entries_dropped",
                "Entries lost while nothing could be written",
                lambda: evidence.entries_dropped,
            ),
        ):
            Gauge(name, words, registry=self._registry).set_function(value)

    def passed(self, passage: Passage) -> None:
        """Count a call."""
        service, operation = passage.service or "unknown", passage.operation or "unknown"
        self._calls.labels(service, operation, passage.outcome).inc()
        self._duration.labels(service, operation).observe(time.perf_counter() - passage.began)

    def unidentified(self, refusal: Refusal) -> None:
        """Count a call whose caller is not known, and log one a second at most."""
        self._unidentified.inc()
        self._unsaid += 1
        now = time.monotonic()
        if now - self._last_said >= SAMPLE_SECONDS:
            structlog.get_logger().warning("unidentified calls", calls=self._unsaid, last_reason=refusal.detail.en)
            self._unsaid, self._last_said = 0, now

    def exposition(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self._registry)
