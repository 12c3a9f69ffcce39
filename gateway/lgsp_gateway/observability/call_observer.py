"""What a call leaves behind beside its evidence: a count, a span where its trace is recorded, a line in the log for each no, and an
event for those on watch where somebody tried what it may not.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from lgsp_gateway.calls.record import Passage
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
class Watch:
    """Sees the calls of one gateway."""

    metrics: Metrics
    traces: "Traces | None"
    security: SecurityLog
    says_answers: bool = False
    """Whether each answered call is logged too."""

    def answered(self, passage: Passage, traceparent: str, parent: str, check: float, evidence: float) -> None:
        """A call got its answer; `check` and `evidence` in milliseconds."""
        self.metrics.passed(passage)
        if self.says_answers:
            structlog.get_logger().debug("answered", **_decision(passage))
        if self.traces and traceparent.endswith(SAMPLED):
            spent = {"check": check, "provider": passage.provider_ms, "evidence": evidence}
            self.traces.passed(passage, traceparent, parent, spent, (time.perf_counter() - passage.began) * 1000)

    def refused(self, passage: Passage, traceparent: str, parent: str, refusal: Refusal) -> None:
        """A call was refused."""
        self.metrics.passed(passage)
        structlog.get_logger().info("refused", **_decision(passage), code=refusal.code, why=refusal.private)
        if refusal.code in DENIED or refusal.code == "quota-exceeded":
            action = "call-denied" if refusal.code in DENIED else "quota-exceeded"
            self._tell(action, passage, refusal)
        if self.traces is None or not traceparent.endswith(SAMPLED):
            return
        spent = {"provider": passage.provider_ms} if passage.provider_ms else {}
        self.traces.passed(passage, traceparent, parent, spent, (time.perf_counter() - passage.began) * 1000)

    def unidentified(self, message: str, trace: str, address: str, refusal: Refusal) -> None:
        """Somebody called with a token that does not count."""
        self.metrics.unidentified(refusal)
        self.security.event(
            "token-refused",
            "failure",
            "authentication",
            refusal.detail.en,
            event__reason=refusal.code,
            source__ip=address,
            trace__id=trace,
            lgsp__message=message,
        )

    def _tell(self, action: str, passage: Passage, refusal: Refusal) -> None:
        self.security.event(
            action,
            "failure",
            "api",
            refusal.detail.en,
            event__reason=refusal.code,
            user__name=passage.consumer,
            organization__id=passage.agency,
            trace__id=passage.trace,
            lgsp__message=passage.message,
            lgsp__service=passage.service,
            lgsp__operation=passage.operation,
        )


def _decision(passage: Passage) -> dict[str, str | int]:
    """What every log line of a decision says, so that all that was logged of a message is found by its id or its trace."""
    who = {"message": passage.message, "trace": passage.trace, "consumer": passage.consumer, "grant": passage.grant}
    return {**who, "service": passage.service, "operation": passage.operation, "status": passage.status}
