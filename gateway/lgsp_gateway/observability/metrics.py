"""What a gateway counts, for Prometheus. Labels are bounded: names from the catalogue and problem codes, never a caller's
own words.

Calls are counted in plain numbers, which become Prometheus samples when somebody asks. Why not prometheus-client's own
Counter and Histogram: finding two children by label, two locks and a walk over the buckets took 5.6 µs a call, this
takes 0.6 (measured).
"""

import time
from bisect import bisect_left
from collections import Counter as Counted
from collections.abc import Iterator
from importlib.metadata import version
from itertools import accumulate
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter, GCCollector, Info, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.checks import Checks
from lgsp_problems import Refusal
from lgsp_runtime.background import Background

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SAMPLE_SECONDS = 1.0


class _Durations:
    """How long the calls of one operation took: a count for each bucket, the last for what is longer than all."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0


class _Calls(Collector):
    """Calls by outcome and by duration."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, str, str], int] = {}
        self._durations: dict[tuple[str, str], _Durations] = {}

    def count(self, service: str, operation: str, outcome: str, seconds: float) -> None:
        named = (service, operation, outcome)
        self._outcomes[named] = self._outcomes.get(named, 0) + 1
        durations = self._durations.get((service, operation))
        if durations is None:
            durations = self._durations[service, operation] = _Durations()
        durations.buckets[bisect_left(BUCKETS, seconds)] += 1
        durations.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "lgsp_calls", "Calls by identified callers", labels=["service", "operation", "outcome"]
        )
        for named, number in self._outcomes.items():
            calls.add_metric(named, number)
        yield calls
        durations = HistogramMetricFamily(
            "lgsp_call_duration_seconds", "From the first byte to the evidence", labels=["service", "operation"]
        )
        bounds = [*map(str, BUCKETS), "+Inf"]
        for operation, taken in self._durations.items():
            durations.add_metric(operation, list(zip(bounds, accumulate(taken.buckets), strict=True)), taken.seconds)
        yield durations


class _Adapters(Collector):
    """The adapters on the bus. Every gateway tells of all of them."""

    def __init__(self, discovery: AdapterDiscovery) -> None:
        self._discovery = discovery

    def collect(self) -> Iterator[Metric]:
        copies = GaugeMetricFamily("lgsp_adapter_instances", "Running instances of an adapter", labels=["service"])
        for running, number in Counted(copy.service for copy in self._discovery.instances).items():
            copies.add_metric([running], number)
        yield copies
        up: dict[tuple[str, str], bool] = {}
        failed: dict[tuple[str, str, str], int] = {}
        for service, operation, said in self._discovery.operations():
            upstream = said.get("upstream", {})
            up[service, operation] = up.get((service, operation), False) or bool(upstream.get("up", True))
            for why, number in upstream.get("failed", {}).items():
                failed[service, operation, why] = failed.get((service, operation, why), 0) + int(number)
        ups = GaugeMetricFamily(
            "lgsp_upstream_up", "Did the system behind answer the last call of a copy", labels=["service", "operation"]
        )
        for named, holds in up.items():
            ups.add_metric(named, holds)
        yield ups
        failures = CounterMetricFamily(
            "lgsp_upstream_failures",
            "Calls that the system behind failed, as running copies count",
            labels=["service", "operation", "reason"],
        )
        for reason, number in failed.items():
            failures.add_metric(reason, number)
        yield failures


class _Evidence(Collector):
    """What this gateway has written down."""

    def __init__(self, evidence: EvidenceLog, publisher: CheckpointPublisher) -> None:
        self._evidence = evidence
        self._publisher = publisher

    def collect(self) -> Iterator[Metric]:
        evidence, publisher = self._evidence, self._publisher
        written = "lgsp_evidence_entries", "Evidence entries on disk"
        yield CounterMetricFamily(*written, value=evidence.entries_written)
        yield CounterMetricFamily("lgsp_evidence_batches", "Group commits", value=evidence.batches_written)
        dropped = "lgsp_evidence_entries_dropped", "Entries lost while nothing could be written"
        yield CounterMetricFamily(*dropped, value=evidence.entries_dropped)
        yield GaugeMetricFamily(
            "lgsp_evidence_entries_pending", "Entries that wait for the stream", value=evidence.kept
        )
        unsigned = "lgsp_evidence_entries_unsigned", "Entries that no checkpoint covers yet"
        yield GaugeMetricFamily(*unsigned, value=publisher.unsigned)


class RequestCounts(Protocol):
    """Requests by the way they took."""

    cached: int
    recognised: int
    delegated: int
    kept: int


class _Http(Collector):
    """Which way requests take through the HTTP server."""

    def __init__(self, counts: RequestCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        counts = self._counts
        requests = CounterMetricFamily(
            "lgsp_http_requests",
            "Requests by the way they took: calls on the fast path, their head known (cached) or read (recognised), and what"
            " aiohttp answered alone (delegated) or on a connection that it has for good (kept, counted once)",
            labels=["way"],
        )
        for way in ("cached", "recognised", "delegated", "kept"):
            requests.add_metric([way], getattr(counts, way))
        yield requests


class _Checks(Collector):
    """What `lgsp doctor` says."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    def collect(self) -> Iterator[Metric]:
        failed = GaugeMetricFamily("lgsp_check_failed", "1 where lgsp doctor has something to say", labels=["check"])
        for found in self._checks.results:
            failed.add_metric([found.name], found.wrong is not None)
        yield failed


class _Background(Collector):
    """The background tasks of this gateway, and what else broke beside the calls."""

    def __init__(self, background: Background) -> None:
        self._background = background

    def collect(self) -> Iterator[Metric]:
        failing = GaugeMetricFamily(
            "lgsp_background_task_failing", "1 while a task does not do its work", labels=["task"]
        )
        failures = CounterMetricFamily("lgsp_background_task_failures", "How often a task failed", labels=["task"])
        for task in self._background.tasks:
            failing.add_metric([task.name], task.failing)
            failures.add_metric([task.name], task.failures)
        yield failing
        yield failures
        broken = CounterMetricFamily(
            "lgsp_background_callback_failures", "Callbacks and small works that broke", labels=["work"]
        )
        for name, times in self._background.callback_failures.items():
            broken.add_metric([name], times)
        yield broken


class Metrics:
    """The metrics of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._calls = _Calls()
        self._registry.register(self._calls)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        Info("lgsp_build", "What runs here", registry=self._registry).info({"version": version("lgsp")})
        self._unidentified = Counter(
            "lgsp_unidentified_calls", "Calls whose token was refused", registry=self._registry
        )
        self._unlogged = 0
        self._last_logged = 0.0

    def watch_evidence(self, evidence: EvidenceLog, publisher: CheckpointPublisher) -> None:
        """Show the state of an evidence log."""
        self._registry.register(_Evidence(evidence, publisher))

    def watch_checks(self, checks: Checks, background: Background) -> None:
        """Show which checks fail, and which background tasks."""
        self._registry.register(_Checks(checks))
        self._registry.register(_Background(background))

    def watch_http(self, counts: RequestCounts) -> None:
        """Show which way requests take."""
        self._registry.register(_Http(counts))

    def watch_adapters(self, discovery: AdapterDiscovery) -> None:
        """Show the adapters on the bus."""
        self._registry.register(_Adapters(discovery))

    def count_call(self, record: CallRecord) -> None:
        """Count a call."""
        service, operation = record.service or "unknown", record.operation or "unknown"
        self._calls.count(service, operation, record.outcome, (record.times.handled + record.times.evidence) / 1000)

    def count_unidentified(self, refusal: Refusal) -> None:
        """Count a call whose caller is not known, and log one a second at most."""
        self._unidentified.inc()
        self._unlogged += 1
        now = time.monotonic()
        if now - self._last_logged >= SAMPLE_SECONDS:
            structlog.get_logger().warning("unidentified calls", calls=self._unlogged, last_reason=refusal.detail.en)
            self._unlogged, self._last_logged = 0, now

    def exposition(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self._registry)
