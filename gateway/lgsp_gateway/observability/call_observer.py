"""What a call leaves behind beside its evidence: a count, a span where its trace is recorded, a line in the log for each no, and an
event for those on watch where somebody tried what it may not.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from lgsp_gateway.calls.model import CallRequest
from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.observability.metrics import Metrics
from lgsp_problems import Refusal
from lgsp_runtime.security_events import SecurityLog

if TYPE_CHECKING:
    from lgsp_gateway.observability.traces import Traces

SAMPLED = "1"
"""What a `traceparent` ends with whose trace is recorded; of the flags only this one is defined."""

DENIED = frozenset(
    {"not-granted", "purpose-not-granted", "unknown-service", "token-not-bound", "person-required", "service-suspended"}
)
"""Refusals that say who may not, rather than what was wrong with a message."""


@dataclass(frozen=True, slots=True)
class CallTelemetry:
    """Tells operations of the calls of one gateway; a `CallObserver`.

    Args:
        logs_answers: whether each answered call is logged too.
    """

    metrics: Metrics
    traces: "Traces | None"
    security: SecurityLog
    logs_answers: bool = False

    def answered(self, request: CallRequest, record: CallRecord) -> None:
        """Count a call that got its answer."""
        self.metrics.count_call(record)
        if self.logs_answers:
            structlog.get_logger().debug("answered", **_log_fields(record))
        if self.traces and request.traceparent.endswith(SAMPLED):
            self.traces.record(request, record)

    def refused(self, request: CallRequest, record: CallRecord, refusal: Refusal) -> None:
        """Count and log a call that was refused."""
        self.metrics.count_call(record)
        structlog.get_logger().info("refused", **_log_fields(record), code=refusal.code, why=refusal.private)
        if refusal.code in DENIED or refusal.code == "quota-exceeded":
            action = "call-denied" if refusal.code in DENIED else "quota-exceeded"
            self._report_denial(action, record, refusal)
        if self.traces and request.traceparent.endswith(SAMPLED):
            self.traces.record(request, record)

    def limited(self, record: CallRecord) -> None:
        """Count a call that was refused without evidence."""
        self.metrics.count_call(record)

    def unidentified(self, request: CallRequest, refusal: Refusal) -> None:
        """Count a call with a token that does not count, and tell those on watch."""
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

    def _report_denial(self, action: str, record: CallRecord, refusal: Refusal) -> None:
        self.security.event(
            action,
            "failure",
            "api",
            refusal.detail.en,
            event__reason=refusal.code,
            user__name=record.consumer,
            organization__id=record.agency,
            trace__id=record.trace,
            lgsp__message=record.message,
            lgsp__service=record.service,
            lgsp__operation=record.operation,
        )


def _log_fields(record: CallRecord) -> dict[str, str | int]:
    """What every log line of a decision says, so that all that was logged of a message is found by its id or its trace."""
    who = {"message": record.message, "trace": record.trace, "consumer": record.consumer, "grant": record.grant}
    return {**who, "service": record.service, "operation": record.operation, "status": record.status}
