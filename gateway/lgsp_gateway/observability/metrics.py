"""The metrics of a gateway, for Prometheus. The values of labels are bounded: names from the catalogue and problem codes, never a
text that a caller chose.

Calls are counted in plain integers, which become Prometheus samples when they are collected. Why not prometheus-client's own
Counter and Histogram: finding two children by label, two locks and a walk over the buckets took 5.6 µs a call, this
takes 0.6 (measured).
"""

import time
from bisect import bisect_left
from collections import Counter as Counted
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from itertools import accumulate
from typing import Protocol

import structlog
from nats.aio.client import Client
from prometheus_client import CollectorRegistry, Counter, GCCollector, Info, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.delivery.dead_letters.store import DeadLetters
from lgsp_gateway.delivery.entries import EventEntry
from lgsp_gateway.delivery.files.build import Files
from lgsp_gateway.delivery.lanes.lane import LaneState
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.stored_messages import StoredMessages
from lgsp_gateway.delivery.webhooks.sender import WebhookSender
from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.checks import Checks
from lgsp_gateway.observability.delivery_metrics import LaneMetrics, MessageMetrics
from lgsp_gateway.observability.file_metrics import FileMetrics
from lgsp_gateway.observability.storage_metrics import StorageMetrics
from lgsp_gateway.observability.subscription_metrics import SubscriptionMetrics
from lgsp_gateway.observability.waiting_metrics import WaitingMetrics
from lgsp_gateway.observability.webhook_metrics import WebhookMetrics
from lgsp_problems import Refusal
from lgsp_runtime.background import Background

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SAMPLE_SECONDS = 1.0


class _Durations:
    """How long the calls of one operation took: the number of calls in each bucket, those above all bounds in the last one."""

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
        labels = (service, operation, outcome)
        self._outcomes[labels] = self._outcomes.get(labels, 0) + 1
        durations = self._durations.get((service, operation))
        if durations is None:
            durations = self._durations[service, operation] = _Durations()
        durations.buckets[bisect_left(BUCKETS, seconds)] += 1
        durations.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "lgsp_calls", "Calls by identified callers", labels=["service", "operation", "outcome"]
        )
        for labels, number in self._outcomes.items():
            calls.add_metric(labels, number)
        yield calls
        durations = HistogramMetricFamily(
            "lgsp_call_duration_seconds",
            "Duration of calls, from the first byte of the request to its evidence on disk",
            labels=["service", "operation"],
        )
        bounds = [*map(str, BUCKETS), "+Inf"]
        for operation_labels, measured in self._durations.items():
            cumulative = list(zip(bounds, accumulate(measured.buckets), strict=True))
            durations.add_metric(operation_labels, cumulative, measured.seconds)
        yield durations


class _Events(Collector):
    """Events by outcome."""

    def __init__(self) -> None:
        self._outcomes: Counted[tuple[str, str, str]] = Counted()

    def count(self, service: str, event: str, outcome: str) -> None:
        self._outcomes[service, event, outcome] += 1

    def collect(self) -> Iterator[Metric]:
        events = CounterMetricFamily(
            "lgsp_events", "Events of identified publishers", labels=["service", "event", "outcome"]
        )
        for labels, number in self._outcomes.items():
            events.add_metric(labels, number)
        yield events


class _Adapters(Collector):
    """The adapters on the bus. Every gateway reports all of them."""

    def __init__(self, discovery: AdapterDiscovery) -> None:
        self._discovery = discovery

    def collect(self) -> Iterator[Metric]:
        instances = GaugeMetricFamily("lgsp_adapter_instances", "Running instances of an adapter", labels=["service"])
        for instance_service, number in Counted(instance.service for instance in self._discovery.instances).items():
            instances.add_metric([instance_service], number)
        yield instances
        up: dict[tuple[str, str], bool] = {}
        failed: Counted[tuple[str, str, str]] = Counted()
        for service, operation, status in self._discovery.operations():
            upstream = status.get("upstream", {})
            up[service, operation] = up.get((service, operation), False) or bool(upstream.get("up", True))
            for reason, number in upstream.get("failed", {}).items():
                failed[service, operation, reason] += int(number)
        up_family = GaugeMetricFamily(
            "lgsp_upstream_up",
            "1 while the upstream system answered the last call of an instance",
            labels=["service", "operation"],
        )
        for labels, is_up in up.items():
            up_family.add_metric(labels, is_up)
        yield up_family
        failures = CounterMetricFamily(
            "lgsp_upstream_failures",
            "Calls that the upstream system failed, as running instances count them",
            labels=["service", "operation", "reason"],
        )
        for failure_labels, number in failed.items():
            failures.add_metric(failure_labels, number)
        yield failures
        yield from self._collect_watches()

    def _collect_watches(self) -> Iterator[Metric]:
        held: Counted[tuple[str, str]] = Counted()
        changed: Counted[tuple[str, str]] = Counted()
        for service, event, status in self._discovery.watches():
            held[service, event] += status["held"]
            changed[service, event] += status["changed"]
        held_family = GaugeMetricFamily(
            "lgsp_watch_held",
            "Rows and items of watched systems that make no accepted event yet",
            labels=["service", "event"],
        )
        for labels, number in held.items():
            held_family.add_metric(labels, number)
        yield held_family
        changed_family = CounterMetricFamily(
            "lgsp_watch_changed",
            "Rows and items that changed under the id of an event that was published, as running instances count them",
            labels=["service", "event"],
        )
        for labels, number in changed.items():
            changed_family.add_metric(labels, number)
        yield changed_family
        aside: dict[str, int] = {}
        for service, _, status in self._discovery.operations():
            aside[service] = max(aside.get(service, 0), status.get("setAside", {}).get("count", 0))
        aside_family = GaugeMetricFamily(
            "lgsp_adapter_set_aside", "What an adapter could not deliver and has set aside", labels=["service"]
        )
        for aside_service, number in aside.items():
            aside_family.add_metric([aside_service], number)
        yield aside_family


class _Evidence(Collector):
    """The evidence that this gateway has written."""

    def __init__(self, evidence: EvidenceLog, publisher: CheckpointPublisher) -> None:
        self._evidence = evidence
        self._publisher = publisher

    def collect(self) -> Iterator[Metric]:
        evidence, publisher = self._evidence, self._publisher
        entries = "lgsp_evidence_entries", "Evidence entries on disk"
        yield CounterMetricFamily(*entries, value=evidence.entries_written)
        yield CounterMetricFamily("lgsp_evidence_batches", "Group commits", value=evidence.batches_written)
        dropped = "lgsp_evidence_entries_dropped", "Entries lost while the stream could not be written"
        yield CounterMetricFamily(*dropped, value=evidence.entries_dropped)
        yield GaugeMetricFamily(
            "lgsp_evidence_entries_pending", "Entries that wait for the stream", value=evidence.unwritten
        )
        unsigned = "lgsp_evidence_entries_unsigned", "Entries that no checkpoint covers yet"
        yield GaugeMetricFamily(*unsigned, value=publisher.unsigned)


class RequestCounts(Protocol):
    """Requests by how they were handled; see `lgsp_http_requests`."""

    cached: int
    recognised: int
    delegated: int
    kept: int


class _Http(Collector):
    """How the HTTP server handles requests: on the fast path or by aiohttp."""

    def __init__(self, counts: RequestCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        counts = self._counts
        requests = CounterMetricFamily(
            "lgsp_http_requests",
            "Requests by how they were handled: calls on the fast path with a cached head (cached) or a parsed one (recognised),"
            " requests that aiohttp answered (delegated), and connections handed to aiohttp for good (kept, counted once)",
            labels=["way"],
        )
        for handling in ("cached", "recognised", "delegated", "kept"):
            requests.add_metric([handling], getattr(counts, handling))
        yield requests


class _Checks(Collector):
    """The results of the checks that `lgsp doctor` shows."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    def collect(self) -> Iterator[Metric]:
        failed = GaugeMetricFamily("lgsp_check_failed", "1 while a check of lgsp doctor fails", labels=["check"])
        for result in self._checks.results:
            failed.add_metric([result.name], result.problem is not None)
        yield failed


class _Background(Collector):
    """The background tasks and callbacks of this gateway that fail."""

    def __init__(self, background: Background) -> None:
        self._background = background

    def collect(self) -> Iterator[Metric]:
        failing = GaugeMetricFamily("lgsp_background_task_failing", "1 while a background task fails", labels=["task"])
        failures = CounterMetricFamily(
            "lgsp_background_task_failures", "Failures of a background task", labels=["task"]
        )
        for task in self._background.tasks:
            failing.add_metric([task.name], task.failing)
            failures.add_metric([task.name], task.failures)
        yield failing
        yield failures
        callback_failures = CounterMetricFamily(
            "lgsp_background_callback_failures", "Failures of callbacks and short pieces of work", labels=["work"]
        )
        for name, times in self._background.callback_failures.items():
            callback_failures.add_metric([name], times)
        yield callback_failures


class Metrics:
    """The metrics of one gateway, in a Prometheus registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._calls = _Calls()
        self._events = _Events()
        self._registry.register(self._calls)
        self._registry.register(self._events)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        Info("lgsp_build", "The version of lgsp that runs", registry=self._registry).info({"version": version("lgsp")})
        self._unidentified = Counter(
            "lgsp_unidentified_calls", "Calls whose token was refused", registry=self._registry
        )
        self._trials = Counter(
            "lgsp_trials",
            "Calls that somebody only tried, which a sandbox answers; they are not in lgsp_calls",
            labelnames=["service", "operation", "outcome"],
            registry=self._registry,
        )
        self.messages = MessageMetrics(self._registry)
        self.subscriptions = SubscriptionMetrics()
        self._registry.register(self.subscriptions)
        self._unlogged = 0
        self._last_logged = 0.0

    def watch_evidence(self, evidence: EvidenceLog, publisher: CheckpointPublisher) -> None:
        """Export the state of an evidence log from now on."""
        self._registry.register(_Evidence(evidence, publisher))

    def watch(self, collector: Collector) -> None:
        """Export the samples of another part of the gateway, which it collects itself."""
        self._registry.register(collector)

    def watch_checks(self, checks: Checks, background: Background) -> None:
        """Export which checks and which background tasks fail from now on."""
        self._registry.register(_Checks(checks))
        self._registry.register(_Background(background))

    def watch_http(self, counts: RequestCounts) -> None:
        """Export how requests are handled from now on."""
        self._registry.register(_Http(counts))

    def watch_waiting(self, work: StoredMessages, dead_letters: DeadLetters, background: Background) -> None:
        """Export how much waits to be delivered, and for a person, from now on."""
        self._registry.register(WaitingMetrics(work, dead_letters, background))

    def watch_lanes(self, states: Callable[[], Iterable[LaneState]]) -> None:
        """Export the lanes of delivery from now on."""
        self._registry.register(LaneMetrics(states))

    def watch_webhooks(self, sender: WebhookSender) -> None:
        """Export what becomes of webhooks from now on."""
        self._registry.register(WebhookMetrics(sender))

    def watch_files(self, files: Files) -> None:
        """Export what is stored of files, and what becomes of them, from now on."""
        self._registry.register(FileMetrics(files))

    def watch_storage(self, bounds: StorageBounds, connection: Client, background: Background) -> None:
        """Export how much is stored, and how much may be, from now on."""
        self._registry.register(StorageMetrics(bounds, connection, background))

    def watch_adapters(self, discovery: AdapterDiscovery) -> None:
        """Export the adapters on the bus from now on."""
        self._registry.register(_Adapters(discovery))

    def count_call(self, record: CallRecord) -> None:
        """Count a call of an identified caller, by service, operation, outcome and duration; a trial apart, since no provider was asked."""
        service, operation = record.service or "unknown", record.operation or "unknown"
        if record.trial_by:
            self._trials.labels(service, operation, record.outcome).inc()
            return
        self._calls.count(service, operation, record.outcome, (record.times.handled + record.times.evidence) / 1000)

    def count_event(self, entry: EventEntry) -> None:
        """Count an event of an identified publisher, by service, event and outcome."""
        self._events.count(entry.service or "unknown", entry.event or "unknown", entry.outcome)

    def count_unidentified(self, refusal: Refusal) -> None:
        """Count a call whose token was refused, and log at most one such line a second."""
        self._unidentified.inc()
        self._unlogged += 1
        now = time.monotonic()
        if now - self._last_logged >= SAMPLE_SECONDS:
            structlog.get_logger().warning("unidentified calls", calls=self._unlogged, last_reason=refusal.detail.en)
            self._unlogged, self._last_logged = 0, now

    def exposition(self) -> bytes:
        """Return all metrics in the Prometheus text format 0.0.4, in UTF-8."""
        return generate_latest(self._registry)
