"""Traces by OpenTelemetry, where its environment variables name a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`); otherwise they cost nothing.

Whether a trace is recorded is decided once, where it begins, and handed on in `traceparent` (W3C Trace Context). For traces that begin
here `OTEL_TRACES_SAMPLER_ARG` says how many are recorded: 1 for all, 0.01 for one in a hundred.
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
    """Tell whether the environment names a collector."""
    return any(os.environ.get(name) for name in COLLECTOR)


def create_provider(service: str, instance: str, ids: "RandomIdGenerator | None" = None) -> "TracerProvider | None":
    """Return the provider that exports the spans of this process; None where no collector is named.

    Args:
        service: the `service.name`, unless OTEL_SERVICE_NAME overrides it.
        instance: the `service.instance.id`.
        ids: generates trace and span ids; None for those of OpenTelemetry.
    """
    if not is_configured():
        return None
    # At the top they would make each process start 0.1 s later (measured), for what most do not use.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

    resource = {"service.instance.id": instance}
    if "OTEL_SERVICE_NAME" not in os.environ:
        resource["service.name"] = service
    provider = TracerProvider(ALWAYS_ON, Resource.create(resource), id_generator=ids)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def sampling_ratio() -> float:
    """Return the share of the traces that begin here which is recorded, from 0 to 1."""
    try:
        return min(1.0, max(0.0, float(os.environ.get("OTEL_TRACES_SAMPLER_ARG", "1"))))
    except ValueError:
        return 1.0


@dataclass(frozen=True, slots=True)
class Spans:
    """Creates spans around work. Without a provider it only passes the trace context on."""

    provider: "TracerProvider | None" = None

    @contextmanager
    def span(
        self, name: str, kind: SpanKind, traceparent: str, attributes: dict[str, str | int] | None = None
    ) -> Iterator[str]:
        """Create a span for the time of the context, and return the `traceparent` for calls from within.

        Errors from within are not recorded: the text of an error may quote a document.

        Args:
            traceparent: of the caller; where it is not sampled, there is no span.
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
        """Export the spans that wait, and shut down."""
        if self.provider:
            self.provider.shutdown()


def traceparent_of(context: trace.SpanContext) -> str:
    """Return the `traceparent` header of a span (W3C Trace Context)."""
    flags = context.trace_flags & TraceFlags.SAMPLED
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"
