"""Traces by OpenTelemetry, where the usual variables name a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`); without one they cost nothing.

Which traces are recorded is decided once, by whoever begins one, and travels in `traceparent` (W3C Trace Context). For those that begin
here `OTEL_TRACES_SAMPLER_ARG` says how many: 1 for all, 0.01 for one in a hundred.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

COLLECTOR = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_CONTEXT = TraceContextTextMapPropagator()


def is_configured() -> bool:
    """Is a collector named?"""
    return any(os.environ.get(name) for name in COLLECTOR)


def create_provider(service: str, instance: str, ids: "RandomIdGenerator | None" = None) -> "TracerProvider | None":
    """Where spans of this process go; None where no collector is named.

    Args:
        service: its `service.name`, unless OTEL_SERVICE_NAME says another.
    """
    if not is_configured():
        return None
    # Each process here would take 0.1 s longer to start (measured), for what most do not use.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

    resource = {"service.instance.id": instance}
    if "OTEL_SERVICE_NAME" not in os.environ:
        resource["service.name"] = service
    created = TracerProvider(ALWAYS_ON, Resource.create(resource), id_generator=ids)
    created.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return created


def sampling_ratio() -> float:
    """How many of the traces that begin here are recorded, from 0 to 1."""
    try:
        return min(1.0, max(0.0, float(os.environ.get("OTEL_TRACES_SAMPLER_ARG", "1"))))
    except ValueError:
        return 1.0


@dataclass(frozen=True, slots=True)
class Spans:
    """Makes spans for work that goes on now. Without a provider, it only hands the context on."""

    provider: "TracerProvider | None" = None

    @contextmanager
    def span(
        self, name: str, kind: SpanKind, traceparent: str, attributes: dict[str, str | int] | None = None
    ) -> Iterator[str]:
        """A span for a piece of work: the `traceparent` to hand on from within.

        What goes wrong within is not written down: the text of an error may quote a document.
        """
        if self.provider is None or not traceparent.endswith("1"):
            yield traceparent
            return
        tracer = self.provider.get_tracer("lgsp")
        parent = _CONTEXT.extract({"traceparent": traceparent})
        with tracer.start_as_current_span(
            name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as current:
            yield traceparent_of(current.get_span_context())

    def close(self) -> None:
        """Send what waits."""
        if self.provider:
            self.provider.shutdown()


def traceparent_of(context: trace.SpanContext) -> str:
    """A span's place in its trace, as it travels."""
    flags = context.trace_flags & TraceFlags.SAMPLED
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"
