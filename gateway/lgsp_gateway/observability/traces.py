"""The spans of a call, where a collector is named; this module is loaded only then. They are made when it is over: while it runs, nothing but its `traceparent` has to be known.

A span for the call as its caller sees it, and below it one each for the checks, the way to the adapter and back, and the evidence.
The adapter's own span lies below the call's, since that is what its `traceparent` names.
"""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from lgsp_gateway.calls.record import Passage
from lgsp_runtime import tracing


class _Ids(RandomIdGenerator):
    """Gives a span the id under which it was known before it was made."""

    def __init__(self) -> None:
        self.trace = 0
        self.span = 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        known, self.span = self.span, 0
        return known or super().generate_span_id()


class Traces:
    """The traces of one gateway.

    Args:
        name: the gateway's.
    """

    def __init__(self, name: str) -> None:
        self._ids = _Ids()
        self._provider: TracerProvider | None = tracing.provider("lgsp-gateway", name, self._ids)
        self._bound = int(tracing.share() * (1 << 64))

    def begins(self, trace_id: str) -> bool:
        """Whether a trace that begins here is recorded (32 hex digits; by the lower half, as OpenTelemetry does)."""
        return int(trace_id[16:], 16) < self._bound

    def stop(self) -> None:
        """Send what waits."""
        if self._provider:
            self._provider.shutdown()

    def passed(self, passage: Passage, traceparent: str, parent: str, spent: "dict[str, float]", total: float) -> None:
        """Record a call.

        Args:
            traceparent: as the call carried it onwards.
            parent: as its caller sent it; empty where the trace began here.
            spent: milliseconds of each part, in the order in which they came.
            total: milliseconds of all.
        """
        if self._provider is None:
            return
        tracer = self._provider.get_tracer("lgsp.gateway")
        self._ids.trace, self._ids.span = int(traceparent[3:35], 16), int(traceparent[36:52], 16)
        began = passage.time_ms * 1_000_000
        what = f"{passage.service}/{passage.operation}" if passage.operation else "/services"
        call = tracer.start_span(
            f"POST {what}",
            _context(parent) if parent else trace.set_span_in_context(trace.INVALID_SPAN),
            SpanKind.SERVER,
            {
                "http.request.method": "POST",
                "http.response.status_code": passage.status,
                "lgsp.message": passage.message,
                "lgsp.consumer": passage.consumer,
                "lgsp.provider": passage.provider,
                "lgsp.service": passage.service,
                "lgsp.operation": passage.operation,
                "lgsp.purpose": passage.purpose,
                "lgsp.grant": passage.grant,
                "lgsp.outcome": passage.outcome,
            },
            start_time=began,
        )
        if passage.status >= 500:
            call.set_status(Status(StatusCode.ERROR, passage.outcome))
        within, at = trace.set_span_in_context(call), began
        for name, milliseconds in spent.items():
            kind = SpanKind.CLIENT if name == "provider" else SpanKind.INTERNAL
            part = tracer.start_span(name, within, kind, start_time=at)
            at += int(milliseconds * 1_000_000)
            part.end(at)
        call.end(began + int(total * 1_000_000))


def _context(parent: str) -> Context:
    known = SpanContext(int(parent[3:35], 16), int(parent[36:52], 16), is_remote=True, trace_flags=TraceFlags(1))
    return trace.set_span_in_context(NonRecordingSpan(known))
