"""The spans of calls (OpenTelemetry). This module is loaded only where a collector is configured.

A span for the call as its caller sees it, and one child each for the checks, the adapter's answer and the evidence. The adapter's own
span is another child, since the `traceparent` that it receives names the call's span. All are created after the call: while it
runs, only its `traceparent` is needed.
"""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from lgsp_gateway.calls.model import CallRequest
from lgsp_gateway.calls.record import CallRecord
from lgsp_runtime import tracing


class _Ids(RandomIdGenerator):
    """Gives a span the id that was sent in `traceparent` before the span was created."""

    def __init__(self) -> None:
        self.trace = 0
        self.span = 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        sent, self.span = self.span, 0
        return sent or super().generate_span_id()


class Traces:
    """Records the traces of one gateway.

    Args:
        name: the name of the gateway.
    """

    def __init__(self, name: str) -> None:
        self._ids = _Ids()
        self._provider: TracerProvider | None = tracing.create_provider("lgsp-gateway", name, self._ids)
        self._sampling_bound = int(tracing.sampling_ratio() * (1 << 64))

    def begins(self, trace_id: str) -> bool:
        """Return whether a trace that begins here is recorded, by the lower half of its id (32 hex digits), as OpenTelemetry samples."""
        return int(trace_id[16:], 16) < self._sampling_bound

    def stop(self) -> None:
        """Send the spans that wait, and stop."""
        if self._provider:
            self._provider.shutdown()

    def record(self, request: CallRequest, record: CallRecord) -> None:
        """Create and send the span of a call and those of its steps."""
        if self._provider is None:
            return
        tracer = self._provider.get_tracer("lgsp.gateway")
        self._ids.trace, self._ids.span = int(request.trace, 16), int(request.traceparent[36:52], 16)
        began = record.time_ms * 1_000_000
        name = f"{record.service}/{record.operation}" if record.operation else "/services"
        call = tracer.start_span(
            f"POST {name}",
            _context(request.head.parent) if request.head.parent else trace.set_span_in_context(trace.INVALID_SPAN),
            SpanKind.SERVER,
            {
                "http.request.method": "POST",
                "http.response.status_code": record.status,
                "lgsp.message": record.message,
                "lgsp.consumer": record.consumer,
                "lgsp.provider": record.provider,
                "lgsp.service": record.service,
                "lgsp.operation": record.operation,
                "lgsp.purpose": record.purpose,
                "lgsp.grant": record.grant,
                "lgsp.outcome": record.outcome,
            },
            start_time=began,
        )
        if record.status >= 500:
            call.set_status(Status(StatusCode.ERROR, record.outcome))
        within, at = trace.set_span_in_context(call), began
        for step, milliseconds in _steps(record):
            kind = SpanKind.CLIENT if step == "provider" else SpanKind.INTERNAL
            part = tracer.start_span(step, within, kind, start_time=at)
            at += int(milliseconds * 1_000_000)
            part.end(at)
        call.end(began + int((record.times.handled + record.times.evidence) * 1_000_000))


def _context(parent: str) -> Context:
    span = SpanContext(int(parent[3:35], 16), int(parent[36:52], 16), is_remote=True, trace_flags=TraceFlags(1))
    return trace.set_span_in_context(NonRecordingSpan(span))


def _steps(record: CallRecord) -> list[tuple[str, float]]:
    """Return the steps that a call reached, in their order, with their durations in milliseconds."""
    times = record.times
    steps = (("check", times.check), ("provider", times.provider), ("evidence", times.evidence))
    return [(name, milliseconds) for name, milliseconds in steps if milliseconds]
