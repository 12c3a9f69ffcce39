"""What is observed of a call beside its evidence: metrics, a span where its trace is recorded, a log line for each refusal, and a
security event where a caller tried what it is not allowed to do.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from lgsp_auth.policy import CallDenied
from lgsp_gateway.calls.model import CallRequest
from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.delivery.entries import EventEntry
from lgsp_gateway.observability.metrics import Metrics
from lgsp_problems import QuotaExceeded, Refusal, SecretDocument
from lgsp_runtime.security_events import SecurityLog

if TYPE_CHECKING:
    from lgsp_gateway.observability.traces import Traces

SAMPLED = "1"
"""The end of a `traceparent` whose trace is recorded: the `sampled` flag, the only one that is defined."""

DENIED = frozenset(
    {"not-granted", "purpose-not-granted", "unknown-service", "token-not-bound", "person-required", "service-suspended"}
)
"""Refusals because of who calls, not because of what the message contains; each becomes a security event."""

_REPORTED: dict[type[Refusal], str] = {
    QuotaExceeded: "quota-exceeded",
    SecretDocument: "secret-document-refused",
}
"""Refusals that become security events beside those of who may not do something, and their actions."""


@dataclass(frozen=True, slots=True)
class CallTelemetry:
    """Observes the calls and events of one gateway, for metrics, logs, traces and security events; a `CallObserver`.

    Args:
        traces: None where no collector is configured.
        logs_answers: whether answered calls are logged too.
    """

    metrics: Metrics
    traces: "Traces | None"
    security: SecurityLog
    logs_answers: bool = False

    def answered(self, request: CallRequest, record: CallRecord) -> None:
        """Count a call that was answered, and record its span where its trace is recorded."""
        self.metrics.count_call(record)
        if self.logs_answers:
            structlog.get_logger().debug("answered", **_log_fields(record))
        if self.traces and request.traceparent.endswith(SAMPLED):
            self.traces.record(request, record)

    def refused(self, request: CallRequest, record: CallRecord, refusal: Refusal) -> None:
        """Count and log a call that was refused, record its span, and report a denial to the security log."""
        self.metrics.count_call(record)
        structlog.get_logger().info("refused", **_log_fields(record), code=refusal.code, why=refusal.private)
        self._report(
            refusal,
            "call-denied",
            user__name=record.consumer,
            organization__id=record.agency,
            trace__id=record.trace,
            lgsp__message=record.message,
            lgsp__service=record.service,
            lgsp__operation=record.operation,
        )
        if self.traces and request.traceparent.endswith(SAMPLED):
            self.traces.record(request, record)

    def limited(self, record: CallRecord) -> None:
        """Count a call that was refused without evidence, as one above its quota is."""
        self.metrics.count_call(record)

    def unidentified(self, request: CallRequest, refusal: Refusal) -> None:
        """Count a call whose token was refused, and report it to the security log."""
        self.metrics.count_unidentified(refusal)
        self.security.event(
            "token-refused",
            "failure",
            "authentication",
            refusal.detail.en,
            event__reason=refusal.code,
            source__ip=request.head.credentials.address,
            trace__id=request.trace,
            lgsp__message=request.message,
        )

    def begins_trace(self, trace: str) -> bool:
        """Tell whether to record a trace that begins here."""
        return self.traces is not None and self.traces.begins(trace)

    def published(self, entry: EventEntry) -> None:
        """Count an event that was published; a `PublicationObserver`."""
        self.metrics.count_event(entry)

    def publication_refused(self, entry: EventEntry, refusal: Refusal) -> None:
        """Count and log an event that was refused, and report to the security log what its publisher may not do."""
        self.metrics.count_event(entry)
        known = {"message": entry.message, "trace": entry.trace, "publisher": entry.provider, "service": entry.service}
        structlog.get_logger().info(
            "event refused",
            **known,
            event_name=entry.event,
            status=entry.status,
            code=refusal.code,
            why=refusal.private,
        )
        self._report(
            refusal,
            "publication-denied",
            user__name=entry.provider,
            organization__id=entry.agency,
            trace__id=entry.trace,
            lgsp__message=entry.message,
            lgsp__service=entry.service,
            lgsp__operation=entry.event,
        )

    def _report(self, refusal: Refusal, denied: str, **fields: str) -> None:
        """Report a refusal to the security log, where it is one that belongs there.

        Args:
            denied: the action of a refusal of who may not do something.
            fields: as `SecurityLog.event` takes them.
        """
        reported: dict[type[Refusal], str] = {CallDenied: denied, **_REPORTED}
        action = next((action for kind, action in reported.items() if isinstance(refusal, kind)), "")
        if action:
            self.security.event(action, "failure", "api", refusal.detail.en, event__reason=refusal.code, **fields)


def _log_fields(record: CallRecord) -> dict[str, str | int]:
    """Return the fields of every log line of a call, so that the lines of a message are found by its id or its trace."""
    return {
        "message": record.message,
        "trace": record.trace,
        "consumer": record.consumer,
        "grant": record.grant,
        "service": record.service,
        "operation": record.operation,
        "status": record.status,
    }
